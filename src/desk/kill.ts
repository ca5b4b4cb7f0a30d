import type { Transaction } from "../database/client.ts";
import type { Article as ArticleRow } from "../database/generated/client.ts";
import { disappear } from "../editions/appear.ts";
import { cancelPlan } from "../editions/plan.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordTransition } from "./history.ts";

/**
 * Takes an article that was just withdrawn for good from readers, and gives up what is planned for
 * it. The caller has the turn to publish and holds the article.
 *
 * @param why the reason for the desk, and what readers are told
 */
export async function kill(
  newsroom: Newsroom,
  tx: Transaction,
  row: ArticleRow,
  at: Date,
  why: { reason: string; publicReason: string | null },
): Promise<ArticleRow> {
  await cancelPlan(tx, row);
  if (row.status === "published")
    await disappear(newsroom, tx, row, at, "withdrawn", { reason: why.publicReason });
  const status = row.version === 0 ? "draft" : "unpublished";
  await recordTransition(tx, row, "kill", status, why.reason);
  return tx.article.update({ where: { id: row.id }, data: { status, scheduledFor: null, updatedAt: at } });
}
