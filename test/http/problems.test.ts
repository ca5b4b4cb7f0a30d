import { beforeAll, describe, expect, it } from "vitest";
import { problemTypes } from "../../src/http/problems.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { sendBytes } from "../support/socket.ts";

const newsroom = useNewsroom();

const sendJson = (body: string | Buffer, path = "/v1/articles") =>
  newsroom.editor
    .post(path)
    .set("content-type", "application/json")
    .serialize(String)
    .send(body as string);

/** Sends an article's JSON as bytes, which supertest would make text of. */
async function sendBody(body: Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(`${newsroom.url}/v1/articles`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${newsroom.adminKey}`, ...headers },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    body: JSON.parse(text) as unknown,
  };
}

describe("a JSON body that cannot be read", () => {
  it.for([
    "{",
    "{'headline': 'x'}",
    '{"headline": "x",}',
    '{"headline": NaN}',
    "headline",
    '{"headline": "x"} trailing',
    "{".repeat(100_000),
    "[".repeat(1_000_000),
  ])("is 400 as %.30s", async (body) => {
    expectProblem(await sendJson(body), 400, "malformed-request");
  });

  it("is 400 when it is not UTF-8", async () => {
    const body = Buffer.concat([
      Buffer.from('{"headline":"'),
      Buffer.from([0xe9, 0xff, 0xc0, 0x80]),
      Buffer.from('"}'),
    ]);
    expect(expectProblem(await sendBody(body), 400, "malformed-request").detail).toContain("UTF-8");
  });

  it("is 400 when it is UTF-16", async () => {
    expectProblem(await sendBody(Buffer.from('{"headline":"x"}', "utf16le")), 400, "malformed-request");
  });
});

describe("a JSON body that can be read", () => {
  it("may begin with a byte order mark, as RFC 8259 lets parsers ignore it", async () => {
    expect((await sendBody(Buffer.from('\ufeff{"headline":"Marked"}'))).status).toBe(201);
  });

  it.for(["null", "[]", '"text"', "7", "true"])("is 422 as %s where an object is needed", async (body) => {
    expect(expectProblem(await sendJson(body), 422, "invalid-content").errors?.[0]?.pointer).toBe("#");
  });

  it("is 422 when it is missing", async () => {
    expectProblem(await newsroom.editor.post("/v1/articles"), 422, "invalid-content");
    expectProblem(
      await newsroom.editor.post("/v1/articles").set("content-type", "application/json"),
      422,
      "invalid-content",
    );
  });

  it.for([
    ['{"headline":"x","colour":1}', "#/colour"],
    ['{"headline":"x","__proto__":{"admin":true}}', "#/__proto__"],
    ['{"headline":"x","constructor":{"prototype":{"admin":true}}}', "#/constructor"],
    ['{"headline":"x","keyPoints":[{"text":"y","__proto__":{}}]}', "#/keyPoints/0/__proto__"],
    ['{"headline":"x","a/b~c":1}', "#/a~1b~0c"],
    ['{"headline":"x","a b#c%d":1}', "#/a%20b%23c%25d"],
    ['{"headline":"x","\\ud800":1}', "#/%EF%BF%BD"],
    ['{"headline":"x","":1}', "#/"],
    ['{"headline":"x","keyPoints":["fine",{"text":""}]}', "#/keyPoints/1/text"],
    ['{"standfirst":"x"}', "#/headline"],
    ['{"headline":"nul \\u0000"}', "#/headline"],
    ['{"headline":"lone \\udc00"}', "#/headline"],
    ['{"headline":1e400}', "#/headline"],
  ])("is 422 as %s, pointing to %s", async ([body = "", pointer]) => {
    const found = expectProblem(await sendJson(body), 422, "invalid-content");
    expect(found.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("leaves no trace of __proto__ on anything", async () => {
    await sendJson('{"headline":"x","__proto__":{"status":"published"}}');
    expect(({} as Record<string, unknown>).status).toBeUndefined();
  });

  it("names at most a hundred faults", async () => {
    const found = expectProblem(
      await sendJson(JSON.stringify({ headline: "x", tags: Array.from({ length: 5000 }, () => 7) })),
      422,
      "invalid-content",
    );
    expect(found.errors?.length).toBeLessThanOrEqual(100);
  });

  it("is 413 when it is too large, naming the limit", async () => {
    const found = expectProblem(
      await sendBody(Buffer.alloc(8 * 1024 * 1024 + 1, "x")),
      413,
      "content-too-large",
    );
    expect(found.detail).toContain(String(8 * 1024 * 1024));
  });

  it("is 413 when a share is longer than any share", async () => {
    const body = JSON.stringify({ network: "x".repeat(2000) });
    expectProblem(await sendJson(body, "/v1/articles/some-article/shares"), 413, "content-too-large");
  });
});

describe("the media type of a body", () => {
  it.for([
    ["post", "/v1/articles", "text/plain"],
    ["post", "/v1/articles", "application/merge-patch+json"],
    ["post", "/v1/articles", "application/x-www-form-urlencoded"],
    ["post", "/v1/articles", "application/jsonp"],
    ["post", "/v1/articles", "nonsense"],
    ["put", "/v1/articles/some-article", "application/merge-patch+json"],
    ["patch", "/v1/articles/some-article", "application/json-patch+json"],
    ["post", "/v1/keys", "multipart/form-data; boundary=x"],
    ["post", "/v1/imports", "application/json"],
    ["post", "/v1/imports", "text/html"],
  ] as const)("is refused on %s %s as %s", async ([method, path, type]) => {
    const answer = await newsroom.editor[method](path).set("content-type", type).serialize(String).send("{}");
    expectProblem(answer, 415, "unsupported-media-type");
  });

  it("is refused when there is none", async () => {
    const answer = await sendBytes(
      newsroom.url,
      `POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${newsroom.adminKey}\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"headline":"x"}`,
    );
    expect(answer.status).toBe(415);
  });

  it.for(["application/json", "application/merge-patch+json", "Application/JSON; charset=utf-8"])(
    "may be %s on every PATCH",
    async (type) => {
      const { body: article } = await newsroom.editor
        .post("/v1/articles")
        .send({ headline: "Bridge opens", keyPoints: ["One"], relatedLinks: [{ title: "Two" }] });
      const { body: tag } = await newsroom.editor.post("/v1/tags").send({ name: `Bridges as ${type}` });
      const places = [
        [`/v1/articles/${article.id}`, { standfirst: "At last" }],
        [`/v1/articles/${article.id}/key-points/${article.keyPoints[0].id}`, { text: "First" }],
        [`/v1/articles/${article.id}/related-links/${article.relatedLinks[0].id}`, { title: "Second" }],
        [`/v1/tags/${tag.id}`, { description: "Over water" }],
      ] as const;
      for (const [path, patch] of places) {
        const answer = await newsroom.editor
          .patch(path)
          .set({ "if-match": "*", "content-type": type })
          .serialize(JSON.stringify)
          .send(patch);
        expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      }
    },
  );

  it("is 415 for a body that is compressed, which nothing here reads", async () => {
    const answer = await sendBody(Buffer.from("{}"), { "content-encoding": "gzip" });
    expectProblem(answer, 415, "unsupported-media-type");
  });
});

describe("what a caller accepts", () => {
  it.for(["text/html", "application/xml", "text/plain;q=0.5, image/*"])(
    "is 406 when it is only %s",
    async (accept) => {
      expectProblem(await newsroom.reader.get("/v1/articles").set("accept", accept), 406, "not-acceptable");
    },
  );

  it.for([
    "application/json",
    "application/*",
    "*/*",
    "text/html, */*;q=0.1",
    "application/json;q=0.2",
    "application/json;charset=utf-8",
    'application/json; charset="UTF-8"; q=0.5, text/plain',
    "",
  ])("is served when it is %s", async (accept) => {
    expect((await newsroom.reader.get("/v1/articles").set("accept", accept)).status).toBe(200);
  });

  it("may be text where there is text", async () => {
    expect((await newsroom.reader.get("/metrics").set("accept", "text/plain")).status).toBe(200);
    expect((await newsroom.reader.get("/openapi.yaml").set("accept", "application/yaml")).status).toBe(200);
    expect((await fetch(`${newsroom.url}/docs/`, { headers: { accept: "text/html" } })).status).toBe(200);
  });
});

describe("query parameters", () => {
  it.for([
    ["/v1/articles?colour=red", "colour"],
    ["/v1/articles?__proto__=x", "__proto__"],
    ["/v1/articles?constructor=x", "constructor"],
    ["/v1/articles?limit=0", "limit"],
    ["/v1/articles?limit=101", "limit"],
    ["/v1/articles?limit=abc", "limit"],
    ["/v1/articles?limit=-1", "limit"],
    ["/v1/articles?limit=1.5", "limit"],
    ["/v1/articles?limit=1e1", "limit"],
    ["/v1/articles?limit=", "limit"],
    ["/v1/articles?limit=1&limit=2", "limit"],
    ["/v1/articles?limit[]=1", "limit[]"],
    ["/v1/articles?count=yes", "count"],
    ["/v1/articles?sort=best", "sort"],
    ["/v1/articles?version=secret", "version"],
    ["/v1/articles?section=Not%20a%20slug", "section"],
    ["/v1/articles?language=not_a_tag", "language"],
    ["/v1/articles?publishedAfter=yesterday", "publishedAfter"],
    ["/v1/articles?publishedBefore=2025-02-30", "publishedBefore"],
    ["/v1/articles?fields=headline,password", "fields"],
    ["/v1/articles?ids=1", "ids"],
    ["/v1/articles?status=draft", "status"],
    ["/v1/articles?q=a%00b", "q"],
    ["/v1/articles?limit=5&q=caf%E9", "q"],
    ["/v1/articles?cursor=%ED%A0%80", "cursor"],
    ["/v1/articles/some-article?fields=%zz", "fields"],
    ["/v1/tags?limit=0", "limit"],
    ["/v1/tags?name=x", "name"],
    ["/v1/keys?limit=101", "limit"],
    ["/v1/articles/some-article?colour=red", "colour"],
    ["/v1/articles/some-article/share-counts?limit=5", "limit"],
  ])("are 400 as %s, naming %s", async ([path = "", name]) => {
    const found = expectProblem(await newsroom.editor.get(path), 400, "invalid-parameter");
    expect(found.errors?.map(({ pointer }) => pointer)).toEqual([name]);
    expect(found.detail).toContain(name);
  });

  it.for([
    "",
    "x",
    "AAAA",
    "A".repeat(999),
    "A".repeat(1001),
    "%E2%82%AC",
    "../../etc/passwd",
    "' OR 1=1 --",
  ])("cursor=%.20s, which was never given out, is 400", async (cursor) => {
    for (const list of ["/v1/articles", "/v1/tags", "/v1/keys"]) {
      const found = expectProblem(
        await newsroom.editor.get(`${list}?cursor=${cursor}`),
        400,
        "invalid-parameter",
      );
      expect(found.errors?.map(({ pointer }) => pointer)).toEqual(["cursor"]);
    }
  });

  describe("with a cursor that was given out", () => {
    let cursor = "";
    beforeAll(async () => {
      for (const name of ["Alpha", "Beta", "Gamma"]) {
        await newsroom.editor.post("/v1/sections").send({ name });
        await newsroom.editor.post("/v1/authors").send({ name });
      }
      cursor = (await newsroom.editor.get("/v1/sections?limit=1")).body.page.next as string;
    });

    it("go on there", async () => {
      const answer = await newsroom.editor.get(`/v1/sections?limit=2&cursor=${cursor}`);
      expect((answer.body.data as { slug: string }[]).map(({ slug }) => slug)).toEqual(["beta", "gamma"]);
    });

    it("are 400 when it was changed, cut or belongs to another list", async () => {
      const bytes = Buffer.from(cursor, "base64url");
      const forged = [...bytes.keys()].map((at) =>
        Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ 1)).toString("base64url"),
      );
      const cut = Array.from({ length: cursor.length - 1 }, (_, length) =>
        cursor.slice(0, length + 1),
      ).filter((text) => text.length % 4 !== 1);
      for (const one of [...forged, ...cut]) {
        expectProblem(
          await newsroom.editor.get("/v1/sections").query({ cursor: one }),
          400,
          "invalid-parameter",
        );
      }
      for (const list of ["/v1/authors", "/v1/tags", "/v1/keys", "/v1/articles"]) {
        expectProblem(await newsroom.editor.get(list).query({ cursor }), 400, "invalid-parameter");
      }
    });
  });
});

describe("an address that leads nowhere", () => {
  it.for([
    "/",
    "/v1",
    "/v1/",
    "/v2/articles",
    "/v1/article",
    "/v1/articles/",
    "/v1/articles/a/b",
    "/v1/articles/a/key-points/b/c",
    "//v1/articles",
    "/favicon.ico",
    "/v1/%61rticle",
    "/.env",
  ])("is 404 as %s", async (path) => {
    expectProblem(await newsroom.editor.get(path), 404, "not-found");
  });

  it.for([
    "/v1/articles/%00",
    "/v1/articles/a%00b?version=draft",
    "/v1/sections/%00",
    "/v1/articles?q=%00",
    "/v1/articles/%E0%A4%A",
    "/v1/articles/%",
    "/v1/articles/%zz",
    "/v1/articles/%C0%80",
    "/v1/tags/%FF",
  ])("is 400 as %s", async (path) => {
    expect([400, 404]).toContain((await newsroom.editor.get(path)).status);
    const answer = await newsroom.editor.get(path);
    expectProblem(
      answer,
      400,
      answer.body.type === "/problems/invalid-parameter" ? "invalid-parameter" : "malformed-request",
    );
  });

  it.for([201, 400, 401, 5000])("is 404 as a slug of %i characters", async (length) => {
    expectProblem(await newsroom.editor.get(`/v1/articles/${"a".repeat(length)}`), 404, "not-found");
  });

  it.for(["ümläut", "İstanbul", "%2e%2e%2f", "a b", "' OR '1'='1", "😀", "$(id)", "<script>"])(
    "is 404 as the slug %s",
    async (slug) => {
      expectProblem(await newsroom.editor.get(`/v1/articles/${encodeURIComponent(slug)}`), 404, "not-found");
      expectProblem(
        await newsroom.editor.get(`/v1/articles/${encodeURIComponent(slug)}?version=draft`),
        404,
        "not-found",
      );
      expectProblem(
        await newsroom.editor.post(`/v1/articles/${encodeURIComponent(slug)}/publish`),
        404,
        "not-found",
      );
      expectProblem(await newsroom.editor.get(`/v1/authors/${encodeURIComponent(slug)}`), 404, "not-found");
    },
  );
});

describe("a method that an address does not have", () => {
  it.for([
    ["delete", "/v1/articles", "GET, HEAD, POST"],
    ["patch", "/v1/articles", "GET, HEAD, POST"],
    ["post", "/v1/articles/some-article", "DELETE, GET, HEAD, PATCH, PUT"],
    ["get", "/v1/articles/some-article/publish", "POST"],
    ["get", "/v1/articles/some-article/shares", "POST"],
    ["patch", "/v1/articles/some-article/key-points", "GET, HEAD, POST, PUT"],
    ["post", "/v1/articles/some-article/key-points/1", "DELETE, GET, HEAD, PATCH"],
    ["get", "/v1/imports", "POST"],
    ["put", "/v1/keys/1", "DELETE, GET, HEAD, PATCH"],
    ["post", "/healthz", "GET, HEAD"],
    ["delete", "/openapi.json", "GET, HEAD"],
  ] as const)("is 405 as %s %s, and Allow is %s", async ([method, path, allow]) => {
    const answer = await newsroom.editor[method](path);
    expectProblem(answer, 405, "method-not-allowed");
    expect(answer.headers.allow).toBe(allow);
  });

  it.for(["TRACE", "PROPFIND", "LOCK", "PURGE"])("is 405 as %s", async (method) => {
    const answer = await sendBytes(
      newsroom.url,
      `${method} /v1/articles HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.status).toBe(405);
    expect(answer.head).toMatch(/^allow: GET, HEAD, POST$/im);
  });

  it("is 405 also where the whole address is named, as to a proxy", async () => {
    const answer = await sendBytes(
      newsroom.url,
      "HEAD http://x/v1/changes/stream?since=now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    expect(answer.status).toBe(405);
    expect(answer.head).toMatch(/^allow: GET$/im);
  });
});

