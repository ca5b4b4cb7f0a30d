import { type Transaction, actorOf } from "../database/client.ts";
import type { ArticleStatus } from "../database/generated/client.ts";

/** Writes down a step of an article's way, and who took it. */
export async function recordTransition(
  tx: Transaction,
  article: { id: string; status: ArticleStatus },
  action: string,
  to: ArticleStatus,
  note?: string,
): Promise<void> {
  await tx.transition.create({
    data: {
      articleId: article.id,
      action,
      from: article.status,
      to,
      actor: actorOf(tx).name,
      note: note ?? null,
    },
  });
}
