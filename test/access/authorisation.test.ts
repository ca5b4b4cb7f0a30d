import { beforeAll, describe, expect, it } from "vitest";
import { type Role, allRoles } from "../../src/access/roles.ts";
import { type Scope, allScopes } from "../../src/access/scopes.ts";
import { stylesheet } from "../../src/pages/stylesheet.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

type Method = "get" | "post" | "put" | "patch" | "delete";

/** How an operation is asked, who may, and what those get. Requests that write stop short of it. */
interface Expected {
  needs: Scope | "nothing" | "key";
  /** A scope that will do as well. */
  or?: Scope;
  allowed: number;
  /** What is answered of a draft that was never published, where that is something else. */
  ofDraft?: number;
  /** Whether a key that is bound to some articles may ask this though it names none. */
  heedsReach?: boolean;
  body?: object;
  headers?: Record<string, string>;
}

const stale = { "if-match": '"0-stale"' };
const read: Expected = { needs: "nothing", allowed: 200 };
const draftsRead: Expected = { needs: "drafts:read", allowed: 200 };
const writing = (allowed: number, body?: object, headers?: Record<string, string>): Expected => ({
  needs: "articles:write",
  allowed,
  ...(body && { body }),
  ...(headers && { headers }),
});
const webhooks = (allowed: number, body?: object, headers?: Record<string, string>): Expected => ({
  ...writing(allowed, body, headers),
  needs: "webhooks:own",
  or: "webhooks:manage",
});
const terms = (path: string, id: string): Record<string, Expected> => ({
  [`get ${path}`]: read,
  [`post ${path}`]: writing(422, {}),
  [`get ${path}/{${id}}`]: read,
  [`patch ${path}/{${id}}`]: writing(412, {}, stale),
  [`delete ${path}/{${id}}`]: writing(412, undefined, stale),
});
const items = (path: string, list: object): Record<string, Expected> => ({
  [`get ${path}`]: read,
  [`post ${path}`]: writing(412, list, stale),
  [`put ${path}`]: writing(428, []),
  [`get ${path}/{id}`]: read,
  [`patch ${path}/{id}`]: writing(428, {}),
  [`delete ${path}/{id}`]: writing(428),
});