describe("bytes that are no HTTP", () => {
  const long = "a".repeat(20_000);
  it.for([
    ["noise", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
    ["no method", "/v1/articles HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["an unknown method", "FETCH /v1/articles HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["another protocol", "GET /v1/articles HTTP/7.0\r\nHost: x\r\n\r\n", 400],
    ["no Host", "GET /v1/articles HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    ["a space in a header's name", "GET /v1/articles HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400],
    [
      "two lengths",
      "POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      400,
    ],
    [
      "a length and chunks",
      "POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "a length that is no number",
      "POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      400,
    ],
    ["a huge header", `GET /v1/articles HTTP/1.1\r\nHost: x\r\nX-Long: ${long}\r\n\r\n`, 431],
    ["a huge address", `GET /v1/articles/${long} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ] as const)("get a problem for %s", async ([, bytes, status]) => {
    const answer = await sendBytes(newsroom.url, bytes);
    expect(answer.status).toBe(status);
    expect(answer.head).toMatch(/^content-type: application\/problem\+json/im);
    const body = JSON.parse(answer.body) as Record<string, unknown>;
    expect(body).toMatchObject({
      status,
      title: expect.any(String),
      detail: expect.any(String),
      requestId: expect.any(String),
      // Where it is not known what was asked, no more than this.
      instance: expect.stringMatching(/^\/(v1\/articles)?$/),
    });
    expect(answer.head.toLowerCase()).toContain(`x-request-id: ${String(body.requestId)}`);
    expect(answer.body).not.toMatch(/HPE_|\.js|at /);
  });

  it("leave the server at work for others", async () => {
    await Promise.all(Array.from({ length: 20 }, () => sendBytes(newsroom.url, "\0\0\0\0\r\n\r\n")));
    expect((await newsroom.reader.get("/v1/articles")).status).toBe(200);
  });
});

describe("a request's id", () => {
  it("is made when none is given, another each time", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await newsroom.reader.get("/v1/articles")).headers["x-request-id"]),
    );
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
  });

  it.for(["order-66", "a.b:c_d-e", "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", "x".repeat(100)])(
    "is kept as %s",
    async (id) => {
      for (const path of ["/v1/articles", "/nowhere", "/v1/articles/%zz"]) {
        const answer = await newsroom.reader.get(path).set("x-request-id", id);
        expect(answer.headers["x-request-id"]).toBe(id);
        if (answer.status >= 400) expect(answer.body.requestId).toBe(id);
      }
    },
  );

  it.for(["", "two words", "x".repeat(101), '"><script>', "a;b", "{}", "é"])(
    "is replaced when it is %s",
    async (id) => {
      const answer = await newsroom.reader.get("/nowhere").set("x-request-id", id);
      expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f]{16}-/);
      expectProblem(answer, 404, "not-found");
    },
  );
});

describe("a problem's type", () => {
  it.for(Object.entries(problemTypes))(
    "leads to its description: %s",
    async ([name, { status, meaning }]) => {
      const answer = await newsroom.reader.get(`/problems/${name}`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ type: `/problems/${name}`, status, meaning });
    },
  );

  it.for(["unheard-of", "toString", "__proto__", "constructor"])("is 404 as %s", async (name) => {
    expectProblem(await newsroom.reader.get(`/problems/${name}`), 404, "not-found");
  });
});
