import { type Database, Prisma } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import { countUpTo } from "../database/counting.ts";
import { type ListedPage, emptyPage, itemsOf, nameOf } from "../editions/list.ts";
import {
  type Terms,
  conjunction,
  hasTerms,
  isAmongListed,
  isListed,
  isSeldom,
  isVisible,
  publishedWithin,
  termsOf,
  times,
  updatedWithin,
} from "../editions/listings.ts";
import { shownFor } from "../editions/entitled.ts";
import { shareCountsOf } from "../editions/read.ts";
import type { ArticleQuery } from "../editions/schema.ts";
import type { Newsroom } from "../newsroom.ts";

interface StandingRow {
  article_id: string;
  summary: string;
  count: bigint;
  published_at: Date;
  shares: Record<string, number> | null;
}

/** How many standings are looked through, from the top down, for those that a list's filters leave. */
const MOST_WALKED = 10_000;

/** How far a span has to be moved: its standings hold hours from `since` on that lie before `until`. */
const overdue = Prisma.sql`
  SELECT span, since, date_trunc('hour', now(), 'UTC') - hours * interval '1 hour' AS until FROM share_spans
  WHERE since < date_trunc('hour', now(), 'UTC') - hours * interval '1 hour'`;

/**
 * Lists what is live and was shared within a window, the most shared first, then the newest. A
 * window holds the shares that were recorded in the present hour and in the 1, 24 or 168 hours
 * before it; `all` goes by the totals of all networks, whether recorded or set.
 *
 * Counts move between pages. The cursor keeps the last article's count, so that none is passed
 * over but those that rose meanwhile, and none comes again but those that fell.
 *
 * @throws 400 when the cursor is not one of this list
 */
export async function listMostShared(
  newsroom: Pick<Newsroom, "database" | "cursors" | "shares">,
  query: ArticleQuery,
): Promise<ListedPage> {
  const { database, cursors } = newsroom;
  const { window = "all" } = query;
  const listName = nameOf("live", { ...query, window });
  const after = query.cursor === undefined ? undefined : cursors.read(listName, query.cursor);
  await newsroom.shares.settle();
  if (window !== "all") await moveSpans(database);
  const terms = await termsOf(database, query);
  if (terms === undefined) return emptyPage(query);
  const rows = await findShared(database, query, terms, after);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    items: await itemsOf(database, query.audience, page),
    next:
      last === undefined
        ? null
        : cursors.write(listName, [`${last.count}`, last.published_at.toISOString(), last.article_id]),
    count: query.count ? await countUpTo(database, selectShared(query, terms)) : undefined,
  };
}

/** As with other lists: where much fits it is soon found from the top down, and where little does it is gathered. */
async function findShared(
  database: Database,
  query: ArticleQuery,
  terms: Terms,
  after: readonly string[] | undefined,
): Promise<StandingRow[]> {
  const isHashed = await isSeldom(database, terms[0]);
  const rows = await database.$queryRaw<StandingRow[]>(walkedStandings(query, terms, after, isHashed));
  if (rows.length > query.limit) return rows;
  const [more] = await database.$queryRaw<unknown[]>(beyondStandings(query, after));
  return more === undefined
    ? rows
    : database.$queryRaw<StandingRow[]>(gatheredStandings(query, terms, after));
}

/**
 * The statement that fills a page from the articles that were shared the most, whatever they are.
 *
 * @param isHashed whether the first term's articles are few enough to be read at once, instead of looking up each article
 */
export function walkedStandings(
  query: ArticleQuery,
  terms: Terms,
  after: readonly string[] | undefined,
  isHashed: boolean,
): Prisma.Sql {
  const updated = updatedWithin(query, "o");
  const filed = terms.map(({ id }, place) =>
    isHashed && place === 0 ? isAmongListed(id, "top", updated) : isListed(id, "top", updated),
  );
  return shown(
    query,
    Prisma.sql`
      SELECT article_id, top.count, top.published_at
      FROM (${standings(query, after)} LIMIT ${MOST_WALKED}) top
      WHERE ${conjunction([...publishedWithin(query, "top"), isVisible(query, "top"), ...filed])}
      ORDER BY top.count DESC, top.published_at DESC, article_id DESC LIMIT ${query.limit + 1}`,
  );
}

