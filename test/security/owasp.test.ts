import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type lookup } from "node:dns";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { buildApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { furnish } from "../../src/newsroom.ts";
import { publicLookup } from "../../src/webhooks/addresses.ts";
import { sender } from "../../src/webhooks/send.ts";
import { newSecret } from "../../src/webhooks/signature.ts";
import { linkTo } from "../previews/samples.ts";
import { change, draft, live, publish } from "../support/articles.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";
import { sendBytes } from "../support/socket.ts";
import { receiver } from "../webhooks/receiver.ts";

// The OWASP API Security Top 10 of 2023, point by point: for each the attacks that fit a newsroom, over HTTP.

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });
const limited = useNewsroom({ DATELINE_RATE_LIMIT: "on" });

// Known to be good from this address, the key is not shut out by those who guess from it.
beforeAll(async () => {
  expect((await limited.editor.get("/v1/me")).status).toBe(200);
});

interface MadeKey {
  id: string;
  secret: string;
  agent: Agent;
}

async function keyOf(about: object): Promise<MadeKey> {
  const answer = await newsroom.editor.post("/v1/keys").send({ name: "Somebody", ...about });
  expect(answer.status, answer.text).toBe(201);
  const { id, secret } = answer.body as { id: string; secret: string };
  return { id, secret, agent: newsroom.withHeaders({ authorization: `Bearer ${secret}` }) };
}

/** A server inside of the network that nobody outside should have Dateline ask anything. */
async function inside() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end("internal");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { asked, port: (server.address() as AddressInfo).port };
}

