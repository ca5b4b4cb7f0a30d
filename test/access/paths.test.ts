import { beforeAll, describe, expect, it } from "vitest";
import { readingPublishedAlone } from "../../src/access/scopes.ts";
import { type ShownArticle, change, draft, live, publish } from "../support/articles.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

/** Keys that are entitled to one of two articles, each for another reason or by another way of finding it. */
const entitlements: Record<string, object> = {
  "one section": { sections: ["world"] },
  "several sections": { sections: ["world", "culture"] },
  "one tag": { tags: ["ports"] },
  "several tags": { tags: ["ports", "rail"] },
  "one language": { languages: ["en"] },
  "several languages": { languages: ["en", "de"] },
  "a span": { from: hoursAgo(24) },
  "another span": { from: hoursAgo(24), until: "2100-01-01T00:00:00Z" },
  "all of these": {
    sections: ["world", "culture"],
    tags: ["ports"],
    languages: ["de", "en"],
    from: hoursAgo(24),
  },
  "summaries of a section": { sections: ["world"], content: "summary" },
  "a section, embargoes included": { sections: ["world"], embargoed: true },
};

/** Every way to ask for a list, and what of the article it shows. */
const lists: Record<string, string[]> = {
  "get /v1/articles": [
    "",
    "?sort=oldest",
    "?sort=updated",
    "?sort=mostShared",
    "?sort=mostShared&window=1h",
    "?q=ferries",
    "?q=ferries&sort=newest",
    "?q=ferriez",
    "?publishedAfter=2015-01-01",
    "?publishedAfter=2015-01-01&sort=updated",
    "?updatedAfter=2015-01-01",
    "?author=ana-lima",
    "?ids={inside},{outside}",
    "?asOf={now}",
    "?asOf={now}&sort=updated",
    "?asOf={now}&ids={inside},{outside}",
    "?fields=headline,relatedLinks",
    "?format=jsonld",
    "?format=ninjs",
  ],
  "get /v1/feeds/rss.xml": ["", "?content=summary", "?q=ferries", "?sort=mostShared"],
  "get /v1/feeds/atom.xml": ["", "?content=summary"],
  "get /v1/feeds/feed.json": ["", "?content=summary"],
  "get /v1/feeds/news-sitemap.xml": [""],
  "get /v1/feeds/sitemap-page.xml": [""],
  "get /v1/articles/{article}/backlinks": [""],
};

/** Every way to ask for an article, or for something inside it. */
const articles: Record<string, string[]> = {
  "get /v1/articles/{article}": [
    "",
    "?asOf={now}",
    "?fields=headline",
    ...["json", "jsonld", "ninjs", "text", "markdown", "html"].map((format) => `?format=${format}`),
  ],
  "get /a/{article}": [""],
  "get /v1/articles/{article}/key-points": ["", "?asOf={now}"],
  "get /v1/articles/{article}/key-points/{id}": ["", "?asOf={now}"],
  "get /v1/articles/{article}/related-links": ["", "?asOf={now}"],
  "get /v1/articles/{article}/related-links/{id}": ["", "?asOf={now}"],
  "get /v1/articles/{article}/share-counts": [""],
  "get /v1/articles/{article}/share-counts/{network}": [""],
  "get /v1/articles/{article}/backlinks": [""],
  "post /v1/articles/{article}/shares": [""],
  "put /v1/articles/{article}/share-counts/{network}": [""],
  "delete /v1/articles/{article}/share-counts/{network}": [""],
};

/** What gives no article away. */
const others = [
  "get /healthz",
  "get /readyz",
  "get /metrics",
  "get /openapi.json",
  "get /openapi.yaml",
  "get /problems/{name}",
  "get /styles/{name}",
  // Whoever made the link says who sees the working copy.
  "get /preview/{token}",
  "get /v1/roles",
  "get /v1/me",
  ...["sections", "tags", "authors"].flatMap((kind) => [`get /v1/${kind}`, `get /v1/${kind}/{term}`]),
  // Does what else is here, and as the caller.
  "post /v1/bulk",
  // Counts stretches of addresses: see below.
  "get /v1/feeds/sitemap.xml",
];

/** Told to partners in an order of their own: held against entitlements in test/changes, test/webhooks and test/recall. */
const changes = (operation: string) =>
  /^\w+ \/v1\/(changes|webhooks)/.test(operation) || operation.endsWith("/{article}/acknowledgements");

interface Operation {
  "x-scopes"?: string[];
  security: object[];
}

let documented: Record<string, Operation> = {};
const partners: Record<string, Agent> = {};
let inside: ShownArticle;
let outside: ShownArticle;
let now: string;

