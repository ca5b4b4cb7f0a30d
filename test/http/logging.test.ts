import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { sendBytes } from "../support/socket.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";

const adminKey = "an-administrators-key-that-no-log-holds";
let server: ServerProcess;
let drop = async () => {};

beforeAll(async () => {
  const database = await freshDatabase();
  drop = database.drop;
  server = await startProcess({
    DATABASE_URL: database.url,
    DATELINE_ADMIN_KEY: adminKey,
    // With origins listed there is more to be done before an answer is sent.
    DATELINE_CORS_ORIGINS: "https://news.example",
  });
});
afterAll(async () => {
  await server.end("SIGTERM");
  await drop();
});

interface Line {
  reqId?: string;
  method?: string;
  url?: string;
  status?: number;
  milliseconds?: number;
}

/** Asks with an id, and waits for the lines that the log has under it. */
async function linesOf(
  id: string,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Line[]> {
  const response = await fetch(server.url + path, {
    ...init,
    headers: { ...init.headers, "x-request-id": id },
  });
  await response.text();
  expect(response.headers.get("x-request-id")).toBe(id);
  const logged = () =>
    server
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line)
      .filter(({ reqId }) => reqId === id);
  await vi.waitUntil(() => logged().length > 0);
  return logged();
}

describe("the log", () => {
  it("has one line of a write, which is answered once", async () => {
    const lines = await linesOf("written", "/v1/articles", {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: '{"headline":"Answered once"}',
    });
    expect(lines).toEqual([expect.objectContaining({ method: "POST", url: "/v1/articles", status: 201 })]);
  });

  it.for([
    ["served", "/v1/articles?limit=1", 200],
    ["missing", "/v1/articles/none", 404],
    ["misspelt", "/v1/articles?limit=0", 400],
    ["unrouted", "/nowhere", 404],
    ["malformed", "/v1/articles/%zz", 400],
    ["too-long", `/v1/articles/${"a".repeat(500)}`, 404],
    ["refused", "/v1/keys", 401],
  ] as const)("has one line of a request that is %s", async ([id, url, status]) => {
    expect(await linesOf(id, url)).toEqual([
      expect.objectContaining({ reqId: id, method: "GET", url, status, milliseconds: expect.any(Number) }),
    ]);
  });

  it("holds neither keys nor bodies", async () => {
    const headers = {
      authorization: `Bearer ${adminKey}`,
      "content-type": "application/json",
      "idempotency-key": "an-idempotency-key",
    };
    const body = JSON.stringify({ name: "A name in a body", scopes: ["drafts:read"] });
    const response = await fetch(`${server.url}/v1/keys`, { method: "POST", headers, body });
    const { secret } = (await response.json()) as { secret: string };
    await linesOf("invalid", "/v1/articles", {
      method: "POST",
      headers: { ...headers, cookie: "a=cookie" },
      body: '{"headline":"A headline in a body","x":1}',
    });
    await linesOf("wrong", "/v1/articles", { headers: { authorization: "Bearer a-guessed-key" } });
    for (const hidden of [
      adminKey,
      secret,
      "a-guessed-key",
      "A name in a body",
      "A headline in a body",
      "an-idempotency-key",
      "a=cookie",
    ]) {
      expect(server.output()).not.toContain(hidden);
    }
  });

  it("holds no token of a preview, wherever and however it is asked for", async () => {
    const token = "a-token-that-opens-a-preview";
    const tooLong = `${token}${"a".repeat(500)}`;
    for (const [id, method, path] of [
      ["forged", "GET", `/preview/${token}`],
      ["queried", "GET", `/preview/${token}?utm=${token}`],
      ["posted", "POST", `/preview/${token}`],
      ["deeper", "GET", `/preview/${token}/${token}`],
      ["longer", "GET", `/preview/${tooLong}`],
      ["broken", "GET", `/preview/${token}%zz`],
    ] as const) {
      const lines = await linesOf(id, path, { method });
      expect(lines).toEqual([expect.objectContaining({ reqId: id, method, url: "/preview/[token]" })]);
    }
    expect(server.output()).not.toContain(token);
  });

  it("holds no key that was put into an address, wherever it stands and however it is written", async () => {
    const key = "dateline_a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f6g7h8i9j0abcdef";
    const hidden = "a-secret-that-no-log-holds";
    for (const [id, path, shown] of [
      ["as-key", `/v1/articles?key=${hidden}`, "/v1/articles?key=[secret]"],
      [
        "as-token",
        `/v1/articles?limit=1&access_token=${hidden}`,
        "/v1/articles?limit=1&access_token=[secret]",
      ],
      ["encoded", `/v1/articles?%74oken=${hidden}&q=a`, "/v1/articles?token=[secret]&q=a"],
      ["shouted", `/healthz?API_KEY=${hidden}`, "/healthz?API_KEY=[secret]"],
      ["in-a-page", `/a/none?token=${hidden}`, "/a/none?token=[secret]"],
      ["in-a-path", `/v1/keys/${key}`, "/v1/keys/dateline_[key]"],
      ["searched", `/v1/articles?q=${key}`, "/v1/articles?q=dateline_[key]"],
      ["broken-key", `/v1/articles/%zz?key=${hidden}`, "/v1/articles/%zz?key=[secret]"],
      ["nowhere", `/nowhere?secret=${hidden}`, "/nowhere?secret=[secret]"],
    ] as const)
      expect(await linesOf(id, path)).toEqual([
        expect.objectContaining({ reqId: id, url: shown, status: 400 }),
      ]);
    const { status } = await sendBytes(
      server.url,
      `GET http://somebody:${hidden}@dateline.example/v1/articles HTTP/1.1\r\nHost: dateline.example\r\nConnection: close\r\n\r\n`,
    );
    expect(status).toBe(400);
    await linesOf("after-userinfo", "/healthz");
    for (const secret of [key, hidden]) expect(server.output()).not.toContain(secret);
  });

  it("cannot be given lines by a caller", async () => {
    await linesOf("forging", `/v1/articles/${encodeURIComponent('x\n{"reqId":"forged"}')}`);
    await linesOf("after", "/healthz");
    expect(server.output()).not.toContain('\n{"reqId":"forged"}');
  });
});
