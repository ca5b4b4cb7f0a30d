import { once } from "node:events";
import { type Server, type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, npmStart, runToEnd, startProcess } from "../support/process.ts";
import { sharers } from "../support/sharing.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const WORKERS = 3;
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await freshDatabase());
});
afterAll(() => drop());

const running: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => isThere(server.pid) && server.end("SIGKILL")));
});

const settings = () => ({
  DATABASE_URL: databaseUrl,
  DATELINE_ADMIN_KEY: ADMIN,
  DATELINE_WORKERS: String(WORKERS),
  DATABASE_POOL: "4",
});
async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startProcess({ ...settings(), DATELINE_RATE_LIMIT: "off", ...environment });
  running.push(server);
  return server;
}

/** A request on a connection of its own, so that the next one may go to another worker. */
const request = (server: ServerProcess, path: string, options: RequestInit = {}) =>
  fetch(`${server.url}${path}`, { ...options, headers: { ...headers, connection: "close" } });

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

/** Waits until every worker has answered a request. */
const allServe = (server: ServerProcess, known: readonly number[] = []) =>
  vi.waitFor(
    async () => {
      await request(server, "/v1/articles");
      const pids = served(server).filter((pid) => !known.includes(pid));
      expect(pids).toHaveLength(WORKERS);
      return pids;
    },
    { timeout: 10_000 },
  );

describe("DATELINE_WORKERS", () => {
  it("processes answer behind one port, none of them the one that was started", async () => {
    const server = await start();
    const pids = await allServe(server);
    expect(pids).not.toContain(server.pid);
    expect(server.output().match(/ready at/g)).toHaveLength(1);
    expect(await server.end("SIGTERM")).toBe(0);
    for (const pid of pids) expect(isThere(pid)).toBe(false);
  });

  it("is one process when it is 1", async () => {
    const server = await start({ DATELINE_WORKERS: "1" });
    await request(server, "/v1/articles");
    await vi.waitFor(() => expect(served(server)).toEqual([server.pid]));
  });

  it("makes the first key once, on the embedded database as well as on another", async () => {
    const { url, drop: dropEmpty } = await freshDatabase();
    const server = await start({ DATABASE_URL: url, DATELINE_ADMIN_KEY: "" });
    const keys = [...server.output().matchAll(/shown this once: (\S+)/g)];
    expect(keys).toHaveLength(1);
    const answer = await fetch(`${server.url}/v1/keys`, {
      headers: { authorization: `Bearer ${keys[0]?.[1]}` },
    });
    expect(answer.status).toBe(200);
    await server.end("SIGTERM");
    await dropEmpty();
  });

  it("shows what one worker publishes to the readers of all", async () => {
    const server = await start();
    await allServe(server);
    const id = await publish(server, "First words");
    for (let number = 0; number < 2 * WORKERS; number += 1) await request(server, `/v1/articles/${id}`);
    const changed = await fetch(`${server.url}/v1/articles/${id}`, {
      method: "PATCH",
      headers: { ...headers, "if-match": "*" },
      body: JSON.stringify({ headline: "Second words" }),
    });
    expect(changed.status).toBe(200);
    await request(server, `/v1/articles/${id}/publish`, { method: "POST", body: "{}" });
    // As many in a row as there are workers, in whose turn all of them have answered.
    await vi.waitFor(async () => {
      const headlines = await Promise.all(
        Array.from({ length: 2 * WORKERS }, async () => {
          const answer = await request(server, `/v1/articles/${id}`);
          return ((await answer.json()) as { headline: string }).headline;
        }),
      );
      expect(new Set(headlines)).toEqual(new Set(["Second words"]));
    });
  });
});