const operations: Record<string, Expected> = {
  "get /healthz": read,
  "get /readyz": read,
  "get /metrics": read,
  "get /openapi.json": read,
  "get /openapi.yaml": read,
  "get /problems/{name}": read,
  "get /styles/{name}": read,
  "get /preview/{token}": read,
  "get /a/{article}": read,
  "get /v1/articles": read,
  "get /v1/changes": read,
  // The stream itself would not end.
  "get /v1/changes/stream": { needs: "nothing", allowed: 400, headers: { "last-event-id": "none" } },
  "post /v1/articles": { ...writing(422, {}), heedsReach: true },
  "get /v1/articles/{article}": read,
  "patch /v1/articles/{article}": writing(428, {}),
  "put /v1/articles/{article}": writing(428, { headline: "Ferry runs again" }),
  "delete /v1/articles/{article}": writing(428),
  "post /v1/articles/{article}/publish": { needs: "articles:publish", allowed: 412, headers: stale },
  "post /v1/articles/{article}/unpublish": { needs: "articles:publish", allowed: 412, headers: stale },
  "post /v1/articles/{article}/submit": { needs: "articles:write", allowed: 412, headers: stale },
  "post /v1/articles/{article}/return": {
    needs: "articles:write",
    allowed: 412,
    headers: stale,
    body: { note: "Name the harbour." },
  },
  "post /v1/articles/{article}/cancel": { needs: "articles:publish", allowed: 412, headers: stale },
  "post /v1/articles/{article}/kill": {
    needs: "articles:kill",
    allowed: 412,
    headers: stale,
    body: { reason: "An injunction" },
  },
  "get /v1/articles/{article}/recall": {
    needs: "articles:kill",
    or: "keys:manage",
    allowed: 200,
    ofDraft: 404,
  },
  "post /v1/articles/{article}/acknowledgements": { needs: "key", allowed: 404, body: { sequence: 1e9 } },
  "get /v1/articles/{article}/transitions": { needs: "drafts:read", allowed: 200 },
  ...items("/v1/articles/{article}/key-points", { text: "The ferry runs" }),
  ...items("/v1/articles/{article}/related-links", { title: "Ferry stops" }),
  "get /v1/articles/{article}/revisions": draftsRead,
  "get /v1/articles/{article}/revisions/{revision}": draftsRead,
  "get /v1/articles/{article}/revisions/{revision}/diff/{other}": draftsRead,
  "post /v1/articles/{article}/revisions/{revision}/restore": writing(412, undefined, stale),
  "get /v1/articles/{article}/editions": draftsRead,
  "get /v1/articles/{article}/editions/{edition}": { ...draftsRead, ofDraft: 404 },
  "get /v1/articles/{article}/share-counts": read,
  "get /v1/articles/{article}/share-counts/{network}": read,
  "put /v1/articles/{article}/share-counts/{network}": {
    needs: "shares:write",
    allowed: 428,
    body: { count: 1 },
  },
  "delete /v1/articles/{article}/share-counts/{network}": { needs: "shares:write", allowed: 428 },
  "post /v1/articles/{article}/shares": { needs: "nothing", allowed: 201, body: { network: "email" } },
  "post /v1/articles/{article}/previews": { needs: "drafts:read", allowed: 422, body: { expiresIn: 0 } },
  "get /v1/articles/{article}/previews": { needs: "drafts:read", allowed: 200 },
  "delete /v1/articles/{article}/previews/{id}": { needs: "drafts:read", allowed: 404 },
  "get /v1/articles/{article}/editing": { needs: "drafts:read", allowed: 200 },
  "put /v1/articles/{article}/editing": writing(200, { name: "Ana" }),
  "delete /v1/articles/{article}/editing": writing(204),
  "get /v1/articles/{article}/comments": { needs: "drafts:read", allowed: 200 },
  "post /v1/articles/{article}/comments": { needs: "comments:write", allowed: 422, body: {} },
  "get /v1/articles/{article}/comments/{id}": { needs: "drafts:read", allowed: 200 },
  "patch /v1/articles/{article}/comments/{id}": { needs: "comments:write", allowed: 428, body: {} },
  "delete /v1/articles/{article}/comments/{id}": { needs: "comments:write", allowed: 428 },
  "post /v1/imports": { ...writing(422), heedsReach: true, headers: { "content-type": "text/plain" } },
  "get /v1/trash": { needs: "drafts:read", allowed: 200, heedsReach: true },
  "get /v1/trash/{article}": { needs: "drafts:read", allowed: 404 },
  "delete /v1/trash/{article}": { needs: "articles:purge", allowed: 428 },
  "post /v1/articles/{article}/restore": writing(409),
  "get /v1/export": { needs: "transfer", allowed: 200 },
  "post /v1/import": {
    needs: "transfer",
    allowed: 422,
    headers: { "content-type": "application/x-ndjson" },
  },
  "get /v1/articles/{article}/backlinks": read,
  "get /v1/link-health": { needs: "drafts:read", allowed: 200, heedsReach: true },
  "post /v1/bulk": { needs: "nothing", allowed: 422, body: {} },
  "get /v1/feeds/rss.xml": { ...read, heedsReach: true },
  "get /v1/feeds/atom.xml": { ...read, heedsReach: true },
  "get /v1/feeds/feed.json": { ...read, heedsReach: true },
  "get /v1/feeds/sitemap.xml": { ...read, heedsReach: true },
  "get /v1/feeds/sitemap-page.xml": { ...read, heedsReach: true },
  "get /v1/feeds/news-sitemap.xml": { ...read, heedsReach: true },
  ...terms("/v1/sections", "term"),
  ...terms("/v1/tags", "term"),
  ...terms("/v1/authors", "term"),
  "get /v1/audit": { needs: "audit:read", allowed: 200 },
  "get /v1/webhooks": webhooks(200),
  "post /v1/webhooks": webhooks(422, {}),
  "get /v1/webhooks/{webhook}": webhooks(200),
  "patch /v1/webhooks/{webhook}": webhooks(412, {}, stale),
  "delete /v1/webhooks/{webhook}": webhooks(412, undefined, stale),
  "post /v1/webhooks/{webhook}/rotate": webhooks(422, { overlap: -1 }),
  "post /v1/webhooks/{webhook}/test": webhooks(200),
  "post /v1/webhooks/{webhook}/replay": webhooks(422, { since: "" }),
  "get /v1/webhooks/{webhook}/deliveries": webhooks(200),
  "get /v1/webhooks/{webhook}/deliveries/{delivery}": webhooks(404),
  "post /v1/webhooks/{webhook}/deliveries/{delivery}/redeliver": webhooks(404),
  "get /v1/me": { needs: "key", allowed: 200, heedsReach: true },
  "get /v1/articles/{article}/access": { needs: "keys:manage", allowed: 400 },
  "get /v1/roles": read,
  "get /v1/keys": { needs: "keys:manage", allowed: 200 },
  "post /v1/keys": { needs: "keys:manage", allowed: 422, body: {} },
  "get /v1/keys/{key}": { needs: "keys:manage", allowed: 200 },
  "patch /v1/keys/{key}": { needs: "keys:manage", allowed: 409, body: {} },
  "get /v1/keys/{key}/usage": { needs: "keys:manage", allowed: 200 },
  "delete /v1/keys/{key}": { needs: "keys:manage", allowed: 409 },
};

