import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { Prisma } from "../../src/database/client.ts";
import { termsOf } from "../../src/editions/listings.ts";
import { ArticleQuery } from "../../src/editions/schema.ts";
import { armsOf, pageOf } from "../../src/search/list.ts";
import { readTerms } from "../../src/search/terms.ts";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();
const ROWS = 12_000;

/** An archive of thousands: all have the word `common`, one in a hundred `seldom`, one alone `needle`. */
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
         (article_id, version, slug, document, summary, headline, title_key, language, terms, published_at, updated_at)
       SELECT gen_random_uuid(), 1, 'archived-' || n, document,
         replace(summary, '"archive-needle"', '"archived-' || n || '"'), headline, title_key, language, '{}',
         published_at - n * interval '1 minute', updated_at - n * interval '1 minute'
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
    await client.query("ANALYZE publications");
    await client.query("ANALYZE search_entries");
  } finally {
    await client.end();
  }
}, 120_000);

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  Plans?: Plan[];
}

/** The steps of PostgreSQL's own plan for a page, with its settings as they are. */
async function stepsOf(query: string): Promise<string[]> {
  const parsed = ArticleQuery.parse(Object.fromEntries(new URLSearchParams(query)));
  if (parsed.q === undefined) throw new Error(`${query} has no q`);
  const arms = await armsOf(newsroom.database, readTerms(parsed.q), parsed.language);
  const filed = await termsOf(newsroom.database, parsed);
  if (filed === undefined) throw new Error(`${query} names what is unknown`);
  const [row] = await newsroom.database.$queryRaw<[{ "QUERY PLAN": [{ Plan: Plan }] }]>(
    Prisma.sql`EXPLAIN (FORMAT JSON) ${pageOf(parsed, filed, arms, [])}`,
  );
  const steps = (plan: Plan): string[] => [
    `${plan["Node Type"]} ${plan["Relation Name"] ?? ""}`.trim(),
    ...(plan.Plans ?? []).flatMap(steps),
  ];
  return steps(row["QUERY PLAN"][0].Plan);
}

describe("a search of an archive of thousands", () => {
  it.each([
    "q=needle",
    "q=seldom",
    "q=need",
    "q=needle -seldom",
    'q="archive needle"',
    "q=seldom&sort=newest",
    "q=common&sort=newest",
    "q=common&sort=oldest",
    "q=common&sort=updated",
    "q=common&tag=rare",
    "q=seldom&language=en&publishedAfter=2020-01-01",
  ])("for %s goes by indexes", async (query) => {
    const steps = await stepsOf(query);
    expect(steps.filter((step) => /^Seq Scan (search_entries|publications)$/.test(step))).toEqual([]);
    expect(steps.some((step) => /Index|Bitmap/.test(step))).toBe(true);
  });

  it("ranks the newest ten thousand matches of a very common word", async () => {
    const { body } = await newsroom.reader.get("/v1/articles?q=common&count=true&limit=1&fields=slug");
    expect(body.page.total).toBe(ROWS);
    expect(body.data[0].slug).toBe("archived-1");
    const oldest = await newsroom.reader.get("/v1/articles?q=common&sort=oldest&limit=1&fields=slug");
    expect(oldest.body.data[0].slug).toBe(`archived-${ROWS}`);
  });
});
