import { beforeAll, describe, expect, it } from "vitest";
import { type Scope, allScopes } from "../../src/access/scopes.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

type Method = "get" | "post" | "put" | "patch" | "delete";

/** How an operation is asked, who may, and what those get. Requests that write stop short of it. */
interface Expected {
  needs: Scope | "nothing";
  allowed: number;
  body?: object;
  headers?: Record<string, string>;
}

const stale = { "if-match": '"0-stale"' };
const read: Expected = { needs: "nothing", allowed: 200 };
const writing = (allowed: number, body?: object, headers?: Record<string, string>): Expected => ({
  needs: "articles:write",
  allowed,
  ...(body && { body }),
  ...(headers && { headers }),
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
  "get /v1/articles": read,
  "post /v1/articles": writing(422, {}),
  "get /v1/articles/{article}": read,
  "patch /v1/articles/{article}": writing(428, {}),
  "put /v1/articles/{article}": writing(428, { headline: "Ferry runs again" }),
  "delete /v1/articles/{article}": writing(428),
  "post /v1/articles/{article}/publish": { needs: "articles:publish", allowed: 412, headers: stale },
  "post /v1/articles/{article}/unpublish": { needs: "articles:publish", allowed: 412, headers: stale },
  ...items("/v1/articles/{article}/key-points", { text: "The ferry runs" }),
  ...items("/v1/articles/{article}/related-links", { title: "Ferry stops" }),
  "get /v1/articles/{article}/share-counts": read,
  "get /v1/articles/{article}/share-counts/{network}": read,
  "put /v1/articles/{article}/share-counts/{network}": {
    needs: "shares:write",
    allowed: 428,
    body: { count: 1 },
  },
  "delete /v1/articles/{article}/share-counts/{network}": { needs: "shares:write", allowed: 428 },
  "post /v1/articles/{article}/shares": { needs: "nothing", allowed: 201, body: { network: "email" } },
  "post /v1/imports": { ...writing(422), headers: { "content-type": "text/plain" } },
  "get /v1/trash": { needs: "drafts:read", allowed: 200 },
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
  "get /v1/link-health": { needs: "drafts:read", allowed: 200 },
  "post /v1/bulk": { needs: "nothing", allowed: 422, body: {} },
  ...terms("/v1/sections", "term"),
  ...terms("/v1/tags", "term"),
  ...terms("/v1/authors", "term"),
  "get /v1/keys": { needs: "keys:manage", allowed: 200 },
  "post /v1/keys": { needs: "keys:manage", allowed: 422, body: {} },
  "get /v1/keys/{key}": { needs: "keys:manage", allowed: 200 },
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
  const { body: keys } = await newsroom.editor.get("/v1/keys");
  addresses = {
    "{article}": article.id,
    "/key-points/{id}": `/key-points/${article.keyPoints[0].id}`,
    "/related-links/{id}": `/related-links/${article.relatedLinks[0].id}`,
    "{network}": "whatsapp",
    "/sections/{term}": "/sections/transport",
    "/tags/{term}": "/tags/ferries",
    "/authors/{term}": "/authors/ana-lima",
    "{key}": keys.data[0].id,
    "{name}": "not-found",
  };
  const { body: revoked } = await newsroom.editor
    .post("/v1/keys")
    .send({ name: "Revoked", scopes: allScopes });
  await newsroom.editor.delete(`/v1/keys/${revoked.id}`);
  callers.wrong = newsroom.withHeaders({ authorization: "Bearer dateline_wrong" });
  callers.revoked = newsroom.withHeaders({ authorization: `Bearer ${revoked.secret}` });
  callers.expired = await newsroom.withScopes(allScopes, new Date(Date.now() - 1000).toISOString());
  for (const scope of allScopes) callers[scope] = await newsroom.withScopes([scope]);
});

function caller(name: string): Agent {
  const found = callers[name];
  if (found === undefined) throw new Error(`there is no caller ${name}`);
  return found;
}

function ask(agent: Agent, operation: string, expected: Expected, query = "") {
  const [method, path] = operation.split(" ") as [Method, string];
  const address = Object.entries(addresses).reduce(
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
  const { needs, allowed } = expected;
  const isVersioned = operation.includes(" /v1/");

  it("is documented with the scope that it needs", () => {
    const { "x-scopes": scopes = [], security = [] } = documented[operation] ?? {};
    if (needs === "nothing")
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
      if (isVersioned) expectProblem(answer, 401, "key-invalid");
      else expect(answer.status).toBe(allowed);
    },
  );

  it("is open to the scope that it needs, and answers 403 to every other alone", async () => {
    for (const scope of allScopes) {
      const answer = await ask(caller(scope), operation, expected);
      if (needs === "nothing" || needs === scope)
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

it("is decided before a body is read", async () => {
  const answer = await newsroom.reader
    .post("/v1/articles")
    .set("content-type", "application/json")
    .send("{ not json");
  expectProblem(answer, 401, "key-required");
});
