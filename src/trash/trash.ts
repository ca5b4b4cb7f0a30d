import { requireReach } from "../access/reach.ts";
import {
  type StoredArticle,
  articleIdOf,
  articleParts,
  findArticles,
  storedArticle,
} from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { actorOf, concern } from "../database/transactions.ts";
import { type Total, countUpTo } from "../database/counting.ts";
import type { Article } from "../database/generated/client.ts";
import { recordTransition } from "../desk/history.ts";
import { conjunction } from "../editions/listings.ts";
import { type Precondition, checkRevision } from "../http/conditional.ts";
import { problem } from "../http/problems.ts";
import { recordRevision } from "../revisions/record.ts";

/** An article in the trash, and since when. */
export interface Trashed {
  article: StoredArticle;
  deletedAt: Date;
}

/** Lists what is in the trash, what was put there last first; `within` says which of it the caller may see. */
export async function listTrash(
  tx: Transaction,
  { limit, after }: { limit: number; after: { deletedAt: string; id: string } | undefined },
  within: Prisma.Sql[],
): Promise<Trashed[]> {
  const onwards =
    after === undefined
      ? []
      : [Prisma.sql`(deleted_at, id) < (${after.deletedAt}::timestamptz, ${after.id}::uuid)`];
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM articles WHERE ${conjunction([inTrash, ...onwards, ...within])}
    ORDER BY deleted_at DESC, id DESC LIMIT ${limit}`;
  const found = await findArticles(tx, {
    where: { id: { in: rows.map(({ id }) => id) } },
    orderBy: [{ deletedAt: "desc" }, { id: "desc" }],
    inTrash: true,
  });
  return found.map(trashed);
}

const inTrash = Prisma.sql`deleted_at IS NOT NULL`;

export function countTrash(tx: Transaction, within: Prisma.Sql[]): Promise<Total> {
  return countUpTo(tx, Prisma.sql`SELECT id FROM articles WHERE ${conjunction([inTrash, ...within])}`);
}

/** @throws 404 when it is not in the trash */
export async function findTrashed(tx: Transaction, reference: string): Promise<Trashed> {
  const id = await articleIdOf(tx, reference);
  const [found] =
    id === undefined
      ? []
      : await findArticles(tx, { where: { id, deletedAt: { not: null } }, inTrash: true });
  if (found === undefined) throw notInTrash(reference);
  return trashed(found);
}

/**
 * Takes an article out of the trash, in the state that it was put there.
 *
 * @throws 404 when there is none, 409 when it is not in the trash, 412 when its revision is not the one demanded
 */
export async function restore(
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
): Promise<StoredArticle> {
  const row = await lock(tx, reference);
  if (row === undefined) throw problem("not-found", `There is no article ${reference}.`);
  if (row.deletedAt === null) throw problem("wrong-state", `The article ${reference} is not in the trash.`);
  checkRevision(wanted, row);
  const found = await wholeOf(tx, row.id);
  const revision = row.revision + 1;
  const changed = await tx.article.update({
    where: { id: row.id },
    data: {
      deletedAt: null,
      revision,
      publishedRevision: row.publishedRevision === row.revision ? revision : row.publishedRevision,
      updatedAt: new Date(),
    },
  });
  await recordTransition(tx, row, "restore", row.status);
  const restored = { ...found, row: changed };
  await recordRevision(tx, found, restored, { action: "recovered" });
  return restored;
}

/** An article with its working copy, wherever it is. */
async function wholeOf(tx: Transaction, id: string): Promise<StoredArticle> {
  return storedArticle(
    await tx.article.findUniqueOrThrow({
      relationLoadStrategy: "join",
      where: { id },
      include: articleParts,
    }),
  );
}

/**
 * Reads an article that is to leave the trash, and keeps others from touching it until the
 * transaction ends.
 *
 * @throws 404 when the actor may not know of it, 403 when it may not change it
 */
export async function lock(tx: Transaction, reference: string): Promise<Article | undefined> {
  const id = await articleIdOf(tx, reference);
  if (id === undefined) return undefined;
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ${id}::uuid FOR UPDATE`;
  const row = await tx.article.findUnique({ where: { id } });
  if (row === null) return undefined;
  await requireReach(tx, actorOf(tx), id, reference);
  concern(tx, "articles", id);
  concern(tx, "trash", id);
  return row;
}

export function notInTrash(reference: string) {
  return problem("not-found", `There is no article ${reference} in the trash.`);
}

function trashed(article: StoredArticle): Trashed {
  return { article, deletedAt: article.row.deletedAt ?? article.row.updatedAt };
}
