import { describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";
import { sendBytes } from "../support/socket.ts";

const newsroom = useNewsroom();
const { stringify } = JSON;

describe("an address", () => {
  it("is taken up to 15,360 bytes, which hold words beyond any search, and is 414 beyond", async () => {
    const ofLength = (length: number) => {
      const start = "/v1/articles?q=";
      return newsroom.reader.get(start + "a".repeat(length - start.length));
    };
    expect((await ofLength(15_360)).status).toBe(400);
    expectProblem(await ofLength(15_361), 414, "address-too-long");
    const ids = Array.from(
      { length: 100 },
      (_, n) => `0199b2a0-5f5a-7c11-9d0e-${String(n).padStart(12, "0")}`,
    );
    expect((await newsroom.reader.get(`/v1/articles?ids=${ids.join(",")}`)).status).toBe(200);
  });

  it("has at most a hundred parameters, on every operation", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => `a${n}=1`).join("&");
    for (const path of ["/v1/articles", "/healthz", "/a/none", "/nowhere"]) {
      const { errors } = expectProblem(
        await newsroom.reader.get(`${path}?${many(101)}`),
        400,
        "invalid-parameter",
      );
      expect(errors).toEqual([{ pointer: "query", detail: expect.stringContaining("100") }]);
    }
    expect((await newsroom.reader.get(`/healthz?${many(100)}`)).status).toBe(200);
  });
});

describe("header fields", () => {
  const send = (fields: string) =>
    sendBytes(newsroom.url, `GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);

  it("are a hundred at most, and 431 beyond, before any is looked at", async () => {
    const fields = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}: 1\r\n`).join("");
    expect((await send(fields(98))).status).toBe(200);
    const refused = await send(fields(99));
    expect(refused.status).toBe(431);
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/headers-too-large", status: 431 });
  });

  it("are 16 KiB at most together, and 431 beyond", async () => {
    expect((await send(`x-long: ${"a".repeat(15_000)}\r\n`)).status).toBe(200);
    const refused = await send(`x-long: ${"a".repeat(17_000)}\r\n`);
    expect(refused.status).toBe(431);
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/headers-too-large", status: 431 });
  });
});

describe("what is no HTTP", () => {
  it.for([
    ["GET /v1/articles?q=café HTTP/1.1\r\nHost: a\r\n\r\n", "percent-encoded"],
    ["GET / HTTP/1.1\r\nHost a\r\n\r\n", "not well-formed"],
    ["Good morning\r\n\r\n", "not well-formed"],
  ])("is 400 with a problem as %j", async ([bytes = "", detail]) => {
    const { status, head, body } = await sendBytes(newsroom.url, bytes);
    expect(status).toBe(400);
    expect(head).toMatch(/^content-type: application\/problem\+json$/m);
    expect(JSON.parse(body)).toMatchObject({
      type: "/problems/malformed-request",
      detail: expect.stringContaining(detail ?? ""),
    });
  });
});

describe("a body", () => {
  const post = (body: string) =>
    newsroom.editor.post("/v1/articles").set("content-type", "application/json").send(body);

  it("is nested 64 levels deep at most, and never costs a stack", async () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
      expectProblem(await post(nested(64)), 422, "invalid-content");
      for (const depth of [65, 1_000_000]) {
        const { detail } = expectProblem(await post(nested(depth)), 400, "malformed-request");
        expect(detail).toContain("64 levels");
      }
    }
    expectProblem(await post("[".repeat(1_000_000)), 400, "malformed-request");
  });

  it("may have as many brackets in its texts as it likes", async () => {
    const headline = `${'["{\\'.repeat(40)} \u2028.`;
    const made = await post(stringify({ headline }));
    expect(made.status, made.text).toBe(201);
    expect(made.body.headline).toBe(headline);
  });

  it("may be wide instead: what was closed does not count", async () => {
    const keyPoints = Array.from({ length: 50 }, (_, n) => ({ text: `Point ${n}` }));
    expect((await post(stringify({ headline: "Wide", keyPoints }))).status).toBe(201);
  });

  it("is cut off where an operation takes less, and no more of it is read", async () => {
    const long = stringify({ network: "x".repeat(2000) });
    const { body: made } = await newsroom.editor.post("/v1/articles").send({ headline: "Short" });
    const answer = await newsroom.reader
      .post(`/v1/articles/${made.id}/shares`)
      .set("content-type", "application/json")
      .send(long);
    expectProblem(answer, 413, "content-too-large");
  });
});

describe("a key in an address", () => {
  it.for([
    "key",
    "token",
    "access_token",
    "api_key",
    "apikey",
    "X-API-Key",
    "auth",
    "bearer",
    "client_secret",
    "password",
    "%6Bey",
    "to%6ben",
  ])("is refused as ?%s=, whether it is right or wrong, and whatever else is right", async (name) => {
    for (const value of [newsroom.adminKey, "wrong", ""])
      for (const path of ["/v1/articles", "/v1/keys", "/a/none", "/openapi.json", "/healthz", "/nowhere"])
        expectProblem(await newsroom.editor.get(`${path}?a=1&${name}=${value}`), 400, "key-in-address");
  });

  it("is refused wherever one of ours stands", async () => {
    const { body: key } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Lost", scopes: ["drafts:read"] });
    for (const path of [
      `/v1/articles?q=${key.secret}`,
      `/v1/keys/${key.secret}`,
      `/v1/articles/x?fields=${key.secret}`,
    ])
      expectProblem(await newsroom.editor.get(path), 400, "key-in-address");
  });

  it("is refused as userinfo", async () => {
    for (const userinfo of ["user:password", "token", ":"]) {
      const { status, body } = await sendBytes(
        newsroom.url,
        `GET http://${userinfo}@a.example/v1/articles HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`,
      );
      expect([status, (JSON.parse(body) as { type: string }).type]).toEqual([
        400,
        "/problems/key-in-address",
      ]);
    }
  });

  it("is not what an operation takes under such a name: the id of a key", async () => {
    const { id } = await partnerOf(newsroom, {});
    const { body: made } = await newsroom.editor.post("/v1/articles").send({ headline: "Whose" });
    await newsroom.editor.post(`/v1/articles/${made.id}/publish`);
    expect((await newsroom.editor.get(`/v1/articles/${made.id}/access?key=${id}`)).status).toBe(200);
  });
});
