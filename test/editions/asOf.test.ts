import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const LONG_AGO = "2001-02-03T04:05:06Z";

/** A moment after all that was done before it, and before all that is done after it. */
async function moment(): Promise<string> {
  await sleep(4);
  const now = new Date().toISOString();
  await sleep(4);
  return now;
}

const justBefore = (time: string) => new Date(Date.parse(time) - 1).toISOString();

const get = (reference: string, asOf: string, rest = "") =>
  newsroom.reader.get(`/v1/articles/${reference}?asOf=${asOf}${rest}`);

/** What the public saw. */
async function seenAt(reference: string, asOf: string): Promise<ShownArticle> {
  const { status, text, body } = await get(reference, asOf);
  if (status !== 200) throw new Error(text);
  return body as ShownArticle;
}

async function listedAt(asOf: string, query = ""): Promise<ShownArticle[]> {
  const { status, text, body } = await newsroom.reader.get(`/v1/articles?asOf=${asOf}${query}`);
  if (status !== 200) throw new Error(text);
  return body.data as ShownArticle[];
}

const headlines = (articles: { headline: string }[]) => articles.map(({ headline }) => headline);

/** Publishes an article with another headline. */
async function rename(id: string, headline: string, more: object = {}): Promise<ShownArticle> {
  await change(newsroom, id, { headline, ...more });
  return publish(newsroom, id);
}

const kill = (id: string, publicReason?: string) =>
  newsroom.editor
    .post(`/v1/articles/${id}/kill`)
    .send({ reason: "By order of a court.", ...(publicReason === undefined ? {} : { publicReason }) });

