import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { live, unpublish } from "../support/articles.ts";
import { cuttable } from "../support/cuttable.ts";
import { heardAll } from "../support/news.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";

// This one keeps its database; that on the line loses it.
const newsroom = useNewsroom();
let line: Awaited<ReturnType<typeof cuttable>>;
let at: TestNewsroom;
let close: () => Promise<void>;

beforeAll(async () => {
  line = await cuttable(newsroom.databaseUrl);
  ({ found: at, close } = await startNewsroom(line.url));
});
afterAll(async () => {
  await close();
  await line.cut();
});
/** After each the line is whole, and memory is trusted again. */
afterEach(async () => {
  line.cutOnly(undefined);
  await line.cut().catch(() => {});
  await line.mend();
  const { id } = await live(newsroom, { headline: "Whole again" });
  await learn(at, id);
});

/** Has an article in memory: what is read while word of something else comes, as at a planned moment, is not kept. */
async function learn(by: TestNewsroom, id: string): Promise<void> {
  await heardAll(by, newsroom);
  await vi.waitFor(async () => {
    expect((await get(by, `/v1/articles/${id}`)).status).toBe(200);
    expect(by.newsroom.live.kept(id)).toBeDefined();
  });
}

/** Starts one more newsroom on the line. */
async function startedWith(
  environment: Record<string, string>,
  work: (other: TestNewsroom) => Promise<void>,
) {
  const other = await startNewsroom(line.url, environment);
  try {
    await work(other.found);
  } finally {
    await line.cut().catch(() => {});
    await line.mend();
    await other.close();
  }
}

async function get(by: TestNewsroom, path: string, headers: Record<string, string> = {}) {
  const since = performance.now();
  const answer = await fetch(by.url + path, { headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, took: performance.now() - since };
}

const refused = (answer: Awaited<ReturnType<typeof get>>) => {
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("1");
  expect(JSON.parse(answer.text)).toMatchObject({ type: "/problems/unavailable" });
};

/** A second, in milliseconds, and some for a machine that is busy with other tests; the program `npm run overload` measures it. */
const SECOND = 2_000;

const marked = /^Dateline; hit; ttl=-\d+; detail="database away"$/;

/** How the database goes away, and what it takes until a process knows. */
const ways: [string, () => Promise<void>][] = [
  [
    "refuses connections",
    async () => {
      await line.cut();
      await sleep(100);
    },
  ],
  [
    "does not answer",
    async () => {
      line.hush();
      await sleep(1_500);
    },
  ],
];

describe.each(ways)("while the database %s", (_way, away) => {
  it("what is in memory is given, marked as RFC 9211 says, and kept by no cache", async () => {
    const { id, slug } = await live(newsroom, {
      headline: "Known before",
      section: { name: "Harbour" },
      tags: [{ name: "Ships" }],
    });
    const paths = [
      `/v1/articles/${id}`,
      `/v1/articles/${slug}`,
      `/v1/articles/${id}?fields=headline`,
      `/v1/articles/${id}/key-points`,
      "/v1/articles",
      "/v1/articles?limit=1&sort=oldest",
      `/v1/articles/${id}?format=markdown`,
      `/a/${slug}`,
      "/v1/feeds/atom.xml",
    ];
    await learn(at, id);
    const before = await Promise.all(paths.map((path) => get(at, path)));
    for (const { headers } of before) expect(headers.get("cache-status")).toBeNull();
    await away();
    for (const [index, path] of paths.entries()) {
      const answer = await get(at, path);
      expect([path, answer.status, answer.text]).toEqual([path, before[index]?.status, before[index]?.text]);
      expect(answer.headers.get("cache-status"), path).toMatch(marked);
      expect(Number(answer.headers.get("age"))).toBeGreaterThan(0);
      expect(answer.headers.get("cache-control")).toMatch(/^public, max-age=0(, stale-if-error=\d+)?$/);
      expect(answer.took, path).toBeLessThan(SECOND);
    }
  });

  it("what is not is refused with 503 and Retry-After within a second, reading and writing", async () => {
    const { id } = await live(newsroom, { headline: "Never read there" });
    await heardAll(at, newsroom);
    await away();
    const key = { authorization: `Bearer ${at.adminKey}` };
    const answers = await Promise.all([
      get(at, `/v1/articles/${id}`),
      get(at, "/v1/articles?q=harbour"),
      get(at, "/v1/changes"),
      get(at, "/v1/articles?version=draft", key),
      get(at, "/v1/keys", key),
      get(at, "/readyz"),
      ...Array.from({ length: 40 }, (_, number) => get(at, `/v1/articles?limit=${number + 1}&sort=oldest`)),
    ]);
    for (const answer of answers) {
      refused(answer);
      expect(answer.took).toBeLessThan(SECOND);
    }
    const since = performance.now();
    const [create, share] = await Promise.all([
      at.editor.post("/v1/articles").send({ headline: "Too late" }),
      at.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" }),
    ]);
    expect([create.status, share.status]).toEqual([503, 503]);
    expect(performance.now() - since).toBeLessThan(SECOND);
    expect((await get(at, "/healthz")).status).toBe(200);
  });
});

it("requests that wait for a database which falls silent are answered within two seconds", async () => {
  const { id } = await live(newsroom, { headline: "Under way" });
  await get(at, "/readyz");
  line.hush();
  const since = performance.now();
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, async () => at.editor.post("/v1/articles").send({ headline: "Under way" })),
    at.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" }),
    at.reader.get("/v1/articles?q=way"),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
  expect(performance.now() - since).toBeLessThan(2 * SECOND);
});

