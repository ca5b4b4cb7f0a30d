import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { pruneChanges } from "../../src/changes/prune.ts";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { type Mirror, allChanges, apply, changesOf } from "../support/changes.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

const now = async () => (await changesOf(newsroom.reader, { since: "now" })).page.next;
const after = (since: string, query: object = {}) =>
  changesOf(newsroom.reader, { since, limit: "100", ...query });
const kill = (id: string, body: object) =>
  newsroom.editor.post(`/v1/articles/${id}/kill`).set("If-Match", "*").send(body);
const headline = (name: string) => `${name} ${Math.random()}`;

describe("the change feed", () => {
  it("tells of everything that becomes of an article, in order, with what goes with it", async () => {
    const since = await now();
    const { id, slug } = await live(newsroom, { headline: "Bridge opens" });
    await change(newsroom, id, { headline: "Bridge opens early", slug: "bridge-opens-early" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: "It opened at noon." });
    await unpublish(newsroom, id);
    await publish(newsroom, id);
    await newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
    const { data } = await after(since);
    expect(data).toMatchObject([
      { kind: "published", articleId: id, slug, edition: 1, detail: null, article: null },
      { kind: "corrected", articleId: id, slug: "bridge-opens-early", edition: 2, article: null },
      { kind: "moved", slug: "bridge-opens-early", edition: 2, detail: { from: slug }, article: null },
      { kind: "unpublished", edition: 2, article: null },
      { kind: "published", edition: 3, article: null },
      { kind: "deleted", edition: 3, article: null },
    ]);
    const numbers = data.map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(6);
  });

  it("gives the edition as readers get it, without share counts", async () => {
    const since = await now();
    const { id } = await live(newsroom, {
      headline: headline("Ferry"),
      body: [{ type: "paragraph", text: "It runs." }],
    });
    const { shareCounts: _, shareTotal: __, ...edition } = await seen(newsroom, id);
    const [told] = (await after(since)).data;
    expect(told?.article).toEqual(edition);
    expect(Date.parse(told?.at ?? "")).toBeCloseTo(Date.parse(edition.updatedAt), -2);
  });

  it("gives a correction's words while the article is live", async () => {
    const since = await now();
    const { id } = await live(newsroom, { headline: headline("Envoy") });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: "The envoy is Ana Lima." });
    await change(newsroom, id, { standfirst: "New" });
    await publish(newsroom, id);
    expect((await after(since)).data[1]).toMatchObject({
      kind: "corrected",
      detail: { correction: "The envoy is Ana Lima." },
      article: null,
    });
    await unpublish(newsroom, id);
    expect((await after(since)).data[1]).toMatchObject({ kind: "corrected", detail: null });
  });

  it("shows nothing of what was withdrawn for good, and the public reason alone", async () => {
    const since = await now();
    const { id } = await live(newsroom, { headline: "Minister took bribes", slug: "case-41" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: "Bribes, not gifts." });
    const killed = await kill(id, {
      reason: "The injunction of 3 May",
      publicReason: "By order of a court.",
    });
    expect(killed.status).toBeLessThan(300);
    const page = await after(since);
    expect(page.data.at(-1)).toMatchObject({ kind: "withdrawn", detail: { reason: "By order of a court." } });
    expect(JSON.stringify(page)).not.toMatch(/bribes|injunction/i);
  });

  it("tells of articles whose links show anew what they lead to", async () => {
    const target = await live(newsroom, { headline: headline("Target") });
    const { id } = await live(newsroom, {
      headline: headline("Linking"),
      relatedLinks: [{ articleId: target.id }],
    });
    const since = await now();
    await change(newsroom, target.id, { headline: "Renamed target" });
    await publish(newsroom, target.id);
    const { data, page } = await after(since);
    expect(data).toMatchObject([
      { kind: "updated", articleId: target.id },
      {
        kind: "updated",
        articleId: id,
        edition: 1,
        detail: { link: target.id },
        article: { relatedLinks: [{ title: "Renamed target" }] },
      },
    ]);
    await kill(target.id, { reason: "Wrong" });
    expect((await after(page.next)).data).toMatchObject([
      { kind: "withdrawn", articleId: target.id },
      { kind: "updated", articleId: id, article: { relatedLinks: [] } },
    ]);
  });

  it("tells nothing of drafts, of what is refused and of what changes nothing", async () => {
    const { id } = await live(newsroom, { headline: headline("Unchanged") });
    const since = await now();
    await draft(newsroom, { headline: headline("Draft") });
    await publish(newsroom, id);
    expectProblem(
      await newsroom.editor.post(`/v1/articles/${id}/publish`).set("If-Match", '"0-no"'),
      412,
      "precondition-failed",
    );
    expect((await after(since)).data).toEqual([]);
  });

  it("is not kept by caches past a change that is planned", async () => {
    const { id } = await live(newsroom, { headline: headline("Ends soon") });
    const since = await now();
    const at = new Date(Date.now() + 1_500).toISOString();
    await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at });
    const caching = async () => {
      const { headers } = await newsroom.reader.get(`/v1/changes?since=start&limit=1&fields=`);
      return headers["cache-control"];
    };
    expect(await caching()).toBe("public, max-age=0");
    await vi.waitFor(async () => expect(await caching()).toBe("public, max-age=1"), { timeout: 5_000 });
    await vi.waitFor(async () => expect((await after(since)).data.at(-1)?.kind).toBe("unpublished"), {
      timeout: 5_000,
    });
  });

  it("gives the same cursor again when there is nothing new, and a Link to go on with", async () => {
    const since = await now();
    const answer = await newsroom.reader.get(`/v1/changes?since=${since}&limit=1&fields=`);
    expect(answer.body).toEqual({ data: [], page: { limit: 1, next: since } });
    expect(answer.headers.link).toBe(`</v1/changes?since=${since}&limit=1&fields=>; rel="next"`);
    expect(answer.headers["cache-control"]).toBe("public, max-age=1");
    await live(newsroom, { headline: headline("One") });
    await live(newsroom, { headline: headline("Two") });
    const first = await changesOf(newsroom.reader, { since, limit: "1" });
    const second = await changesOf(newsroom.reader, { since: first.page.next, limit: "1" });
    expect([first.data.length, second.data.length]).toEqual([1, 1]);
    expect(await now()).toBe(second.page.next);
  });

  it("gives the properties that are asked for, or no edition at all", async () => {
    const since = await now();
    const { id } = await live(newsroom, { headline: "Chosen" });
    expect((await after(since, { fields: "headline,slug" })).data[0]?.article).toEqual({
      id,
      headline: "Chosen",
      slug: "chosen",
    });
    expect((await after(since, { fields: "" })).data[0]).not.toHaveProperty("article");
    const answer = await newsroom.reader.get("/v1/changes?fields=shareTotal");
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("fields");
  });
});

