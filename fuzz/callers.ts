/** Who sends requests. */
export interface Caller {
  name: string;
  /** What it sends as its key; none for anyone. */
  key?: string;
  scopes: ReadonlySet<string>;
  /** Whether its key is good for some articles alone, of which the planted ones are none. */
  isBound: boolean;
}

/** Something that not everyone may know. */
export interface Secret {
  /** A word that stands nowhere else. */
  word: string;
  what: string;
  isFor: (caller: Caller) => boolean;
}

/** The cast of a run, and what is hidden from some of it. */
export interface Cast {
  callers: Caller[];
  admin: Caller;
  secrets: Secret[];
  /** Addresses of what is hidden, for those to try who may not see it. */
  hidden: string[];
  /** Whether a caller may neither see nor publish what is hidden. */
  isOutsider: (caller: Caller) => boolean;
  /** Ids, slugs and keys that no request may take away. */
  spared: Set<string>;
}

/** Every secret word begins like this. */
export const MARK = "zqsecret";

/** A partner who gets one section of what is published, and nothing of the others. */
const ENTITLED = "entitled partner";

/** Those that may see a working copy: by reading it, or in the answer to a write. */
const SEEING = [
  "drafts:read",
  "articles:write",
  "articles:publish",
  "articles:kill",
  "transfer",
  "audit:read",
];
const mayAny =
  (...scopes: string[]) =>
  ({ scopes: own, isBound }: Caller) =>
    !isBound && scopes.some((scope) => own.has(scope));
const seesDrafts = mayAny(...SEEING);

/** Makes a request of the administrator's and gives what it answers. */
export type Ask = (
  method: string,
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<Record<string, unknown> & { id: string }>;

/** A client for what a run prepares. @throws when the answer is no success */
export function asker(url: string, key: string): Ask {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was to prepare the run and answered ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> & { id: string };
  };
}

/**
 * Makes a key for every role and every scope, bound ones and useless ones, and plants secrets in
 * drafts, comments, reasons, keys, webhooks and plans.
 */