describe("an article as of a moment", () => {
  it("is the edition that readers had then: from the moment it came to the moment the next one did", async () => {
    const first = await live(newsroom, { headline: "One", keyPoints: [{ text: "first" }] });
    await moment();
    const second = await rename(first.id, "Two", { keyPoints: [] });
    await moment();
    const third = await rename(first.id, "Three");
    expectProblem(await get(first.id, justBefore(first.updatedAt)), 404, "not-found");
    expect(await seenAt(first.id, first.updatedAt)).toMatchObject({
      headline: "One",
      version: 1,
      status: "published",
      keyPoints: [{ text: "first" }],
    });
    expect((await seenAt(first.id, justBefore(second.updatedAt))).headline).toBe("One");
    expect(await seenAt(first.id, second.updatedAt)).toMatchObject({ headline: "Two", keyPoints: [] });
    expect((await seenAt(first.id, justBefore(third.updatedAt))).headline).toBe("Two");
    expect((await seenAt(first.id, third.updatedAt)).headline).toBe("Three");
    expect((await seenAt(first.id, await moment())).version).toBe(3);
  });

  it("is what readers got then in everything but the counts of shares, which nobody knows any more", async () => {
    const { id } = await live(newsroom, {
      headline: "Whole",
      tags: [{ name: "Any" }],
      body: [{ type: "paragraph", text: "Said." }],
    });
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    const then = (await newsroom.reader.get(`/v1/articles/${id}`)).body;
    const asOf = await moment();
    await rename(id, "Otherwise", { tags: [], body: [] });
    expect(await seenAt(id, asOf)).toEqual({ ...then, shareCounts: {}, shareTotal: 0 });
  });

  it("is gone while it was unpublished, and there again after", async () => {
    const { id } = await live(newsroom, { headline: "Comes and goes" });
    const during = await moment();
    await unpublish(newsroom, id);
    const between = await moment();
    await rename(id, "Is back");
    const after = await moment();
    expect((await seenAt(id, during)).headline).toBe("Comes and goes");
    const gone = await get(id, between);
    expectProblem(gone, 410, "gone");
    expect(gone.headers["surrogate-key"]).toBe(id.replaceAll("-", ""));
    expect((await seenAt(id, after)).headline).toBe("Is back");
  });

  it("stays what it was when it is unpublished, put into the trash or changed without publishing", async () => {
    const { id } = await live(newsroom, { headline: "Kept" });
    const asOf = await moment();
    await change(newsroom, id, { headline: "Not published" });
    await newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
    expect((await seenAt(id, asOf)).headline).toBe("Kept");
    expectProblem(await get(id, await moment()), 410, "gone");
  });

  it("begins and ends at the moments that were planned for it, to the millisecond", async () => {
    const [from, until] = [300, 700].map((wait) => new Date(Date.now() + wait).toISOString()) as [
      string,
      string,
    ];
    const { id } = await draft(newsroom, { headline: "Planned", expiresAt: until });
    const planning = await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at: from });
    expect(planning.status, planning.text).toBe(200);
    await sleep(Date.parse(from) - Date.now() + 5);
    // At once, whether or not what follows from it has been done.
    for (const wait of [0, Date.parse(until) - Date.now() + 5, 700]) {
      await sleep(wait);
      expectProblem(await get(id, justBefore(from)), 404, "not-found");
      expect((await seenAt(id, from)).headline).toBe("Planned");
    }
    expect((await seenAt(id, justBefore(until))).headline).toBe("Planned");
    expectProblem(await get(id, until), 410, "gone");
  });

  it("ends at the moment that an end was planned for, however it was planned before", async () => {
    const end = new Date(Date.now() + 1_500).toISOString();
    const { id } = await live(newsroom, {
      headline: "Ends",
      expiresAt: new Date(Date.now() + 1_000).toISOString(),
    });
    const ending = await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at: end });
    expect(ending.status, ending.text).toBe(200);
    await sleep(Date.parse(end) - Date.now() + 5);
    for (const wait of [0, 700]) {
      await sleep(wait);
      expect((await seenAt(id, justBefore(end))).headline).toBe("Ends");
      expectProblem(await get(id, end), 410, "gone");
    }
  });

  it("is one edition when a planned one has taken its place, before and after that is settled", async () => {
    const { id } = await live(newsroom, { headline: "Before" });
    await change(newsroom, id, { headline: "After" });
    const at = new Date(Date.now() + 300).toISOString();
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at });
    await sleep(Date.parse(at) - Date.now() + 5);
    for (const wait of [0, 700]) {
      await sleep(wait);
      expect((await seenAt(id, at)).headline).toBe("After");
      expect((await seenAt(id, justBefore(at))).headline).toBe("Before");
      expect(headlines(await listedAt(at, `&ids=${id}`))).toEqual(["After"]);
      expect(headlines((await listedAt(at, "&limit=100")).filter((one) => one.id === id))).toEqual(["After"]);
    }
  });

  it("ends as planned also when another edition comes before", async () => {
    const { id } = await live(newsroom, { headline: "Shorter" });
    await change(newsroom, id, { headline: "Short" });
    const at = new Date(Date.now() + 250).toISOString();
    const until = new Date(Date.now() + 600).toISOString();
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at });
    expect((await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at: until })).status).toBe(200);
    await sleep(Date.parse(until) - Date.now() + 700);
    expect((await seenAt(id, at)).headline).toBe("Short");
    expectProblem(await get(id, until), 410, "gone");
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 410, "gone");
  });

  it("is found by every slug that it was published under, before that moment or since", async () => {
    const { id } = await live(newsroom, { headline: "Slug", slug: "asof-old" });
    const asOf = await moment();
    await rename(id, "Slug", { slug: "asof-new" });
    const later = await moment();
    expect(await seenAt("asof-old", asOf)).toMatchObject({ id, slug: "asof-old" });
    expect(await seenAt("asof-new", asOf)).toMatchObject({ id, slug: "asof-old" });
    expect(await seenAt("asof-old", later)).toMatchObject({ id, slug: "asof-new" });
    expect(await seenAt(id.toUpperCase(), asOf)).toMatchObject({ id });
  });

  it("is not found by a slug that only editors know, or that is planned", async () => {
    const { id } = await live(newsroom, { headline: "Secret slug", slug: "asof-known" });
    const asOf = await moment();
    await change(newsroom, id, { slug: "asof-secret" });
    expectProblem(await get("asof-secret", asOf), 404, "not-found");
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at: "2100-01-01T00:00:00Z" });
    expectProblem(await get("asof-secret", asOf), 404, "not-found");
    expect((await seenAt("asof-known", asOf)).id).toBe(id);
  });

  it.for(["unknown-slug", "0199b2a0-5f5a-7c11-9d0e-000000000000"])(
    "is not found when it never was: %s",
    async (reference) => {
      expectProblem(await get(reference, LONG_AGO), 404, "not-found");
    },
  );

  it("is not found when only a draft, or planned", async () => {
    const { id } = await draft(newsroom, { headline: "Draft" });
    expectProblem(await get(id, await moment()), 404, "not-found");
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at: "2100-01-01T00:00:00Z" });
    expectProblem(await get(id, await moment()), 404, "not-found");
  });

  it("is withdrawn for good at every moment, with what may be said of the reason", async () => {
    const { id } = await live(newsroom, { headline: "Unlawful", slug: "asof-unlawful" });
    const asOf = await moment();
    await kill(id, "A court forbade it.");
    for (const [reference, time] of [
      [id, asOf],
      ["asof-unlawful", asOf],
      [id, LONG_AGO],
      [id, await moment()],
    ] as const) {
      const answer = await get(reference, time);
      expect(expectProblem(answer, 451, "withdrawn").detail).toContain("A court forbade it.");
      expect(answer.headers["surrogate-key"]).toBe(id.replaceAll("-", ""));
    }
  });

  it("that was withdrawn before anybody saw it is not found", async () => {
    const { id } = await draft(newsroom, { headline: "Never seen" });
    await kill(id);
    expectProblem(await get(id, await moment()), 404, "not-found");
  });

  it("has an entity tag, chosen fields and an answer to HEAD", async () => {
    const { id } = await live(newsroom, { headline: "Conditional" });
    const asOf = await moment();
    const whole = await get(id, asOf);
    const again = await get(id, asOf).set("If-None-Match", whole.headers.etag ?? "");
    expect(again.status).toBe(304);
    const head = await newsroom.reader.head(`/v1/articles/${id}?asOf=${asOf}`);
    expect(head.status).toBe(200);
    expect(head.headers.etag).toBe(whole.headers.etag);
    expect((await get(id, asOf, "&fields=headline,shareTotal")).body).toEqual({
      id,
      headline: "Conditional",
      shareTotal: 0,
    });
  });

  it("may be kept by caches for longer once it can change no more, and is purged by what it shows", async () => {
    const target = await live(newsroom, { headline: "Shown in a link" });
    const { id } = await live(newsroom, { headline: "Cached", relatedLinks: [{ articleId: target.id }] });
    const fresh = await get(id, await moment());
    expect(fresh.headers["cache-control"]).toBe(
      "public, max-age=1, stale-while-revalidate=30, stale-if-error=60",
    );
    const keys = fresh.headers["surrogate-key"]?.split(" ");
    expect(keys).toEqual(expect.arrayContaining([id, target.id].map((one) => one.replaceAll("-", ""))));
    // Of an edition of an hour ago, as the migration of a newsroom may leave it.
    const hourAgo = new Date(Date.now() - 3_600_000);
    await newsroom.database.$executeRaw`
      INSERT INTO editions (article_id, version, document, terms, title_key, published_at, live_from, live_until)
      SELECT article_id, 99, document, terms, title_key, ${hourAgo}, ${hourAgo}, live_from FROM editions WHERE article_id = ${id}::uuid`;
    const settled = await get(id, new Date(hourAgo.getTime() + 60_000).toISOString());
    expect(settled.headers["cache-control"]).toBe("public, max-age=300");
    const withKey = await newsroom.editor.get(`/v1/articles/${id}?asOf=${await moment()}`);
    expect(withKey.headers["cache-control"]).toBe("private, no-store");
  });

  it("gives its key points and related links of then", async () => {
    const { id } = await live(newsroom, { headline: "Parts", keyPoints: [{ text: "then" }] });
    const asOf = await moment();
    await rename(id, "Parts", { keyPoints: [{ text: "now" }] });
    const points = await newsroom.reader.get(`/v1/articles/${id}/key-points?asOf=${asOf}`);
    expect(points.body.data).toMatchObject([{ text: "then" }]);
    const point = await newsroom.reader.get(
      `/v1/articles/${id}/key-points/${points.body.data[0].id}?asOf=${asOf}`,
    );
    expect(point.body).toMatchObject({ text: "then" });
    expectProblem(
      await newsroom.reader.get(`/v1/articles/${id}/related-links?asOf=${LONG_AGO}`),
      404,
      "not-found",
    );
  });
});

