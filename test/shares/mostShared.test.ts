import { describe, expect, it } from "vitest";
import { Prisma } from "../../src/database/client.ts";
import { termsOf } from "../../src/editions/listings.ts";
import { ArticleQuery } from "../../src/editions/schema.ts";
import { moveSpans, walkedStandings } from "../../src/shares/mostShared.ts";
import { settleRemains } from "../../src/shares/settle.ts";
import { draft, live, publish, unpublish } from "../support/articles.ts";
import { expectRefused } from "../support/drafts.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { sharers } from "../support/sharing.ts";

const newsroom = useNewsroom();

/** An article under a tag of its own test, so that tests do not see each other's. */
async function tagged(tag: string, headline: string, more: Record<string, unknown> = {}): Promise<string> {
  return (await live(newsroom, { headline, tags: [{ name: tag }], ...more })).id;
}

async function share(id: string, times = 1, network = "x"): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: times }, () => newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(times === 0 ? [] : [201]));
}

const countOf = (id: string, network: string) => `/v1/articles/${id}/share-counts/${network}`;

async function set(id: string, count: number, network = "x"): Promise<void> {
  const answer = await newsroom.editor.put(countOf(id, network)).set("If-Match", "*").send({ count });
  expect(answer.status, answer.text).toBeLessThan(300);
}

async function mostShared(query: string): Promise<string[]> {
  const { status, text, body } = await newsroom.reader.get(`/v1/articles?sort=mostShared&${query}`);
  expect(status, text).toBe(200);
  return body.data.map(({ headline }: { headline: string }) => headline);
}

/** Follows the cursors to the end, doing something between the pages. */
async function walk(query: string, between: () => Promise<unknown> = async () => {}): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = ""; ; await between()) {
    const { status, text, body } = await newsroom.reader.get(
      `/v1/articles?sort=mostShared&${query}${cursor}`,
    );
    expect(status, text).toBe(200);
    found.push(...body.data.map(({ headline }: { headline: string }) => headline));
    if (body.page.next === null) return found;
    cursor = `&cursor=${body.page.next}`;
  }
}

/** Lets hours pass: what was recorded and the spans lie so much further back. */
async function hoursPass(hours: number): Promise<void> {
  const { database } = newsroom;
  await settleRemains(database);
  // In two steps, lest one hour's row meet the next one's that has not moved yet.
  const away = 100_000;
  await database.$executeRaw`UPDATE share_hours SET hour = hour - ${hours + away} * interval '1 hour'`;
  await database.$executeRaw`UPDATE share_hours SET hour = hour + ${away} * interval '1 hour'`;
  await database.$executeRaw`UPDATE share_spans SET since = since - ${hours} * interval '1 hour'`;
}

/** The sums that were kept, and the same added up from the rows that they are sums of. */
async function sums(): Promise<{ kept: unknown; added: unknown }> {
  await settleRemains(newsroom.database);
  await moveSpans(newsroom.database);
  const kept = await newsroom.database.$queryRaw`
    SELECT article_id, span, count FROM share_standings WHERE count > 0 ORDER BY article_id, span`;
  const added = await newsroom.database.$queryRaw`
    SELECT article_id, span, sum(count)::bigint AS count FROM share_spans JOIN share_hours ON hour >= since GROUP BY 1, 2
    UNION ALL SELECT article_id, 'all', sum(count)::bigint FROM share_counts GROUP BY 1 HAVING sum(count) > 0
    ORDER BY article_id, span`;
  return { kept, added };
}

async function expectSumsRight(): Promise<void> {
  const { kept, added } = await sums();
  expect(kept).toEqual(added);
}

const windows = ["1h", "24h", "7d", "all"];

