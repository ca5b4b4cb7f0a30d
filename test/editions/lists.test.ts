import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const dayOf = (day: number) => `2021-05-${String(day).padStart(2, "0")}T12:00:00.000Z`;

/** Twelve articles; three of each four were published at one moment. */
const moments = [1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 6, 6].map(dayOf);
const made: ShownArticle[] = [];

beforeAll(async () => {
  for (const [index, publishedAt] of moments.entries()) {
    made.push(
      await live(newsroom, {
        headline: `Listed ${index}`,
        publishedAt,
        language: index % 2 === 0 ? "en" : "pt-BR",
        section: { name: index < 6 ? "World" : "Sport" },
        tags: index % 3 === 0 ? [{ name: "Third" }, { name: "Any" }] : [{ name: "Any" }],
        authors: index % 4 === 0 ? [{ name: "Ines Prado" }] : [],
      }),
    );
  }
  await draft(newsroom, { headline: "Unlisted draft", tags: [{ name: "Any" }] });
  // Republished one by one, so that they were updated in another order than they were published.
  for (const index of [3, 0, 7]) {
    await change(newsroom, idOf(index), { standfirst: "Updated" });
    await publish(newsroom, idOf(index));
  }
});

function idOf(index: number): string {
  return made[index]?.id ?? "";
}

const indexes = (ids: string[]) => ids.map((id) => made.findIndex((article) => article.id === id));

async function listed(query: string): Promise<number[]> {
  const answer = await newsroom.reader.get(`/v1/articles?${query}`);
  if (answer.status !== 200) throw new Error(answer.text);
  return indexes(answer.body.data.map(({ id }: { id: string }) => id));
}

/** Follows the cursors of a list to its end, doing something between the pages. */
async function walk(
  query: string,
  between: () => Promise<unknown> = async () => {},
  agent = newsroom.reader,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  do {
    const { status, text, body, headers } = await agent.get(`/v1/articles?${query}${cursor}`);
    if (status !== 200) throw new Error(text);
    ids.push(...body.data.map(({ id }: { id: string }) => id));
    const { next } = body.page as { next: string | null };
    expect(headers.link === undefined).toBe(next === null);
    if (next === null) return ids;
    cursor = `&cursor=${encodeURIComponent(next)}`;
    await between();
  } while (ids.length < 1000);
  throw new Error("the list has no end");
}

const all = moments.map((_, index) => index);
const byMoment = all.toSorted(
  (a, b) => (moments[a] ?? "").localeCompare(moments[b] ?? "") || idOf(a).localeCompare(idOf(b)),
);

