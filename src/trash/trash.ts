import { findArticles, articleIdOf, loadArticle, type StoredArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import type { Article } from "../database/generated/client.ts";
import { type Precondition, checkRevision } from "../http/conditional.ts";
import { problem } from "../http/problems.ts";

/** An article in the trash, and since when. */
export interface Trashed {
  article: StoredArticle;
  deletedAt: Date;
}

/** Lists what is in the trash, what was put there last first. */
export async function listTrash(
  tx: Transaction,
  { limit, after }: { limit: number; after: { deletedAt: string; id: string } | undefined },
): Promise<Trashed[]> {
  const earlier =
    after === undefined
      ? {}
      : {
          OR: [{ deletedAt: { lt: after.deletedAt } }, { deletedAt: after.deletedAt, id: { lt: after.id } }],
        };
  const found = await findArticles(tx, {
    // Without the bound by itself the index would be read from its beginning.
    where: { AND: [{ deletedAt: after === undefined ? { not: null } : { lte: after.deletedAt } }, earlier] },
    orderBy: [{ deletedAt: "desc" }, { id: "desc" }],
    take: limit,
    inTrash: true,
  });
  return found.map(trashed);
}

export function countTrash(tx: Transaction): Promise<number> {
  return tx.article.count({ where: { deletedAt: { not: null } } });
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
 * Takes an article out of the trash, as the draft or unpublished article that it was.
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
  checkRevision(wanted, row.revision);
  const revision = row.revision + 1;
  await tx.article.update({
    where: { id: row.id },
    data: {
      deletedAt: null,
      revision,
      publishedRevision: row.publishedRevision === row.revision ? revision : row.publishedRevision,
      updatedAt: new Date(),
    },
  });
  return loadArticle(tx, row.id);
}

/**
 * Reads an article that is to leave the trash, and keeps others from touching it until the
 * transaction ends.
 */
export async function lock(tx: Transaction, reference: string): Promise<Article | undefined> {
  const id = await articleIdOf(tx, reference);
  if (id === undefined) return undefined;
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ${id}::uuid FOR UPDATE`;
  return (await tx.article.findUnique({ where: { id } })) ?? undefined;
}

export function notInTrash(reference: string) {
  return problem("not-found", `There is no article ${reference} in the trash.`);
}

function trashed(article: StoredArticle): Trashed {
  return { article, deletedAt: article.row.deletedAt ?? article.row.updatedAt };
}
