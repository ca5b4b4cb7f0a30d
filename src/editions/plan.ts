import type { Transaction } from "../database/client.ts";
import type { Article as ArticleRow } from "../database/generated/client.ts";
import type { Newsroom } from "../newsroom.ts";

/** Whether an edition waits for its time. */
export function isPlanned({ scheduledFor }: { scheduledFor: Date | null }): boolean {
  return scheduledFor !== null;
}

/** Has what is due at a moment carried out then, and every process know that readers will see something else. */
export async function planMoment(newsroom: Newsroom, tx: Transaction, moment: Date): Promise<void> {
  await newsroom.jobs.plan(tx, moment);
  await newsroom.news.planned(tx, moment);
}

/** Gives up the edition that waits for its time, if there is one: nobody has seen it. */
export async function cancelPlan(tx: Transaction, row: ArticleRow): Promise<void> {
  if (!isPlanned(row)) return;
  const { id: articleId } = row;
  // With the edition goes what was put in place or planned from it.
  const version = row.version + 1;
  await tx.edition.deleteMany({ where: { articleId, version } });
  await tx.correction.deleteMany({ where: { articleId, version } });
  await tx.$executeRaw`
    UPDATE slugs SET published_at = NULL
    WHERE article_id = ${articleId}::uuid AND published_at > statement_timestamp()`;
}