describe("the related links of an article as of a moment", () => {
  const titlesAt = async (id: string, asOf: string) =>
    (await seenAt(id, asOf)).relatedLinks.map(({ title, url, articleId }) => ({ title, url, articleId }));

  it("show the headlines and slugs of then, and leave out what was not live then", async () => {
    const target = await live(newsroom, { headline: "Target", slug: "target-1" });
    const { id, relatedLinks } = await live(newsroom, {
      headline: "Links",
      relatedLinks: [{ articleId: target.id }, { url: "https://example.com/", title: "Elsewhere" }],
    });
    await change(newsroom, id, {
      body: [
        { type: "relatedLink", relatedLinkId: relatedLinks[0]?.id },
        { type: "paragraph", text: "Text." },
      ],
    });
    await publish(newsroom, id);
    const first = await moment();
    await rename(target.id, "Target renamed", { slug: "target-2" });
    const second = await moment();
    await unpublish(newsroom, target.id);
    const third = await moment();
    await publish(newsroom, target.id);

    const elsewhere = { title: "Elsewhere", url: "https://example.com/", articleId: null };
    const address = (slug: string) => expect.stringMatching(new RegExp(`/${slug}$`)) as string;
    expect(await titlesAt(id, first)).toEqual([
      { title: "Target", url: address("target-1"), articleId: target.id },
      elsewhere,
    ]);
    expect(await titlesAt(id, second)).toEqual([
      { title: "Target renamed", url: address("target-2"), articleId: target.id },
      elsewhere,
    ]);
    expect(await titlesAt(id, third)).toEqual([elsewhere]);
    const without = await seenAt(id, third);
    expect(without.body.map(({ type }) => type)).toEqual(["paragraph"]);
    expect(without.relatedLinks[0]?.position).toBe(0);
    const [listed] = await listedAt(first, `&ids=${id}`);
    expect(listed?.relatedLinks[0]?.title).toBe("Target");
  });

  it("show what has been withdrawn for good at no moment", async () => {
    const target = await live(newsroom, { headline: "Forbidden target" });
    const { id } = await live(newsroom, {
      headline: "Links to it",
      relatedLinks: [{ articleId: target.id }],
    });
    const asOf = await moment();
    expect(await titlesAt(id, asOf)).toHaveLength(1);
    await kill(target.id);
    expect(await titlesAt(id, asOf)).toEqual([]);
  });

  it("are bare titles until an article came under them, and stay with that article", async () => {
    const { id } = await live(newsroom, {
      headline: "Waits",
      relatedLinks: [{ title: "It’s  to come" }],
    });
    const waiting = await moment();
    const target = await live(newsroom, { headline: "It's to come" });
    const bound = await moment();
    await rename(target.id, "It came");
    const other = await live(newsroom, { headline: "It's to come" });
    const later = await moment();
    // That another edition knows the article changes nothing of the first.
    await rename(id, "Waits no more");
    await unpublish(newsroom, target.id);
    const gone = await moment();
    expect(await titlesAt(id, waiting)).toEqual([{ title: "It’s  to come", url: null, articleId: null }]);
    expect(await titlesAt(id, bound)).toMatchObject([{ title: "It's to come", articleId: target.id }]);
    expect(await titlesAt(id, later)).toMatchObject([{ title: "It came", articleId: target.id }]);
    expect(await titlesAt(id, gone)).toEqual([]);
    expect(other.id).not.toBe(target.id);
  });
});

