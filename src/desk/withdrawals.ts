import type { Transaction } from "../database/client.ts";
import { actorOf } from "../database/transactions.ts";
import { problem } from "../http/problems.ts";

/**
 * Refuses what was withdrawn for good.
 *
 * @throws 451 with what may be said of the reason (RFC 7725)
 */
export async function refuseWithdrawn(tx: Transaction, articleId: string): Promise<void> {
  const found = await tx.withdrawal.findUnique({ where: { articleId } });
  if (found !== null) throw withdrawn(articleId, found.publicReason);
}

export function withdrawn(articleId: string, publicReason: string | null) {
  return problem(
    "withdrawn",
    `The article was withdrawn for legal reasons.${publicReason === null ? "" : ` ${publicReason}`}`,
    {
      headers: { "cache-control": "public, max-age=60", "surrogate-key": articleId.replaceAll("-", "") },
    },
  );
}

/** @throws 451 when it was withdrawn before */
export async function withdrawForGood(
  tx: Transaction,
  articleId: string,
  reason: string,
  publicReason: string | null,
): Promise<void> {
  await refuseWithdrawn(tx, articleId);
  await tx.withdrawal.create({ data: { articleId, reason, publicReason, actor: actorOf(tx).name } });
}
