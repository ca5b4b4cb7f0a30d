import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { seed } from "../../bench/seed.ts";
import { listPast } from "../../src/editions/pastList.ts";
import { ArticleQuery } from "../../src/editions/schema.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { explained } from "../support/plans.ts";

const newsroom = useNewsroom();
const ARTICLES = 25_000;
const EDITIONS = 4;

beforeAll(async () => {
  await seed(newsroom.databaseUrl, ARTICLES, 3);
  const client = new pg.Client({ connectionString: newsroom.databaseUrl });
  await client.connect();
  // Each edition lasts 30 days, and every tenth article has been unpublished since.
  await client.query(
    `INSERT INTO editions (article_id, version, document, terms, title_key, published_at, live_from, live_until)
     SELECT article_id, number, document, terms, title_key, published_at,
            live_from + (number - 1) * interval '30 days',
            CASE WHEN number < $1 OR hashtext(article_id::text) % 10 = 0 THEN live_from + number * interval '30 days' END
     FROM editions CROSS JOIN generate_series(2, $1::int) number`,
    [EDITIONS],
  );
  await client.query("UPDATE editions SET live_until = live_from + interval '30 days' WHERE version = 1");
  await client.query("VACUUM ANALYZE editions");
  await client.end();
}, 240_000);

/** Near the beginning of the archive, in its middle, and after its end. */
const moments = ["2016-03-01T00:00:00Z", "2021-01-01T00:00:00Z", "2026-06-01T00:00:00Z"];
const samples: Record<string, string[]> = {
  section: ["sections-3"],
  tag: ["tags-7", "rare"],
  author: ["authors-5"],
  language: ["fr"],
  publishedAfter: ["2018-01-01"],
  publishedBefore: ["2017-06-01", "2024-06-01"],
  updatedAfter: ["2020-11-01"],
};

function combinations(names: readonly string[]): Record<string, string>[] {
  const [name, ...others] = names;
  if (name === undefined) return [{}];
  const values = [undefined, ...(samples[name] ?? [])];
  return combinations(others).flatMap((combination) =>
    values.map((value) => (value === undefined ? combination : { ...combination, [name]: value })),
  );
}

describe(`among ${EDITIONS} editions of each of ${ARTICLES} articles`, () => {
  it.each(["newest", "oldest", "updated"])(
    "every combination of filters goes by indexes, as of one moment or another, sort=%s",
    async (sort) => {
      const faults: string[] = [];
      for (const [index, filter] of combinations(Object.keys(samples)).entries()) {
        // Each value of a filter, and each pair of them, meets every moment.
        const asOf = moments[(index + Object.keys(filter).length) % moments.length] ?? "";
        const query = ArticleQuery.parse({ asOf, sort, ...filter });
        const database = explained(newsroom.database, (fault) => {
          faults.push(`${new URLSearchParams({ asOf, sort, ...filter }).toString()} ${fault}`);
        });
        await listPast({ ...newsroom.newsroom, database }, { ...query, asOf });
      }
      expect(faults).toEqual([]);
    },
    120_000,
  );

  it.each(["", "sort=oldest&", "sort=updated&language=fr&"])(
    "a page deep in a list follows the one before: %s",
    async (query) => {
      const asOf = "2016-09-01T00:00:00Z";
      const list = `/v1/articles?asOf=${asOf}&${query}tag=tags-7&fields=id`;
      const walked: string[] = [];
      for (let cursor = ""; ;) {
        const { body } = await newsroom.reader.get(`${list}&limit=7${cursor}`);
        walked.push(...body.data.map(({ id }: { id: string }) => id));
        if (body.page.next === null) break;
        cursor = `&cursor=${body.page.next}`;
      }
      const { body } = await newsroom.reader.get(`${list}&limit=100&count=true`);
      expect(walked).toEqual(body.data.map(({ id }: { id: string }) => id));
      expect(walked).toHaveLength(body.page.total);
    },
  );
});