interface Operation {
  "x-scopes"?: string[];
  security?: object[];
  parameters?: { name?: string; in?: string }[];
}

let documented: Record<string, Operation> = {};
let addresses: Record<string, string> = {};
const callers: Record<string, Agent> = {};
/** The webhooks of those who may ask for their own alone. */
const webhooksOf = new Map<Agent, string>();

beforeAll(async () => {
  const { body: document } = await newsroom.reader.get("/openapi.json");
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Operation>>)) {
    for (const [method, operation] of Object.entries(methods)) documented[`${method} ${path}`] = operation;
  }
  const { body: article } = await newsroom.editor.post("/v1/articles").send({
    headline: "Ferry runs again",
    keyPoints: ["It runs hourly"],
    relatedLinks: [{ kind: "source", title: "The timetable", url: "https://example.com/timetable" }],
    section: { name: "Transport" },
    tags: [{ name: "Ferries" }],
    authors: [{ name: "Ana Lima" }],
  });
  const published = await newsroom.editor.post(`/v1/articles/${article.id}/publish`);
  expect(published.status).toBe(200);
  await newsroom.editor
    .put(`/v1/articles/${article.id}/share-counts/whatsapp`)
    .set("if-match", "*")
    .send({ count: 3 });
  const { body: preview } = await newsroom.editor.post(`/v1/articles/${article.id}/previews`).send({});
  const { body: webhook } = await newsroom.editor
    .post("/v1/webhooks")
    .send({ url: "https://partner.invalid/", enabled: false });
  const { body: keys } = await newsroom.editor.get("/v1/keys");
  addresses = {
    "{article}": article.id,
    "/key-points/{id}": `/key-points/${article.keyPoints[0].id}`,
    "/related-links/{id}": `/related-links/${article.relatedLinks[0].id}`,
    "/previews/{id}": `/previews/${article.id}`,
    "/comments/{id}": `/comments/${await commentOn(article.id)}`,
    "{webhook}": webhook.id,
    "{delivery}": article.id,
    "{revision}": "1",
    "{other}": "2",
    "{edition}": "1",
    "{network}": "whatsapp",
    "/sections/{term}": "/sections/transport",
    "/tags/{term}": "/tags/ferries",
    "/authors/{term}": "/authors/ana-lima",
    "{key}": keys.data[0].id,
    "/styles/{name}": stylesheet.address,
    "{name}": "not-found",
    "{token}": preview.token,
  };
  const { body: revoked } = await newsroom.editor
    .post("/v1/keys")
    .send({ name: "Revoked", scopes: allScopes });
  await newsroom.editor.delete(`/v1/keys/${revoked.id}`);
  callers.wrong = newsroom.withHeaders({ authorization: "Bearer dateline_wrong" });
  callers.revoked = newsroom.withHeaders({ authorization: `Bearer ${revoked.secret}` });
  callers.expired = await newsroom.withScopes(allScopes, new Date(Date.now() - 1000).toISOString());
  for (const scope of allScopes) callers[scope] = await newsroom.withScopes([scope]);
  await setUpWebhook(caller("webhooks:own"));
});

