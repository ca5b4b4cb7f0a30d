import type { Database } from "../database/client.ts";
import { transact } from "../database/transactions.ts";

/** How long changes are kept, in days. Whoever was away for longer starts again. */
export const KEPT_DAYS = 90;

/** Forgets the changes that are too old, and notes up to which number, so that no cursor skips them unnoticed. */
export async function pruneChanges(database: Database): Promise<void> {
  await transact(database, async (tx) => {
    const [{ upto }] = await tx.$queryRaw<[{ upto: bigint | null }]>`
      SELECT max(sequence) AS upto FROM changes
      WHERE recorded_at < now() - make_interval(days => ${KEPT_DAYS}::int)`;
    if (upto === null) return;
    await tx.$executeRaw`UPDATE installation SET changes_pruned_to = greatest(changes_pruned_to, ${upto})`;
    await tx.$executeRaw`DELETE FROM changes WHERE sequence <= ${upto}`;
  });
}
