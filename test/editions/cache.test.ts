import { describe, expect, it, vi } from "vitest";
import { draft, live as published, publish } from "../support/articles.ts";
import { heardAll } from "../support/news.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const read = async (from: TestNewsroom, id: string) => (await from.reader.get(`/v1/articles/${id}`)).body;

async function figure(name: string): Promise<number> {
  const { text } = await newsroom.reader.get("/metrics");
  return Number(
    new RegExp(`^dateline_cache_${name}_total\\{kind="articles"\\} (\\S+)$`, "m").exec(text)?.[1],
  );
}
/** An article that is live, with all word of it heard. */
const live: typeof published = async (...words) => {
  const article = await published(...words);
  await heardAll(words[0]);
  return article;
};
const misses = () => figure("misses");
const hits = () => figure("hits");

describe("an article that was read before", () => {
  it("comes from memory, by its id and by its slug", async () => {
    const { id, slug } = await live(newsroom, { headline: "Kept in memory" });
    await read(newsroom, id);
    const before = { misses: await misses(), hits: await hits() };
    for (const reference of [id, slug, id, slug]) expect((await read(newsroom, reference)).id).toBe(id);
    expect(await misses()).toBe(before.misses);
    expect(await hits()).toBe(before.hits + 4);
  });

  it("is loaded once for any number who wait for it", async () => {
    const { id } = await live(newsroom, { headline: "All at once" });
    const before = await misses();
    await Promise.all(Array.from({ length: 50 }, () => read(newsroom, id)));
    expect(await misses()).toBe(before + 1);
  });

  it("is its own for each of many who ask for others at the same time", async () => {
    const small = await startNewsroom(newsroom.databaseUrl, { DATELINE_CACHE: "0" });
    const articles = await Promise.all(
      Array.from({ length: 30 }, (_, index) => published(newsroom, { headline: `One of many ${index}` })),
    );
    const asked = articles.flatMap(({ id, headline }) => [
      { id, headline },
      { id: `${id.slice(0, -4)}0000`, headline: undefined },
    ]);
    const answers = await Promise.all(asked.map(({ id }) => small.found.reader.get(`/v1/articles/${id}`)));
    for (const [index, { id, headline }] of asked.entries()) {
      expect(answers[index]?.status).toBe(headline === undefined ? 404 : 200);
      expect(answers[index]?.body).toMatchObject(headline === undefined ? { status: 404 } : { id, headline });
    }
    await small.close();
  });

  it("is told from what is not there, which is not asked for again at once", async () => {
    const { id } = await draft(newsroom, { headline: "Not yet" });
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
    const before = await misses();
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
    expect(await misses()).toBe(before);
    await publish(newsroom, id);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(200);
  });

  it("is there though somebody asks for its slug in another case, which is none", async () => {
    const { id, slug } = await live(newsroom, { headline: "Written small" });
    await draft(newsroom, { headline: "Has it all forgotten" });
    for (const path of [slug, `${slug}/key-points`, `${slug}?fields=headline`, id.toUpperCase()]) {
      expect((await newsroom.reader.get(`/v1/articles/${slug.toUpperCase()}`)).status).toBe(404);
      expect((await newsroom.reader.get(`/v1/articles/${path}`)).status, path).toBe(200);
    }
  });

  it("is not given past its planned end by a process that had no time to look at the clock", async () => {
    const { id } = await live(newsroom, { headline: "Ends on the dot" });
    const end = Date.now() + 1_000;
    await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at: new Date(end).toISOString() });
    const { live: memory } = newsroom.newsroom;
    // Word of the plan may come while it is read, which is then not kept.
    await vi.waitFor(async () => {
      await read(newsroom, id);
      expect(memory.kept(id)).toBeDefined();
    });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, end + 1 - Date.now());
    expect(memory.kept(id)).toBeUndefined();
  });

  it("is not driven out by others that are read but once, and by those that are read again", async () => {
    const small = await startNewsroom(newsroom.databaseUrl, { DATELINE_CACHE: "1" });
    const { live: memory } = small.found.newsroom;
    const body = [{ type: "paragraph", text: "Long and longer. ".repeat(3_000) }];
    const [first = "", ...others] = await Promise.all(
      Array.from(
        { length: 8 },
        async (_, index) => (await published(newsroom, { headline: `Large ${index}`, body })).id,
      ),
    );
    await heardAll(small.found, newsroom);
    await read(small.found, first);
    expect(memory.kept(first)).toBeDefined();
    for (const id of others) {
      await read(small.found, first);
      await read(small.found, id);
    }
    expect(memory.kept(first)).toBeDefined();
    const [last = ""] = others.slice(-1);
    expect(memory.kept(last)).toBeUndefined();
    await read(small.found, last);
    expect(memory.kept(last)).toBeDefined();
    await small.close();
  });

  it("is given up when the room is used up, and read again", async () => {
    const small = await startNewsroom(newsroom.databaseUrl, { DATELINE_CACHE: "0" });
    const { id } = await live(newsroom, { headline: "No room" });
    expect((await read(small.found, id)).headline).toBe("No room");
    expect(small.found.newsroom.live.figures().articles.entries).toBe(0);
    await small.close();
  });
});

describe("codings", () => {
  it.each(["br", "gzip"])("are sent to who takes them, also of what is kept nowhere: %s", async (coding) => {
    const { id } = await live(newsroom, { headline: `In ${coding}`, standfirst: "Again and ".repeat(100) });
    const { page } = (await newsroom.reader.get("/v1/articles?limit=1&sort=oldest")).body;
    for (const path of [
      `/v1/articles/${id}`,
      `/v1/articles/${id}?fields=standfirst`,
      `/v1/articles/${id}?asOf=${new Date().toISOString()}`,
      `/v1/articles?ids=${id}`,
      "/v1/articles",
      `/v1/articles?sort=oldest&limit=100&cursor=${page.next}`,
    ]) {
      const plain = await newsroom.reader.get(path).set("accept-encoding", "identity");
      const coded = await newsroom.reader.get(path).set("accept-encoding", coding);
      expect([plain, coded].map(({ headers }) => [path, headers["content-encoding"]])).toEqual([
        [path, undefined],
        [path, coding],
      ]);
      expect(coded.headers.vary).toContain("Accept-Encoding");
      expect(coded.headers.etag).not.toBe(plain.headers.etag);
      expect(coded.body).toEqual(plain.body);
      const again = await newsroom.reader
        .get(path)
        .set("accept-encoding", coding)
        .set("if-none-match", coded.headers.etag ?? "");
      expect(again.status).toBe(304);
      expect(again.headers.etag).toBe(coded.headers.etag);
    }
  });

  it("that are refused by weight are not sent", async () => {
    const { id } = await live(newsroom, { headline: "Refused", standfirst: "Again and ".repeat(100) });
    for (const accepted of ["br;q=0, gzip;q=0.5", "br;q=some, gzip"]) {
      const answer = await newsroom.reader.get(`/v1/articles/${id}`).set("accept-encoding", accepted);
      expect(answer.headers["content-encoding"]).toBe("gzip");
    }
  });
});
