import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CHANNEL } from "../../src/database/notifications.ts";
import { deliverer } from "../../src/purging/deliver.ts";
import { live, unpublish } from "../support/articles.ts";
import { recordingCache } from "../support/cache.ts";
import { cuttable } from "../support/cuttable.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";

// This one has no cache in front; the two with one work on the same database, the second on a line that can be cut.
const plain = useNewsroom();
let cache: Awaited<ReturnType<typeof recordingCache>>;
let line: Awaited<ReturnType<typeof cuttable>>;
let one: TestNewsroom;
let other: TestNewsroom;
const closing: (() => Promise<void>)[] = [];

const KEPT = "max-age=600, stale-while-revalidate=30, stale-if-error=60";
const keyOf = ({ id }: { id: string }) => id.replaceAll("-", "");
const inFront = async (at: TestNewsroom, path: string) =>
  (await at.reader.get(path)).headers["cdn-cache-control"];
/** Waits until caches may keep what a process answers. */
const keeps = (at: TestNewsroom) =>
  vi.waitFor(async () => expect(await inFront(at, "/v1/articles")).toMatch(/^max-age=/), { timeout: 8_000 });

beforeAll(async () => {
  cache = await recordingCache();
  line = await cuttable(plain.databaseUrl);
  const start = async (databaseUrl: string, path: string) => {
    const { found, close } = await startNewsroom(databaseUrl, {
      DATELINE_PURGE: `${cache.url}${path}`,
      DATELINE_CDN_MAX_AGE: "600",
    });
    closing.push(close);
    return found;
  };
  one = await start(plain.databaseUrl, "/one");
  other = await start(line.url, "/other");
});
afterAll(async () => {
  for (const close of closing) await close();
  await line.cut();
  await cache.stop();
});
beforeEach(async () => {
  await Promise.all([keeps(one), keeps(other)]);
});
afterEach(() => {
  cache.answers();
  line.cutOnly(undefined);
});

