import type { StoredArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";

/** Whether an edition waits for its time. */
export function isPlanned({ scheduledFor }: { scheduledFor: Date | null }): boolean {
  return scheduledFor !== null;
}

/**
 * Has what is due for an article at a moment carried out then, and every process know that readers
 * will see something else: what it keeps of the article may not be kept as long as it thought.
 */
export async function planMoment(
  newsroom: Newsroom,
  tx: Transaction,
  articleId: string,
  moment: Date,
): Promise<void> {
  await newsroom.jobs.plan(tx, moment);
  await newsroom.news.planned(tx, moment);
  await newsroom.news.changed(tx, [articleId]);
}

/** Has all that is planned carried out, in a database whose queue of jobs was lost. */
export async function planAnew(newsroom: Newsroom, tx: Transaction): Promise<void> {
  const rows = await tx.$queryRaw<{ moment: Date }[]>`
    SELECT scheduled_for AS moment FROM articles WHERE scheduled_for IS NOT NULL
    UNION SELECT live_until FROM publications WHERE live_until IS NOT NULL
    UNION SELECT live_until FROM planned_editions WHERE live_until IS NOT NULL`;
  for (const { moment } of rows) await newsroom.jobs.plan(tx, moment);
}

/**
 * Gives up the edition that waits for its time, if there is one: the public has not seen it.
 *
 * @returns the article without what the edition would have put right
 */
export async function cancelPlan<Planned extends Pick<StoredArticle, "row" | "corrections">>(
  tx: Transaction,
  article: Planned,
): Promise<Planned> {
  const { row, corrections } = article;
  const { id: articleId, slug, scheduledFor: publishedAt } = row;
  if (publishedAt === null) return article;
  // With the edition goes what was put in place or planned from it.
  const version = row.version + 1;
  await tx.edition.deleteMany({ where: { articleId, version } });
  await tx.correction.deleteMany({ where: { articleId, version } });
  // A slug that readers would have seen it under first is free again, or no more than its own.
  await tx.slug.deleteMany({ where: { articleId, publishedAt, NOT: { slug } } });
  await tx.slug.updateMany({ where: { articleId, publishedAt }, data: { publishedAt: null } });
  return { ...article, corrections: corrections.filter((made) => made.publishedAt < publishedAt) };
}
