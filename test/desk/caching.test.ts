import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { change, draft, live } from "../support/articles.ts";
import { changesOf, inMs, planned, until } from "../support/desk.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";

// With an hour for caches, and requests answered directly from memory where they can be.
const newsroom = useNewsroom({ DATELINE_MAX_AGE: "3600" });
let other: Awaited<ReturnType<typeof startNewsroom>>;
beforeAll(async () => {
  other = await startNewsroom(newsroom.databaseUrl, { DATELINE_MAX_AGE: "3600" });
});
afterAll(() => other.close());

/** Until when a cache may show an answer, in milliseconds since 1970: fresh, and stale while it asks again. */
async function keptUntil(url: string): Promise<number> {
  const answer = await fetch(url, { redirect: "manual" });
  await answer.text();
  const control = answer.headers.get("cache-control") ?? "";
  expect(control).toMatch(/^public, max-age=\d+/);
  const seconds = [...control.matchAll(/(?:max-age|stale-while-revalidate|stale-if-error)=(\d+)/g)].map(
    ([, found]) => Number(found),
  );
  return Date.now() + 1000 * seconds.reduce((sum, found) => sum + found, 0);
}

const servers = () => [newsroom.url, other.found.url];

describe("what caches may keep", () => {
  it("never reaches past the next planned change, in any process, from memory or not", async () => {
    const { id, slug } = await live(newsroom, { headline: "Cached", slug: "cached" });
    await change(newsroom, id, { slug: "cached-anew" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`);
    const paths = [
      `/${id}`,
      "/cached-anew",
      `/${slug}`,
      `/${id}/key-points`,
      `/${id}/related-links`,
      `/${id}/share-counts`,
      "",
      "?limit=1",
      "?q=cached",
      `?ids=${id}`,
      "?sort=mostShared",
    ];
    const everywhere = servers().flatMap((url) => paths.map((path) => `${url}/v1/articles${path}`));
    for (const url of everywhere)
      for (const _ of [1, 2]) expect(await keptUntil(url)).toBeGreaterThan(Date.now() + 3_500_000);

    await change(newsroom, id, { slug: "cached-once-more" });
    const at = inMs(20_000);
    await planned(newsroom, id, { at });
    const { id: unseen } = await draft(newsroom, { headline: "Unseen" });
    const soon = inMs(3_000);
    await planned(newsroom, unseen, { at: soon });
    await vi.waitFor(async () =>
      expect(await keptUntil(`${other.found.url}/v1/articles`)).toBeLessThan(Date.parse(soon) + 50),
    );
    for (const url of everywhere) {
      const isOfArticle = !url.includes("?") && !url.endsWith("/articles");
      for (const _ of [1, 2])
        expect(await keptUntil(url), url).toBeLessThanOrEqual(Date.parse(isOfArticle ? at : soon) + 50);
    }
    const bare = await fetch(`${newsroom.url}/v1/articles/${unseen}`);
    expect(bare.headers.get("cache-control")).toBe("public, max-age=0");
    await newsroom.editor.post(`/v1/articles/${id}/cancel`);
    await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at });
    for (const url of everywhere)
      if (!url.includes("?")) expect(await keptUntil(url), url).toBeLessThanOrEqual(Date.parse(at) + 50);
  });

  it("is nothing while a process may miss what is planned", async () => {
    const { news } = newsroom.newsroom;
    news.lose();
    expect(await keptUntil(`${newsroom.url}/v1/articles?limit=7`)).toBeLessThan(Date.now() + 50);
    await news.regain();
    const next = news.agenda.next() ?? Infinity;
    expect(await keptUntil(`${newsroom.url}/v1/articles?limit=7`)).toBeGreaterThan(
      Math.min(next, Date.now() + 9_000) - 1_100,
    );
  });

  it("turns in the memory of every process at the second, before any job has run", async () => {
    await newsroom.newsroom.jobs.stop();
    await other.found.newsroom.jobs.stop();
    const changing = await live(newsroom, { headline: "Before the second" });
    const ending = await live(newsroom, { headline: "Ends at the second" });
    const { id: coming } = await draft(newsroom, { headline: "Comes at the second" });
    await change(newsroom, changing.id, { headline: "After the second" });
    // In memory from before anything was planned.
    for (const url of servers())
      for (const { id } of [changing, ending])
        for (const _ of [1, 2, 3]) await (await fetch(`${url}/v1/articles/${id}`)).text();
    const at = inMs(1500);
    for (const id of [changing.id, coming]) await planned(newsroom, id, { at });
    await newsroom.editor.post(`/v1/articles/${ending.id}/unpublish`).send({ at });
    const read = async (url: string, path: string) => {
      const answer = await fetch(`${url}/v1/articles${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    // Kept in memory, and asked for until the very second.
    while (Date.now() < Date.parse(at) - 20) {
      for (const url of servers()) {
        const [one, two, three, list] = await Promise.all([
          read(url, `/${changing.id}`),
          read(url, `/${ending.id}`),
          read(url, `/${coming}`),
          read(url, "?limit=10"),
        ]);
        if (Date.now() >= Date.parse(at)) break;
        expect([one.status, two.status, three.status]).toEqual([200, 200, 404]);
        expect(one.text + list.text).not.toContain("After the second");
        expect(list.text).not.toContain(coming);
      }
    }
    await until(at);
    for (const url of servers()) {
      expect(await read(url, `/${changing.id}`)).toMatchObject({
        status: 200,
        text: expect.stringContaining("After the second"),
      });
      expect((await read(url, `/${ending.id}`)).status).toBe(410);
      expect((await read(url, `/${coming}`)).status).toBe(200);
      const list = await read(url, "?limit=10");
      expect(list.text).toContain(coming);
      expect(list.text).toContain("After the second");
      expect(list.text).not.toContain(ending.id);
    }
    expect(await changesOf(newsroom, coming)).toEqual([]);
  });
});
