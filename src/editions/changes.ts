import type { Prisma, Transaction } from "../database/client.ts";

/** What can become of an article for readers. */
export type ChangeKind =
  "published" | "updated" | "corrected" | "unpublished" | "deleted" | "moved" | "withdrawn";

export interface NewChange {
  kind: ChangeKind;
  articleId: string;
  /** The edition that came, or the last one that was. */
  version: number;
  slug: string;
  /** When it took effect for readers. */
  at: Date;
  detail?: Prisma.InputJsonObject;
}

/**
 * Writes down what changed for readers, in the transaction that changes it. The caller has the turn
 * to publish: changes are numbered and committed by one transaction after the other, so that whoever
 * reads them by number misses none.
 */
export async function recordChange(tx: Transaction, change: NewChange): Promise<void> {
  await tx.change.create({ data: change });
}