describe("the most shared articles", () => {
  it.each([...windows.map((window) => `&window=${window}`), ""])(
    "come first, and those never shared not at all, with %j",
    async (window) => {
      const tag = `order${window.replace(/\W/g, "")}`;
      const ids = [await tagged(tag, "Second"), await tagged(tag, "First"), await tagged(tag, "Third")];
      await tagged(tag, "Never");
      for (const [index, times] of [2, 3, 1].entries()) await share(ids[index] ?? "", times, `net${index}`);
      expect(await mostShared(`tag=${tag}${window}`)).toEqual(["First", "Second", "Third"]);
    },
  );

  it("are ordered by the newest when they were shared as often", async () => {
    for (const day of [2, 1, 3]) {
      await share(await tagged("equal", `Day ${day}`, { publishedAt: `2021-05-0${day}T12:00:00Z` }), 2);
    }
    for (const window of windows) {
      expect(await mostShared(`tag=equal&window=${window}`)).toEqual(["Day 3", "Day 2", "Day 1"]);
    }
  });

  it("are counted over all networks", async () => {
    const one = await tagged("networks", "One network");
    const many = await tagged("networks", "Many networks");
    await share(one, 2, "x");
    for (const network of ["x", "email", "whatsapp"]) await share(many, 1, network);
    const { body } = await newsroom.reader.get("/v1/articles?sort=mostShared&tag=networks&count=true");
    expect(body.data).toMatchObject([
      { id: many, shareCounts: { email: 1, whatsapp: 1, x: 1 }, shareTotal: 3 },
      { id: one, shareCounts: { x: 2 }, shareTotal: 2 },
    ]);
    expect(Object.keys(body.data[1].shareCounts)).toEqual(["x"]);
    for (const window of windows) {
      expect(await mostShared(`tag=networks&window=${window}`)).toEqual(["Many networks", "One network"]);
    }
  });

  it("go by counts that were set and removed in `all` alone", async () => {
    const told = await tagged("set", "Told by the network");
    const recorded = await tagged("set", "Recorded here");
    await share(recorded, 3);
    await set(told, 2, "facebook");
    await set(told, 10, "facebook");
    expect(await mostShared("tag=set")).toEqual(["Told by the network", "Recorded here"]);
    for (const window of ["1h", "24h", "7d"]) {
      expect(await mostShared(`tag=set&window=${window}`)).toEqual(["Recorded here"]);
    }
    await set(told, 1, "facebook");
    expect(await mostShared("tag=set&fields=headline")).toEqual(["Recorded here", "Told by the network"]);
    await newsroom.editor.delete(countOf(told, "facebook")).set("If-Match", "*").expect(204);
    expect(await mostShared("tag=set&limit=50")).toEqual(["Recorded here"]);
    await expectSumsRight();
  });

  it("count a share with an Idempotency-Key once", async () => {
    const id = await tagged("once", "Once");
    for (const _ of [1, 2]) {
      await newsroom.reader
        .post(`/v1/articles/${id}/shares`)
        .set("Idempotency-Key", '"once"')
        .send({ network: "x" })
        .expect(201);
    }
    const rows = await newsroom.database.shareStanding.findMany({
      where: { articleId: id },
      orderBy: { span: "asc" },
    });
    expect(rows.map(({ span, count }) => [span, Number(count)])).toEqual(windows.map((span) => [span, 1]));
  });

  it("are seen no later than a second after the share", async () => {
    const [one, other] = [await tagged("soon", "One"), await tagged("soon", "Other")];
    await share(one, 2);
    expect(await mostShared("tag=soon&window=1h")).toEqual(["One"]);
    await share(other, 3);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await mostShared("tag=soon&window=1h")).toEqual(["Other", "One"]);
  });

  it("are live: they go when unpublished and come back with their counts", async () => {
    const [gone, there] = [await tagged("back", "Gone and back"), await tagged("back", "There")];
    await share(gone, 2);
    await share(there, 1);
    await unpublish(newsroom, gone);
    for (const window of windows) expect(await mostShared(`tag=back&window=${window}`)).toEqual(["There"]);
    await publish(newsroom, gone);
    for (const window of windows) {
      expect(await mostShared(`tag=back&window=${window}`)).toEqual(["Gone and back", "There"]);
    }
  });

  it("go by the time of publication that they have now", async () => {
    const again = await tagged("dated", "Again", { publishedAt: "2021-05-01T12:00:00Z" });
    await share(await tagged("dated", "Once", { publishedAt: "2021-05-02T12:00:00Z" }));
    await share(again);
    expect(await mostShared("tag=dated")).toEqual(["Once", "Again"]);
    await unpublish(newsroom, again);
    await publish(newsroom, again);
    for (const window of windows) {
      expect(await mostShared(`tag=dated&window=${window}`)).toEqual(["Again", "Once"]);
    }
  });

  it("have a count that was set before they were published, and the time they were published at", async () => {
    const { id } = await draft(newsroom, {
      headline: "Early",
      tags: [{ name: "early" }],
      publishedAt: "2020-01-01T00:00:00Z",
    });
    await set(id, 5);
    await set(await tagged("early", "Late", { publishedAt: "2020-02-01T00:00:00Z" }), 5);
    expect(await mostShared("tag=early&limit=5")).toEqual(["Late"]);
    await publish(newsroom, id);
    expect(await mostShared("tag=early")).toEqual(["Late", "Early"]);
  });

  it("are filtered like every list, counted and cut to fields", async () => {
    const world = { section: { name: "Most world" }, authors: [{ name: "Mo Shared" }], language: "pt" };
    const wanted = await tagged("filters", "Wanted", { ...world, publishedAt: "2021-06-02T00:00:00Z" });
    await share(wanted, 2);
    await share(await tagged("filters", "Unwanted", { publishedAt: "2021-07-02T00:00:00Z" }), 3);
    for (const filter of [
      "section=most-world",
      "author=mo-shared",
      "tag=filters&language=pt",
      "tag=filters&publishedBefore=2021-07-01",
    ]) {
      const query = `sort=mostShared&window=24h&count=true&fields=headline&${filter}`;
      const { body } = await newsroom.reader.get(`/v1/articles?${query}`);
      expect(body.data).toEqual([{ id: wanted, headline: "Wanted" }]);
      expect(body.page).toEqual({ limit: 20, next: null, total: 1 });
    }
    expect(await mostShared("tag=filters&publishedAfter=2021-07-01&updatedAfter=2021-07-01")).toEqual([
      "Unwanted",
    ]);
    expect(await mostShared("tag=filters&window=7d&section=nowhere")).toEqual([]);
  });
});