describe("caches in front", () => {
  it("are told of a publication by every process, and once more when what was on its way has come", async () => {
    const article = await live(one, { headline: "Purged by all" });
    const since = Date.now();
    const key = keyOf(article);
    for (const path of ["/one", "/other"])
      await vi.waitFor(
        () => {
          const times = cache.of(key).filter((purge) => purge.path === path);
          expect(times[0]?.keys).toContain("articles");
          expect(times[0]?.at).toBeLessThan(since + 1_000);
          expect(times.at(-1)?.at).toBeGreaterThan((times[0]?.at ?? Infinity) + 1_400);
        },
        { timeout: 5_000 },
      );
    const before = cache.of(key).length;
    await unpublish(plain, article.id);
    await vi.waitFor(() => expect(cache.of(key).length).toBeGreaterThanOrEqual(before + 2));
  });

  it("are told when a section, tag or author has another name or is no more", async () => {
    const { body: section } = await one.editor.post("/v1/sections").send({ name: "Harbour" });
    const at = `/v1/sections/${section.id}`;
    await one.editor.patch(at).send({ name: "Port" }).expect(200);
    await vi.waitFor(() => expect(cache.of(keyOf(section)).length).toBeGreaterThan(1));
    expect(cache.of(keyOf(section))[0]?.keys).toContain("articles");
    const before = cache.of(keyOf(section)).length;
    await one.editor.delete(at).expect(204);
    await vi.waitFor(() => expect(cache.of(keyOf(section)).length).toBeGreaterThan(before));
  });

  it("are told of shares every ten seconds, however many there are", async () => {
    const article = await live(one, { headline: "Shared a lot" });
    await vi.waitFor(() => expect(cache.of(keyOf(article)).length).toBeGreaterThanOrEqual(4), 5_000);
    const before = cache.of(keyOf(article)).length;
    for (let count = 0; count < 20; count += 1)
      await one.reader.post(`/v1/articles/${article.id}/shares`).send({ network: "x" }).expect(201);
    expect(cache.of(keyOf(article)).length).toBe(before);
    await vi.waitFor(() => expect(cache.of(keyOf(article)).length).toBe(before + 2), { timeout: 12_000 });
  });

  it("purge everything when one was not reached, once it is", async () => {
    cache.answers((response) => response.destroy());
    const article = await live(one, { headline: "Never told of" });
    // Each process has found out by itself.
    await vi.waitFor(() => {
      const paths = cache.of(keyOf(article)).map(({ path }) => path);
      expect(new Set(paths)).toEqual(new Set(["/one", "/other"]));
    });
    const since = Date.now();
    cache.answers();
    await vi.waitFor(
      () => {
        for (const path of ["/one", "/other"])
          expect(cache.of("dateline").some((purge) => purge.path === path && purge.at >= since)).toBe(true);
      },
      { timeout: 4_000 },
    );
  });

  it("purge everything when a process has missed news, once it hears them again", async () => {
    line.cutOnly("dateline listener");
    const since = Date.now();
    line.cutOnly(undefined);
    await vi.waitFor(
      () => expect(cache.of("dateline").some(({ path, at }) => path === "/other" && at >= since)).toBe(true),
      { timeout: 4_000 },
    );
  });

  it("are sent one request at a time, and everything when too much waits", async () => {
    const slow = await recordingCache();
    try {
      const waiting: (() => void)[] = [];
      slow.answers((response) => waiting.push(() => response.end()));
      const to = deliverer(`${slow.url}/`, () => {});
      to.drop(["first"]);
      await vi.waitFor(() => expect(waiting).toHaveLength(1));
      expect(to.isReached()).toBe(false);
      to.drop(Array.from({ length: 300 }, (_, number) => `few${number}`));
      waiting.shift()?.();
      await vi.waitFor(() => expect(waiting).toHaveLength(1));
      expect(to.isReached()).toBe(true);
      to.drop(Array.from({ length: 3_000 }, (_, number) => `many${number}`));
      waiting.shift()?.();
      await vi.waitFor(() => expect(waiting).toHaveLength(1));
      waiting.shift()?.();
      await vi.waitFor(() => expect(waiting).toHaveLength(1));
      waiting.shift()?.();
      await to.settle();
      expect(slow.purges.map(({ keys }) => keys.length)).toEqual([1, 200, 100, 1]);
      expect(slow.purges.at(-1)?.keys).toEqual(["dateline"]);
    } finally {
      await slow.stop();
    }
  });
});