it("who gave up waiting for a connection does no harm when it turns out that there is none", () =>
  startedWith({ DATABASE_POOL: "2" }, async (other) => {
    const crashes: unknown[] = [];
    const note = (error: unknown) => crashes.push(error);
    process.on("uncaughtException", note);
    await line.cut();
    await line.mend();
    line.hush();
    const paths = Array.from({ length: 90 }, (_, number) => `/v1/articles?limit=${number + 1}`);
    for (const answer of await Promise.all(paths.map((path) => get(other, path)))) refused(answer);
    // So long may a connection take to be made.
    await sleep(5_500);
    process.off("uncaughtException", note);
    expect(crashes).toEqual([]);
    expect((await get(other, "/healthz")).status).toBe(200);
  }));

describe("when the database is back", () => {
  it("everything serves again within five seconds, and nothing from before is given", async () => {
    const { id } = await live(newsroom, { headline: "Before" });
    await learn(at, id);
    await line.cut();
    await newsroom.editor.patch(`/v1/articles/${id}`).set("if-match", "*").send({ headline: "After" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`);
    expect((await get(at, `/v1/articles/${id}`)).text).toContain('"Before"');
    await line.mend();
    await vi.waitFor(
      async () => {
        const answer = await get(at, `/v1/articles/${id}`);
        expect(answer.text).toContain('"After"');
        expect(answer.headers.get("cache-status")).toBeNull();
        const created = await at.editor.post("/v1/articles").send({ headline: "Written again" });
        expect(created.status).toBe(201);
        const published = await at.editor.post(`/v1/articles/${created.body.id}/publish`);
        expect(published.status).toBe(200);
        expect((await get(at, "/readyz")).status).toBe(200);
      },
      { timeout: 5_000, interval: 50 },
    );
  });
});

describe("what memory gives while the database is away ends", () => {
  it("when DATELINE_STALE_IF_ERROR is over", () =>
    startedWith({ DATELINE_STALE_IF_ERROR: "1" }, async (other) => {
      const { id } = await live(newsroom, { headline: "A second long" });
      await learn(other, id);
      await line.cut();
      expect((await get(other, `/v1/articles/${id}`)).status).toBe(200);
      await sleep(1_100);
      refused(await get(other, `/v1/articles/${id}`));
    }));

  it("at once when DATELINE_STALE_IF_ERROR is 0, and no cache is told otherwise", () =>
    startedWith({ DATELINE_STALE_IF_ERROR: "0" }, async (other) => {
      const { id } = await live(newsroom, { headline: "Never stale" });
      await learn(other, id);
      const before = await get(other, `/v1/articles/${id}`);
      expect(before.headers.get("cache-control")).not.toContain("stale-if-error");
      await line.cut();
      await vi.waitFor(async () => refused(await get(other, `/v1/articles/${id}`)));
    }));

  it("at the moment that was planned for it", async () => {
    const { id } = await live(newsroom, { headline: "Ends soon" });
    const ends = Date.now() + 1_500;
    await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at: new Date(ends).toISOString() });
    await learn(at, id);
    await get(at, "/v1/articles");
    await line.cut();
    expect((await get(at, `/v1/articles/${id}`)).status).toBe(200);
    await sleep(ends - Date.now() + 20);
    refused(await get(at, `/v1/articles/${id}`));
    refused(await get(at, "/v1/articles"));
  });

  it("when the process itself has found something else since it lost the word", async () => {
    const { id } = await live(newsroom, { headline: "Withdrawn meanwhile" });
    await learn(at, id);
    line.cutOnly("dateline listener");
    await sleep(50);
    await unpublish(newsroom, id);
    expect((await get(at, `/v1/articles/${id}`)).status).toBe(410);
    await line.cut();
    refused(await get(at, `/v1/articles/${id}`));
  });
});

describe("while all connections are taken", () => {
  let holder: pg.Client;
  beforeAll(async () => {
    holder = new pg.Client({ connectionString: newsroom.databaseUrl });
    await holder.connect();
  });
  afterAll(() => holder.end());

  it("others are refused within a second, what is in memory is given, and all serve when it is over", async () => {
    const { found: small, close: closeSmall } = await startNewsroom(newsroom.databaseUrl, {
      DATABASE_POOL: "2",
    });
    const { id } = await live(newsroom, { headline: "No room" });
    await learn(small, id);
    await get(small, "/v1/articles?limit=2");
    await holder.query("BEGIN");
    await holder.query("LOCK TABLE tags");
    const slow = Array.from({ length: 2 }, async () => get(small, "/v1/tags"));
    await sleep(100);
    const others = await Promise.all(
      ["/v1/articles?q=room", "/v1/sections", "/v1/articles?limit=3"].map((path) => get(small, path)),
    );
    for (const answer of others) {
      refused(answer);
      expect(answer.took).toBeLessThan(SECOND);
    }
    const known = await get(small, `/v1/articles/${id}`);
    expect([known.status, known.headers.get("cache-status")]).toEqual([200, null]);
    const list = await get(small, "/v1/articles?limit=2");
    expect([list.status, list.headers.get("cache-status")]).toEqual([200, expect.stringMatching(marked)]);
    await holder.query("ROLLBACK");
    for (const answer of await Promise.all(slow)) expect(answer.status).toBe(200);
    expect((await get(small, "/v1/sections")).status).toBe(200);
    await closeSmall();
  });
});