describe("pages of the most shared", () => {
  it("skip nothing and show nothing twice, equal counts and times included", async () => {
    const expected: string[] = [];
    for (const number of [1, 2, 3, 4, 5, 6, 7]) {
      const publishedAt = number < 5 ? "2021-05-01T12:00:00Z" : "2021-05-02T12:00:00Z";
      await share(await tagged("pages", `Page ${number}`, { publishedAt }), number === 3 ? 3 : 2);
    }
    for (const number of [3, 7, 6, 5, 4, 2, 1]) expected.push(`Page ${number}`);
    for (const window of windows) {
      for (const limit of [1, 2, 3, 7]) {
        expect(await walk(`tag=pages&window=${window}&limit=${limit}`)).toEqual(expected);
      }
    }
  });

  it("show nothing twice while counts rise", async () => {
    const ids: string[] = [];
    for (const number of [1, 2, 3, 4, 5, 6]) {
      const id = await tagged("rising", `Rising ${number}`);
      ids.push(id);
      await share(id, number);
    }
    let next = 0;
    const found = await walk("tag=rising&window=24h&limit=2", () => share(ids[next++] ?? "", 10));
    expect(new Set(found).size).toBe(found.length);
    expect(found.slice(0, 2)).toEqual(["Rising 6", "Rising 5"]);
    expect(found).toContain("Rising 4");
  });

  it("go on with a cursor of the same window alone", async () => {
    for (const headline of ["One", "Two"]) await share(await tagged("cursors", headline));
    const { body } = await newsroom.reader.get("/v1/articles?sort=mostShared&tag=cursors&limit=1");
    const { next } = body.page;
    expect(await mostShared(`tag=cursors&limit=1&window=all&cursor=${next}`)).toHaveLength(1);
    const other = await newsroom.reader.get(
      `/v1/articles?sort=mostShared&tag=cursors&limit=1&window=7d&cursor=${next}`,
    );
    expectRefused(other, 400, "cursor");
  });
});