describe("a list as of a moment", () => {
  const made: ShownArticle[] = [];
  let before: string;
  let then: string;
  const tag = "&tag=asof";
  const names = async (query: string, asOf = then) => headlines(await listedAt(asOf, `${tag}${query}`));

  beforeAll(async () => {
    before = await moment();
    for (const [index, publishedAt] of ["2021-05-03", "2021-05-01", "2021-05-02", "2021-05-01"].entries()) {
      made.push(
        await live(newsroom, {
          headline: `Item ${index}`,
          publishedAt: `${publishedAt}T12:00:00Z`,
          language: index === 2 ? "pt-BR" : "en",
          section: { name: index < 2 ? "Asof World" : "Asof Sport" },
          tags: [{ name: "Asof" }],
          authors: index === 3 ? [{ name: "Asof Author" }] : [],
        }),
      );
      await moment();
    }
    await rename(idOf(1), "Item 1 updated");
    then = await moment();
    // What came after: one goes, one leaves the tag, one is renamed and one is new.
    await unpublish(newsroom, idOf(0));
    await rename(idOf(2), "Item 2 moved", { tags: [], section: { name: "Asof World" }, language: "en" });
    await rename(idOf(3), "Item 3 renamed");
    await live(newsroom, {
      headline: "Item 4",
      publishedAt: "2021-05-02T12:00:00Z",
      tags: [{ name: "Asof" }],
    });
  });
  const idOf = (index: number) => made[index]?.id ?? "";

  it("holds what was live then, as it was, in the order of then", async () => {
    const tied = [1, 3]
      .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
      .map((index) => (index === 1 ? "Item 1 updated" : "Item 3"));
    expect(await names("")).toEqual(["Item 0", "Item 2", ...tied.toReversed()]);
    expect(await names("&sort=oldest")).toEqual([...tied, "Item 2", "Item 0"]);
    expect(await names("&sort=updated")).toEqual(["Item 1 updated", "Item 3", "Item 2", "Item 0"]);
    expect(await names("", before)).toEqual([]);
    expect(await names("&sort=updated", made[1]?.updatedAt)).toEqual(["Item 1", "Item 0"]);
    expect(await names("&sort=updated", await moment())).toEqual([
      "Item 4",
      "Item 3 renamed",
      "Item 1 updated",
    ]);
    const all = await listedAt(then, "&sort=updated&limit=4");
    expect(headlines(all)).toEqual(["Item 1 updated", "Item 3", "Item 2", "Item 0"]);
    expect(all[0]).not.toHaveProperty("body");
    expect(all[0]).toMatchObject({ shareCounts: {}, shareTotal: 0 });
    expect(await listedAt(LONG_AGO)).toEqual([]);
  });

  it.for([
    ["&section=asof-sport", ["Item 2", "Item 3"]],
    ["&section=asof-world", ["Item 0", "Item 1 updated"]],
    ["&author=asof-author", ["Item 3"]],
    ["&language=pt-BR", ["Item 2"]],
    ["&language=fr", []],
    ["&section=no-such", []],
    ["&publishedAfter=2021-05-02", ["Item 0", "Item 2"]],
    ["&publishedAfter=2021-05-02&publishedBefore=2021-05-03", ["Item 2"]],
  ] as const)("is narrowed by filters: %s", async ([query, expected]) => {
    expect(await names(query)).toEqual(expected);
  });

  it("is narrowed by when editions came", async () => {
    const since = made[2]?.updatedAt ?? "";
    expect((await names(`&updatedAfter=${since}`)).toSorted()).toEqual(["Item 1 updated", "Item 3"]);
    expect(await names(`&updatedAfter=${since}&sort=updated`)).toEqual(["Item 1 updated", "Item 3"]);
  });

  it("is counted, and has chosen fields", async () => {
    const { body, headers } = await newsroom.reader.get(
      `/v1/articles?asOf=${then}${tag}&count=true&fields=headline&limit=2`,
    );
    expect(body.page).toMatchObject({ total: 4, limit: 2 });
    expect(body.data[0]).toEqual({ id: idOf(0), headline: "Item 0" });
    expect(headers["surrogate-key"]).toBe("articles");
    expect(headers.link).toContain("asOf=");
    const whole = await newsroom.reader.get(`/v1/articles?asOf=${LONG_AGO}&count=true`);
    expect(whole.body.page.total).toBe(0);
    expect(whole.headers["cache-control"]).toBe("public, max-age=300");
  });

  it("by ids says which are missing, and why", async () => {
    const never = (await draft(newsroom, { headline: "Never" })).id;
    const { body } = await newsroom.reader.get(
      `/v1/articles?asOf=${then}&section=asof-sport&count=true&ids=${[idOf(3), never, idOf(0), idOf(2)].join(",")}`,
    );
    expect(headlines(body.data as ShownArticle[])).toEqual(["Item 3", "Item 2"]);
    expect(body.missing).toEqual([
      { id: never, reason: "not-found" },
      { id: idOf(0), reason: "filtered" },
    ]);
    expect(body.page.total).toBe(2);
    const now = await moment();
    const later = await newsroom.reader.get(`/v1/articles?asOf=${now}&ids=${idOf(0)}&section=no-such`);
    expect(later.body.missing).toEqual([{ id: idOf(0), reason: "gone" }]);
    const early = await newsroom.reader.get(`/v1/articles?asOf=${LONG_AGO}&ids=${idOf(0)}`);
    expect(early.body.missing).toEqual([{ id: idOf(0), reason: "not-found" }]);
  });

  it.for(["newest", "oldest", "updated"])(
    "is walked through by cursor without loss or repetition while publishing goes on, sort=%s",
    async (sort) => {
      const asOf = await moment();
      const whole = (await listedAt(asOf, `&sort=${sort}&limit=100`)).map(({ id }) => id);
      const walked: string[] = [];
      for (let cursor = ""; ;) {
        const { body } = await newsroom.reader.get(`/v1/articles?asOf=${asOf}&sort=${sort}&limit=3${cursor}`);
        walked.push(...body.data.map(({ id }: { id: string }) => id));
        if (body.page.next === null) break;
        cursor = `&cursor=${body.page.next}`;
        await live(newsroom, { headline: "Meanwhile", publishedAt: "2021-05-02T12:00:00Z" });
        await rename(walked.at(-1) ?? "", "Renamed meanwhile");
      }
      expect(walked).toEqual(whole);
      expect(new Set(walked).size).toBe(walked.length);
    },
  );

  it("has cursors of its own moment", async () => {
    const { body } = await newsroom.reader.get(`/v1/articles?asOf=${then}&limit=1`);
    const cursor = `limit=1&cursor=${body.page.next}`;
    expect((await newsroom.reader.get(`/v1/articles?asOf=${then}&${cursor}`)).status).toBe(200);
    for (const other of [`asOf=${before}&`, "", `asOf=${then}&sort=oldest&`])
      expectProblem(await newsroom.reader.get(`/v1/articles?${other}${cursor}`), 400, "invalid-parameter");
  });

  it("leaves out what has been withdrawn for good", async () => {
    const { id } = await live(newsroom, { headline: "Soon forbidden", tags: [{ name: "Forbidden" }] });
    const asOf = await moment();
    expect(headlines(await listedAt(asOf, "&tag=forbidden"))).toEqual(["Soon forbidden"]);
    await kill(id);
    expect(await listedAt(asOf, "&tag=forbidden")).toEqual([]);
    expect((await listedAt(asOf, "&limit=100")).map((one) => one.id)).not.toContain(id);
    const { body } = await newsroom.reader.get(`/v1/articles?asOf=${asOf}&ids=${id}`);
    expect(body.missing).toEqual([{ id, reason: "gone" }]);
  });

  it("shows keys that may read under embargo no more than the public saw", async () => {
    const partner = await newsroom.withScopes(["embargo:read"]);
    const { id } = await draft(newsroom, { headline: "Embargoed", embargoedUntil: "2100-01-01T00:00:00Z" });
    await publish(newsroom, id);
    const asOf = await moment();
    expectProblem(await partner.get(`/v1/articles/${id}?asOf=${asOf}`), 404, "not-found");
    const { body } = await partner.get(`/v1/articles?asOf=${asOf}&ids=${id}`);
    expect(body.data).toEqual([]);
  });
});