/** The statement that finds whether there are more standings than are walked through. */
export function beyondStandings(query: ArticleQuery, after?: readonly string[]): Prisma.Sql {
  return Prisma.sql`${standings(query, after)} LIMIT 1 OFFSET ${MOST_WALKED}`;
}

/** The statement that gathers all that fits and sorts it. */
export function gatheredStandings(query: ArticleQuery, terms: Terms, after?: readonly string[]): Prisma.Sql {
  return shown(
    query,
    Prisma.sql`
      WITH found AS MATERIALIZED (${selectShared(query, terms)} ${after === undefined ? Prisma.empty : Prisma.sql`AND ${onwards(after)}`})
      SELECT article_id, count, published_at FROM found
      ORDER BY count DESC, published_at DESC, article_id DESC LIMIT ${query.limit + 1}`,
  );
}

/** Selects all that is live, fits and was shared within the window. */
export function selectShared(query: ArticleQuery, terms: Terms): Prisma.Sql {
  return Prisma.sql`
    SELECT standing.article_id, standing.count, standing.published_at
    FROM share_standings standing JOIN search_entries s USING (article_id)
    WHERE ${conjunction([...withinWindow(query), hasTerms(terms), ...times(query, "s")])}`;
}

function standings(query: ArticleQuery, after: readonly string[] | undefined): Prisma.Sql {
  const filters = after === undefined ? withinWindow(query) : [...withinWindow(query), onwards(after)];
  return Prisma.sql`
    SELECT standing.article_id, standing.count, standing.published_at FROM share_standings standing
    WHERE ${conjunction(filters)}
    ORDER BY standing.count DESC, standing.published_at DESC, standing.article_id DESC`;
}

function withinWindow({ window = "all" }: ArticleQuery): Prisma.Sql[] {
  return [Prisma.sql`standing.span = ${window}`, Prisma.sql`standing.count > 0`];
}

function onwards([count, publishedAt, id]: readonly string[]): Prisma.Sql {
  return Prisma.sql`(standing.count, standing.published_at, standing.article_id) < (${count}::bigint, ${publishedAt}::timestamptz, ${id}::uuid)`;
}

function shown({ audience }: ArticleQuery, page: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    SELECT p.article_id, p.summary, page.count, page.published_at, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM (${page}) page JOIN ${shownFor(audience)} p ON p.article_id = page.article_id
    ORDER BY page.count DESC, page.published_at DESC, page.article_id DESC`;
}

/**
 * Takes out of each window the hours that have left it, once in an hour by whichever process comes
 * first, and forgets the hours that no window holds any more.
 */
export async function moveSpans(database: Database): Promise<void> {
  if ((await database.$queryRaw<unknown[]>(overdue)).length === 0) return;
  await transact(database, async (tx) => {
    // Whoever waited here finds nothing left to do. Standings are locked in the order of their keys, as everywhere.
    await tx.$executeRaw`
      WITH due AS MATERIALIZED (${overdue} ORDER BY span FOR UPDATE),
      moved AS (UPDATE share_spans SET since = due.until FROM due WHERE share_spans.span = due.span),
      gone AS (
        SELECT article_id, span, sum(count)::bigint AS count
        FROM due JOIN share_hours ON hour >= since AND hour < until GROUP BY article_id, span
      ),
      held AS MATERIALIZED (
        SELECT article_id, span, gone.count FROM share_standings s JOIN gone USING (article_id, span)
        ORDER BY article_id, span FOR UPDATE OF s
      )
      UPDATE share_standings s SET count = s.count - held.count
      FROM held WHERE s.article_id = held.article_id AND s.span = held.span`;
    await tx.$executeRaw`
      DELETE FROM share_standings WHERE count <= 0 AND span IN (SELECT span FROM share_spans)`;
    await tx.$executeRaw`DELETE FROM share_hours WHERE hour < (SELECT min(since) FROM share_spans)`;
  });
}
