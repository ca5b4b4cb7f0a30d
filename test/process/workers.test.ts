import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, type Server, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, npmStart, runToEnd, startProcess } from "../support/process.ts";
import { sharers } from "../support/sharing.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const WORKERS = 2;
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await freshDatabase());
});
afterAll(() => drop());

const settings = () => ({
  DATABASE_URL: databaseUrl,
  DATELINE_ADMIN_KEY: ADMIN,
  DATELINE_WORKERS: String(WORKERS),
  DATABASE_POOL: "4",
});
const start = (environment: Record<string, string> = {}) =>
  startProcess({ ...settings(), DATELINE_RATE_LIMIT: "off", ...environment });

/** A request on a connection of its own, so that the next one may go to another worker. */
const request = (
  server: ServerProcess,
  path: string,
  options: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
) =>
  fetch(`${server.url}${path}`, {
    ...options,
    headers: { ...headers, ...options.headers, connection: "close" },
  });

/** The processes that have answered requests, as the log tells. */
function served({ output }: ServerProcess): number[] {
  const lines = output().matchAll(/^\{.*"pid":(\d+),.*"reqId".*\}$/gm);
  return [...new Set([...lines].map(([, pid]) => Number(pid)))];
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function publish(server: ServerProcess, headline: string): Promise<string> {
  const created = await request(server, "/v1/articles", {
    method: "POST",
    body: JSON.stringify({ headline }),
  });
  const { id } = (await created.json()) as { id: string };
  const answer = await request(server, `/v1/articles/${id}/publish`, { method: "POST", body: "{}" });
  expect(answer.status).toBe(200);
  return id;
}

/** Waits until every worker has answered a request, and gives their process ids. */
const allServe = (server: ServerProcess) =>
  vi.waitFor(
    async () => {
      await request(server, "/v1/articles");
      const pids = served(server).filter(isThere);
      expect(pids).toHaveLength(WORKERS);
      return pids;
    },
    { timeout: 30_000 },
  );

/** How many requests for the list /metrics tells of. */
async function counted(server: ServerProcess): Promise<number> {
  const text = await (await request(server, "/metrics")).text();
  const found =
    /^dateline_http_request_duration_seconds_count\{method="GET",route="\/v1\/articles",status="200"\} (\d+)$/m;
  return Number(found.exec(text)?.[1]);
}

describe("workers", () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.end("SIGTERM"));

  it("answer behind one port, none of them the process that was started", async () => {
    expect(await allServe(server)).not.toContain(server.pid);
    expect(server.output().match(/ready at/g)).toHaveLength(1);
  });

  it("show what one of them publishes to the readers of all", async () => {
    await allServe(server);
    const id = await publish(server, "First words");
    const headlines = () =>
      Promise.all(
        Array.from({ length: 4 * WORKERS }, async () => {
          const answer = await request(server, `/v1/articles/${id}`);
          return ((await answer.json()) as { headline: string }).headline;
        }),
      );
    expect(new Set(await headlines())).toEqual(new Set(["First words"]));
    await request(server, `/v1/articles/${id}`, {
      method: "PATCH",
      headers: { "if-match": "*" },
      body: JSON.stringify({ headline: "Second words" }),
    });
    await request(server, `/v1/articles/${id}/publish`, { method: "POST", body: "{}" });
    await vi.waitFor(async () => expect(new Set(await headlines())).toEqual(new Set(["Second words"])));
  });

  it("add up in /metrics, whichever is asked", async () => {
    const before = await counted(server);
    await Promise.all(Array.from({ length: 30 }, () => request(server, "/v1/articles")));
    for (let number = 0; number < 2 * WORKERS; number += 1)
      await vi.waitFor(async () => expect(await counted(server)).toBe(before + 30));
    const text = await (await request(server, "/metrics")).text();
    expect(text.match(/^process_cpu_seconds_total /gm)).toHaveLength(1);
  });

  it("are replaced when killed, while the others go on answering and nothing counted is forgotten", async () => {
    const [victim = 0] = await allServe(server);
    const before = await counted(server);
    process.kill(victim, "SIGKILL");
    await vi.waitFor(() => expect(server.output()).toContain(`worker ${victim} ended with SIGKILL`));
    expect(await counted(server)).toBe(before);
    for (let number = 0; number < 10; number += 1)
      expect((await request(server, "/v1/articles")).status).toBe(200);
    expect(await allServe(server)).not.toContain(victim);
  });

  it("are replaced after pauses that grow, when they die soon after their start", async () => {
    const pauseOf = (pid: number) =>
      vi.waitFor(() => {
        const found = new RegExp(`worker ${pid} ended with SIGKILL and is replaced in (\\d+) ms`);
        const pause = found.exec(server.output())?.[1];
        expect(pause).toBeDefined();
        return Number(pause);
      });
    const before = await allServe(server);
    process.kill(before[0] ?? 0, "SIGKILL");
    const pause = await pauseOf(before[0] ?? 0);
    const fresh = (await allServe(server)).find((pid) => !before.includes(pid)) ?? 0;
    process.kill(fresh, "SIGKILL");
    expect(await pauseOf(fresh)).toBe(Math.max(100, 2 * pause));
  });

  it("lose no share that was acknowledged when killed", async () => {
    const [victim = 0] = await allServe(server);
    const id = await publish(server, "Shared");
    let acknowledged = 0;
    let failed = 0;
    const { share, close } = sharers(server.url, 12);
    const readers = Array.from({ length: 12 }, async () => {
      while (acknowledged < 1_000) {
        const answer = await share(id, "x").catch(() => undefined);
        if (answer === undefined) failed += 1;
        else if (answer.status === 201) acknowledged += 1;
      }
    });
    await vi.waitFor(() => expect(acknowledged).toBeGreaterThan(200));
    process.kill(victim, "SIGKILL");
    await Promise.all(readers);
    close();
    expect(failed).toBeGreaterThan(0);
    const answer = await request(server, `/v1/articles/${id}/share-counts/x`);
    const { count } = (await answer.json()) as { count: number };
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    expect(count).toBeLessThanOrEqual(acknowledged + failed);
  });

  it("answer every new connection while one after the other is killed", async () => {
    const answers: number[] = [];
    const enough = new AbortController();
    const reader = async () => {
      while (!enough.signal.aborted) {
        const answer = await request(server, "/v1/articles", { signal: AbortSignal.timeout(5_000) }).catch(
          (error: unknown) => {
            // What a killed worker was about to answer is cut off, but nobody is left waiting.
            if (error instanceof DOMException) throw error;
            return undefined;
          },
        );
        if (answer !== undefined) answers.push(answer.status);
      }
    };
    const readers = [reader(), reader(), reader(), reader()];
    for (let round = 0; round < 2; round += 1) {
      const [victim = 0] = await allServe(server);
      process.kill(victim, "SIGKILL");
      await vi.waitFor(() => expect(isThere(victim)).toBe(false));
    }
    await allServe(server);
    enough.abort();
    await Promise.all(readers);
    expect(new Set(answers)).toEqual(new Set([200]));
  });

  it("that are told to stop one by one end when they have answered, and are replaced as well", async () => {
    const [told = 0] = await allServe(server);
    process.kill(told, "SIGTERM");
    await vi.waitFor(() => expect(server.output()).toContain(`worker ${told} ended with the code 0`));
    expect(await allServe(server)).not.toContain(told);
  });
});