export async function assemble(ask: Ask, adminKey: string, scopes: readonly string[]): Promise<Cast> {
  const spared = new Set<string>();
  const secrets: Secret[] = [];
  const hidden: string[] = [];
  const word = (what: string, isFor: Secret["isFor"]): string => {
    const made = `${MARK}${secrets.length}x`;
    secrets.push({ word: made, what, isFor });
    return made;
  };
  const draftWord = (what: string) => word(what, seesDrafts);

  const [{ id: ownId }] = ((await ask("GET", "/v1/keys")) as unknown as { data: [{ id: string }] }).data;
  spared.add(ownId);
  const section = await ask("POST", "/v1/sections", { name: "The bound desk", slug: "bound-desk" });
  const author = await ask("POST", "/v1/authors", { name: "Bound Author", slug: "bound-author" });
  for (const { id, slug } of [section, author]) spared.add(id).add(String(slug));

  const keyFor = async (name: string, about: object, own: readonly string[], isBound = false) => {
    const { id, secret } = await ask("POST", "/v1/keys", { name, ...about });
    const key = String(secret);
    spared.add(id).add(key);
    secrets.push({ word: key, what: `the key of ${name}`, isFor: () => false });
    return { id, caller: { name, key, scopes: new Set(own), isBound } };
  };
  const roles = (
    (await ask("GET", "/v1/roles")) as unknown as {
      data: { name: string; scopes: string[]; ownDrafts: boolean }[];
    }
  ).data;
  const admin: Caller = { name: "admin", key: adminKey, scopes: new Set(scopes), isBound: false };
  secrets.push({ word: adminKey, what: "the administrator's key", isFor: () => false });
  const callers: Caller[] = [{ name: "anyone", scopes: new Set(), isBound: false }, admin];
  for (const { name, scopes: own, ownDrafts } of roles) {
    if (name !== "admin") callers.push((await keyFor(name, { role: name }, own, ownDrafts)).caller);
  }
  for (const scope of scopes)
    callers.push((await keyFor(`only ${scope}`, { scopes: [scope] }, [scope])).caller);
  const publisher = roles.find(({ name }) => name === "publisher")?.scopes ?? [];
  const bound = { role: "publisher", sections: ["bound-desk"] };
  callers.push((await keyFor("bound publisher", bound, publisher, true)).caller);
  const own = { role: "contributor", author: "bound-author" };
  callers.push(
    (await keyFor("bound contributor", own, ["drafts:read", "articles:write", "comments:write"], true))
      .caller,
  );
  const entitled = { role: "partner", entitlement: { sections: ["bound-desk"] } };
  callers.push((await keyFor(ENTITLED, entitled, ["embargo:read"], true)).caller);
  const revoked = await keyFor("revoked", { role: "admin" }, []);
  await ask("DELETE", `/v1/keys/${revoked.id}`);
  callers.push(revoked.caller);
  callers.push({ name: "wrong", key: `dateline_${"0".repeat(46)}`, scopes: new Set(), isBound: false });

  const hide = async (what: string, content: object = {}, headers?: Record<string, string>) => {
    const slug = draftWord(`the slug of ${what}`);
    const article = await ask(
      "POST",
      "/v1/articles",
      {
        headline: `Hidden ${draftWord(`the headline of ${what}`)}`,
        standfirst: draftWord(`the standfirst of ${what}`),
        slug,
        body: [{ id: "b1", type: "paragraph", text: draftWord(`the body of ${what}`) }],
        keyPoints: [draftWord(`a key point of ${what}`)],
        relatedLinks: [{ title: draftWord(`a link of ${what}`), url: "https://news.invalid/hidden" }],
        ...content,
      },
      headers,
    );
    spared.add(article.id).add(slug);
    hidden.push(article.id, slug);
    for (const list of [article.keyPoints, article.relatedLinks] as { id: string }[][])
      for (const { id } of list) spared.add(id);
    return `/v1/articles/${article.id}`;
  };

  const draft = await hide("a draft", {}, { "idempotency-key": "the-administrators" });
  await ask("POST", `${draft}/comments`, {
    text: word("a comment on a draft", mayAny("drafts:read", "comments:write")),
  });
  await ask("POST", `${draft}/submit`, {
    note: word("a note to the desk", mayAny("drafts:read", "audit:read")),
  });
  const { token } = await ask("POST", `${draft}/previews`, {});
  secrets.push({ word: String(token), what: "the token of a preview", isFor: () => false });
  const later = new Date(Date.now() + 86_400_000 * 300).toISOString();
  await ask("POST", `${await hide("what is scheduled")}/publish`, { at: later });
  const embargoed = await hide("what is under embargo", { embargoedUntil: later });
  const seesEmbargoed = mayAny(...SEEING, "embargo:read");
  for (const secret of secrets) if (secret.what.endsWith("embargo")) secret.isFor = seesEmbargoed;
  await ask("POST", `${embargoed}/publish`, {});
  await ask("DELETE", await hide("what is in the trash"), undefined, { "if-match": "*" });
  const withdrawn = await hide("what was withdrawn for good");
  await ask("POST", `${withdrawn}/publish`, {});
  await ask("POST", `${withdrawn}/kill`, {
    reason: word(
      "why an article was withdrawn",
      mayAny("drafts:read", "articles:kill", "audit:read", "transfer"),
    ),
    publicReason: "A court said so.",
  });

  const changed = await ask("POST", "/v1/articles", { headline: "Seen by all", slug: "seen-by-all" });
  spared.add(changed.id).add("seen-by-all");
  hidden.push(changed.id, "seen-by-all");
  await ask("POST", `/v1/articles/${changed.id}/publish`, {});
  await ask(
    "PATCH",
    `/v1/articles/${changed.id}`,
    { standfirst: draftWord("a change that is not published") },
    { "if-match": "*" },
  );
  await ask("POST", `/v1/articles/${changed.id}/comments`, {
    text: word("a comment on a live article", mayAny("drafts:read", "comments:write")),
  });

  const others = await ask("POST", "/v1/articles", {
    headline: word("a live article of another section", ({ name }) => name !== ENTITLED),
    slug: "of-another-section",
  });
  spared.add(others.id).add("of-another-section");
  hidden.push(others.id, "of-another-section");
  await ask("POST", `/v1/articles/${others.id}/publish`, {});

  const keyName = word("the name of a key", mayAny("keys:manage", "audit:read"));
  const named = await ask("POST", "/v1/keys", { name: keyName, scopes: ["embargo:read"] });
  spared.add(named.id);
  secrets.push({ word: String(named.secret), what: "a key that is never used", isFor: () => false });
  const webhook = await ask("POST", "/v1/webhooks", {
    url: `https://partner.invalid/${word("the address of a webhook", mayAny("webhooks:manage", "audit:read"))}`,
    enabled: false,
  });
  spared.add(webhook.id);
  secrets.push({ word: String(webhook.secret), what: "the secret of a webhook", isFor: () => false });

  return {
    callers,
    admin,
    secrets,
    hidden,
    spared,
    isOutsider: (caller) => caller.isBound || !SEEING.some((scope) => caller.scopes.has(scope)),
  };
}
