import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { balancer } from "../support/balancer.ts";
import { type Habit, busyClients, send } from "../support/clients.ts";
import { freshDatabase } from "../support/database.ts";
import { scratchFolder } from "../support/folder.ts";
import { type ServerProcess, nextVersion, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const key = { authorization: `Bearer ${ADMIN}` };
const folder = await scratchFolder();

let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await freshDatabase());
});
afterAll(() => drop());

const start = (environment: Record<string, string> = {}, project?: string) =>
  startProcess(
    {
      DATABASE_URL: databaseUrl,
      DATELINE_ADMIN_KEY: ADMIN,
      DATELINE_RATE_LIMIT: "off",
      DATABASE_POOL: "5",
      LOG_LEVEL: "warn",
      ...environment,
    },
    project,
  );

/** What readers and editors do all day, on connections that they keep. */
async function habitsAt(url: string): Promise<Habit[]> {
  const editing = { ...key, "if-match": "*" };
  const made = await fetch(`${url}/v1/articles`, {
    method: "POST",
    headers: { ...key, "content-type": "application/json" },
    body: JSON.stringify({ headline: "Read and written" }),
  });
  const { id } = (await made.json()) as { id: string };
  const article = `${url}/v1/articles/${id}`;
  expect((await fetch(`${article}/publish`, { method: "POST", headers: key })).status).toBe(200);
  const reads =
    (address: string): Habit =>
    async (agent) => ({
      answer: await send(agent, address),
      expected: 200,
    });
  const writes: Habit[] = [
    async (agent, round) => ({
      answer: await send(agent, article, "PATCH", editing, { standfirst: `Round ${round}` }),
      expected: 200,
    }),
    async (agent) => ({ answer: await send(agent, `${article}/publish`, "POST", key), expected: 200 }),
    async (agent) => ({
      answer: await send(agent, `${article}/shares`, "POST", {}, { network: "x" }),
      expected: 201,
    }),
    async (agent, round) => ({
      answer: await send(agent, `${url}/v1/articles`, "POST", key, { headline: `Draft ${round}` }),
      expected: 201,
    }),
  ];
  return [...writes, ...[article, article, `${url}/v1/articles`, `${url}/v1/changes?since=start`].map(reads)];
}

/** What a newer version brings along: new columns with and without a default, a table, an index, a wider view. */
const EXPANSION = `
  ALTER TABLE "articles" ADD COLUMN "kicker" TEXT, ADD COLUMN "priority" INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE "share_counts" ADD COLUMN "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now();
  CREATE TABLE "kickers" ("id" UUID PRIMARY KEY, "article_id" UUID NOT NULL REFERENCES "articles"("id") ON DELETE CASCADE);
  CREATE INDEX "articles_kicker_idx" ON "articles"("kicker");
  CREATE VIEW "kicked" AS SELECT "id", "kicker" FROM "articles" WHERE "kicker" IS NOT NULL;
`;

