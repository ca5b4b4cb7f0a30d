import type { Transaction } from "../database/client.ts";
import { actorOf } from "../database/transactions.ts";
import type { ArticleStatus } from "../database/generated/client.ts";

/** Writes down a step of an article's way, and who took it. */
export async function recordTransition(
  tx: Transaction,
  article: Taking,
  action: string,
  to: ArticleStatus,
  note?: string,
): Promise<void> {
  await recordTransitions(tx, [article], action, to, note);
}

/** The same for several that take it at once. */
export async function recordTransitions(
  tx: Transaction,
  articles: readonly Taking[],
  action: string,
  to: ArticleStatus,
  note?: string,
): Promise<void> {
  const step = { action, to, actor: actorOf(tx).name, note: note ?? null };
  const data = articles.map(({ id: articleId, status: from }) => ({ articleId, from, ...step }));
  await tx.transition.createMany({ data });
}

/** An article that takes a step, as it stood before. */
interface Taking {
  id: string;
  status: ArticleStatus;
}
