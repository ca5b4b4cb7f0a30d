import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { change, live, publish, seen } from "../support/articles.ts";
import { cuttable } from "../support/cuttable.ts";
import { type TestNewsroom, startNewsroom } from "../support/newsroom.ts";
import { runToEnd } from "../support/process.ts";
import { type Server, replicated } from "../support/replication.ts";

vi.setConfig({ testTimeout: 60_000 });
const SOON = { timeout: 20_000, interval: 20 };

let servers: Awaited<ReturnType<typeof replicated>>;
let primary: Server;
let one: Server;
let two: Server;
beforeAll(async () => {
  servers = await replicated(2);
  ({ primary } = servers);
  [one, two] = servers.standbys as [Server, Server];
});
afterAll(() => servers.remove());

/** A newsroom that reads from standbys, each of which it has caught up with unless one is expected not to. */
async function reading(
  replicas: string[],
  { databaseUrl = primary.url, ...settings }: Record<string, string> = {},
): Promise<TestNewsroom> {
  const { found, close } = await startNewsroom(databaseUrl, {
    DATABASE_URL: databaseUrl,
    DATABASE_REPLICAS: replicas.join(" "),
    DATELINE_CACHE: "0",
    ...settings,
  });
  onTestFinished(close);
  return found;
}

async function figures({ reader }: TestNewsroom, metric: string): Promise<Record<string, number>> {
  const { text } = await reader.get("/metrics");
  const found = text.matchAll(new RegExp(`^dateline_replica_${metric}\\{\\w+="(.*)"\\} (\\S+)$`, "gm"));
  return Object.fromEntries([...found].map(([, name = "", value]) => [name, Number(value)]));
}

const nameOf = (url: string) => new URL(url).host;

/** Waits until exactly these are read from. */
const inUse = (newsroom: TestNewsroom, urls: string[]) =>
  vi.waitFor(async () => {
    const found = Object.entries(await figures(newsroom, "in_use"));
    expect(found.flatMap(([name, value]) => (value === 1 ? [name] : []))).toEqual(urls.map(nameOf));
  }, SOON);