describe("a rolling restart", () => {
  it("of two processes behind a balancer, on to a version that changes the schema, fails no request", async () => {
    const behind = await balancer();
    onTestFinished(() => behind.close());
    const inService = async (server: ServerProcess) => {
      behind.add(server.url);
      await vi.waitFor(() => expect(behind.isReady(server.url)).toBe(true), { timeout: 10_000 });
      return server;
    };
    // As long as the balancer needs to notice, and its clients to come by.
    const patient = { DATELINE_STOP_DELAY: "2" };
    const before = [await inService(await start(patient)), await inService(await start(patient))];
    const project = await nextVersion(join(folder, "next"), EXPANSION);
    const enough = busyClients(await habitsAt(behind.url), 60);
    await sleep(500);
    const after: ServerProcess[] = [];
    for (const old of before) {
      after.push(await inService(await start(patient, project)));
      expect(await old.end("SIGTERM")).toBe(0);
      behind.remove(old.url);
    }
    await sleep(500);
    const { done, failures, connections } = await enough();
    expect(failures).toEqual([]);
    expect(done).toBeGreaterThan(200);
    // Each of the clients has come to another process once at least.
    expect(connections).toBeGreaterThanOrEqual(2 * 8);
    for (const server of after) expect(await server.end("SIGTERM")).toBe(0);
  }, 120_000);

  it("of the workers of one process, on SIGUSR2, fails no request", async () => {
    const server = await start({ DATELINE_WORKERS: "2", LOG_LEVEL: "info" });
    const pids = () => new Set([...server.output().matchAll(/"pid":(\d+).*"reqId"/g)].map(([, pid]) => pid));
    const enough = busyClients(await habitsAt(server.url), 60);
    await vi.waitFor(() => expect(pids().size).toBe(2), { timeout: 10_000 });
    process.kill(server.pid, "SIGUSR2");
    await vi.waitFor(() => expect(server.output()).toContain("all workers are renewed"), { timeout: 60_000 });
    await vi.waitFor(() => expect(pids().size).toBe(4), { timeout: 10_000 });
    const { done, failures } = await enough();
    expect(failures).toEqual([]);
    expect(done).toBeGreaterThan(200);
    expect(server.output()).not.toContain("is replaced");
    expect(await server.end("SIGTERM")).toBe(0);
  }, 120_000);

  it("of workers that cannot start leaves those that serve, and one process without workers goes on", async () => {
    const alone = await start({ DATELINE_WORKERS: "1" });
    process.kill(alone.pid, "SIGUSR2");
    await vi.waitFor(() => expect(alone.output()).toContain("DATELINE_WORKERS is 1"));
    expect((await fetch(`${alone.url}/readyz`)).status).toBe(200);
    expect(await alone.end("SIGTERM")).toBe(0);

    const broken = await nextVersion(join(folder, "broken"), "SELECT 1");
    const server = await start({ DATELINE_WORKERS: "2" }, broken);
    await writeFile(join(broken, "src/workers/worker.ts"), "throw new Error('of no use');");
    process.kill(server.pid, "SIGUSR2");
    await vi.waitFor(() => expect(server.output()).toMatch(/A worker ended with .* before it could serve/), {
      timeout: 20_000,
    });
    for (let number = 0; number < 4; number += 1)
      expect((await fetch(`${server.url}/readyz`, { headers: { connection: "close" } })).status).toBe(200);
    expect(await server.end("SIGTERM")).toBe(0);
  });
});

describe("a process that is told to stop", () => {
  it("is not ready from then on, serves for the delay, and asks for each connection to be closed", async () => {
    const server = await start({ DATELINE_STOP_DELAY: "2" });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await send(agent, `${server.url}/v1/articles`);
    expect(before.headers.connection).toBe("keep-alive");
    // It is on its way when the word comes.
    const waiting = send(new Agent({ keepAlive: true }), `${server.url}/v1/changes?since=now&wait=30`);
    const told = performance.now();
    const ended = server.end("SIGTERM");
    await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(503));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const during = await send(agent, `${server.url}/v1/articles`);
    expect(during).toMatchObject({ status: 200, headers: { connection: "close" } });
    const fresh = await send(new Agent({ keepAlive: true }), `${server.url}/v1/articles`);
    expect(fresh).toMatchObject({ status: 200, headers: { connection: "close" } });
    expect(await waiting).toMatchObject({ status: 200, headers: { connection: "close" } });
    expect(await ended).toBe(0);
    expect(performance.now() - told).toBeGreaterThan(2_000);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow(TypeError);
  });

  it("ends its streams, so that their readers go on elsewhere", async () => {
    const server = await start();
    const stream = await fetch(`${server.url}/v1/changes/stream`);
    const ended = server.end("SIGTERM");
    expect(await stream.text()).toContain("retry: 2000");
    expect(await ended).toBe(0);
  });

  it("cuts off at its deadline what is not finished, says so, and exits with 1", async () => {
    const server = await start({ DATELINE_STOP_DEADLINE: "5" });
    const { hostname, port } = new URL(server.url);
    const slow = connect(Number(port), hostname);
    slow.write(
      `POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: ${key.authorization}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    const cut = once(slow, "close");
    slow.on("error", () => {});
    await sleep(200);
    const told = performance.now();
    expect(await server.end("SIGTERM")).toBe(1);
    const took = performance.now() - told;
    expect(took).toBeGreaterThan(2_500);
    expect(took).toBeLessThan(6_000);
    await cut;
    expect(server.output()).toMatch(/Not all requests were answered within DATELINE_STOP_DEADLINE \(5 s\)/);
  });
});