describe("a query for the most shared", () => {
  it.each([
    ["window=24h", "window"],
    ["window=24h&sort=newest", "window"],
    ["sort=mostShared&window=2h", "window"],
    ["sort=mostShared&window=", "window"],
    ["sort=mostshared", "sort"],
    ["sort=mostShared&cursor=abc", "cursor"],
  ])("is refused with %s", async (query, pointer) => {
    expectRefused(await newsroom.reader.get(`/v1/articles?${query}`), 400, pointer);
  });

  it("is refused for working copies", async () => {
    expectRefused(await newsroom.editor.get("/v1/articles?version=draft&sort=mostShared"), 400, "sort");
  });
});

describe("as hours pass", () => {
  it.each([
    [1, ["1h", "24h", "7d", "all"]],
    [2, ["24h", "7d", "all"]],
    [24, ["24h", "7d", "all"]],
    [25, ["7d", "all"]],
    [168, ["7d", "all"]],
    [169, ["all"]],
  ])("a share of %i hours before is in %j", async (hours, within) => {
    const tag = `past${hours}`;
    const id = await tagged(tag, "Old news");
    await share(id, 2);
    await hoursPass(hours);
    await share(await tagged(tag, "New"), 1);
    for (const window of windows) {
      const expected = within.includes(window) ? ["Old news", "New"] : ["New"];
      expect(await mostShared(`tag=${tag}&window=${window}`)).toEqual(expected);
    }
    await expectSumsRight();
  });

  it("nothing is kept of hours that no window holds, nor of articles that were not shared since", async () => {
    await share(await tagged("pruned", "Pruned"), 2);
    await hoursPass(170);
    await moveSpans(newsroom.database);
    expect(await newsroom.database.shareHour.count()).toBe(0);
    expect(await newsroom.database.shareStanding.count({ where: { span: { not: "all" } } })).toBe(0);
    expect(await mostShared("tag=pruned")).toEqual(["Pruned"]);
  });

  it("an hour is taken out once, however many processes find that it is over", async () => {
    const id = await tagged("turn", "At the turn");
    await share(id, 3);
    await hoursPass(2);
    await Promise.all([
      share(id, 2),
      ...Array.from({ length: 8 }, () => moveSpans(newsroom.database)),
      share(id, 2, "email"),
    ]);
    await expectSumsRight();
    const { count } = await newsroom.database.shareStanding.findUniqueOrThrow({
      where: { articleId_span: { articleId: id, span: "1h" } },
    });
    expect(Number(count)).toBe(4);
  });
});

