import type { StoredArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
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
export async function kill<Killed extends Pick<StoredArticle, "row" | "corrections">>(
  newsroom: Newsroom,
  tx: Transaction,
  article: Killed,
  at: Date,
  why: { reason: string; publicReason: string | null },
): Promise<Killed> {
  const { row } = article;
  const left = await cancelPlan(tx, article);
  if (row.version > 0) await disappear(newsroom, tx, row, at, "withdrawn", { reason: why.publicReason });
  const status = row.version === 0 ? "draft" : "unpublished";
  await recordTransition(tx, row, "kill", status, why.reason);
  const data = { status, scheduledFor: null, updatedAt: at } as const;
  return { ...left, row: await tx.article.update({ where: { id: row.id }, data }) };
}