describe("API1 broken object level authorization", () => {
  let mine: MadeKey;
  let theirs: MadeKey;
  let hidden: { id: string; slug: string; keyPoints: { id: string }[]; relatedLinks: { id: string }[] };

  beforeAll(async () => {
    [mine, theirs] = [await keyOf({ role: "contributor" }), await keyOf({ role: "contributor" })];
    const made = await theirs.agent.post("/v1/articles").send({
      headline: "Nobody else's draft",
      keyPoints: ["Secret"],
      relatedLinks: [{ title: "Secret", url: "https://example.com/" }],
    });
    hidden = made.body as typeof hidden;
  });

  it("another's draft is not there, by its id or its slug, for whatever is asked of it", async () => {
    const [point] = hidden.keyPoints;
    const [link] = hidden.relatedLinks;
    for (const name of [hidden.id, hidden.slug, hidden.id.toUpperCase()]) {
      const asked: [keyof Agent & ("get" | "patch" | "put" | "delete" | "post"), string, object?][] = [
        ["get", "?version=draft"],
        ["patch", "", { headline: "Taken over" }],
        ["put", "", { headline: "Taken over" }],
        ["delete", ""],
        ["post", "/submit", {}],
        ["get", "/key-points?version=draft"],
        ["patch", `/key-points/${point?.id}`, { text: "Taken over" }],
        ["delete", `/related-links/${link?.id}`],
        ["get", "/revisions"],
        ["get", "/revisions/1"],
        ["get", "/comments"],
        ["post", "/comments", { text: "Seen" }],
        ["post", "/previews", {}],
        ["get", "/previews"],
        ["get", "/editing"],
        ["get", "/transitions"],
      ];
      for (const [method, path, body] of asked) {
        const request = mine.agent[method](`/v1/articles/${name}${path}`).set("If-Match", "*");
        const { status } = await (body === undefined ? request : request.send(body));
        expect([method, path, [403, 404].includes(status)]).toEqual([method, path, true]);
      }
      expectProblem(await mine.agent.get(`/v1/articles/${name}?version=draft`), 404, "not-found");
    }
    const { body } = await theirs.agent.get(`/v1/articles/${hidden.id}?version=draft`);
    expect(body).toEqual(hidden);
  });

  it("another's draft is in no list, search or bulk either", async () => {
    for (const path of [
      "/v1/articles?version=draft&limit=100",
      "/v1/articles?version=draft&q=Nobody",
      "/v1/link-health",
      "/v1/trash",
    ])
      expect((await mine.agent.get(path)).text).not.toContain(hidden.id);
    const { body } = await mine.agent.post("/v1/bulk").send({
      atomic: false,
      operations: [
        {
          method: "PATCH",
          path: `/v1/articles/${hidden.id}`,
          headers: { "If-Match": "*" },
          body: { headline: "Taken" },
        },
        { method: "DELETE", path: `/v1/articles/${hidden.slug}`, headers: { "If-Match": "*" } },
      ],
    });
    for (const { status } of body.results as { status: number }[]) expect([403, 404]).toContain(status);
  });

  it("what is inside one article is not reached through another", async () => {
    const own = (await mine.agent.post("/v1/articles").send({ headline: "My own", keyPoints: ["Mine"] }))
      .body as { id: string };
    const { id: comment } = (
      await theirs.agent.post(`/v1/articles/${hidden.id}/comments`).send({ text: "Between us" })
    ).body as { id: string };
    const link = await linkTo(theirs.agent, hidden.id);
    for (const path of [
      `key-points/${hidden.keyPoints[0]?.id}`,
      `related-links/${hidden.relatedLinks[0]?.id}`,
      `comments/${comment}`,
      `previews/${link.id}`,
    ])
      expectProblem(
        await mine.agent.delete(`/v1/articles/${own.id}/${path}`).set("If-Match", "*"),
        404,
        "not-found",
      );
    expectProblem(
      await mine.agent
        .patch(`/v1/articles/${own.id}/comments/${comment}`)
        .set("If-Match", "*")
        .send({ text: "Ours" }),
      404,
      "not-found",
    );
  });

  it("a partner's webhooks, deliveries and usage are its own", async () => {
    const [one, other] = [await keyOf({ role: "partner" }), await keyOf({ role: "partner" })];
    const hook = (await other.agent.post("/v1/webhooks").send({ url: "https://partner.example/" })).body as {
      id: string;
    };
    for (const path of ["", "/deliveries", `/deliveries/${hook.id}`])
      expectProblem(await one.agent.get(`/v1/webhooks/${hook.id}${path}`), 404, "not-found");
    expectProblem(
      await one.agent
        .patch(`/v1/webhooks/${hook.id}`)
        .set("If-Match", "*")
        .send({ url: "https://evil.example/" }),
      404,
      "not-found",
    );
    expectProblem(await one.agent.post(`/v1/webhooks/${hook.id}/rotate`).send({}), 404, "not-found");
    expect((await one.agent.get("/v1/webhooks")).body.data).toEqual([]);
    expectProblem(
      await one.agent.post("/v1/webhooks").send({ url: "https://evil.example/", keyId: other.id }),
      403,
      "scope-missing",
    );
    expectProblem(await one.agent.get(`/v1/keys/${other.id}/usage`), 403, "scope-missing");
  });

  it("what a partner has no right to does not exist for it, in whatever way it asks", async () => {
    const { agent } = await partnerOf(newsroom, { languages: ["fr"] });
    const other = await live(newsroom, { headline: "Not for this partner", language: "en" });
    for (const path of [
      "",
      "/share-counts",
      "/key-points",
      "/related-links",
      "/backlinks",
      "?format=text",
      `?asOf=${new Date().toISOString()}`,
    ])
      expectProblem(await agent.get(`/v1/articles/${other.id}${path}`), 404, "not-found");
    for (const path of [
      `/v1/articles?ids=${other.id}`,
      "/v1/articles?q=partner",
      "/v1/feeds/rss.xml",
      "/v1/changes?since=start&limit=100",
    ])
      expect((await agent.get(path)).text).not.toContain("Not for this partner");
  });

  it("a repeated answer is the one of whoever asked first, and nobody else's", async () => {
    const send = ({ agent }: MadeKey) =>
      agent.post("/v1/articles").set("Idempotency-Key", "the-same").send({ headline: "Once" });
    const [first, second] = [await send(mine), await send(theirs)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.id).not.toBe(first.body.id);
    expect(second.headers).not.toHaveProperty("idempotency-replayed");
  });
});

