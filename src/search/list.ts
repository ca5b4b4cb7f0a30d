import { seesAsAnyone } from "../access/audience.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { countUpTo } from "../database/counting.ts";
import { type ListedPage, emptyPage, itemsOf, nameOf } from "../editions/list.ts";
import {
  type Terms as Filed,
  beyondWalk,
  conjunction,
  firstListings,
  hasTerms,
  publishedWithin,
  termsOf,
  times,
} from "../editions/listings.ts";
import { shownFor } from "../editions/entitled.ts";
import { shareCountsOf } from "../editions/read.ts";
import type { SearchQuery } from "../editions/schema.ts";
import type { Cursors } from "../http/paging.ts";
import { completed } from "./completions.ts";
import { highlights } from "./highlight.ts";
import { configurationOf } from "./languages.ts";
import { MAX_RANKED } from "./schema.ts";
import { similarTerms } from "./similar.ts";
import { type Terms, markedText, queryText, readTerms, spellingsOf, spelt } from "./terms.ts";

/** The search as PostgreSQL runs it on the articles of these text search configurations. */
interface Arm {
  configs: string[];
  query: string;
}

interface FoundRow {
  config: string;
  summary: string;
  document: string;
  position: string[];
  shares: Record<string, number> | null;
}

/** What a sort goes by, with types: the last is the id, so that cursors are exact. */
const rank = { column: Prisma.sql`found.rank`, type: Prisma.sql`real` };
const published = { column: Prisma.sql`found.published_at`, type: Prisma.sql`timestamptz` };
const updated = { column: Prisma.sql`found.updated_at`, type: Prisma.sql`timestamptz` };
const id = { column: Prisma.sql`found.article_id`, type: Prisma.sql`uuid` };
const descending = { direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` };
const sorts = {
  relevance: { keys: [rank, published, id], ...descending },
  newest: { keys: [published, id], ...descending },
  updated: { keys: [updated, id], ...descending },
  oldest: { keys: [published, id], direction: Prisma.sql`ASC`, beyond: Prisma.sql`>` },
};

/**
 * Lists what is live and has the words that are asked for. When nothing has, similar words are
 * tried. The pages after the first keep to the spellings that the first one was found by: words
 * that are published meanwhile would change every rank.
 *
 * @throws 400 when the cursor is not one of this list
 */
export async function listFound(tx: Transaction, cursors: Cursors, query: SearchQuery): Promise<ListedPage> {
  const listName = nameOf("search", query);
  const values = query.cursor === undefined ? undefined : cursors.read(listName, query.cursor);
  const filed = await termsOf(tx, query);
  if (filed === undefined) return emptyPage(query);
  const terms = readTerms(query.q);
  const page = (found: Terms, after: string[] = []) =>
    findPage(tx, query, filed, found, after, (position) =>
      cursors.write(listName, [...spellingsOf(found), ...position]),
    );
  if (values !== undefined) {
    const place = -sorts[query.sort].keys.length;
    return page(spelt(terms, values.slice(0, place)), values.slice(place));
  }
  const asked = await page(await completed(tx, terms));
  if (asked.items.length > 0) return asked;
  const similar = await similarTerms(tx, terms, seesAsAnyone(query.audience));
  return similar === undefined ? asked : page(similar);
}

async function findPage(
  tx: Transaction,
  query: SearchQuery,
  filed: Filed,
  terms: Terms,
  after: string[],
  cursorAt: (position: string[]) => string,
): Promise<ListedPage> {
  const arms = await armsOf(tx, terms, query.language);
  if (arms.length === 0) return emptyPage(query);
  const rows = await findRows(tx, query, filed, arms, after);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  const withSnippets = query.fields === undefined || query.fields.includes("highlight");
  const snippets = withSnippets ? await highlights(tx, page, markedText(terms)) : [];
  const items = await itemsOf(tx, query.audience, page);
  return {
    items: items.map((item, index) => {
      const snippet = snippets[index];
      return snippet === undefined ? item : `${item.slice(0, -1)},"highlight":${JSON.stringify(snippet)}}`;
    }),
    next: last === undefined ? null : cursorAt(last.position),
    count: query.count ? await countUpTo(tx, matching(query, filed, arms)) : undefined,
  };
}

/**
 * The search in each configuration that articles are indexed with; those alike share an arm. Left
 * out is what would match all articles but some, as when every word to find is a stop word.
 */
export async function armsOf(tx: Transaction, terms: Terms, language: string | undefined): Promise<Arm[]> {
  const only = language === undefined ? Prisma.sql`true` : Prisma.sql`config = ${configurationOf(language)}`;
  // Steps from one configuration to the next through the index instead of reading all entries.
  return tx.$queryRaw<Arm[]>`
    WITH RECURSIVE used (config) AS (
      (SELECT config FROM search_entries ORDER BY config LIMIT 1)
      UNION ALL
      SELECT (SELECT s.config FROM search_entries s WHERE s.config > used.config ORDER BY s.config LIMIT 1)
      FROM used WHERE used.config IS NOT NULL
    ), asked AS (
      SELECT config, to_tsquery(config::regconfig, ${queryText(terms)}) AS query
      FROM used WHERE config IS NOT NULL AND ${only}
    )
    SELECT array_agg(config) AS configs, query::text AS query FROM asked
    WHERE querytree(query) NOT IN ('', 'T') GROUP BY query`;
}

/**
 * The rows of a page and the one after it. In the order of a time they are found as those of other
 * lists are: by a walk where many articles have the words, and where few have by gathering them.
 */
async function findRows(
  tx: Transaction,
  query: SearchQuery,
  filed: Filed,
  arms: Arm[],
  after: string[],
): Promise<FoundRow[]> {
  const { sort } = query;
  if (sort === "relevance") return tx.$queryRaw<FoundRow[]>(pageOf(query, ranked(query, filed, arms), after));
  const inTime = { ...query, sort };
  const position = after.length === 0 ? undefined : after;
  const walk = firstListings(inTime, filed, position);
  const rows = await tx.$queryRaw<FoundRow[]>(pageOf(query, walked(query, filed, arms, walk), after));
  if (rows.length > query.limit) return rows;
  const [more] = await tx.$queryRaw<unknown[]>(beyondWalk(inTime, filed, position));
  if (more === undefined) return rows;
  return tx.$queryRaw<FoundRow[]>(pageOf(query, gathered(query, filed, arms), after));
}

/** The statement for one page of what was found, from after a position on. */
function pageOf(query: SearchQuery, found: Prisma.Sql, after: string[]): Prisma.Sql {
  const { keys, direction, beyond } = sorts[query.sort];
  const columns = keys.map(({ column }) => column);
  const onwards =
    after.length === 0
      ? Prisma.sql`true`
      : Prisma.sql`(${Prisma.join(columns)}) ${beyond} (${Prisma.join(keys.map(({ type }, index) => Prisma.sql`${after[index]}::${type}`))})`;
  const order = Prisma.join(columns.map((column) => Prisma.sql`${column} ${direction}`));
  return Prisma.sql`
    SELECT page.config, page.position, shown.summary, shown.document,
           ${shareCountsOf(Prisma.sql`shown.article_id`)} AS shares
    FROM (
      SELECT found.article_id, found.config, row_number() OVER (ORDER BY ${order}) AS place,
             ARRAY[${Prisma.join(columns.map((column) => Prisma.sql`${column}::text`))}] AS position
      FROM (${found}) found WHERE ${onwards} ORDER BY ${order} LIMIT ${query.limit + 1}
    ) page JOIN ${shownFor(query.audience)} shown ON shown.article_id = page.article_id
    ORDER BY page.place`;
}

/** Those of some listings that have the words and fit, looked up one by one. */
function walked(query: SearchQuery, filed: Filed, arms: Arm[], listings: Prisma.Sql): Prisma.Sql {
  const filters = [
    hasTerms(filed),
    ...times(query, "s"),
    Prisma.sql`(${Prisma.join(arms.map(has), " OR ")})`,
  ];
  return Prisma.sql`
    SELECT l.article_id, s.config, l.published_at, l.updated_at FROM (${listings}) l CROSS JOIN LATERAL (
      SELECT s.config FROM search_entries s WHERE s.article_id = l.article_id AND ${conjunction(filters)} OFFSET 0
    ) s`;
}

function gathered(query: SearchQuery, filed: Filed, arms: Arm[]): Prisma.Sql {
  return Prisma.sql`
    WITH gathered AS MATERIALIZED (SELECT article_id, config, published_at, updated_at FROM (${matching(query, filed, arms)}) m)
    SELECT article_id, config, published_at, updated_at FROM gathered`;
}

/** The newest matches with their ranks; longer articles need more hits to rank as high (normalization 1). */
function ranked(query: SearchQuery, filed: Filed, arms: Arm[]): Prisma.Sql {
  const queries = arms.map(
    ({ configs, query: text }) => Prisma.sql`WHEN config = ANY (${configs}::text[]) THEN ${text}::tsquery`,
  );
  return Prisma.sql`
    SELECT article_id, config, published_at, updated_at,
           ts_rank('{0.1, 0.2, 0.4, 1.0}', vector, CASE ${Prisma.join(queries, " ")} END, 1) AS rank
    FROM (${newest(query, filed, arms)}) newest`;
}

/**
 * The newest matches. Whether words stand in an order is not in the index: where that is asked, those that have the
 * words are looked at one by one from the newest on, until there are enough, and not all that there ever were.
 */
function newest(query: SearchQuery, filed: Filed, arms: Arm[]): Prisma.Sql {
  const inAnyOrder = arms.map((arm) => ({ ...arm, query: withoutOrder(arm.query) }));
  const matches = yearByYear(query, filed, inAnyOrder);
  if (arms.every((arm, index) => arm.query === inAnyOrder[index]?.query))
    return Prisma.sql`${matches} LIMIT ${MAX_RANKED}`;
  return Prisma.sql`
    SELECT s.article_id, s.config, s.vector, s.published_at, s.updated_at
    FROM (${matches}) m CROSS JOIN LATERAL (
      SELECT * FROM search_entries s
      WHERE s.article_id = m.article_id AND (${Prisma.join(arms.map(has), " OR ")}) OFFSET 0
    ) s
    LIMIT ${MAX_RANKED}`;
}

/** The year of an entry as the index has it. */
const YEAR = Prisma.sql`ARRAY[extract(year FROM s.published_at AT TIME ZONE 'UTC')::int]`;

/**
 * The matches from the newest on. They are taken from the index one year after the other, and sorted within each:
 * whoever stops after the first of them has not looked at all the years before. (A nested loop gives them in the
 * order of the years; to sort by year would be to look at all.)
 */
function yearByYear(query: SearchQuery, filed: Filed, arms: Arm[]): Prisma.Sql {
  const within = conjunction(publishedWithin(query, "s"));
  const ofYear = Prisma.sql`${YEAR} @> ARRAY[extract(year FROM years.newest AT TIME ZONE 'UTC')::int]`;
  return Prisma.sql`
    SELECT m.* FROM (
      WITH RECURSIVE years (newest) AS (
        SELECT max(s.published_at) FROM search_entries s WHERE ${within}
        UNION ALL
        SELECT (
          SELECT max(s.published_at) FROM search_entries s
          WHERE s.published_at < date_trunc('year', years.newest, 'UTC') AND ${within}
        ) FROM years WHERE years.newest IS NOT NULL
      )
      SELECT newest FROM years WHERE newest IS NOT NULL OFFSET 0
    ) years CROSS JOIN LATERAL (
      SELECT * FROM (${matching(query, filed, arms, [ofYear])}) m
      ORDER BY published_at DESC, article_id DESC OFFSET 0
    ) m`;
}

/**
 * A search for the same words wherever they stand, which finds at least as much; the same search where that cannot
 * be told, since something is left out.
 *
 * @param query as PostgreSQL writes a tsquery: words in quotes, `<->` or `<2>` between those that follow each other
 */
function withoutOrder(query: string): string {
  const parts = query.match(/'(?:[^']|'')*'|<(?:-|\d+)>|[^'<]+/g) ?? [];
  if (parts.some((part) => !part.startsWith("'") && part.includes("!"))) return query;
  return parts.map((part) => (part.startsWith("<") ? "&" : part)).join("");
}

/** Selects all that is live, fits and has the words, each arm by itself, so that the index is the judge of it. */
function matching(query: SearchQuery, filed: Filed, arms: Arm[], more: Prisma.Sql[] = []): Prisma.Sql {
  const filters = [hasTerms(filed), ...times(query, "s"), ...more];
  const found = arms.map(
    (arm) => Prisma.sql`
      SELECT s.article_id, s.config, s.vector, s.published_at, s.updated_at FROM search_entries s
      WHERE ${conjunction([...filters, has(arm)])}`,
  );
  return Prisma.join(found, " UNION ALL ");
}

function has({ configs, query }: Arm): Prisma.Sql {
  return Prisma.sql`(s.vector @@ ${query}::tsquery AND s.config = ANY (${configs}::text[]))`;
}