describe("the list of articles", () => {
  it("has what is live, newest first, without bodies", async () => {
    const { body } = await newsroom.reader.get("/v1/articles");
    expect(indexes(body.data.map(({ id }: { id: string }) => id))).toEqual(byMoment.toReversed());
    expect(body.page).toEqual({ limit: 20, next: null });
    for (const item of body.data) expect(item).not.toHaveProperty("body");
    expect(body.data[0]).toMatchObject({
      status: "published",
      keyPoints: [],
      relatedLinks: [],
      shareCounts: {},
      shareTotal: 0,
    });
  });

  it("has each article with its own shares", async () => {
    await newsroom.reader.post(`/v1/articles/${idOf(11)}/shares`).send({ network: "x" });
    const { body } = await newsroom.reader.get(`/v1/articles?section=sport&count=true`);
    const shared = body.data.filter(({ shareTotal }: { shareTotal: number }) => shareTotal > 0);
    expect(shared).toMatchObject([{ id: idOf(11), shareCounts: { x: 1 }, shareTotal: 1 }]);
  });

  it("goes oldest first, and last updated first", async () => {
    expect(await listed("sort=oldest")).toEqual(byMoment);
    expect((await listed("sort=updated")).slice(0, 3)).toEqual([7, 0, 3]);
  });

  it.each([
    ["section=world", (index: number) => index < 6],
    ["tag=third", (index: number) => index % 3 === 0],
    ["author=ines-prado", (index: number) => index % 4 === 0],
    ["language=pt-BR", (index: number) => index % 2 === 1],
    ["language=PT-br", (index: number) => index % 2 === 1],
    ["section=world&tag=third", (index: number) => index < 6 && index % 3 === 0],
    ["section=sport&tag=third&author=ines-prado", (index: number) => index >= 6 && index % 12 === 0],
    ["tag=any&language=en&section=sport", (index: number) => index >= 6 && index % 2 === 0],
    ["tag=no-such-tag", () => false],
    ["section=third", () => false],
    ["author=any", () => false],
    ["publishedAfter=2021-05-02T12:00:00Z", (index: number) => index >= 4],
    ["publishedAfter=2021-05-02T13:59:59.999%2B02:00", (index: number) => index >= 1],
    ["publishedBefore=2021-05-04T12:00:00Z", (index: number) => index <= 4],
    ["publishedAfter=2021-05-02&publishedBefore=2021-05-04", (index: number) => index >= 1 && index <= 4],
    ["updatedAfter=2100-01-01", () => false],
    ["updatedAfter=2022-01-01&section=world", (index: number) => index < 6],
  ])("filters by %s", async (query, fits) => {
    expect(await listed(query)).toEqual(byMoment.toReversed().filter((index) => fits(index)));
    expect(await listed(`${query}&sort=oldest`)).toEqual(byMoment.filter((index) => fits(index)));
    const counted = await newsroom.reader.get(`/v1/articles?${query}&count=true&limit=1`);
    expect(counted.body.page.total).toBe(all.filter((index) => fits(index)).length);
  });

  it("lists those updated after a moment", async () => {
    const { updatedAt } = (await newsroom.reader.get(`/v1/articles/${idOf(3)}`)).body as ShownArticle;
    expect(await listed(`updatedAfter=${updatedAt}&sort=updated`)).toEqual([7, 0]);
  });

  it.each([
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=ten",
    "limit=1.5",
    "count=yes",
    "sort=best",
    "section=Not%20a%20slug",
    "publishedAfter=yesterday",
    "publishedAfter=2021-02-30",
    "updatedAfter=",
    "fields=headline,nothing",
    "fields=",
    "ids=",
    "ids=not-an-id",
    "cursor=made-up",
    "cursor=",
    "nothing=1",
    "tag=any&tag=third",
    "status=published",
    "language=not_a_tag",
  ])("refuses %s and names the parameter", async (query) => {
    const answer = await newsroom.reader.get(`/v1/articles?${query}`);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([
      400,
      expect.stringContaining(query.split("=")[0] ?? ""),
    ]);
  });

  it("has the fields that are asked for, and id", async () => {
    const { body } = await newsroom.reader.get("/v1/articles?fields=headline,shareTotal&limit=1");
    expect(Object.keys(body.data[0]).toSorted()).toEqual(["headline", "id", "shareTotal"]);
  });

  it("has an article where it is filed now, once what was changed is published", async () => {
    const { id } = await live(newsroom, { headline: "Moving", language: "en", tags: [{ name: "Before" }] });
    await change(newsroom, id, { language: "fr", tags: [{ name: "After" }] });
    const found = async (query: string) =>
      (await newsroom.reader.get(`/v1/articles?${query}`)).body.data.map((item: ShownArticle) => item.id);
    expect([await found("tag=before&language=en"), await found("tag=after")]).toEqual([[id], []]);
    await publish(newsroom, id);
    expect([await found("tag=before"), await found("tag=after&language=en")]).toEqual([[], []]);
    expect([await found("tag=after&language=fr"), await found("tag=after&q=moving")]).toEqual([[id], [id]]);
  });

  it("does not have what is gone", async () => {
    const { id } = await live(newsroom, { headline: "Soon gone", section: { name: "Fleeting" } });
    expect((await newsroom.reader.get("/v1/articles?section=fleeting")).body.data).toHaveLength(1);
    await unpublish(newsroom, id);
    const { body } = await newsroom.reader.get("/v1/articles?section=fleeting&count=true");
    expect(body).toMatchObject({ data: [], page: { next: null, total: 0 } });
  });
});