describe("API2 broken authentication", () => {
  it("keys are long, random, known by their prefix and checksum, and stored as digests alone", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => keyOf({ scopes: ["drafts:read"] })));
    expect(new Set(keys.map(({ secret }) => secret)).size).toBe(20);
    const stored = JSON.stringify(await newsroom.database.key.findMany());
    for (const { secret } of keys) {
      expect(secret).toMatch(/^dateline_[0-9A-Za-z]{46}$/);
      expect(stored).not.toContain(secret.slice(15));
    }
  });

  it("nothing but the whole key opens", async () => {
    const { secret } = await keyOf({ scopes: ["drafts:read"] });
    const { body: made } = await newsroom.editor.get("/v1/me");
    const fakes = [
      secret.slice(0, -1),
      `${secret}0`,
      secret.toLowerCase(),
      secret.replace("dateline_", ""),
      secret.slice(0, 13),
      made.id as string,
      "null",
      "undefined",
      "' OR '1'='1",
      "*",
      "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    ];
    for (const fake of fakes) {
      const answer = await newsroom.withHeaders({ authorization: `Bearer ${fake}` }).get("/v1/keys");
      expectProblem(answer, 401, "key-invalid");
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
    }
    for (const authorization of [secret, `Basic ${btoa(`admin:${secret}`)}`, `Token ${secret}`, `Bearer`])
      expectProblem(await newsroom.withHeaders({ authorization }).get("/v1/me"), 401, "key-invalid");
  });

  it("a key is good in the header Authorization alone", async () => {
    const { adminKey, url } = newsroom;
    for (const headers of [
      { "x-api-key": adminKey },
      { cookie: `key=${adminKey}` },
      { "proxy-authorization": `Bearer ${adminKey}` },
    ])
      expect((await fetch(`${url}/v1/keys`, { headers: headers as Record<string, string> })).status).toBe(
        401,
      );
    const twice = await sendBytes(
      url,
      `GET /v1/keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\nAuthorization: Bearer ${adminKey}\r\nConnection: close\r\n\r\n`,
    );
    expect(twice.status).toBe(401);
  });

  it("a revoked or expired key ends at once, with everything that it opened", async () => {
    const key = await keyOf({ scopes: ["drafts:read"] });
    const { id } = await draft(newsroom, { headline: "Seen by somebody who left" });
    const { token } = await linkTo(key.agent, id);
    await newsroom.editor.delete(`/v1/keys/${key.id}`);
    expectProblem(await key.agent.get("/v1/articles"), 401, "key-invalid");
    expectProblem(await newsroom.reader.get(`/preview/${token}`), 404, "not-found");
  });

  it("trying keys is stopped after twenty, whatever is asked with them", async () => {
    const paths = ["/v1/articles", "/v1/keys", "/v1/me", "/v1/bulk", "/v1/export"];
    const statuses: number[] = [];
    for (let number = 0; number < 40; number += 1) {
      const agent = limited.withHeaders({ authorization: `Bearer guess-${number}` });
      statuses.push((await agent.get(paths[number % paths.length] ?? "")).status);
    }
    expect(statuses.filter((status) => status === 401 || status === 404).length).toBeLessThanOrEqual(24);
    expect(statuses.slice(-10)).not.toContain(401);
  });
});

describe("API3 broken object property level authorization", () => {
  it("what may not be written is refused, and not ignored, wherever it is sent", async () => {
    const { id } = await draft(newsroom, { headline: "Mass assignment" });
    const forbidden = {
      status: "published",
      version: 99,
      shareTotal: 1_000_000,
      shareCounts: { x: 1_000_000 },
      createdBy: id,
      revision: 1,
      publishedRevision: 1,
      deletedAt: null,
      corrections: [],
      hasUnpublishedChanges: false,
      firstPublishedAt: "2020-01-01T00:00:00Z",
      __proto__x: 1,
    };
    for (const [name, value] of Object.entries(forbidden)) {
      for (const answer of [
        await newsroom.editor.post("/v1/articles").send({ headline: "Made", [name]: value }),
        await newsroom.editor
          .patch(`/v1/articles/${id}`)
          .set("If-Match", "*")
          .send({ [name]: value }),
        await newsroom.editor
          .put(`/v1/articles/${id}`)
          .set("If-Match", "*")
          .send({ headline: "Put", [name]: value }),
      ])
        expect(expectProblem(answer, 422, "invalid-content").errors?.map(({ pointer }) => pointer)).toEqual([
          `#/${name}`,
        ]);
    }
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      status: "draft",
      version: 0,
      shareTotal: 0,
    });
  });

  it("a key cannot be made or changed into more than it is", async () => {
    const { id } = await keyOf({ scopes: ["drafts:read"] });
    for (const extra of [
      { scopes: ["keys:manage"] },
      { role: "admin" },
      { origin: "environment" },
      { digest: "" },
      { revokedAt: null },
      { sections: [] },
    ])
      expectProblem(await newsroom.editor.patch(`/v1/keys/${id}`).send(extra), 422, "invalid-content");
    for (const extra of [{ id }, { secret: "chosen" }, { hint: "x" }, { lookup: "x" }])
      expectProblem(
        await newsroom.editor.post("/v1/keys").send({ name: "x", scopes: ["drafts:read"], ...extra }),
        422,
        "invalid-content",
      );
    const hook = (await newsroom.editor.post("/v1/webhooks").send({ url: "https://partner.example/" }))
      .body as { id: string };
    for (const extra of [{ secret: "chosen" }, { position: "x" }, { revision: 7 }, { disabledReason: null }])
      expectProblem(
        await newsroom.editor.patch(`/v1/webhooks/${hook.id}`).set("If-Match", "*").send(extra),
        422,
        "invalid-content",
      );
  });

  it("__proto__ and its kin are properties like any other, which nothing knows", async () => {
    for (const body of [
      '{"headline":"a","__proto__":{"scopes":["admin"]}}',
      '{"headline":"a","constructor":{"prototype":{"x":1}}}',
    ]) {
      const answer = await newsroom.editor
        .post("/v1/articles")
        .set("content-type", "application/json")
        .send(body);
      expectProblem(answer, 422, "invalid-content");
    }
    expect(({} as Record<string, unknown>).scopes).toBeUndefined();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("no answer has a secret, a digest or what belongs to the working copy alone", async () => {
    const key = await keyOf({ scopes: ["drafts:read"] });
    for (const path of ["/v1/keys", `/v1/keys/${key.id}`, "/v1/webhooks", "/v1/audit", "/v1/me"]) {
      const { text } = await newsroom.editor.get(path);
      expect(text).not.toMatch(/"(digest|lookup|formerSecret)"|whsec_/);
      expect(text).not.toContain(key.secret);
    }
    const article = await live(newsroom, { headline: "What readers see" });
    await change(newsroom, article.id, { standfirst: "Not yet for readers" });
    for (const path of ["", "?format=jsonld", "?format=ninjs", "?fields=standfirst", "?format=html"])
      expect(
        (await newsroom.reader.get(`/v1/articles/${article.id}${path}`).buffer(true)).text,
      ).not.toContain("Not yet");
    expect((await newsroom.reader.get(`/v1/articles/${article.id}`)).body).not.toHaveProperty("createdBy");
  });
});