async function setUpWebhook(agent: Agent): Promise<void> {
  const { body } = await agent.post("/v1/webhooks").send({ url: "https://partner.invalid/", enabled: false });
  webhooksOf.set(agent, body.id as string);
}

async function commentOn(article: string): Promise<string> {
  const { body } = await newsroom.editor.post(`/v1/articles/${article}/comments`).send({ text: "Hourly?" });
  return body.id as string;
}

function caller(name: string): Agent {
  const found = callers[name];
  if (found === undefined) throw new Error(`there is no caller ${name}`);
  return found;
}

function ask(agent: Agent, operation: string, expected: Expected, query = "", at = addresses) {
  const [method, path] = operation.split(" ") as [Method, string];
  const own = webhooksOf.get(agent);
  const address = Object.entries(own === undefined ? at : { ...at, "{webhook}": own }).reduce(
    (found, [name, value]) => found.replace(name, value),
    path,
  );
  const request = agent[method](address + query).set(expected.headers ?? {});
  return expected.body === undefined ? request : request.send(expected.body);
}

it("is decided here for every operation of the OpenAPI document, and for no other", () => {
  expect(Object.keys(operations).toSorted()).toEqual(Object.keys(documented).toSorted());
});

describe.for(Object.entries(operations))("%s", ([operation, expected]) => {
  const { needs, or, allowed } = expected;
  const looksAtKeys = / \/(v1|a)\//.test(operation);

  it("is documented with the scope that it needs", () => {
    const { "x-scopes": scopes = [], security = [] } = documented[operation] ?? {};
    if (needs === "key") expect({ scopes, security }).toEqual({ scopes: [], security: [{ key: [] }] });
    else if (needs === "nothing")
      expect(security.length === 0 || security.some((one) => Object.keys(one).length === 0)).toBe(true);
    else expect({ first: scopes[0], security }).toEqual({ first: needs, security: [{ key: [] }] });
  });

  it("is open without a key, or answers 401", async () => {
    const answer = await ask(newsroom.reader, operation, expected);
    if (needs === "nothing") {
      expect(answer.status).toBe(allowed);
      return;
    }
    expectProblem(answer, 401, "key-required");
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="dateline"');
  });

  it.for(["wrong", "expired", "revoked"])(
    "answers 401 to a key that is %s, where keys are looked at",
    async (name) => {
      const answer = await ask(caller(name), operation, expected);
      if (looksAtKeys) expectProblem(answer, 401, "key-invalid");
      else expect(answer.status).toBe(allowed);
    },
  );

  it("is open to the scope that it needs, and answers 403 to every other alone", async () => {
    for (const scope of allScopes) {
      const answer = await ask(caller(scope), operation, expected);
      if (needs === "nothing" || needs === "key" || needs === scope || or === scope)
        expect({ scope, status: answer.status }).toEqual({ scope, status: allowed });
      else expect(expectProblem(answer, 403, "scope-missing").detail).toContain(needs);
    }
  });
});

describe("reading with version=draft", () => {
  it("is for drafts:read alone, on each operation that has the parameter", async () => {
    const versioned = Object.keys(documented).filter((operation) =>
      documented[operation]?.parameters?.some(({ name }) => name === "version"),
    );
    expect(versioned.length).toBeGreaterThanOrEqual(8);
    for (const operation of versioned) {
      expectProblem(await ask(newsroom.reader, operation, read, "?version=draft"), 401, "key-required");
      expectProblem(await ask(caller("expired"), operation, read, "?version=draft"), 401, "key-invalid");
      for (const scope of allScopes) {
        const answer = await ask(caller(scope), operation, read, "?version=draft");
        if (scope === "drafts:read")
          expect({ operation, status: answer.status }).toEqual({ operation, status: 200 });
        else expectProblem(answer, 403, "scope-missing");
      }
    }
  });

  it("tells a caller without the scope the same of what is there and of what is not", async () => {
    const { body: hidden } = await newsroom.editor.post("/v1/articles").send({ headline: "Not out yet" });
    const shares = caller("shares:write");
    for (const article of [hidden.id, hidden.slug, "nothing-of-the-kind"] as string[]) {
      expectProblem(await newsroom.reader.get(`/v1/articles/${article}`), 404, "not-found");
      expectProblem(await shares.get(`/v1/articles/${article}`), 404, "not-found");
      expectProblem(await shares.get(`/v1/articles/${article}?version=draft`), 403, "scope-missing");
      expectProblem(
        await newsroom.reader.post(`/v1/articles/${article}/shares`).send({ network: "x" }),
        404,
        "not-found",
      );
      expectProblem(await newsroom.reader.get(`/v1/articles/${article}/share-counts/x`), 404, "not-found");
      expectProblem(await newsroom.reader.get(`/v1/articles/${article}/key-points`), 404, "not-found");
    }
  });
});