/** How many of the readings that `work` makes each server serves. */
async function served(newsroom: TestNewsroom, work: () => Promise<unknown>) {
  const before = await figures(newsroom, "reads_total");
  await work();
  const after = await figures(newsroom, "reads_total");
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

describe("standbys", () => {
  it("are read from in turns, those alone that have caught up", async () => {
    const newsroom = await reading([one.url, two.url]);
    const { id } = await live(newsroom, { headline: "In turns" });
    await inUse(newsroom, [one.url, two.url]);
    const readTen = async () => {
      for (let number = 0; number < 10; number += 1) await seen(newsroom, id);
    };
    expect(await served(newsroom, readTen)).toEqual({ primary: 0, [one.name]: 5, [two.name]: 5 });
    await one.query("SELECT pg_wal_replay_pause()");
    try {
      await change(newsroom, id, { headline: "In turns no more" });
      await publish(newsroom, id);
      await inUse(newsroom, [two.url]);
      expect(await served(newsroom, readTen)).toEqual({ primary: 0, [one.name]: 0, [two.name]: 10 });
      expect((await figures(newsroom, "lag_bytes"))[one.name]).toBeGreaterThan(0);
    } finally {
      await one.query("SELECT pg_wal_replay_resume()");
    }
    await inUse(newsroom, [one.url, two.url]);
  });

  it("that fall silent keep no reader waiting for long, and are not waited for again", async () => {
    const line = await cuttable(one.url);
    onTestFinished(() => line.cut());
    const newsroom = await reading([line.url]);
    const { id } = await live(newsroom, { headline: "Silence" });
    await inUse(newsroom, [line.url]);
    line.hush();
    const since = performance.now();
    await Promise.all(
      Array.from({ length: 20 }, () => newsroom.reader.get(`/v1/articles?ids=${id}`).expect(200)),
    );
    expect(performance.now() - since).toBeLessThan(2_500);
    await inUse(newsroom, []);
    const { primary: byPrimary } = await served(newsroom, () => seen(newsroom, id));
    expect(byPrimary).toBe(1);
  });

  it("that break off what they are asked, or wait for a lock, are stood in for by the primary", async () => {
    const newsroom = await reading([one.url]);
    const { id } = await live(newsroom, { headline: "Broken off" });
    await inUse(newsroom, [one.url]);
    const statuses = new Set<number>();
    for (let round = 0; round < 10; round += 1) {
      const requests = Array.from({ length: 10 }, () => newsroom.reader.get(`/v1/articles?ids=${id}`));
      await one.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dateline'",
      );
      for (const { status } of await Promise.all(requests)) statuses.add(status);
    }
    expect([...statuses]).toEqual([200]);

    const client = new pg.Client({ connectionString: primary.url });
    await client.connect();
    await client.query("BEGIN; LOCK TABLE publications IN ACCESS EXCLUSIVE MODE");
    await vi.waitFor(async () => {
      const [row] = await one.query(
        "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'publications'::regclass",
      );
      expect(row).toBeDefined();
    }, SOON);
    await one.query("SELECT pg_wal_replay_pause()");
    try {
      await client.query("ROLLBACK");
      await client.end();
      expect((await served(newsroom, () => seen(newsroom, id)))["primary"]).toBe(1);
    } finally {
      await one.query("SELECT pg_wal_replay_resume()");
    }
  });

  it("are not read from while the process does not hear the news", async () => {
    const line = await cuttable(primary.url);
    onTestFinished(() => line.cut());
    const newsroom = await reading([one.url], { databaseUrl: line.url });
    const editors = await reading([]);
    const { id } = await live(editors, { headline: "Heard" });
    await inUse(newsroom, [one.url]);
    await one.query("SELECT pg_wal_replay_pause()");
    try {
      line.cutOnly("dateline listener");
      await inUse(newsroom, []);
      await change(editors, id, { headline: "Not heard" });
      await publish(editors, id);
      expect((await seen(newsroom, id)).headline).toBe("Not heard");
      line.cutOnly(undefined);
      await vi.waitFor(() => expect(newsroom.newsroom.live.isTrusted()).toBe(true), SOON);
      await sleep(1_000);
      expect((await seen(newsroom, id)).headline).toBe("Not heard");
    } finally {
      await one.query("SELECT pg_wal_replay_resume()");
    }
    await inUse(newsroom, [one.url]);
    expect((await seen(newsroom, id)).headline).toBe("Not heard");
  });

  it("never make another process show less than it has shown, whatever they lag, and it soon shows all", async () => {
    const writing = await reading([one.url, two.url], { DATELINE_CACHE: "64" });
    const newsroom = await reading([one.url, two.url], { DATELINE_CACHE: "64" });
    const { id } = await live(writing, { headline: "Edition 0" });
    await inUse(newsroom, [one.url, two.url]);
    const over = new AbortController();
    const lagging = (async () => {
      while (!over.signal.aborted) {
        for (const server of [one, two]) {
          await server.query("SELECT pg_wal_replay_pause()");
          await sleep(60);
          await server.query("SELECT pg_wal_replay_resume()");
        }
      }
    })();
    const shown: number[] = [];
    const watching = (async () => {
      while (!over.signal.aborted) {
        shown.push(Number((await seen(newsroom, id)).headline.split(" ").at(-1)));
        await sleep(1);
      }
    })();
    for (let number = 1; number <= 40; number += 1) {
      await change(writing, id, { headline: `Edition ${number}` });
      await publish(writing, id);
      expect((await seen(writing, id)).headline).toBe(`Edition ${number}`);
      await vi.waitFor(() => expect(shown.at(-1)).toBe(number), { timeout: 1_000, interval: 2 });
      await sleep(20 * (number % 4));
    }
    over.abort();
    await Promise.all([lagging, watching]);
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    const { primary: byPrimary = 0, ...byStandbys } = await figures(newsroom, "reads_total");
    expect(byPrimary + Object.values(byStandbys).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(40);
  });

  it("of another database, or promoted to be one, are never read from, and the doctor warns of them", async () => {
    const others = await replicated(1);
    onTestFinished(() => others.remove());
    const [foreign] = others.standbys as [Server];
    await startNewsroom(others.primary.url).then(({ close }) => close());
    // Its log is far ahead.
    await others.primary.query(
      "CREATE TABLE filling AS SELECT repeat('x', 100) FROM generate_series(1, 200000)",
    );
    const newsroom = await reading([foreign.url, two.url]);
    const { id } = await live(newsroom, { headline: "Here" });
    await inUse(newsroom, [two.url]);
    const look = async (replicas: string) => {
      const { output } = await runToEnd(["src/cli/dateline.ts", "doctor", "--json"], {
        DATABASE_URL: primary.url,
        DATABASE_REPLICAS: replicas,
        PORT: "0",
      });
      const { findings } = JSON.parse(output) as {
        findings: { check: string; status: string; found: string }[];
      };
      return findings.flatMap(({ check, status, found }) =>
        check.startsWith("standby") ? [`${check}: ${status}, ${found}`] : [],
      );
    };
    expect(await look(`${foreign.url} ${two.url} postgresql://dateline@127.0.0.1:1/none`)).toEqual([
      `standby ${foreign.name}: warn, is not of the database's cluster`,
      expect.stringMatching(`^standby ${two.name}: ok, follows the database, [0-9.]+ k?B of its log behind$`),
      expect.stringMatching(/^standby 127\.0\.0\.1:1: warn, cannot be reached: .*ECONNREFUSED/),
    ]);

    await two.query("SELECT pg_promote()");
    await inUse(newsroom, []);
    await change(newsroom, id, { headline: "Still here" });
    await publish(newsroom, id);
    await sleep(1_000);
    expect((await seen(newsroom, id)).headline).toBe("Still here");
    expect(await figures(newsroom, "in_use")).toEqual({ [foreign.name]: 0, [two.name]: 0 });
    expect(await look(two.url)).toEqual([
      `standby ${two.name}: warn, is no standby: it does not follow another server`,
    ]);
  });
});