describe("API4 unrestricted resource consumption", () => {
  it("what is too large, too deep, too many or compressed is refused before it costs anything", async () => {
    const { editor, reader } = newsroom;
    const json = (body: string) =>
      editor.post("/v1/articles").set("content-type", "application/json").send(body);
    expectProblem(await json(`{"headline":"${"a".repeat(9_000_000)}"}`), 413, "content-too-large");
    expectProblem(await json("[".repeat(500_000)), 400, "malformed-request");
    expectProblem(
      await editor.post("/v1/articles").set("content-encoding", "gzip").send({ headline: "Bomb" }),
      415,
      "unsupported-media-type",
    );
    expectProblem(
      await editor.post("/v1/articles").send({ headline: "Many", keyPoints: Array(10_000).fill("x") }),
      422,
      "invalid-content",
    );
    expectProblem(await reader.get("/v1/articles?limit=100000"), 400, "invalid-parameter");
    expectProblem(
      await reader.get(
        `/v1/articles?ids=${Array(101).fill("0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e").join(",")}`,
      ),
      400,
      "invalid-parameter",
    );
    expectProblem(await reader.get(`/v1/articles?q=${"a".repeat(15_400)}`), 414, "address-too-long");
  });

  it("one request cannot be made into thousands: a bulk has a hundred operations, and none of them is another", async () => {
    const bulk = (operations: object[]) =>
      newsroom.editor.post("/v1/bulk").send({ atomic: false, operations });
    const one = { method: "POST", path: "/v1/articles", body: {} };
    expectProblem(await bulk(Array.from({ length: 101 }, () => one)), 422, "invalid-content");
    for (const path of ["/v1/bulk", "/v1/../v1/bulk", "/v1/%62ulk", "/v1/bulk?x=1"]) {
      const { body } = await bulk([{ method: "POST", path, body: { atomic: false, operations: [one] } }]);
      expect([400, 404, 409]).toContain((body.results as { status: number }[])[0]?.status);
    }
  });

  it("searches made to be slow are not", async () => {
    await live(newsroom, { headline: "aaaaaaaaaa ".repeat(40) });
    for (const q of [
      "a ".repeat(90),
      "(".repeat(90),
      `"${"a ".repeat(80)}`,
      "a*".repeat(50),
      `-${"-a".repeat(60)}`,
      "%".repeat(60),
    ]) {
      const began = performance.now();
      const { status } = await newsroom.reader.get("/v1/articles").query({ q });
      expect([200, 400]).toContain(status);
      expect(performance.now() - began).toBeLessThan(3000);
    }
  });

  it("everything that anyone may ask for counts for its address, and is refused in the end", async () => {
    const ask = () => fetch(`${limited.url}/problems/gone`);
    const first = await ask();
    const left = Number(/r=(\d+)/.exec(first.headers.get("ratelimit") ?? "")?.[1]);
    for (let rest = left; rest > 0; rest -= 200)
      await Promise.all(Array.from({ length: Math.min(200, rest) }, ask));
    const answer = await ask();
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect((await fetch(`${limited.url}/healthz`)).status).toBe(200);
    expect((await limited.editor.get("/v1/me")).status).toBe(200);
  });
});

