import { beforeAll, describe, expect, it } from "vitest";
import { seed } from "../../bench/seed.ts";
import type { Database } from "../../src/database/client.ts";
import { type Audience, everyone } from "../../src/access/audience.ts";
import { listDrafts, listLive } from "../../src/editions/list.ts";
import { ArticleQuery } from "../../src/editions/schema.ts";
import { listFound } from "../../src/search/list.ts";
import { listMostShared } from "../../src/shares/mostShared.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { explained } from "../support/plans.ts";

const newsroom = useNewsroom();
const ARTICLES = 100_000;

beforeAll(async () => {
  await seed(newsroom.databaseUrl, ARTICLES, 10);
}, 240_000);

const { shape } = ArticleQuery.in;
/** Parameters that choose how much of a list is shown, not what is on it. */
const ABOUT_PAGES = ["limit", "cursor", "count", "fields", "format", "ids", "asOf"];

/** Values of every filter: common ones, seldom ones, and such as few articles have together. */
const samples: Record<string, string[]> = {
  section: ["sections-3"],
  tag: ["tags-7", "rare"],
  author: ["authors-5"],
  language: ["en"],
  publishedAfter: ["2024-01-01"],
  publishedBefore: ["2024-06-01"],
  updatedAfter: ["2025-11-01"],
  status: ["published"],
  q: ["harbour", "lighthouse"],
};
const filters = Object.keys(shape).filter(
  (name) => ![...ABOUT_PAGES, "version", "sort", "window"].includes(name),
);

/** Every combination of filters, those that do not go together included. Seldom values go with one other filter each. */
const combinations = filters
  .reduce<Record<string, string>[]>(
    (found, name) => [...found, ...found.map((one) => ({ ...one, [name]: samples[name]?.[0] ?? "" }))],
    [{}],
  )
  .concat(
    filters.flatMap((name) =>
      (samples[name] ?? [])
        .slice(1)
        .flatMap((seldom) =>
          filters.map((other) => ({ [other]: samples[other]?.[0] ?? "", [name]: seldom })),
        ),
    ),
  );

/** What partners are entitled to: what is common, what is seldom, and what lies far from the beginning of lists. */
const entitlements: Record<
  string,
  Record<"sections" | "tags" | "languages", string[]> & { from?: string; until?: string }
> = {
  "one section": { sections: ["sections-3"], tags: [], languages: [] },
  "several sections": { sections: ["sections-3", "sections-4", "sections-5"], tags: [], languages: [] },
  "seldom tags": { sections: [], tags: ["rare", "tags-9"], languages: ["fr"] },
  "most languages": { sections: [], tags: [], languages: ["en", "fr"] },
  "an old span, embargoes included": {
    sections: [],
    tags: [],
    languages: ["en", "fr"],
    from: "2017-01-01T00:00:00Z",
    until: "2018-01-01T00:00:00Z",
  },
};

async function audienceWith(name: string): Promise<Audience> {
  const { sections = [], tags = [], languages = [], from = null, until = null } = entitlements[name] ?? {};
  const idsOf = async (slugs: string[]) => {
    const rows = await newsroom.database.$queryRaw<{ id: string }[]>`
      SELECT id FROM sections WHERE slug = ANY (${slugs}) UNION ALL SELECT id FROM tags WHERE slug = ANY (${slugs})`;
    return rows.map(({ id }) => id);
  };
  const terms = await newsroom.database.$queryRaw<{ id: string }[]>`
    SELECT language_term(language) AS id FROM unnest(${languages}::text[]) language`;
  return {
    ...everyone,
    embargoed: name.includes("embargoes"),
    mark: "partner",
    entitlement: {
      sections: await idsOf(sections),
      tags: await idsOf(tags),
      languages: terms.map(({ id }) => id),
      from,
      until,
      embargoed: false,
      content: "full",
      formats: [],
      requestsPerMinute: null,
    },
  };
}

/** Lists as the route does. */
async function list(database: Database, query: ArticleQuery): Promise<void> {
  const { cursors } = newsroom.newsroom;
  if (query.version === "draft") await listDrafts(database, cursors, query, []);
  else if (query.q !== undefined) await listFound(database, cursors, query);
  else if (query.sort === "mostShared") await listMostShared({ ...newsroom.newsroom, database }, query);
  else await listLive(database, cursors, { ...query, sort: query.sort });
}