describe("CDN-Cache-Control", () => {
  it("lets them keep what is purged whenever it changes, while browsers keep it for a moment", async () => {
    const article = await live(one, { headline: "Kept in front", section: { name: "World" } });
    await keeps(one);
    const at = `/v1/articles/${article.id}`;
    const paths = [
      at,
      `/v1/articles/${article.slug}`,
      `${at}?fields=headline`,
      `${at}/key-points`,
      `${at}?format=ninjs`,
    ];
    for (const path of [
      ...paths,
      "/v1/articles",
      "/v1/articles?section=world",
      "/v1/articles?q=front",
      "/a/kept-in-front",
    ]) {
      // The first answer comes by the route, those that follow straight from memory.
      for (let time = 0; time < 3; time += 1) {
        const { headers } = await one.reader.get(path);
        expect({ path, kept: headers["cdn-cache-control"] }).toEqual({ path, kept: KEPT });
        expect(headers["cache-control"]).toMatch(/^public, max-age=1,/);
        expect(headers["surrogate-key"]?.split(" ")).toContain("dateline");
      }
    }
    const { headers } = await one.reader.get(at);
    const again = await one.reader.get(at).set("if-none-match", headers.etag ?? "");
    expect({ status: again.status, kept: again.headers["cdn-cache-control"] }).toEqual({
      status: 304,
      kept: KEPT,
    });
  });

  it("is not on what nobody tells of, on what is somebody's own, and where nothing is purged", async () => {
    const article = await live(one, { headline: "Kept nowhere" });
    const at = `/v1/articles/${article.id}`;
    const paths = [
      `${at}/share-counts`,
      "/v1/articles?sort=mostShared&window=1h",
      "/v1/sections",
      "/v1/changes",
    ];
    for (const path of [...paths, "/v1/articles/none", "/v1/articles?limit=0", "/healthz"])
      // The second answer may come from memory.
      for (const _ of ["once", "again"])
        expect({ path, kept: await inFront(one, path) }).toEqual({ path, kept: undefined });
    expect((await one.editor.get(at)).headers["cdn-cache-control"]).toBeUndefined();
    const { headers } = await plain.reader.get(at);
    expect(headers["cdn-cache-control"]).toBeUndefined();
    expect(headers["surrogate-key"]).not.toContain("dateline");
  });

  it("is not on what has more keys than fit, which not all that changes it would purge", async () => {
    const tags = Array.from({ length: 40 }, (_, number) => ({ name: `Lock ${number}` }));
    const { id } = await live(one, { headline: "Many tags", tags });
    expect(await inFront(one, `/v1/articles/${id}`)).toBeUndefined();
  });

  it("never reaches past what is planned", async () => {
    const article = await live(one, { headline: "Ends soon" });
    const ends = Date.now() + 100_000;
    await one.editor
      .post(`/v1/articles/${article.id}/unpublish`)
      .send({ at: new Date(ends).toISOString() })
      .expect(200);
    for (const at of [one, other])
      for (const path of [`/v1/articles/${article.id}`, "/v1/articles"])
        await vi.waitFor(async () => {
          const kept = await inFront(at, path);
          const [age = 0, ...stale] = [...(kept?.matchAll(/=(\d+)/g) ?? [])].map(([, seconds]) =>
            Number(seconds),
          );
          expect(age).toBeGreaterThan(90);
          expect(Date.now() + (age + Math.max(...stale)) * 1_000).toBeLessThanOrEqual(ends + 50);
        });
    await one.editor.delete(`/v1/articles/${article.id}/schedule`);
    await unpublish(one, article.id);
  });

  it("is gone while a cache takes no purges", async () => {
    cache.answers((response) => {
      response.statusCode = 403;
      response.end();
    });
    await live(one, { headline: "Not purged" });
    for (const at of [one, other])
      await vi.waitFor(async () => expect(await inFront(at, "/v1/articles")).toBeUndefined());
    const { text } = await one.reader.get("/metrics");
    expect(text).toContain("dateline_purge_caches_lost 1");
    cache.answers();
    await keeps(one);
  });

  it("is gone while a process does not hear the news", async () => {
    line.cutOnly("dateline listener");
    await vi.waitFor(async () => expect(await inFront(other, "/v1/articles")).toBeUndefined());
    expect(await inFront(one, "/v1/articles")).toMatch(/^max-age=/);
    line.cutOnly(undefined);
    await keeps(other);
  });

  it("has them keep nothing of what was being read while something changed", async () => {
    const { id } = await live(plain, { headline: "Read meanwhile" });
    await vi.waitFor(() => expect(cache.of(keyOf({ id })).length).toBeGreaterThan(0));
    const client = new pg.Client({ connectionString: plain.databaseUrl });
    await client.connect();
    try {
      for (const path of [`/v1/articles/${id}`, `/v1/articles/${id}/key-points`]) {
        await client.query("SELECT pg_notify($1, $2)", [CHANNEL, `live ${id}`]);
        await vi.waitFor(() => expect(one.newsroom.live.kept(id)).toBeUndefined());
        await client.query("BEGIN; LOCK TABLE publications");
        const reading = inFront(one, path).then((kept) => ({ path, kept }));
        const { heard } = one.newsroom.purging;
        await vi.waitFor(async () => {
          const { rows } = await client.query("SELECT FROM pg_locks WHERE NOT granted");
          expect(rows.length).toBeGreaterThan(0);
        });
        const before = heard();
        await plain.database.$executeRaw`SELECT pg_notify(${CHANNEL}, ${`live ${id}`})`;
        await vi.waitFor(() => expect(heard()).toBeGreaterThan(before));
        await client.query("COMMIT");
        expect(await reading).toEqual({ path, kept: "max-age=0" });
      }
    } finally {
      await client.end();
    }
  });
});
