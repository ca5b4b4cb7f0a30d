import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { type TestNewsroom, startNewsroom } from "../support/newsroom.ts";
import { type Server, replicated } from "../support/replication.ts";

const SOON = { timeout: 15_000, interval: 20 };

let servers: Awaited<ReturnType<typeof replicated>>;
let primary: Server;
let standby: Server;
let newsroom: TestNewsroom;
let close: () => Promise<void>;

beforeAll(async () => {
  servers = await replicated(1);
  ({ primary } = servers);
  standby = servers.standbys[0] as Server;
  ({ found: newsroom, close } = await startNewsroom(primary.url, {
    DATABASE_URL: primary.url,
    DATABASE_REPLICAS: standby.url,
    // What is read is not kept, so that every reading is one.
    DATELINE_CACHE: "0",
  }));
});
afterAll(async () => {
  await close();
  await servers.remove();
});

/** How many readings were served by a server; "primary" for the primary. */
async function reads(from: string): Promise<number> {
  const { text } = await newsroom.reader.get("/metrics");
  const found = text
    .split("\n")
    .find((line) => line.startsWith(`dateline_replica_reads_total{from="${from}"}`));
  return Number(found?.split(" ").at(-1) ?? 0);
}

async function inUse(): Promise<boolean> {
  const { text } = await newsroom.reader.get("/metrics");
  return text.includes(`dateline_replica_in_use{replica="${standby.name}"} 1`);
}

const caughtUp = () => vi.waitFor(async () => expect(await inUse()).toBe(true), SOON);

/** Where the readings that `work` makes are served. */
async function servedBy(work: () => Promise<unknown>) {
  const before = [await reads("primary"), await reads(standby.name)] as const;
  await work();
  return {
    primary: (await reads("primary")) - before[0],
    standby: (await reads(standby.name)) - before[1],
  };
}

describe("a standby", () => {
  beforeEach(caughtUp);

  it("serves what readers get: articles by id and slug, lists, searches, feeds", async () => {
    const { id, slug } = await live(newsroom, { headline: "Read from a standby" });
    await caughtUp();
    for (const path of [
      `articles/${id}`,
      `articles/${slug}`,
      "articles",
      "articles?q=standby",
      `articles?ids=${id}`,
      "feeds/rss.xml",
    ]) {
      const served = await servedBy(async () => {
        const { text } = await newsroom.reader.get(`/v1/${path}`).expect(200);
        expect(text).toContain("Read from a standby");
      });
      expect({ path, ...served }).toEqual({ path, primary: 0, standby: expect.any(Number) });
      expect(served.standby).toBeGreaterThan(0);
    }
    const missing = await servedBy(() => newsroom.reader.get("/v1/articles/never-was").expect(404));
    expect(missing).toEqual({ primary: 0, standby: 1 });
  });

  it("serves no edition from before the last, however far it is behind", async () => {
    const { id } = await live(newsroom, { headline: "Edition 0" });
    await caughtUp();
    await standby.query("SELECT pg_wal_replay_pause()");
    try {
      for (let number = 1; number <= 5; number += 1) {
        await change(newsroom, id, { headline: `Edition ${number}` });
        await publish(newsroom, id);
        expect((await seen(newsroom, id)).headline).toBe(`Edition ${number}`);
        const { text } = await newsroom.reader.get("/v1/articles");
        expect(text).toContain(`Edition ${number}`);
      }
      await unpublish(newsroom, id);
      await newsroom.reader.get(`/v1/articles/${id}`).expect(410);
      await sleep(300);
      expect(await inUse()).toBe(false);
      expect((await servedBy(() => newsroom.reader.get(`/v1/articles/${id}`).expect(410))).standby).toBe(0);
    } finally {
      await standby.query("SELECT pg_wal_replay_resume()");
    }
    await caughtUp();
    const served = await servedBy(() => newsroom.reader.get(`/v1/articles/${id}`).expect(410));
    expect(served.primary).toBe(0);
    expect(served.standby).toBeGreaterThan(0);
  });

  it("serves the other articles while one is shared that it does not have the shares of", async () => {
    const shared = await live(newsroom, { headline: "Shared" });
    const other = await live(newsroom, { headline: "Not shared" });
    await caughtUp();
    await standby.query("SELECT pg_wal_replay_pause()");
    try {
      await newsroom.reader.post(`/v1/articles/${shared.id}/shares`).send({ network: "x" }).expect(201);
      expect((await seen(newsroom, shared.id)).shareTotal).toBe(1);
      expect(await servedBy(() => seen(newsroom, shared.id))).toEqual({ primary: 1, standby: 0 });
      expect(await servedBy(() => seen(newsroom, other.id))).toEqual({ primary: 0, standby: 1 });
      await sleep(250);
      expect((await servedBy(() => newsroom.reader.get("/v1/articles?limit=1"))).standby).toBe(0);
    } finally {
      await standby.query("SELECT pg_wal_replay_resume()");
    }
  });

  it("serves nothing to keys that change what is published", async () => {
    const { id } = await live(newsroom, { headline: "Read by its editor" });
    await caughtUp();
    const paths = [`ids=${id}`, "q=editor", "limit=1"];
    for (const path of paths) {
      const { editor } = newsroom;
      expect((await servedBy(() => editor.get(`/v1/articles?${path}`).expect(200))).standby).toBe(0);
    }
    await standby.query("SELECT pg_wal_replay_pause()");
    try {
      const { id: another } = await draft(newsroom, { headline: "Written a moment ago" });
      const answer = await newsroom.editor.get(`/v1/articles/${another}?version=draft`).expect(200);
      expect(answer.body).toMatchObject({ headline: "Written a moment ago" });
    } finally {
      await standby.query("SELECT pg_wal_replay_resume()");
    }
  });

  it("that is killed is missed by no reader, and read again when it is back", async () => {
    const { id } = await live(newsroom, { headline: "Not noticed" });
    await caughtUp();
    const statuses = new Map<number, number>();
    const over = new AbortController();
    const reading = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        for (const path of [`/v1/articles/${id}`, `/v1/articles?ids=${id}`]) {
          const { status } = await newsroom.reader.get(path);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }
    });
    await sleep(200);
    await standby.kill();
    await vi.waitFor(async () => expect(await inUse()).toBe(false), SOON);
    await newsroom.reader.get("/readyz").expect(200);
    await sleep(500);
    await vi.waitFor(() => standby.start(), { timeout: 15_000, interval: 200 });
    await caughtUp();
    over.abort();
    await Promise.all(reading);
    expect([...statuses.keys()]).toEqual([200]);
    expect((await servedBy(() => seen(newsroom, id))).standby).toBe(1);
  });
});
