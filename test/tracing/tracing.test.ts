import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { wantsTraces } from "../../src/tracing/tracing.ts";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { traceReceiver } from "./receiver.ts";

// Processes take their time to start where the machine has others to serve.
vi.setConfig({ testTimeout: 60_000 });

const ADMIN = "an-administrators-key-for-tests-only";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
const CALLER = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" };
const traceparent = `00-${CALLER.trace}-${CALLER.span}-01`;

let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await freshDatabase());
});
afterAll(() => drop());

async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startProcess({
    DATABASE_URL: databaseUrl,
    DATELINE_ADMIN_KEY: ADMIN,
    DATELINE_RATE_LIMIT: "off",
    OTEL_BSP_SCHEDULE_DELAY: "100",
    ...environment,
  });
  onTestFinished(async () => {
    await server.end("SIGTERM").catch(() => {});
  });
  return server;
}

/** A server that sends its spans to a receiver, as JSON. */
async function tracedServer(environment: Record<string, string> = {}) {
  const receiver = await traceReceiver();
  const server = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    ...environment,
  });
  return { receiver, server };
}

/** The lines that a server has logged as JSON. */
function logged({ output }: ServerProcess): Record<string, unknown>[] {
  return output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a request to a traced server", () => {
  it("is a span by its route, within the caller's trace, with the database below it and its log line beside it", async () => {
    const { receiver, server } = await tracedServer();
    const answer = await fetch(`${server.url}/v1/articles?version=draft`, {
      headers: { ...headers, traceparent },
    });
    expect(answer.status).toBe(200);
    const spans = await vi.waitFor(() => {
      const found = receiver.of(CALLER.trace);
      expect(found.map(({ name }) => name)).toContain("GET /v1/articles");
      return found;
    });
    const request = spans.find(({ name }) => name === "GET /v1/articles");
    expect(request).toMatchObject({
      parentSpanId: CALLER.span,
      kind: 2,
      attributes: {
        "http.request.method": "GET",
        "http.route": "/v1/articles",
        "http.response.status_code": 200,
        "url.path": "/v1/articles",
        "dateline.request_id": answer.headers.get("x-request-id"),
      },
    });
    const names = spans.map(({ name }) => name);
    expect(names).toContain("find key");
    expect(names).toContain("prisma:client:operation");
    expect(names).toContain("prisma:client:db_query");
    // All of it hangs together.
    const ids = new Set([CALLER.span, ...spans.map(({ spanId }) => spanId)]);
    for (const { name, parentSpanId = "" } of spans)
      expect({ name, has: ids.has(parentSpanId) }).toEqual({ name, has: true });
    expect([...receiver.services]).toEqual(["dateline"]);
    const line = logged(server).find(({ url }) => url === "/v1/articles?version=draft");
    expect(line).toMatchObject({ trace_id: CALLER.trace, span_id: request?.spanId });
  });

  it("that writes has its body read and its transaction within the same trace, and one that is refused is no failure of ours", async () => {
    const { receiver, server } = await tracedServer({ OTEL_SERVICE_NAME: "the-desk" });
    const made = await fetch(`${server.url}/v1/articles`, {
      method: "POST",
      headers: { ...headers, traceparent },
      body: JSON.stringify({ headline: "Traced" }),
    });
    expect(made.status).toBe(201);
    await vi.waitFor(() => {
      const names = receiver.of(CALLER.trace).map(({ name }) => name);
      expect(names).toEqual(
        expect.arrayContaining(["POST /v1/articles", "prisma:client:transaction", "SQL"]),
      );
      const texts = receiver.of(CALLER.trace).map(({ attributes }) => String(attributes["db.query.text"]));
      expect(texts.filter((text) => /INSERT INTO (articles|revisions|audit_entries)/.test(text)).length).toBe(
        3,
      );
    });
    expect([...receiver.services]).toEqual(["the-desk"]);
    const other = traceparent.replaceAll("4", "5");
    const refused = await fetch(`${server.url}/v1/articles/no-such-article`, {
      headers: { traceparent: other },
    });
    expect(refused.status).toBe(404);
    await vi.waitFor(() =>
      expect(receiver.of(CALLER.trace.replaceAll("4", "5"))).toContainEqual(
        expect.objectContaining({
          name: "GET /v1/articles/:article",
          attributes: expect.objectContaining({ "http.response.status_code": 404 }),
          status: { code: 1 },
        }),
      ),
    );
  });

  it("tells no secret: neither keys, nor queries, nor the token of a preview", async () => {
    const { receiver, server } = await tracedServer();
    await fetch(`${server.url}/v1/articles?q=a-word-of-ones-own`, { headers });
    await fetch(`${server.url}/preview/a-token-that-opens-a-draft`);
    await vi.waitFor(() =>
      expect(receiver.spans.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["GET /v1/articles", "GET /preview/:token"]),
      ),
    );
    const all = receiver.requests.map(({ bytes }) => bytes.toString()).join();
    expect(all).not.toMatch(/administrators-key|ones-own|opens-a-draft/);
  });

  it("has no span when it only asks whether the process is well", async () => {
    const { receiver, server } = await tracedServer();
    for (const path of ["/healthz", "/readyz", "/metrics", "/v1/me"])
      await fetch(server.url + path, { headers });
    await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toContain("GET /v1/me"));
    expect(receiver.spans.filter(({ name }) => /healthz|readyz|metrics/.test(name))).toEqual([]);
  });
});