describe("limits of rates", () => {
  it("hold over all workers", async () => {
    const server = await start({ DATELINE_RATE_LIMIT: "on" });
    await allServe(server);
    const id = await publish(server, "Market day");
    const answers = await Promise.all(
      Array.from({ length: 70 }, () =>
        fetch(`${server.url}/v1/articles/${id}/shares`, {
          method: "POST",
          headers: { "content-type": "application/json", connection: "close" },
          body: JSON.stringify({ network: "x" }),
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
    await server.end("SIGTERM");
  });
});

describe("DATELINE_WORKERS=1", () => {
  it("is one process, which serves itself", async () => {
    const server = await start({ DATELINE_WORKERS: "1" });
    await request(server, "/v1/articles");
    await vi.waitFor(() => expect(served(server)).toEqual([server.pid]));
    await server.end("SIGTERM");
  });
});

describe("stopping with workers", () => {
  it("finishes what is in flight in all of them", async () => {
    const server = await start();
    const pids = await allServe(server);
    const sent = Array.from({ length: 30 }, (_, number) =>
      request(server, "/v1/articles", {
        method: "POST",
        body: JSON.stringify({ headline: `Number ${number}` }),
      }),
    );
    await Promise.race(sent);
    const ended = server.end("SIGTERM");
    const answers = await Promise.allSettled(sent);
    expect(await ended).toBe(0);
    for (const answer of answers) if (answer.status === "fulfilled") expect(answer.value.status).toBe(201);
    await expect(request(server, "/healthz")).rejects.toThrow(TypeError);
    for (const pid of pids) expect(isThere(pid)).toBe(false);
  });

  it("stops the embedded database too, which made one key for all", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dateline-workers-"));
    const server = await start({ DATABASE_URL: "", DATELINE_ADMIN_KEY: "", DATELINE_DATA_DIR: folder });
    const pidFile = join(folder, "postgres/postmaster.pid");
    expect(existsSync(pidFile)).toBe(true);
    const keys = [...server.output().matchAll(/shown this once: (\S+)/g)];
    expect(keys).toHaveLength(1);
    const authorization = `Bearer ${keys[0]?.[1]}`;
    expect((await fetch(`${server.url}/v1/keys`, { headers: { authorization } })).status).toBe(200);
    expect(await server.end("SIGTERM")).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
    await rm(folder, { recursive: true });
  });

  it("exits with 0 when the whole group is told to, as Ctrl-C does, and told twice", async () => {
    const server = await start();
    const pids = await allServe(server);
    for (const pid of [...pids, server.pid, ...pids]) process.kill(pid, "SIGINT");
    expect(await server.end("SIGINT")).toBe(0);
    expect(server.output()).not.toContain("is replaced");
  });

  it("exits with 0 when npm start is told to", async () => {
    const server = await npmStart(settings());
    expect(await server.end("SIGTERM")).toBe(0);
    await expect(request(server, "/healthz")).rejects.toThrow(TypeError);
  });

  it("exits with 0, and soon, while a worker is being replaced", async () => {
    const server = await start();
    const [victim = 0] = await allServe(server);
    process.kill(victim, "SIGKILL");
    await vi.waitFor(() => expect(server.output()).toContain(`worker ${victim} ended`));
    // By now its replacement is starting.
    await sleep(300);
    const told = performance.now();
    expect(await server.end("SIGTERM")).toBe(0);
    expect(performance.now() - told).toBeLessThan(10_000);
  });

  it("kill -9 of the first process leaves none of the others behind", async () => {
    const server = await start();
    const pids = await allServe(server);
    await server.end("SIGKILL");
    await vi.waitFor(() => expect(pids.filter(isThere)).toEqual([]), { timeout: 5_000 });
    await expect(request(server, "/healthz")).rejects.toThrow(TypeError);
  });
});

describe("workers that cannot start", () => {
  let taken: Server;
  beforeAll(async () => {
    taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
  });
  afterAll(() => taken.close());

  it("end the first process too, with the reason", async () => {
    const { port } = taken.address() as AddressInfo;
    const { code, output } = await runToEnd(["src/main.ts"], { ...settings(), PORT: String(port) });
    expect(code).toBe(1);
    expect(output.match(/HOST and PORT must be .*EADDRINUSE/g)).toHaveLength(1);
    expect(output).not.toContain("ready at");
  });
});