/** The words that an article outside is known by. */
const secrets = () => [outside.id, outside.slug, "Obsidian", ...outside.keyPoints.map(({ id }) => id)];

const unknownId = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";

beforeAll(async () => {
  const { body: document } = await newsroom.reader.get("/openapi.json");
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Operation>>))
    for (const [method, operation] of Object.entries(methods)) documented[`${method} ${path}`] = operation;
  for (const slug of ["world", "culture", "sport"])
    await newsroom.editor.post("/v1/sections").send({ name: slug, slug });
  for (const slug of ["ports", "rail"]) await newsroom.editor.post("/v1/tags").send({ name: slug, slug });
  const common = { authors: [{ name: "Ana Lima" }], standfirst: "About ferries" };
  outside = await live(newsroom, {
    ...common,
    headline: "Obsidian ferries",
    section: "sport",
    language: "fr",
    publishedAt: hoursAgo(30),
    keyPoints: ["Obsidian point"],
    body: [{ type: "paragraph", text: "Obsidian body of ferries" }],
    relatedLinks: [{ kind: "source", title: "Obsidian source", url: "https://example.com/obsidian" }],
  });
  const made = await draft(newsroom, {
    ...common,
    headline: "Marigold ferries",
    section: "world",
    tags: ["ports"],
    language: "en",
    keyPoints: ["Marigold point"],
    body: [{ id: "b1", type: "paragraph", text: "Marigold body of ferries" }],
    relatedLinks: [
      { kind: "source", title: "Marigold source", url: "https://example.com/marigold" },
      { kind: "background", articleId: outside.id },
    ],
  });
  await publish(newsroom, made.id);
  // Each links to itself, so that it is among its own backlinks, and to the other.
  for (const [own, other] of [
    [made.id, outside.id],
    [outside.id, made.id],
  ] as const) {
    const { body: read } = await newsroom.editor.get(`/v1/articles/${own}?version=draft`);
    await change(newsroom, own, {
      relatedLinks: [
        ...(read.relatedLinks as ShownArticle["relatedLinks"])
          .slice(0, 1)
          .map(({ id, title, url }) => ({ id, kind: "source", title, url })),
        { kind: "background", articleId: other },
        { kind: "alsoRead", articleId: own },
      ],
    });
    await publish(newsroom, own);
    await newsroom.editor
      .put(`/v1/articles/${own}/share-counts/whatsapp`)
      .set("if-match", "*")
      .send({ count: 3 });
    await newsroom.editor.post(`/v1/articles/${own}/shares`).send({ network: "x" });
  }
  inside = (await newsroom.reader.get(`/v1/articles/${made.id}`)).body as ShownArticle;
  outside = (await newsroom.reader.get(`/v1/articles/${outside.id}`)).body as ShownArticle;
  now = new Date().toISOString();
  for (const [name, entitlement] of Object.entries(entitlements)) {
    const { body } = await newsroom.editor
      .post("/v1/keys")
      .send({ name, scopes: ["embargo:read", "shares:write"], entitlement });
    partners[name] = newsroom.withHeaders({ authorization: `Bearer ${body.secret}` });
  }
});

function partner(name: string): Agent {
  const found = partners[name];
  if (found === undefined) throw new Error(`there is no key for ${name}`);
  return found;
}

/** Asks for something of an article; `id` is that of its first key point or link. */
function ask(agent: Agent, operation: string, query: string, article: string, of: ShownArticle) {
  const [method, path] = operation.split(" ") as ["get" | "post" | "put" | "delete", string];
  const [item] = path.includes("key-points") ? of.keyPoints : of.relatedLinks;
  const address = `${path}${query}`
    .replace("{article}", article)
    .replace("{id}", item?.id ?? "")
    .replace("{network}", "whatsapp")
    .replace("{now}", now)
    .replace("{inside}", inside.id)
    .replace("{outside}", outside.id);
  const asked = agent[method](address);
  if (method === "put") return asked.set("if-match", "*").send({ count: 4 });
  if (method === "delete") return asked.set("if-match", '"stale"');
  return method === "post" ? asked.send({ network: "x" }) : asked;
}

/** What is answered of an article that there is: a removal stops short of it. */
const successOf = (operation: string) =>
  operation.startsWith("post") ? 201 : operation.startsWith("delete") ? 412 : 200;

it("holds every operation of the OpenAPI document that is open to partners", () => {
  const beyond = Object.entries(documented).flatMap(([operation, { "x-scopes": scopes = [], security }]) => {
    const needsScope = scopes.length > 0 && security.every((one) => Object.keys(one).length > 0);
    return needsScope && !(readingPublishedAlone as string[]).includes(scopes[0] ?? "") ? [operation] : [];
  });
  const told = Object.keys(documented).filter(changes);
  const known = new Set([...beyond, ...Object.keys(lists), ...Object.keys(articles), ...others, ...told]);
  expect([...known].toSorted()).toEqual(Object.keys(documented).toSorted());
});