describe("publishing by other ways", () => {
  const page = "Ferry stops\n\nThe last one left at noon.\n";

  it("needs articles:publish when an import asks for it", async () => {
    const importing = (agent: Agent) =>
      agent.post("/v1/imports?publish=true").set("content-type", "text/plain").send(page);
    expectProblem(await importing(newsroom.reader), 401, "key-required");
    for (const scope of allScopes) expectProblem(await importing(caller(scope)), 403, "scope-missing");
    const both = await newsroom.withScopes(["articles:write", "articles:publish"]);
    expect((await importing(both)).status).toBe(201);
  });

  it("needs articles:publish to delete what is live, and not otherwise", async () => {
    const { body: article } = await newsroom.editor.post("/v1/articles").send({ headline: "Ferry sold" });
    await newsroom.editor.post(`/v1/articles/${article.id}/publish`);
    const writer = caller("articles:write");
    expectProblem(
      await writer.delete(`/v1/articles/${article.id}`).set("if-match", "*"),
      403,
      "scope-missing",
    );
    expect((await newsroom.reader.get(`/v1/articles/${article.id}`)).status).toBe(200);
    await newsroom.editor.post(`/v1/articles/${article.id}/unpublish`);
    expect((await writer.delete(`/v1/articles/${article.id}`).set("if-match", "*")).status).toBe(204);
  });
});

/** What each role may do, said once more: what src/access/roles.ts says is held against it. */
const granted: Record<Role, readonly Scope[]> = {
  contributor: ["drafts:read", "articles:write", "comments:write"],
  editor: ["drafts:read", "articles:write", "comments:write"],
  publisher: ["drafts:read", "articles:write", "articles:publish", "comments:write", "shares:write"],
  partner: ["embargo:read", "webhooks:own"],
  admin: allScopes,
};