describe("since=start", () => {
  it("gives each live article once, whatever is published while its pages are walked, and then what changed", async () => {
    for (let number = 0; number < 7; number += 1) {
      const { id } = await live(newsroom, { headline: headline("Archive") });
      if (number % 3 === 0) await change(newsroom, id, { standfirst: "Again" });
      if (number % 3 === 0) await publish(newsroom, id);
    }
    const gone = await live(newsroom, { headline: headline("Gone before") });
    await unpublish(newsroom, gone.id);
    const total = (await newsroom.reader.get("/v1/articles?count=true&limit=1")).body.page.total as number;
    const mirror: Mirror = new Map();
    const told: string[] = [];
    let since = "start";
    let fresh = 0;
    for (;;) {
      const { data, page } = await changesOf(newsroom.reader, { since, limit: "3" });
      if (page.next === since) break;
      for (const one of data) {
        apply(mirror, one);
        if (one.sequence === null) told.push(one.articleId);
      }
      since = page.next;
      if (fresh++ < 4) {
        await live(newsroom, { headline: headline("Meanwhile") });
        const [, other] = told;
        if (other !== undefined) await change(newsroom, other, { standfirst: `Changed ${fresh}` });
        if (other !== undefined) await publish(newsroom, other);
        const { data: list } = (await newsroom.reader.get("/v1/articles?sort=oldest&limit=100")).body;
        await unpublish(newsroom, list.at(-2 - fresh).id as string);
      }
    }
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeLessThanOrEqual(total);
    const { data: list } = (await newsroom.reader.get("/v1/articles?limit=100")).body;
    expect([...mirror.keys()].toSorted()).toEqual(list.map(({ id }: { id: string }) => id).toSorted());
    for (const { id } of list) {
      const { shareCounts: _, shareTotal: __, ...edition } = await seen(newsroom, id);
      expect(mirror.get(id)).toEqual(edition);
    }
  });

  it("is meant when nothing is said", async () => {
    const said = await changesOf(newsroom.reader, { since: "start" });
    expect((await newsroom.reader.get("/v1/changes")).body).toEqual(said);
    expect(said.data[0]).toMatchObject({ sequence: null, kind: "published" });
  });
});