describe(`among ${ARTICLES} articles`, () => {
  it("there is a sample of every filter that is offered", () => {
    expect(Object.keys(samples).toSorted()).toEqual(filters.toSorted());
  });

  it.each(
    shape.version.def.innerType.options.flatMap((version) =>
      shape.sort.def.innerType.options.map((sort) => ({ version, sort })),
    ),
  )(
    "every combination of filters goes by indexes, version=$version and sort=$sort",
    async ({ version, sort }) => {
      const faults: string[] = [];
      let offered = 0;
      const windows = sort === "mostShared" ? shape.window.def.innerType.options : [undefined];
      for (const filter of combinations) {
        for (const window of windows) {
          const asked = { version, sort, ...filter, ...(window === undefined ? {} : { window }) };
          const query = ArticleQuery.safeParse(asked);
          if (!query.success) continue;
          offered += 1;
          const database = explained(newsroom.database, (fault) => {
            faults.push(`${new URLSearchParams(asked).toString()} ${fault}`);
          });
          await list(database, query.data);
        }
      }
      expect(faults).toEqual([]);
      expect(offered > 0).toBe(version === "published" || !["mostShared", "relevance"].includes(sort));
    },
    120_000,
  );

  it.each(
    Object.keys(entitlements).flatMap((name) =>
      shape.sort.def.innerType.options.map((sort) => ({ name, sort })),
    ),
  )(
    "lists of a partner who is entitled to $name go by indexes, sort=$sort",
    async ({ name, sort }) => {
      const faults: string[] = [];
      const audience = await audienceWith(name);
      const queries = combinations.filter((filter) => Object.keys(filter).length <= 2);
      for (const filter of queries) {
        const query = ArticleQuery.safeParse({ sort, ...filter });
        if (!query.success) continue;
        const database = explained(newsroom.database, (fault) => {
          faults.push(`${new URLSearchParams(filter).toString()} ${fault}`);
        });
        await list(database, { ...query.data, audience });
      }
      expect(faults).toEqual([]);
    },
    120_000,
  );

  it.each(["", "language=en", "sort=oldest&updatedAfter=2017-01-01"])(
    "a list of more than ten thousand is counted by an estimate that says so: %s",
    async (query) => {
      const exact = await newsroom.reader.get("/v1/articles?tag=tags-7&count=true&limit=1");
      expect(exact.body.page.total).toBe(
        await newsroom.database.articleTag.count({ where: { tag: { slug: "tags-7" } } }),
      );
      expect(exact.body.page).not.toHaveProperty("totalIsEstimate");
      const { page } = (await newsroom.reader.get(`/v1/articles?${query}&count=true&limit=1`)).body;
      expect(page.totalIsEstimate).toBe(true);
      expect(page.total).toBeGreaterThan(0.7 * ARTICLES);
      expect(page.total).toBeLessThan(1.2 * ARTICLES);
    },
  );

  it.each([
    "tag=tags-7",
    "author=authors-5",
    "author=authors-5&tag=tags-7",
    "author=authors-5&sort=oldest&language=en",
  ])("working copies of a tag or an author are found without reading many others: %s", async (query) => {
    const faults: string[] = [];
    const database = explained(newsroom.database, (fault) => faults.push(fault), { blocks: 1_800 });
    await list(
      database,
      ArticleQuery.parse({ version: "draft", ...Object.fromEntries(new URLSearchParams(query)) }),
    );
    expect(faults).toEqual([]);
  });

  it.each(["", "&language=en", "&publishedAfter=2017-01-01"])(
    "a list by update of what was published before a moment passes over little that was published since%s",
    async (more) => {
      const faults: string[] = [];
      const database = explained(newsroom.database, (fault) => faults.push(fault), { blocks: 500 });
      const asked = new URLSearchParams(`sort=updated&publishedBefore=2020-06-01${more}`);
      await list(database, ArticleQuery.parse(Object.fromEntries(asked)));
      expect(faults).toEqual([]);
    },
  );

  it.each([
    {
      query: "sort=updated&publishedBefore=2020-06-01",
      where: "published_at < '2020-06-01'",
      by: "updated_at DESC, article_id DESC",
    },
    {
      query: "sort=oldest&updatedAfter=2018-01-01",
      where: "updated_at > '2018-01-01'",
      by: "published_at, article_id",
    },
    {
      query: "version=draft&author=authors-5",
      where: "article_id IN (SELECT article_id FROM article_authors WHERE author_id = md5('authors5')::uuid)",
      by: "article_id DESC",
    },
    {
      query: "version=draft&tag=tags-7&sort=updated",
      where: "article_id IN (SELECT article_id FROM article_tags WHERE tag_id = md5('tags7')::uuid)",
      by: "updated_at DESC, article_id DESC",
    },
  ])(
    "pages of a list that is not walked through in its own order follow each other: $query",
    async ({ query, where, by }) => {
      const expected = await newsroom.database.$queryRawUnsafe<{ article_id: string }[]>(
        `SELECT article_id FROM publications WHERE ${where} ORDER BY ${by} LIMIT 2500`,
      );
      const walked: string[] = [];
      for (let cursor = ""; walked.length < expected.length;) {
        const { body } = await newsroom.editor.get(`/v1/articles?${query}&fields=id&limit=100${cursor}`);
        walked.push(...body.data.map(({ id }: { id: string }) => id));
        cursor = `&cursor=${body.page.next}`;
      }
      expect(walked).toEqual(expected.map(({ article_id: id }) => id));
    },
  );

  it("a page deep in a list of what seldom goes together follows the one before", async () => {
    const query = "section=sections-3&tag=tags-7&language=fr&author=authors-5&fields=id";
    const whole = (await newsroom.reader.get("/v1/articles?section=sections-3&tag=tags-7&limit=100")).body
      .data;
    const walked: string[] = [];
    for (let cursor = ""; ;) {
      const { body } = await newsroom.reader.get(
        `/v1/articles?section=sections-3&tag=tags-7&limit=7${cursor}`,
      );
      walked.push(...body.data.map(({ id }: { id: string }) => id));
      if (body.page.next === null) break;
      cursor = `&cursor=${body.page.next}`;
    }
    expect(walked).toEqual(whole.map(({ id }: { id: string }) => id));
    expect(new Set(walked).size).toBe(walked.length);
    const few = await newsroom.reader.get(`/v1/articles?${query}&count=true`);
    expect(few.body.data).toHaveLength(few.body.page.total);
  });
});