describe("roles", () => {
  /** An article with all that an operation may name in its path; draft unless it is published. */
  async function subject(agent: Agent, content: object): Promise<Record<string, string>> {
    const { body: article } = await agent.post("/v1/articles").send({
      headline: "Bridge opens",
      keyPoints: ["It opens at noon"],
      relatedLinks: [{ kind: "source", title: "The plan", url: "https://example.com/plan" }],
      ...content,
    });
    const counted = await newsroom.editor
      .put(`/v1/articles/${article.id}/share-counts/whatsapp`)
      .set("if-match", "*")
      .send({ count: 3 });
    expect(counted.status).toBe(201);
    await newsroom.editor
      .patch(`/v1/articles/${article.id}`)
      .set("if-match", "*")
      .send({ standfirst: "Soon" });
    return {
      ...addresses,
      "{article}": article.id,
      "/key-points/{id}": `/key-points/${article.keyPoints[0].id}`,
      "/related-links/{id}": `/related-links/${article.relatedLinks[0].id}`,
      "/comments/{id}": `/comments/${await commentOn(article.id)}`,
    };
  }
  const withArticle = Object.entries(operations).filter(([operation]) => operation.includes("{article}"));
  const inRole: Partial<Record<Role, Agent>> = {};
  let kept: Agent;
  let own: Record<string, string>;
  let others: Record<string, string>;
  let ofSection: Record<string, string>;
  let ofOtherSection: Record<string, string>;

  beforeAll(async () => {
    for (const role of allRoles) inRole[role] = await newsroom.withKey({ name: role, role });
    await setUpWebhook(agentOf("partner"));
    const { id: sectionId } = (await newsroom.editor.get("/v1/sections/transport")).body;
    kept = await newsroom.withKey({ name: "Transport desk", role: "admin", sectionIds: [sectionId] });
    own = await subject(agentOf("contributor"), {});
    others = await subject(newsroom.editor, {});
    ofSection = await subject(newsroom.editor, { section: "transport" });
    ofOtherSection = await subject(newsroom.editor, { section: { name: "Weather" } });
  });

  function agentOf(role: Role): Agent {
    const agent = inRole[role];
    if (agent === undefined) throw new Error(`there is no key with the role ${role}`);
    return agent;
  }

  it("are those that are documented, with the scopes that they are said to have", async () => {
    const { body } = await newsroom.reader.get("/v1/roles");
    expect(
      Object.fromEntries(
        (body.data as { name: Role; scopes: Scope[] }[]).map((role) => [role.name, role.scopes]),
      ),
    ).toEqual(granted);
  });

  describe.for(Object.entries(operations))("%s", ([operation, expected]) => {
    const { needs, allowed, ofDraft = allowed, heedsReach = false } = expected;
    const isOpen = (role: Role) => needs === "nothing" || needs === "key" || granted[role].includes(needs);

    it("is open to the roles that have its scope, and to no other", async () => {
      for (const role of allRoles.filter((one) => one !== "contributor")) {
        const answer = await ask(agentOf(role), operation, expected);
        if (isOpen(role)) expect({ role, status: answer.status }).toEqual({ role, status: allowed });
        else expectProblem(answer, 403, "scope-missing");
      }
    });

    it("is open to a contributor where it concerns its own draft alone", async () => {
      const contributor = agentOf("contributor");
      if (!isOpen("contributor")) {
        expectProblem(await ask(contributor, operation, expected), 403, "scope-missing");
      } else if (operation.includes("{article}") && needs !== "nothing") {
        expect((await ask(contributor, operation, expected, "", own)).status).toBe(ofDraft);
        expectProblem(await ask(contributor, operation, expected, "", others), 404, "not-found");
        // What all can read is no secret.
        expectProblem(await ask(contributor, operation, expected), 403, "out-of-reach");
      } else if (needs === "nothing" || heedsReach) {
        expect((await ask(contributor, operation, expected)).status).toBe(allowed);
      } else {
        expectProblem(await ask(contributor, operation, expected), 403, "out-of-reach");
      }
    });

    it("is open to a key of a section for what is of that section alone", async () => {
      if (operation.includes("{article}") && needs !== "nothing") {
        expect((await ask(kept, operation, expected, "", ofSection)).status).toBe(ofDraft);
        expectProblem(await ask(kept, operation, expected, "", ofOtherSection), 404, "not-found");
        expectProblem(await ask(kept, operation, expected, "", others), 404, "not-found");
      } else if (needs === "nothing" || heedsReach) {
        expect((await ask(kept, operation, expected)).status).toBe(allowed);
      } else {
        expectProblem(await ask(kept, operation, expected), 403, "out-of-reach");
      }
    });
  });

  it("read with version=draft what is within their reach, in every operation that has an article", async () => {
    const reading = withArticle.filter(([operation]) =>
      documented[operation]?.parameters?.some(({ name }) => name === "version"),
    );
    expect(reading.length).toBeGreaterThanOrEqual(7);
    for (const [operation] of reading) {
      for (const [agent, mine, foreign] of [
        [agentOf("contributor"), own, others],
        [kept, ofSection, ofOtherSection],
      ] as const) {
        const answer = await ask(agent, operation, read, "?version=draft", mine);
        expect({ operation, status: answer.status }).toEqual({ operation, status: 200 });
        expectProblem(await ask(agent, operation, read, "?version=draft", foreign), 404, "not-found");
      }
      expect((await ask(agentOf("editor"), operation, read, "?version=draft", others)).status).toBe(200);
      expectProblem(
        await ask(agentOf("partner"), operation, read, "?version=draft", others),
        403,
        "scope-missing",
      );
    }
  });
});

it("is decided before a body is read", async () => {
  const answer = await newsroom.reader
    .post("/v1/articles")
    .set("content-type", "application/json")
    .send("{ not json");
  expectProblem(answer, 401, "key-required");
});
