import { isDeepStrictEqual } from "node:util";
import { filed, requireWithinBounds } from "../access/reach.ts";
import type { Transaction } from "../database/client.ts";
import type { Article as ArticleRow } from "../database/generated/client.ts";
import { insertRow } from "../database/insert.ts";
import { actorOf, concern } from "../database/transactions.ts";
import { type Deed, recordRevision } from "../revisions/record.ts";
import { saveLists } from "./lists.ts";
import type { StoredArticle, WorkingCopy } from "./workingCopy.ts";

/**
 * Makes an article and its working copy. The slug must be held already.
 *
 * @throws 403 when it would not be one that the actor may change
 */
export async function insertArticle(
  tx: Transaction,
  id: string,
  sent: WorkingCopy,
  deed: Deed,
): Promise<StoredArticle> {
  const copy = await filed(tx, sent);
  concern(tx, "articles", id);
  const now = new Date();
  const row: ArticleRow = {
    id,
    ...columns(copy),
    status: "draft",
    revision: 1,
    version: 0,
    publishedRevision: null,
    firstPublishedAt: copy.publishedAt,
    scheduledFor: null,
    createdAt: now,
    updatedAt: now,
    createdBy: actorOf(tx).id,
    deletedAt: null,
  };
  await insertRow(tx, "articles", row);
  const stored = await saveLists(tx, id, undefined, copy);
  await requireWithinBounds(tx, id);
  const made = { row, copy: stored, shareCounts: [], corrections: [] };
  await recordRevision(tx, undefined, made, deed);
  return made;
}

/**
 * Puts `next` in the place of an article's working copy and counts a revision up. Nothing is
 * written, and nothing counted, when they are the same.
 *
 * @throws 403 when it would no longer be one that the actor may change
 */
export async function saveArticle(
  tx: Transaction,
  article: StoredArticle,
  next: WorkingCopy,
  deed: Deed = { action: "changed" },
): Promise<StoredArticle> {
  if (isDeepStrictEqual(article.copy, next)) return article;
  const { id, version } = article.row;
  const row = await tx.article.update({
    where: { id },
    data: {
      ...columns(next),
      ...(version === 0 ? { firstPublishedAt: next.publishedAt } : {}),
      revision: { increment: 1 },
      updatedAt: new Date(),
    },
  });
  const stored = await saveLists(tx, id, article.copy, next);
  await requireWithinBounds(tx, id);
  const saved = { ...article, row, copy: stored };
  await recordRevision(tx, article, saved, deed);
  return saved;
}

/** The columns that a working copy fills. */
export function columns(copy: WorkingCopy) {
  const { slug, headline, standfirst, dateline, language, section } = copy;
  const { publishedAt, embargoedUntil, expiresAt } = copy;
  return {
    slug,
    headline,
    standfirst,
    dateline,
    language,
    publishedAt,
    embargoedUntil,
    expiresAt,
    sectionId: section?.id ?? null,
  };
}
