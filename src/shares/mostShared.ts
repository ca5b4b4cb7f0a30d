import { type Database, Prisma, type Transaction, transact } from "../database/client.ts";
import { withShares } from "../editions/document.ts";
import { type ListedPage, conjunction, liveFilters, nameOf } from "../editions/list.ts";
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
  const rows = await database.$queryRaw<StandingRow[]>(selectMostShared(query, after));
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ summary, shares }) => withShares(summary, shares ?? {})),
    next:
      last === undefined
        ? null
        : cursors.write(listName, [`${last.count}`, last.published_at.toISOString(), last.article_id]),
    total: query.count ? await countShared(database, query) : undefined,
  };
}

/**
 * The query for one page and the row after it.
 *
 * @param after the count, the time of publication and the id that the page goes on from
 */
export function selectMostShared(query: ArticleQuery, after?: readonly string[]): Prisma.Sql {
  const onwards =
    after === undefined
      ? []
      : [
          Prisma.sql`(standing.count, standing.published_at, standing.article_id) < (${after[0]}::bigint, ${after[1]}::timestamptz, ${after[2]}::uuid)`,
        ];
  return Prisma.sql`
    SELECT p.article_id, p.summary, standing.count, standing.published_at, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM share_standings standing JOIN publications p USING (article_id)
    WHERE ${conjunction([...standingFilters(query), ...onwards])}
    ORDER BY standing.count DESC, standing.published_at DESC, standing.article_id DESC LIMIT ${query.limit + 1}`;
}

async function countShared(tx: Transaction, query: ArticleQuery): Promise<number> {
  const [row] = await tx.$queryRaw<[{ total: number }]>`
    SELECT count(*)::int AS total FROM share_standings standing JOIN publications p USING (article_id)
    WHERE ${conjunction(standingFilters(query))}`;
  return row.total;
}

function standingFilters(query: ArticleQuery): Prisma.Sql[] {
  const { window = "all" } = query;
  return [Prisma.sql`standing.span = ${window}`, Prisma.sql`standing.count > 0`, ...liveFilters(query)];
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
