import { saveArticle } from "../articles/save.ts";
import { type StoredArticle, lockArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import type { Precondition } from "../http/conditional.ts";
import { problem } from "../http/problems.ts";
import { readRevision } from "./read.ts";
import { revive } from "./revive.ts";

/**
 * Gives a working copy the content of one of its revisions again, ids of blocks, key points and
 * links included, as a new revision. Its address, and the date of an article that has been
 * published, are not content: they stay. Nothing is written when there is no difference.
 *
 * @param reference the revision's number
 * @throws 404 when there is no such revision, 412 when the article is not at the one demanded, 422
 *   when it names a section, tag, author or article that has been deleted since
 */
export async function restoreRevision(
  tx: Transaction,
  articleReference: string,
  reference: string,
  wanted: Precondition | undefined,
): Promise<StoredArticle> {
  const article = await lockArticle(tx, articleReference, wanted);
  const { about, copy: kept } = await readRevision(tx, article.row.id, reference);
  const { copy, errors } = await revive(tx, kept, article.copy);
  const [first] = errors;
  if (first !== undefined) {
    const more = errors.length > 1 ? `, and ${errors.length - 1} more such faults` : "";
    throw problem(
      "invalid-content",
      `Revision ${about.number} cannot be restored as it was: ${first.pointer} ${first.detail}${more}. Make it anew, or take what is wanted from the revision and write that.`,
      { errors },
    );
  }
  const { slug, publishedAt } = article.copy;
  const next = { ...copy, slug, publishedAt: article.row.version === 0 ? copy.publishedAt : publishedAt };
  return saveArticle(tx, article, next, { action: "restored", restoredFrom: about.number });
}