describe("API5 broken function level authorization", () => {
  it("what only administrators do is refused to all other roles, however it is called", async () => {
    const article = await live(newsroom, { headline: "Not to be killed" });
    const { body: me } = await newsroom.editor.get("/v1/me");
    const calls: ["get" | "post" | "delete" | "patch", string, object?][] = [
      ["get", "/v1/keys"],
      ["post", "/v1/keys", { name: "Mine", role: "admin" }],
      ["delete", `/v1/keys/${me.id}`],
      ["patch", `/v1/keys/${me.id}`, { name: "Taken" }],
      ["get", "/v1/audit"],
      ["get", "/v1/export"],
      ["post", `/v1/articles/${article.id}/kill`, { reason: "Because" }],
      ["delete", `/v1/trash/${article.id}`],
      ["get", `/v1/articles/${article.id}/access?key=${me.id}`],
      ["get", `/v1/keys/${me.id}/usage`],
    ];
    for (const role of ["contributor", "editor", "publisher", "partner"]) {
      const { agent } = await keyOf({ role });
      for (const [method, path, body] of calls) {
        const answer = await (body === undefined ? agent[method](path) : agent[method](path).send(body));
        expect([role, path, answer.status]).toEqual([role, path, 403]);
      }
    }
    expect((await newsroom.reader.get(`/v1/articles/${article.id}`)).status).toBe(200);
  });

  it("a key grants no more than it has, itself or in a bulk", async () => {
    const { agent } = await keyOf({ scopes: ["keys:manage", "drafts:read"] });
    for (const about of [
      { role: "admin" },
      { role: "editor" },
      { scopes: ["articles:publish"] },
      { scopes: ["drafts:read", "transfer"] },
    ]) {
      const input = { name: "More", ...about };
      expectProblem(await agent.post("/v1/keys").send(input), 403, "scope-missing");
      const { body } = await agent
        .post("/v1/bulk")
        .send({ atomic: false, operations: [{ method: "POST", path: "/v1/keys", body: input }] });
      expect((body.results as { status: number }[])[0]?.status).toBe(403);
    }
  });

  it("no other method, spelling or header leads around it", async () => {
    const { agent, secret } = await keyOf({ role: "contributor" });
    for (const path of [
      "/v1/Keys",
      "/V1/keys",
      "/v1/keys/",
      "/v1//keys",
      "//v1/keys",
      "/v1/./keys",
      "/v1/x/../keys",
      "/v1/%6Beys",
      "/v1/keys%2f",
      "/v1/keys;a=1",
      "/v1/keys%00",
      "/v1/keys?",
      "/v1/keys#",
    ]) {
      const { status, body } = await sendBytes(
        newsroom.url,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secret}\r\nConnection: close\r\n\r\n`,
      );
      expect([path, status >= 400, body.includes('"hint"')]).toEqual([path, true, false]);
    }
    const { id } = await draft(newsroom, { headline: "Overridden" });
    for (const name of ["x-http-method-override", "x-http-method", "x-method-override"]) {
      await agent.post(`/v1/articles/${id}/comments`).set(name, "DELETE").send({ text: "x" });
      await agent.get(`/v1/articles/${id}?_method=DELETE`).set(name, "DELETE");
    }
    for (const name of ["x-original-url", "x-rewrite-url", "x-forwarded-prefix"])
      expect((await agent.get("/v1/roles").set(name, "/v1/keys")).text).not.toContain('"hint"');
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).status).toBe(200);
  });
});

describe("API6 unrestricted access to sensitive business flows", () => {
  it("shares are not counted up by a machine: sixty a minute from one address, whatever it says of itself", async () => {
    const { body: article } = await limited.editor
      .post("/v1/articles")
      .send({ headline: "Shared by robots" });
    await limited.editor.post(`/v1/articles/${article.id}/publish`);
    const share = (number: number) =>
      limited.reader
        .post(`/v1/articles/${article.id}/shares`)
        .set({
          "x-forwarded-for": `198.51.100.${number}`,
          forwarded: `for=198.51.100.${number}`,
          "x-real-ip": `198.51.100.${number}`,
          "user-agent": `Reader ${number}`,
        })
        .send({ network: "x" });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, number) => share(number)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(60);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40);
    const { body } = await limited.editor.get(`/v1/articles/${article.id}/share-counts/x`);
    expect(body.count).toBe(60);
  });

  it("publishing is nobody's who only writes, be it by planning, by import or by taking up what was", async () => {
    const { agent } = await keyOf({ role: "editor" });
    const { body: made } = await agent.post("/v1/articles").send({ headline: "Out before its time" });
    const later = new Date(Date.now() + 1000).toISOString();
    expectProblem(await agent.post(`/v1/articles/${made.id}/publish`), 403, "scope-missing");
    expectProblem(
      await agent.post(`/v1/articles/${made.id}/publish`).send({ at: later }),
      403,
      "scope-missing",
    );
    expectProblem(
      await agent.post("/v1/imports?publish=true").set("content-type", "text/plain").send("Out\n\nText"),
      403,
      "scope-missing",
    );
    expectProblem(await newsroom.reader.get(`/v1/articles/${made.id}`), 404, "not-found");
    const out = await live(newsroom, { headline: "Is out" });
    expectProblem(await agent.delete(`/v1/articles/${out.id}`).set("If-Match", "*"), 403, "scope-missing");
    expectProblem(await agent.post(`/v1/articles/${out.id}/unpublish`), 403, "scope-missing");
  });
});

describe("API7 server side request forgery", () => {
  it("webhooks lead to no address of this machine or network, however it is written", async () => {
    const { port } = await inside();
    const hosts = [
      "localhost",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "0.0.0.0",
      "10.0.0.1",
      "192.168.1.1",
      "172.16.0.1",
      "169.254.169.254",
      "[fd00:ec2::254]",
      "[fe80::1]",
      "100.64.0.1",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
    ];
    for (const host of hosts) {
      for (const url of [`https://${host}:${port}/`, `http://${host}:${port}/`]) {
        const made = await limited.editor.post("/v1/webhooks").send({ url });
        if (made.status === 422) continue;
        // A name is looked at when it is connected to.
        expect([url, made.status]).toEqual([`https://localhost:${port}/`, 201]);
      }
    }
    for (const url of [
      "file:///etc/passwd",
      "gopher://127.0.0.1/",
      "ftp://a.example/",
      "dict://a.example/",
      "https://",
      "//a.example",
    ])
      expectProblem(await limited.editor.post("/v1/webhooks").send({ url }), 422, "invalid-content");
  });

  it("a name that leads inside is refused when it is connected to, and nothing is told of what is there", async () => {
    const { asked, port } = await inside();
    const { body: hook } = await newsroom.editor
      .post("/v1/webhooks")
      .send({ url: `https://localhost:${port}/` });
    const { body } = await newsroom.editor.post(`/v1/webhooks/${hook.id}/test`).send({});
    expect(body).toMatchObject({
      status: null,
      error: "localhost does not lead to an address of the public internet",
    });
    expect(asked).toEqual([]);
  });

  it("a name that is rebound after it was checked is refused all the same", async () => {
    const { asked, port } = await inside();
    const answers = [["1.1.1.1"], ["127.0.0.1"]];
    const rebinding = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
      setImmediate(
        done,
        null,
        (answers.shift() ?? ["127.0.0.1"]).map((address) => ({ address, family: 4 })),
      );
    }) as unknown as typeof lookup;
    const look = publicLookup(rebinding);
    await new Promise((resolve) => {
      look("rebound.example", { all: true }, resolve);
    });
    const out = sender([], { lookup: look });
    const outcome = await out.send({
      url: `https://rebound.example:${port}/`,
      id: "m",
      body: "{}",
      secrets: [newSecret()],
    });
    out.close();
    expect(outcome.error).toContain("does not lead to an address of the public internet");
    expect(asked).toEqual([]);
  });

  it("redirects are not followed, whichever of them and wherever to", async () => {
    const { asked, port } = await inside();
    for (const status of [301, 302, 303, 307, 308]) {
      const partner = await receiver(() => ({
        status,
        headers: { location: `http://127.0.0.1:${port}/admin` },
      }));
      const { body: hook } = await newsroom.editor.post("/v1/webhooks").send({ url: partner.url });
      const { body } = await newsroom.editor.post(`/v1/webhooks/${hook.id}/test`).send({});
      expect(body).toMatchObject({ status, error: expect.stringContaining("redirects are not followed") });
    }
    expect(asked).toEqual([]);
  });

  it("addresses in articles are never asked for: links, images, embeds and marks", async () => {
    const { asked, port } = await inside();
    const url = `http://127.0.0.1:${port}/inside`;
    const article = await live(newsroom, {
      headline: "Leads inside",
      relatedLinks: [{ kind: "source", title: "In", url }],
      body: [
        { type: "image", url, alt: "In" },
        { type: "embed", url },
        { type: "paragraph", text: "In", marks: [{ type: "link", start: 0, end: 2, url }] },
      ],
    });
    await newsroom.editor
      .post("/v1/imports")
      .set("content-type", "text/plain")
      .send(`News\n\n${url}\n\nALSO READ: ${url}`);
    for (const path of [
      `/v1/articles/${article.id}?format=html`,
      `/a/${article.slug}`,
      "/v1/feeds/rss.xml",
      "/v1/link-health",
    ])
      await newsroom.editor.get(path);
    await linkTo(newsroom.editor, article.id).then(({ token }) => newsroom.reader.get(`/preview/${token}`));
    expect(asked).toEqual([]);
  });
});