describe("a worker that is killed", () => {
  it("is replaced, while the others go on answering", async () => {
    const server = await start();
    const [victim = 0, ...others] = await allServe(server);
    process.kill(victim, "SIGKILL");
    await vi.waitFor(() => expect(server.output()).toContain(`worker ${victim} ended with SIGKILL`));
    for (let number = 0; number < 10; number += 1)
      expect((await request(server, "/v1/articles")).status).toBe(200);
    const replaced = await vi.waitFor(
      async () => {
        await request(server, "/v1/articles");
        const fresh = served(server).filter((pid) => ![victim, ...others].includes(pid));
        expect(fresh).toHaveLength(1);
        return fresh;
      },
      { timeout: 10_000 },
    );
    expect(isThere(replaced[0] ?? 0)).toBe(true);
  });

  it("loses no share that was acknowledged", async () => {
    const server = await start({ LOG_LEVEL: "info" });
    const pids = await allServe(server);
    const id = await publish(server, "Shared");
    let acknowledged = 0;
    let failed = 0;
    const { share, close } = sharers(server.url, 12);
    const readers = Array.from({ length: 12 }, async () => {
      while (acknowledged < 1_500) {
        const answer = await share(id, "x").catch(() => undefined);
        if (answer === undefined) failed += 1;
        else if (answer.status === 201) acknowledged += 1;
      }
    });
    await vi.waitFor(() => expect(acknowledged).toBeGreaterThan(300));
    process.kill(pids[0] ?? 0, "SIGKILL");
    await Promise.all(readers);
    close();
    const answer = await request(server, `/v1/articles/${id}/share-counts/x`);
    const { count } = (await answer.json()) as { count: number };
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    expect(count).toBeLessThanOrEqual(acknowledged + failed);
  });

  it("keeps its part of the sums in /metrics", async () => {
    const server = await start();
    await allServe(server);
    const before = await counted(server);
    const pids = served(server);
    process.kill(pids[0] ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(server.output()).toContain("ended with SIGKILL"));
    expect(await counted(server)).toBe(before);
  });

  it("that is told to stop instead ends when it has answered, and is replaced as well", async () => {
    const server = await start();
    const [told = 0] = await allServe(server);
    process.kill(told, "SIGTERM");
    await vi.waitFor(() => expect(server.output()).toContain(`worker ${told} ended with the code 0`));
    expect((await request(server, "/v1/articles")).status).toBe(200);
  });
});

/** How many requests for the list /metrics tells of. */
async function counted(server: ServerProcess): Promise<number> {
  const text = await (await request(server, "/metrics")).text();
  const found =
    /^dateline_http_request_duration_seconds_count\{method="GET",route="\/v1\/articles",status="200"\} (\d+)$/m;
  return Number(found.exec(text)?.[1]);
}

describe("what workers do as one", () => {
  it("/metrics adds up what each has answered, whichever is asked", async () => {
    const server = await start();
    await Promise.all(Array.from({ length: 30 }, () => request(server, "/v1/articles")));
    for (let number = 0; number < WORKERS; number += 1)
      await vi.waitFor(async () => expect(await counted(server)).toBe(30));
    const text = await (await request(server, "/metrics")).text();
    expect(text.match(/^process_cpu_seconds_total /gm)).toHaveLength(1);
  });

  it("rates are limited over all of them", async () => {
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
  });
});

describe("stopping with workers", () => {
  it.for(["SIGTERM", "SIGINT"] as const)(
    "by %s finishes what is in flight in all of them",
    async (signal) => {
      const server = await start();
      const pids = await allServe(server);
      const sent = Array.from({ length: 30 }, (_, number) =>
        request(server, "/v1/articles", {
          method: "POST",
          body: JSON.stringify({ headline: `Number ${number}` }),
        }),
      );
      await Promise.race(sent);
      const ended = server.end(signal);
      const answers = await Promise.allSettled(sent);
      expect(await ended).toBe(0);
      for (const answer of answers) if (answer.status === "fulfilled") expect(answer.value.status).toBe(201);
      await expect(request(server, "/healthz")).rejects.toThrow(TypeError);
      for (const pid of pids) expect(isThere(pid)).toBe(false);
    },
  );

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
