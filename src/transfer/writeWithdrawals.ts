import { isDeepStrictEqual } from "node:util";
import type { Transaction } from "../database/client.ts";
import { kill } from "../desk/kill.ts";
import type { Outcome } from "../imports/report.ts";
import type { Newsroom } from "../newsroom.ts";
import type { WithdrawalLine } from "./schema.ts";
import { lock } from "./writeArticles.ts";

/** Withdraws for good what was withdrawn where it comes from. */
export async function writeWithdrawals(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  lines: WithdrawalLine[],
): Promise<Outcome[]> {
  const rows = await tx.withdrawal.findMany({ where: { articleId: { in: lines.map(({ id }) => id) } } });
  const here = new Map(rows.map((row) => [row.articleId, row]));
  const outcomes: Outcome[] = [];
  for (const { kind: _, id: articleId, ...why } of lines) {
    const withdrawal = { articleId, ...why, at: new Date(why.at) };
    const existing = here.get(articleId);
    await tx.withdrawal.upsert({ where: { articleId }, create: withdrawal, update: withdrawal });
    if (existing === undefined) {
      await lock(tx, [articleId]);
      const row = await tx.article.findUnique({ where: { id: articleId } });
      if (row !== null) await kill(newsroom, tx, { row, corrections: [] }, now, why);
    }
    outcomes.push(
      existing === undefined
        ? "created"
        : isDeepStrictEqual({ ...existing }, withdrawal)
          ? "unchanged"
          : "updated",
    );
  }
  return outcomes;
}