describe("pages", () => {
  it.each(["newest", "oldest", "updated"])(
    "sorted by %s skip nothing and show nothing twice, ties included",
    async (sort) => {
      const { data } = (await newsroom.reader.get(`/v1/articles?tag=any&sort=${sort}&limit=100`)).body;
      for (const limit of [1, 2, 3, 5, 12]) {
        expect(await walk(`tag=any&sort=${sort}&limit=${limit}`)).toEqual(
          data.map(({ id }: { id: string }) => id),
        );
      }
    },
  );

  it("sorted by updated skip nothing when all were updated at one moment", async () => {
    const updatedAt = new Date("2023-01-01T00:00:00Z");
    const tied = await Promise.all(
      [1, 2, 3, 4, 5].map((number) =>
        live(newsroom, { headline: `Tied ${number}`, tags: [{ name: "Tied" }] }),
      ),
    );
    await newsroom.database.publication.updateMany({
      where: { articleId: { in: tied.map(({ id }) => id) } },
      data: { updatedAt },
    });
    const ids = tied
      .map(({ id }) => id)
      .toSorted()
      .toReversed();
    for (const limit of [1, 2, 3]) expect(await walk(`tag=tied&sort=updated&limit=${limit}`)).toEqual(ids);
  });

  it("hold while articles are published in between", async () => {
    let number = 0;
    const between = async () => {
      number += 1;
      await live(newsroom, { headline: `Just in ${number}`, tags: [{ name: "Any" }] });
      await live(newsroom, {
        headline: `Carried over ${number}`,
        publishedAt: dayOf(7 + number),
        tags: [{ name: "Any" }],
      });
    };
    const wanted = byMoment.map((index) => idOf(index));
    const newest = await walk("tag=any&sort=newest&limit=2", between);
    expect(new Set(newest).size).toBe(newest.length);
    expect(newest.filter((id) => wanted.includes(id))).toEqual(wanted.toReversed());
    const oldest = await walk("tag=any&sort=oldest&limit=5&publishedBefore=2021-06-01", between);
    expect(new Set(oldest).size).toBe(oldest.length);
    expect(oldest.filter((id) => wanted.includes(id))).toEqual(wanted);
  });

  it("hold when the article that a cursor was made at is gone", async () => {
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((number) =>
        live(newsroom, {
          headline: `Going ${number}`,
          publishedAt: dayOf(number),
          tags: [{ name: "Going" }],
        }),
      ),
    );
    const { page } = (await newsroom.reader.get("/v1/articles?tag=going&sort=oldest&limit=2")).body;
    await unpublish(newsroom, two?.id ?? "");
    const rest = await newsroom.reader.get(`/v1/articles?tag=going&sort=oldest&limit=2&cursor=${page.next}`);
    expect(rest.body.data.map(({ id }: { id: string }) => id)).toEqual([three?.id]);
    expect(one?.id).toBeDefined();
  });

  it("are linked to by a Link header that can be followed", async () => {
    const first = await newsroom.reader.get("/v1/articles?section=world&limit=4&sort=oldest");
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.link ?? "")?.[1] ?? "";
    expect(next).toContain(`cursor=${first.body.page.next}`);
    const second = await newsroom.reader.get(next);
    expect(indexes(second.body.data.map(({ id }: { id: string }) => id))).toEqual(
      [4, 5].map((index) => byMoment[index]),
    );
    expect([second.headers.link, second.body.page.next]).toEqual([undefined, null]);
  });

  it("may change their size midway, and count the whole list on each", async () => {
    const { page } = (await newsroom.reader.get("/v1/articles?section=world&limit=1&count=true")).body;
    expect(page).toMatchObject({ limit: 1, total: 6 });
    const rest = await newsroom.reader.get(
      `/v1/articles?section=world&limit=10&count=true&cursor=${page.next}`,
    );
    expect(rest.body.data).toHaveLength(5);
    expect(rest.body.page).toEqual({ limit: 10, next: null, total: 6 });
  });

  it("are refused with the cursor of another list, or one that was tampered with", async () => {
    const cursor = (await newsroom.reader.get("/v1/articles?tag=any&limit=2")).body.page.next as string;
    const flipped = `${cursor.slice(0, -2)}${cursor.at(-2) === "A" ? "B" : "A"}${cursor.slice(-1)}`;
    for (const query of [
      `cursor=${cursor}`,
      `tag=third&cursor=${cursor}`,
      `tag=any&sort=oldest&cursor=${cursor}`,
      `tag=any&language=en&cursor=${cursor}`,
      `tag=any&cursor=${flipped}`,
      `tag=any&cursor=${cursor.slice(3)}`,
    ]) {
      const answer = await newsroom.reader.get(`/v1/articles?${query}`);
      expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, "cursor"]);
    }
    expect((await newsroom.editor.get(`/v1/articles?version=draft&tag=any&cursor=${cursor}`)).status).toBe(
      400,
    );
  });
});