describe("many sharers at two servers", () => {
  it("are added up exactly, while counts are set, hours pass and articles come and go", async () => {
    const second = await startNewsroom(newsroom.databaseUrl);
    const lines = [newsroom.url, second.found.url].map((url) => sharers(url, 24));
    try {
      const ids: string[] = [];
      for (let number = 0; number < 12; number += 1) ids.push(await tagged("crowd", `Crowd ${number}`));
      const unsteady = await tagged("crowd", "Unsteady");
      const targets = [...ids, unsteady];
      for (const id of targets) await share(id, 3);
      await hoursPass(2);
      let accepted = 0;
      // Many networks, so that batches make new counts of some articles and change those of others.
      const clients = Array.from({ length: 48 }, async (_, client) => {
        for (let number = 0; number < 60; number += 1) {
          const id = targets[(client * 5 + number * (client % 2 === 0 ? 7 : 11)) % targets.length] ?? "";
          const status = (await lines[client % 2]?.share(id, `net${(client + number) % 20}`))?.status;
          if (status === 201) accepted += 1;
          else
            expect([id, status]).toEqual([unsteady, expect.toSatisfy((one) => one === 409 || one === 410)]);
        }
      });
      const editing = async () => {
        for (let number = 0; number < 24; number += 1) {
          await set(ids[number % ids.length] ?? "", number, "told");
          await (number % 2 === 0 ? unpublish(newsroom, unsteady) : publish(newsroom, unsteady));
          // The hours of before leave the first window in the midst of it.
          if (number === 6)
            await Promise.all([moveSpans(newsroom.database), moveSpans(second.found.database)]);
        }
      };
      await Promise.all([...clients, editing()]);
      await expectSumsRight();
      const rows = await newsroom.database.shareStanding.findMany({
        where: { articleId: { in: targets }, span: "1h" },
      });
      expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(accepted);
      expect(accepted).toBeGreaterThan(48 * 55);
    } finally {
      for (const line of lines) line.close();
      await second.close();
    }
  });
});

describe("among tens of thousands of articles", () => {
  it("a page is read from the index: the archive is neither scanned nor sorted", async () => {
    const { database } = newsroom;
    await tagged("sample", "Sample");
    // Copies of one article, all live, two thirds of them shared.
    await database.$transaction(
      async (tx) => {
        await tx.$executeRaw`CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
        SELECT gen_random_uuid() AS id, n, article_id AS model, 'copy-' || n AS copy_slug
        FROM generate_series(1, 30000) n, (SELECT article_id FROM publications LIMIT 1) p`;
        await tx.$executeRaw`INSERT INTO slugs (slug, article_id) SELECT copy_slug, id FROM copies`;
        await tx.$executeRaw`INSERT INTO articles (id, slug, headline) SELECT id, copy_slug, 'Copy' FROM copies`;
        await tx.$executeRaw`INSERT INTO editions (article_id, version, document, terms, title_key, published_at, live_from) SELECT id, 1, '{}', '{}', '', now(), now() FROM copies`;
        await tx.$executeRaw`INSERT INTO publications (article_id, version, slug, document, summary, headline, title_key, language, terms, published_at, updated_at, live_from)
        SELECT copies.id, 1, copy_slug, document, summary, headline, title_key, language, '{}', now() - n * interval '1 minute', now(), now()
        FROM copies JOIN publications p ON p.article_id = model`;
        await tx.$executeRaw`INSERT INTO search_entries (article_id, config, published_at, updated_at, terms)
        SELECT id, 'simple', published_at, updated_at, terms_of(terms, language) FROM copies JOIN publications ON article_id = id`;
        await tx.$executeRaw`INSERT INTO share_counts (article_id, network, count) SELECT id, 'x', 1 + n % 50 FROM copies WHERE n % 3 > 0`;
      },
      { timeout: 60_000 },
    );
    await settleRemains(database);
    await database.$executeRaw`ANALYZE`;
    for (const window of windows) {
      const query = ArticleQuery.parse({ sort: "mostShared", window, limit: "100" });
      const terms = await termsOf(database, query);
      if (terms === undefined) throw new Error("there are no terms to list by");
      for (const after of [
        undefined,
        ["25", new Date().toISOString(), "ffffffff-ffff-7fff-bfff-ffffffffffff"],
      ]) {
        const lines = await database.$queryRaw<{ "QUERY PLAN": string }[]>(
          Prisma.sql`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${walkedStandings(query, terms, after, false)}`,
        );
        const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
        expect(plan).toMatch(/Index (Only )?Scan Backward using share_standings_span_count/);
        // What is planned is few rows.
        expect(plan).not.toMatch(/Seq Scan on (?!planned_editions)|Sort/);
        expect(plan).not.toMatch(/Rows Removed by Filter: \d{3}/);
      }
    }
  });
});
