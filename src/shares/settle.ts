import type { Database, Transaction } from "../database/client.ts";
import { transact } from "../database/transactions.ts";

/**
 * Adds to the hours and to the standings what was counted since they were last settled. Each count
 * knows how much of it is settled, so that nothing is added twice or left out, whichever process
 * settles it and whenever one dies. Shares are taken to be of the hour in which they are settled.
 *
 * Rows are changed in one order everywhere, so that no two transactions wait for each other:
 * counts, hours, standings.
 */
export async function settle(tx: Transaction, articleIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    WITH unsettled AS MATERIALIZED (
      SELECT article_id, network, count - settled AS shares FROM share_counts
      WHERE article_id = ANY (${articleIds}::uuid[]) AND count <> settled
      ORDER BY article_id, network FOR UPDATE
    ),
    settled AS (
      UPDATE share_counts held SET settled = held.count FROM unsettled
      WHERE held.article_id = unsettled.article_id AND held.network = unsettled.network
    ),
    gained AS MATERIALIZED (
      SELECT article_id, sum(shares)::bigint AS shares FROM unsettled GROUP BY article_id
    ),
    hours AS (
      INSERT INTO share_hours AS held (article_id, hour, count)
      SELECT article_id, date_trunc('hour', now(), 'UTC'), shares FROM gained ORDER BY article_id
      ON CONFLICT (article_id, hour) DO UPDATE SET count = held.count + excluded.count
      RETURNING article_id
    )
    INSERT INTO share_standings AS held (article_id, span, count, published_at)
    SELECT article_id, span, shares, coalesce(published_at, now())
    FROM hours JOIN gained USING (article_id) LEFT JOIN publications USING (article_id)
    CROSS JOIN (SELECT span FROM share_spans UNION ALL VALUES ('all')) spans
    ORDER BY article_id, span
    ON CONFLICT (article_id, span) DO UPDATE SET count = held.count + excluded.count`;
}

/** How many articles' remains are settled in one transaction: whoever shares one of them waits for its end. */
const PORTION = 500;

/** Settles whatever was left unsettled by processes that died. */
export async function settleRemains(database: Database): Promise<void> {
  const left = await database.$queryRaw<{ article_id: string }[]>`
    SELECT DISTINCT article_id FROM share_counts WHERE count <> settled`;
  const ids = left.map((row) => row.article_id);
  for (let at = 0; at < ids.length; at += PORTION)
    await transact(database, (tx) => settle(tx, ids.slice(at, at + PORTION)));
}

/**
 * Sets one count, which moves the article's total and no window: when the shares of a count that
 * was set came is not known. The caller holds the article's counts.
 */
export async function setCount(tx: Transaction, articleId: string, network: string, count: bigint) {
  await settle(tx, [articleId]);
  const where = { articleId_network: { articleId, network } };
  const before = (await tx.shareCount.findUnique({ where }))?.count ?? 0n;
  const data = { count, settled: count, updatedAt: new Date() };
  await addToTotal(tx, articleId, count - before);
  return tx.shareCount.upsert({ where, create: { articleId, network, ...data }, update: data });
}

/** Removes one count, from the article's total too, and from no window. The caller holds the article's counts. */
export async function removeCount(
  tx: Transaction,
  { articleId, network, count }: { articleId: string; network: string; count: bigint },
): Promise<void> {
  await settle(tx, [articleId]);
  await addToTotal(tx, articleId, -count);
  await tx.shareCount.delete({ where: { articleId_network: { articleId, network } } });
}

async function addToTotal(tx: Transaction, articleId: string, change: bigint): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO share_standings AS held (article_id, span, count, published_at)
    SELECT ${articleId}::uuid, 'all', ${change}::bigint, coalesce(max(published_at), now())
    FROM publications WHERE article_id = ${articleId}::uuid
    ON CONFLICT (article_id, span) DO UPDATE SET count = held.count + excluded.count`;
}