describe("a list of ids", () => {
  it("keeps the order asked and says why others are missing", async () => {
    const gone = await live(newsroom, { headline: "Missing: gone" });
    await unpublish(newsroom, gone.id);
    const binned = await live(newsroom, { headline: "Missing: trash" });
    await newsroom.editor.delete(`/v1/articles/${binned.id}`).set("If-Match", "*");
    const unseen = await draft(newsroom, { headline: "Missing: draft" });
    const unknown = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
    const ids = [idOf(5), gone.id, idOf(0), unseen.id, idOf(11), unknown, binned.id, idOf(5)];
    const { body } = await newsroom.reader.get(`/v1/articles?ids=${ids.join(",")}`);
    expect(indexes(body.data.map(({ id }: { id: string }) => id))).toEqual([5, 0, 11]);
    expect(body.missing).toEqual([
      { id: gone.id, reason: "gone" },
      { id: unseen.id, reason: "not-found" },
      { id: unknown, reason: "not-found" },
      { id: binned.id, reason: "gone" },
    ]);
  });

  it("goes with filters, and names what they left out", async () => {
    const { body } = await newsroom.reader.get(
      `/v1/articles?ids=${idOf(7)},${idOf(2)},${idOf(1)}&section=world&fields=headline`,
    );
    expect(body.data).toEqual([
      { id: idOf(2), headline: "Listed 2" },
      { id: idOf(1), headline: "Listed 1" },
    ]);
    expect(body.missing).toEqual([{ id: idOf(7), reason: "filtered" }]);
  });

  it("counts what it found", async () => {
    const { body } = await newsroom.reader.get(`/v1/articles?ids=${idOf(7)},${idOf(2)}&count=true`);
    expect(body.page).toMatchObject({ next: null, total: 2 });
  });

  it("takes a hundred ids in any case, and no more", async () => {
    const hundred = Array.from(
      { length: 99 },
      (_, index) => `0199b2a0-5f5a-7c11-9d0e-${String(index).padStart(12, "0")}`,
    );
    const full = await newsroom.reader.get(
      `/v1/articles?ids=${[idOf(0).toUpperCase(), ...hundred].join(",")}`,
    );
    expect([full.status, full.body.data.length, full.body.missing.length]).toEqual([200, 1, 99]);
    const more = await newsroom.reader.get(`/v1/articles?ids=${[idOf(0), idOf(1), ...hundred].join(",")}`);
    expect(more.status).toBe(400);
  });
});

describe("the list of working copies", () => {
  const ids = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);

  it("has what is live, what is not and what is no more, but not the trash", async () => {
    const tag = { tags: [{ name: "Copies" }] };
    const unseen = await draft(newsroom, { headline: "Copy: draft", ...tag });
    const published = await live(newsroom, { headline: "Copy: live", ...tag });
    await change(newsroom, published.id, { headline: "Copy: changed" });
    const gone = await live(newsroom, { headline: "Copy: gone", ...tag });
    await unpublish(newsroom, gone.id);
    const binned = await draft(newsroom, { headline: "Copy: trash", ...tag });
    await newsroom.editor.delete(`/v1/articles/${binned.id}`).set("If-Match", "*");
    const { body } = await newsroom.editor.get("/v1/articles?version=draft&tag=copies&count=true");
    expect(ids(body)).toEqual([gone.id, published.id, unseen.id]);
    expect(body.data[1]).toMatchObject({ headline: "Copy: changed", hasUnpublishedChanges: true });
    expect(body.data[1]).not.toHaveProperty("body");
    expect(body.page.total).toBe(3);
    for (const [status, id] of [
      ["draft", unseen.id],
      ["published", published.id],
      ["unpublished", gone.id],
    ]) {
      expect(
        ids((await newsroom.editor.get(`/v1/articles?version=draft&tag=copies&status=${status}`)).body),
      ).toEqual([id]);
    }
    const chosen = await newsroom.editor.get(
      `/v1/articles?version=draft&status=draft&ids=${gone.id},${binned.id},${unseen.id}`,
    );
    expect(ids(chosen.body)).toEqual([unseen.id]);
    expect(chosen.body.missing).toEqual([
      { id: gone.id, reason: "filtered" },
      { id: binned.id, reason: "not-found" },
    ]);
  });

  it.each(["newest", "oldest", "updated"])(
    "sorted by %s pages without skipping or repeating",
    async (sort) => {
      const query = `version=draft&section=world&sort=${sort}`;
      const whole = ids((await newsroom.editor.get(`/v1/articles?${query}&limit=100`)).body);
      expect(whole).toHaveLength(6);
      for (const limit of [1, 2, 4])
        expect(await walk(`${query}&limit=${limit}`, undefined, newsroom.editor)).toEqual(whole);
    },
  );
});