describe("work that no request waits for", () => {
  it("has a trace of its own: planned editions, deliveries to webhooks, batches of shares", async () => {
    const { receiver, server } = await tracedServer({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });
    const post = async (path: string, body: object) => {
      const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
      expect(answer.status, path).toBeLessThan(300);
      return (await answer.json()) as { id: string };
    };
    await post("/v1/webhooks", { url: `${receiver.url}/webhook` });
    const { id } = await post("/v1/articles", { headline: "In a moment" });
    await post(`/v1/articles/${id}/publish`, { at: new Date(Date.now() + 500).toISOString() });
    const names = () => receiver.spans.filter((span) => !span.parentSpanId).map(({ name }) => name);
    await vi.waitFor(
      () => expect(names()).toEqual(expect.arrayContaining(["job due", "deliver to webhook"])),
      {
        timeout: 10_000,
      },
    );
    await post(`/v1/articles/${id}/shares`, { network: "x" });
    await vi.waitFor(() => expect(names()).toContain("record shares"));
    const due = receiver.spans.find(({ name }) => name === "job due");
    await vi.waitFor(() =>
      expect(receiver.of(due?.traceId ?? "").map(({ name }) => name)).toContain("prisma:client:transaction"),
    );
  });
});

describe("tracing", () => {
  it("speaks protobuf when nothing is said, and sends what is left when the process ends, from workers too", async () => {
    const receiver = await traceReceiver();
    const server = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: "60000",
      DATELINE_WORKERS: "2",
    });
    await fetch(`${server.url}/v1/me`, { headers: { ...headers, connection: "close" } });
    expect(await server.end("SIGTERM")).toBe(0);
    expect(receiver.requests.map(({ path, type }) => ({ path, type }))).toContainEqual({
      path: "/v1/traces",
      type: "application/x-protobuf",
    });
    expect(receiver.requests.some(({ bytes }) => bytes.includes("GET /v1/me"))).toBe(true);
  });

  it("holds up nobody when its receiver is away", async () => {
    const server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    for (let number = 0; number < 20; number += 1)
      expect((await fetch(`${server.url}/v1/articles`)).status).toBe(200);
    const told = performance.now();
    expect(await server.end("SIGTERM")).toBe(0);
    expect(performance.now() - told).toBeLessThan(5_000);
  });

  it("is off unless asked for, and then nothing of it is loaded; the caller's trace is logged all the same", async () => {
    const tell = `
      import { createRequire } from "node:module";
      const { cache } = createRequire(process.cwd() + "/x.js");
      process.on("exit", () => console.log("loaded:", Object.keys(cache).filter((name) => /opentelemetry(?!.api.)|@fastify.otel|prisma.instrumentation/.test(name)).length, "of", Object.keys(cache).length));`;
    const watched = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}` };
    const server = await start(watched);
    expect((await fetch(`${server.url}/v1/me`, { headers: { ...headers, traceparent } })).status).toBe(200);
    await vi.waitFor(() =>
      expect(logged(server).find(({ url }) => url === "/v1/me")).toMatchObject({
        caller_trace_id: CALLER.trace,
      }),
    );
    await server.end("SIGTERM");
    expect(server.output()).toMatch(/loaded: 0 of \d\d+/);
    const { server: on } = await tracedServer(watched);
    await on.end("SIGTERM");
    expect(on.output()).toMatch(/loaded: [1-9]\d+ of/);
  });

  it.for([
    [{}, false],
    [{ OTEL_SERVICE_NAME: "dateline" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://localhost:4318/v1/traces" }, true],
    [{ OTEL_TRACES_EXPORTER: "console" }, true],
    [{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }, false],
    [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }, false],
  ] as const)("with %j is on: %s", ([environment, isOn]) => {
    expect(wantsTraces(environment)).toBe(isOn);
  });
});
