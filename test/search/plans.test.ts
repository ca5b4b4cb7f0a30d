import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { Prisma } from "../../src/database/client.ts";
import { ArticleQuery, type SearchQuery } from "../../src/editions/schema.ts";
import { listFound } from "../../src/search/list.ts";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { explained } from "../support/plans.ts";

const newsroom = useNewsroom();
const ROWS = 12_000;

/** An archive of thousands, of nearly three years: all have the word `common`, one in a hundred `seldom`, one alone `needle`. */
beforeAll(async () => {
  const { id } = await live(newsroom, { headline: "Archive needle", tags: [{ name: "Rare" }] });
  await live(newsroom, { headline: "Les archives", language: "fr" });
  const client = new pg.Client({ connectionString: newsroom.databaseUrl });
  await client.connect();
  try {
    // Without the working copies and editions behind them, which a search does not look at.
    await client.query("SET session_replication_role = replica");
    await client.query(
      `INSERT INTO publications
         (article_id, version, slug, document, summary, headline, title_key, language, terms, published_at, updated_at, live_from)
       SELECT gen_random_uuid(), 1, 'archived-' || n, document,
         replace(summary, '"archive-needle"', '"archived-' || n || '"'), headline, title_key, language, '{}',
         published_at - n * interval '2 hours', updated_at - n * interval '2 hours', live_from
       FROM publications CROSS JOIN generate_series(1, $2::int) n WHERE article_id = $1::uuid`,
      [id, ROWS],
    );
    await client.query(
      `INSERT INTO search_entries (article_id, config, published_at, updated_at, terms, vector)
       SELECT article_id, 'english', published_at, updated_at, terms_of(terms, language), setweight(to_tsvector('english',
         'common ' || CASE WHEN slug LIKE '%00' THEN 'seldom ' ELSE 'other ' END
         || (SELECT string_agg('w' || md5(slug || m), ' ') FROM generate_series(1, 20) m)), 'D')
       FROM publications WHERE slug LIKE 'archived-%'`,
    );
    // Nor do triggers fire then.
    await client.query(
      `INSERT INTO listings (term, article_id, published_at, updated_at)
       SELECT term, article_id, published_at, updated_at FROM publications CROSS JOIN unnest(terms_of(terms, language)) AS term
       WHERE slug LIKE 'archived-%'`,
    );
    await client.query("ANALYZE publications");
    await client.query("ANALYZE listings");
    await client.query("ANALYZE search_entries");
  } finally {
    await client.end();
  }
}, 120_000);

/** What is wrong with the plans of the statements that a search sends. */
async function faultsOf(query: string, most?: { rows: number }): Promise<string[]> {
  const parsed = ArticleQuery.parse(Object.fromEntries(new URLSearchParams(query)));
  if (parsed.q === undefined) throw new Error(`${query} has no q`);
  const faults: string[] = [];
  const database = explained(newsroom.database, (fault) => faults.push(fault), most);
  await listFound(database, newsroom.newsroom.cursors, parsed);
  return faults;
}

describe("a search of an archive of thousands", () => {
  it.each([
    "q=needle",
    "q=seldom",
    "q=need",
    "q=needle -seldom",
    'q="archive needle"',
    'q="common seldom"',
    "q=seldom&sort=newest",
    "q=common&sort=newest",
    "q=common&sort=oldest",
    "q=common&sort=updated",
    "q=common&tag=rare",
    "q=seldom&language=en&publishedAfter=2020-01-01",
  ])("for %s goes by indexes", async (query) => {
    expect(await faultsOf(query)).toEqual([]);
  });

  it.each(["q=common", "q=comm", 'q="common other"'])(
    "for %s leaves years alone that are not ranked",
    async (query) => {
      // Three thousand are ranked; a year has 4,380, and in January the newest one few.
      expect(await faultsOf(query, { rows: ROWS - 2_000 })).toEqual([]);
    },
  );

  it("ranks the newest matches of a very common word, and estimates how many there are", async () => {
    const { body } = await newsroom.reader.get("/v1/articles?q=common&count=true&limit=1&fields=slug");
    expect(body.page.totalIsEstimate).toBe(true);
    expect(body.page.total).toBeGreaterThan(10_000);
    expect(body.page.total).toBeLessThan(2 * ROWS);
    const counted = await newsroom.reader.get("/v1/articles?q=seldom&count=true&limit=1");
    expect(counted.body.page).toMatchObject({ total: ROWS / 100 });
    expect(counted.body.page).not.toHaveProperty("totalIsEstimate");
    expect(body.data[0].slug).toBe("archived-1");
    const oldest = await newsroom.reader.get("/v1/articles?q=common&sort=oldest&limit=1&fields=slug");
    expect(oldest.body.data[0].slug).toBe(`archived-${ROWS}`);
  });

  it("is counted once in a while where there is more than is counted", async () => {
    const sent: string[] = [];
    const database = new Proxy(newsroom.database, {
      get: (target, name) =>
        name === "$queryRaw"
          ? (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
              const statement = query instanceof Prisma.Sql ? query : Prisma.sql(query, ...values);
              sent.push(statement.sql);
              return target.$queryRaw(statement);
            }
          : (Reflect.get(target, name) as unknown),
    });
    const total = async (q: string) => {
      const query = ArticleQuery.parse({ q, count: "true", limit: "1" }) as SearchQuery;
      return (await listFound(database, newsroom.newsroom.cursors, query)).count;
    };
    const first = await total("common");
    const counted = () => sent.filter((sql) => sql.includes("AS total")).length;
    expect([first?.totalIsEstimate, counted()]).toEqual([true, 1]);
    expect([await total("common"), counted()]).toEqual([first, 1]);
    expect([await total("seldom"), await total("seldom"), counted()]).toEqual([
      { total: ROWS / 100 },
      { total: ROWS / 100 },
      3,
    ]);
  });
});