describe.for(Object.keys(entitlements))("a partner with %s", (name) => {
  it.for(
    Object.entries(lists).flatMap(([operation, queries]) =>
      queries.map((query) => [operation, query] as const),
    ),
  )("is shown by %s%s what it is entitled to, and nothing of the rest", async ([operation, query]) => {
    const answer = await ask(partner(name), operation, query, inside.id, inside);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.text).toContain(operation.includes("sitemap") ? inside.slug : "Marigold");
    // What was asked for by name is among what is missing.
    const told = answer.body?.missing === undefined ? answer.text : JSON.stringify(answer.body.data);
    for (const secret of secrets()) expect(told).not.toContain(secret);
    if (answer.body?.missing !== undefined)
      expect(answer.body.missing).toEqual([{ id: outside.id, reason: "not-found" }]);
    const whole = await ask(newsroom.reader, operation, query, inside.id, inside);
    expect(secrets().some((secret) => whole.text.includes(secret))).toBe(true);
  });

  it.for(
    Object.entries(articles).flatMap(([operation, queries]) =>
      queries.map((query) => [operation, query] as const),
    ),
  )("gets %s%s of what it is entitled to, and else as if there were none", async ([operation, query]) => {
    const agent = partner(name);
    for (const reference of [inside.id, inside.slug]) {
      const answer = await ask(agent, operation, query, reference, inside);
      expect(answer.status, answer.text).toBe(successOf(operation));
      for (const secret of secrets()) expect(answer.text ?? "").not.toContain(secret);
    }
    for (const [reference, unknown] of [
      [outside.id, unknownId],
      [outside.slug, "nothing-of-the-kind"],
    ] as const) {
      const refused = await ask(agent, operation, query, reference, outside);
      const absent = await ask(agent, operation, query, unknown, outside);
      expect(refused.status).toBe(404);
      expect({ type: refused.headers["content-type"], text: textOf(refused, reference) }).toEqual({
        type: absent.headers["content-type"],
        text: textOf(absent, unknown),
      });
    }
    expect((await ask(newsroom.editor, operation, query, outside.id, outside)).status).toBe(
      successOf(operation),
    );
  });

  it("counts what it is entitled to alone", async () => {
    for (const query of ["", "&q=ferries", "&sort=mostShared", "&author=ana-lima", `&asOf=${now}`]) {
      const answer = await partner(name).get(`/v1/articles?count=true${query}`);
      expect({ query, total: answer.body.page.total }).toEqual({ query, total: 1 });
    }
    const backlinks = await partner(name).get(`/v1/articles/${inside.id}/backlinks?count=true`);
    expect(backlinks.body.page.total).toBe(1);
  });

  it("is led by the index of sitemaps to as many as hold what it is entitled to", async () => {
    const answer = await partner(name).get("/v1/feeds/sitemap.xml?limit=1");
    expect(answer.text.match(/<loc>/g)).toHaveLength(1);
    expect((await newsroom.reader.get("/v1/feeds/sitemap.xml?limit=1")).text.match(/<loc>/g)).toHaveLength(2);
  });

  it("may not do what needs a scope that reaches past it", async () => {
    const agent = partner(name);
    expectProblem(await agent.get("/v1/articles?version=draft"), 403, "scope-missing");
    expectProblem(await agent.get(`/v1/articles/${inside.id}/editions`), 403, "scope-missing");
    expectProblem(await agent.get("/v1/export"), 403, "scope-missing");
    expectProblem(await agent.get(`/v1/articles/${inside.id}/access?key=${unknownId}`), 403, "scope-missing");
  });
});

/** A problem but for what it was asked about. */
function textOf(
  { text, headers }: { text: string; headers: Record<string, string> },
  reference: string,
): string {
  return text.replaceAll(reference, "…").replaceAll(headers["x-request-id"] ?? "", "…");
}

it("does not show those without an entitlement less than there is, whoever asked before", async () => {
  const asked = async (agent: Agent) => {
    const answers = await Promise.all(
      [
        "/v1/articles",
        `/v1/articles/${inside.id}`,
        "/v1/feeds/rss.xml",
        `/v1/articles/${inside.id}?format=html`,
      ].map((path) => agent.get(path)),
    );
    return answers.map(({ text }) => text.includes("Obsidian"));
  };
  for (const agent of [newsroom.reader, partner("one section"), newsroom.reader, newsroom.editor])
    expect(await asked(agent)).toEqual(Array(4).fill(agent !== partner("one section")));
});
