import { titleKey } from "../articles/titles.ts";
import { audit } from "../audit/record.ts";
import type { Database, Transaction } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import { type Precondition, checkRevision } from "../http/conditional.ts";
import { TRASH_DAYS } from "./schema.ts";
import { lock, notInTrash } from "./trash.ts";

/**
 * Deletes an article that is in the trash, for good.
 *
 * @throws 404 when it is not in the trash, 412 when its revision is not the one demanded
 */
export async function purge(tx: Transaction, reference: string, wanted: Precondition): Promise<void> {
  const row = await lock(tx, reference);
  if (row === undefined || row.deletedAt === null) throw notInTrash(reference);
  checkRevision(wanted, row);
  await remove(tx, row.id);
}

/**
 * Purges what has been in the trash for so long. Each article is a transaction of its own, and any
 * number of processes may do it at once.
 *
 * @returns how many articles were purged
 */
export async function purgeTrash(database: Database): Promise<number> {
  for (let purged = 0; ; purged += 1) {
    const found = await transact(database, async (tx) => {
      const [row] = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM articles WHERE deleted_at <= now() - ${TRASH_DAYS} * interval '1 day'
        ORDER BY deleted_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`;
      if (row !== undefined) {
        await remove(tx, row.id);
        await audit(tx, {
          operation: "purgeTrash",
          resourceKind: "articles",
          resourceId: row.id,
          articleId: row.id,
        });
      }
      return row;
    });
    if (found === undefined) return purged;
  }
}

/**
 * Deletes an article, which the caller holds, and everything of it: its revisions, editions,
 * corrections, comments and steps over the desk go by the foreign keys. Where readers knew it a
 * tombstone stays, so that its id and its slugs answer 410 and go to no other article; that it was
 * withdrawn for good stays too, and is answered before that. The change log is left alone: readers
 * lost the article when it was put into the trash. Links to it become titles.
 */
async function remove(tx: Transaction, articleId: string): Promise<void> {
  const { headline, version } = await tx.article.findUniqueOrThrow({ where: { id: articleId } });
  await tx.$executeRaw`
    UPDATE related_links SET target_id = NULL, title = coalesce(title, ${headline}),
      title_key = coalesce(title_key, ${titleKey(headline)})
    WHERE target_id = ${articleId}::uuid AND article_id <> ${articleId}::uuid`;
  if (version > 0) {
    await tx.tombstone.create({ data: { articleId } });
    await tx.slug.updateMany({
      where: { articleId, publishedAt: { not: null } },
      data: { articleId: null, tombstoneId: articleId },
    });
  }
  // Its links to itself are held by the article that they lead to.
  await tx.relatedLink.updateMany({
    where: { articleId, targetId: articleId },
    data: { targetId: null, title: headline, titleKey: titleKey(headline) },
  });
  await tx.article.delete({ where: { id: articleId } });
}