describe("API8 security misconfiguration", () => {
  it("what goes wrong tells nothing of the inside", async () => {
    for (const [path, init] of [
      ["/v1/articles/%zz", {}],
      ["/v1/articles?cursor=' OR 1=1 --", {}],
      ["/v1/articles?asOf=x", {}],
      ["/v1/articles/%ff%fe", {}],
      ["/v1/imports", { method: "POST", body: "\u0000" }],
      ["/v1/articles", { method: "POST", headers: { "content-type": "application/json" }, body: "{" }],
    ] as [string, RequestInit][]) {
      const answer = await fetch(newsroom.url + path, {
        ...init,
        headers: { ...(init.headers as object), authorization: `Bearer ${newsroom.adminKey}` },
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.text()).not.toMatch(/node_modules|\.ts:\d|SELECT|prisma|postgres|FST_|fastify/i);
    }
  });

  it("methods that only tools and attackers use are not there", async () => {
    for (const method of ["TRACE", "CONNECT", "PROPFIND", "MKCOL", "LOCK", "DEBUG", "PURGE"]) {
      const { status } = await sendBytes(
        newsroom.url,
        `${method} /v1/articles HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      expect([method, status === 200]).toEqual([method, false]);
    }
  });

  it("requests that proxies and servers read differently are refused", async () => {
    const smuggled = [
      "POST /v1/articles HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
      "POST /v1/articles HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello",
      "GET /v1/articles HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n",
      "GET /v1/articles HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n Z: c\r\nConnection: close\r\n\r\n",
      "GET /v1/articles HTTP/1.1\r\nConnection: close\r\n\r\n",
    ];
    for (const bytes of smuggled)
      expect([bytes, (await sendBytes(newsroom.url, bytes)).status]).toEqual([bytes, 400]);
  });

  it("no other site's script acts for anyone: no cookies, no credentials, and no origin but those set", async () => {
    const { headers } = await fetch(`${newsroom.url}/v1/articles`, {
      headers: { origin: "https://evil.example" },
    });
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("set-cookie")).toBeNull();
    expect(headers.get("access-control-allow-origin")).toBe("*");
  });

  it("files of the server are not served, nor is anything that other software has", async () => {
    for (const path of [
      "/.env",
      "/.git/config",
      "/package.json",
      "/src/main.ts",
      "/styles/../../package.json",
      "/styles/..%2f..%2fpackage.json",
      "/docs/../package.json",
      "/docs/js/..%2f..%2fpackage.json",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/wp-login.php",
      "/server-status",
      "/actuator/env",
      "/debug/pprof",
      "/console",
    ]) {
      const { status } = await sendBytes(
        newsroom.url,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      expect([path, status]).toEqual([path, 404]);
    }
  });

  it("what figures tell has no id, no slug and no address in it", async () => {
    const { id, slug } = await live(newsroom, { headline: "Counted in figures" });
    await newsroom.reader.get(`/v1/articles/${id}`);
    await newsroom.reader.get(`/a/${slug}`);
    const { text } = await newsroom.reader.get("/metrics");
    for (const secret of [id, slug, "127.0.0.1"]) expect(text).not.toContain(secret);
  });
});

describe("API9 improper inventory management", () => {
  it("every address that is served is described, but for the parts of the documentation's page", async () => {
    const app = await buildApp(
      furnish(
        readConfig({ LOG_LEVEL: "silent" }),
        "postgresql://nobody@127.0.0.1:1/none",
        new Uint8Array(32),
      ),
    );
    const routes = app.printRoutes({ commonPrefix: false, method: "GET" }).split("\n");
    let above: string[] = [];
    const served = routes.flatMap((line) => {
      const [, indent = "", part = "", methods] = /^([ │├└─]*)(\S.*?)(?: \(([A-Z, ]+)\))?$/u.exec(line) ?? [];
      const depth = Math.floor(indent.length / 4);
      above = [...above.slice(0, Math.max(0, depth - 1)), part];
      return methods === undefined ? [] : [above.join("").replaceAll(/:(\w+)/g, "{$1}")];
    });
    const described = new Set(Object.keys(app.swagger().paths ?? {}));
    await app.close();
    expect(served.length).toBeGreaterThan(40);
    expect(served.filter((path) => !described.has(path) && !path.startsWith("/docs"))).toEqual([]);
  });

  it("there is one version, and no forgotten one beside it", async () => {
    for (const path of [
      "/v0/articles",
      "/v2/articles",
      "/articles",
      "/api/articles",
      "/api/v1/articles",
      "/beta/articles",
      "/internal",
      "/admin",
      "/graphql",
      "/swagger.json",
      "/v1",
      "/v1/",
    ])
      expectProblem(await newsroom.editor.get(path), 404, "not-found");
  });
});

describe("API10 unsafe consumption of APIs", () => {
  it("a page that was saved elsewhere becomes text, whatever is in it", async () => {
    const page = `<script>alert(1)</script> {{7*7}}\n\nThu Apr 10 2025\n\nKEY POINTS\n\n  • <img src=x onerror=alert(1)>\n\nISTANBUL, Turkey: "><svg onload=alert(1)>\n\nALSO READ: javascript:alert(1)\n`;
    const { body: made } = await newsroom.editor
      .post("/v1/imports")
      .set("content-type", "text/plain")
      .send(page);
    expect(made).toMatchObject({ headline: "<script>alert(1)</script> {{7*7}}", status: "draft" });
    const { slug } = await publish(newsroom, made.id as string);
    const { text } = await newsroom.reader.get(`/a/${slug}`);
    expect(text).not.toMatch(/<script>|<svg onload|<img src=x|href="javascript/);
    for (const body of [Buffer.from([0xff, 0xfe, 0x00]), Buffer.from("a\u0000b"), Buffer.alloc(0)])
      expect([400, 422]).toContain(
        (await newsroom.editor.post("/v1/imports").set("content-type", "text/plain").send(body)).status,
      );
  });

  it("an export of another installation is held to everything that a request is, or nothing of it is taken", async () => {
    const before = await newsroom.database.article.count();
    const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
    const term = {
      id,
      slug: "a",
      name: "a",
      description: null,
      createdAt: "2025-01-01T00:00:00Z",
      updatedAt: "2025-01-01T00:00:00Z",
    };
    const lines = [
      '{"kind":"key","name":"Mine","scopes":["keys:manage"]}',
      '{"kind":"__proto__"}',
      JSON.stringify({ kind: "section", ...term, scopes: ["admin"] }),
      JSON.stringify({ kind: "section", ...term, slug: "../../etc" }),
      JSON.stringify({ kind: "tag", ...term, name: "\u0000" }),
      JSON.stringify({ kind: "tag", ...term, id: "1; DROP TABLE articles" }),
      "[".repeat(200_000),
      "{",
    ];
    for (const line of lines) {
      const file = `{"kind":"dateline","format":1}\n${line}\n{"kind":"end","lines":1}\n`;
      const answer = await newsroom.editor
        .post("/v1/import")
        .set("content-type", "application/x-ndjson")
        .send(file);
      expectProblem(answer, 422, "import-failed");
    }
    const endless = await newsroom.editor
      .post("/v1/import")
      .set("content-type", "application/x-ndjson")
      .send(`{"kind":"dateline","format":1}\n${"a".repeat(40_000_000)}`);
    expect([413, 422]).toContain(endless.status);
    expect(await newsroom.database.article.count()).toBe(before);
  });

  it("what a receiver answers is kept short, as text, and is never acted on but for its status", async () => {
    const partner = await receiver(() => ({
      status: 500,
      body: `<script>\u0000${"x".repeat(1_000_000)}`,
      headers: { "retry-after": "99999999999", location: "http://127.0.0.1/" },
    }));
    const { body: hook } = await newsroom.editor
      .post("/v1/webhooks")
      .send({ url: partner.url, kinds: ["published"] });
    await live(newsroom, { headline: "Told to a strange receiver" });
    const delivery = await vi.waitFor(
      async () => {
        const { body } = await newsroom.editor.get(`/v1/webhooks/${hook.id}/deliveries`);
        const [first] = body.data as { attempts: { body: string }[]; nextAttemptAt: string }[];
        expect(first?.attempts).toHaveLength(1);
        return first;
      },
      { timeout: 10_000 },
    );
    expect(delivery?.attempts[0]?.body.length).toBeLessThanOrEqual(4096);
    expect(delivery?.attempts[0]?.body).not.toContain("\u0000");
    expect(Date.parse(delivery?.nextAttemptAt ?? "") - Date.now()).toBeLessThanOrEqual(86_400_000);
  });
});