describe("waiting for changes", () => {
  it("ends as soon as something is published, by this process or another", async () => {
    const other = await startNewsroom(newsroom.databaseUrl);
    try {
      const late: number[] = [];
      for (const from of [newsroom, other.found, newsroom, other.found]) {
        const { id } = await draft(newsroom, { headline: headline("Awaited") });
        const since = await now();
        const told = changesOf(newsroom.reader, { since, wait: "30" }).then((page) => ({
          page,
          at: performance.now(),
        }));
        await sleep(100);
        await publish(from, id);
        const published = performance.now();
        const { page, at } = await told;
        expect(page.data).toMatchObject([{ kind: "published", articleId: id, article: { id } }]);
        late.push(at - published);
      }
      // What comes well below half a second was told, and not found by looking again.
      expect(Math.max(...late)).toBeLessThan(250);
    } finally {
      await other.close();
    }
  });

  it("ends empty-handed when the time is over, and holds no connection meanwhile", async () => {
    const since = await now();
    const began = performance.now();
    const waiting = Array.from({ length: 30 }, () => changesOf(newsroom.reader, { since, wait: "2" }));
    await sleep(300);
    const [{ busy }] = await newsroom.database.$queryRaw<[{ busy: bigint }]>`
      SELECT count(*) AS busy FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'dateline' AND state <> 'idle' AND pid <> pg_backend_pid()`;
    expect(Number(busy)).toBe(0);
    for (const page of await Promise.all(waiting))
      expect(page).toMatchObject({ data: [], page: { next: since } });
    expect(performance.now() - began).toBeGreaterThan(1_900);
  });

  it("is given up when the caller goes away, and ended when the server stops", async () => {
    const other = await startNewsroom(newsroom.databaseUrl);
    const address = `${other.found.url}/v1/changes?since=${await now()}&wait=60`;
    const left = new AbortController();
    const leaving = fetch(address, { signal: left.signal }).catch(() => "left");
    const staying = fetch(address);
    await sleep(200);
    left.abort();
    expect(await leaving).toBe("left");
    const began = performance.now();
    await Promise.all([
      other.close(),
      staying.then(async (answer) => expect(((await answer.json()) as { data: unknown }).data).toEqual([])),
    ]);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it.for(["61", "-1", "1.5", "soon"])("is refused for %s seconds", async (wait) => {
    const answer = await newsroom.reader.get(`/v1/changes?wait=${wait}`);
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("wait");
  });
});

describe("cursors of changes", () => {
  it("are refused when they were not given out for this", async () => {
    const { page } = (await newsroom.reader.get("/v1/articles?limit=1")).body;
    const since = await now();
    const forged = `${since.slice(0, -1)}${since.endsWith("A") ? "B" : "A"}`;
    for (const cursor of ["nonsense", "", "0", page.next as string, forged]) {
      const answer = await newsroom.reader.get(`/v1/changes?since=${encodeURIComponent(cursor)}`);
      expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("since");
    }
  });

  it("expire when what came after them is kept no more, and say how to start again", async () => {
    const early = await now();
    await live(newsroom, { headline: headline("Long ago") });
    const atLast = await now();
    const [newest] = await newsroom.database.change.findMany({ orderBy: { sequence: "desc" }, take: 1 });
    const old = new Date(Date.now() - 91 * 86_400_000);
    if (newest === undefined) throw new Error("there is no change");
    const { sequence: _, detail: __, ...row } = newest;
    await newsroom.database.change.create({ data: { ...row, kind: "updated", recordedAt: old } });
    const walking = (await changesOf(newsroom.reader, { since: "start", limit: "1" })).page.next;
    await pruneChanges(newsroom.database);
    await live(newsroom, { headline: headline("Since") });
    for (const cursor of [early, atLast]) {
      const answer = await newsroom.reader.get(`/v1/changes?since=${cursor}`);
      expect(expectProblem(answer, 410, "cursor-expired").detail).toContain("since=start");
    }
    expect((await allChanges(newsroom.reader, walking)).data.length).toBeGreaterThan(0);
    await pruneChanges(newsroom.database);
    expect((await after(await now())).data).toEqual([]);
  });

  it("expire when the database was set back behind them", async () => {
    await newsroom.database.change.create({
      data: {
        sequence: 9_000_000n,
        kind: "unpublished",
        articleId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
        version: 1,
        slug: "none",
        at: new Date(),
      },
    });
    const ahead = await changesOf(newsroom.reader, { since: "now" });
    await newsroom.database.change.delete({ where: { sequence: 9_000_000n } });
    // What was kept of it is dropped with the next change.
    await live(newsroom, { headline: headline("Restored") });
    const answer = await newsroom.reader.get(`/v1/changes?since=${ahead.page.next}`);
    expectProblem(answer, 410, "cursor-expired");
  });
});