describe("a moment", () => {
  it.for([
    "tomorrow",
    "",
    "2025-04-10",
    "2025-04-10T09:30:00",
    "2025-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "1234567890",
    "2100-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
  ])("that is none, or has not come, is refused: %s", async (asOf) => {
    const { id } = await live(newsroom, { headline: "Asked badly" });
    for (const path of ["", `/${id}`, `/${id}/key-points`]) {
      const answer = await newsroom.reader.get(`/v1/articles${path}?asOf=${encodeURIComponent(asOf)}`);
      const { errors } = expectProblem(answer, 400, "invalid-parameter");
      expect(errors?.map(({ pointer }) => pointer)).toEqual(["asOf"]);
    }
  });

  it("that is planned for is refused like any other to come", async () => {
    const { id } = await draft(newsroom, { headline: "Planned", slug: "asof-planned" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at: "2100-01-01T00:00:00Z" });
    const planned = await get(id, "2100-01-01T00:00:00Z");
    const unknown = await get("0199b2a0-5f5a-7c11-9d0e-000000000000", "2100-01-01T00:00:00Z");
    const { detail } = expectProblem(planned, 400, "invalid-parameter");
    expect(expectProblem(unknown, 400, "invalid-parameter").detail).toBe(detail);
  });

  it("may be given with any offset", async () => {
    const { id } = await live(newsroom, { headline: "Offset" });
    const asOf = await moment();
    const shifted = new Date(Date.parse(asOf) + 7_200_000).toISOString().replace("Z", "+02:00");
    expect((await seenAt(id, encodeURIComponent(shifted))).headline).toBe("Offset");
  });

  it("does not go with working copies", async () => {
    const { id } = await live(newsroom, { headline: "Draft of then" });
    for (const path of ["", `/${id}`, `/${id}/related-links`]) {
      const answer = await newsroom.editor.get(`/v1/articles${path}?version=draft&asOf=${LONG_AGO}`);
      const { errors } = expectProblem(answer, 400, "invalid-parameter");
      expect(errors?.map(({ pointer }) => pointer)).toEqual(["asOf"]);
    }
  });

  it.for([
    ["q=harbour", "q"],
    ["sort=mostShared", "sort"],
    ["sort=mostShared&window=24h", "sort"],
    ["sort=relevance&q=harbour", "q"],
    ["sort=relevance", "sort"],
    ["window=24h", "window"],
    ["status=draft", "status"],
    ["cursor=forged", "cursor"],
  ])("does not go with what only the present knows: %s", async ([query, named]) => {
    const answer = await newsroom.reader.get(`/v1/articles?asOf=${LONG_AGO}&${query}`);
    const { errors } = expectProblem(answer, 400, "invalid-parameter");
    expect(errors?.map(({ pointer }) => pointer)).toContain(named);
  });
});
