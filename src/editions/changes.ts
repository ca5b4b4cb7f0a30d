import type { Prisma, Transaction } from "../database/client.ts";

/**
 * What can become of an article for readers. `relinked` is for those alone who are entitled to a part: an
 * article that it links to was filed elsewhere, so that they may see the link now, or no more.
 */
export type ChangeKind =
  "published" | "updated" | "corrected" | "unpublished" | "deleted" | "moved" | "withdrawn" | "relinked";

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
  await recordChanges(tx, [change]);
}

/** The same for several, in this order. */
export async function recordChanges(tx: Transaction, changes: NewChange[]): Promise<void> {
  await tx.change.createMany({ data: changes });
}

/** What changed for readers within some changes that follow each other. */
export interface Changed {
  /** The number of the last of them. */
  last: bigint;
  /** The ids of the sections, tags and authors that had or have what changed. */
  terms: string[];
}

/**
 * What changed after the change of a number, within so many changes.
 *
 * @returns undefined when nothing did
 */
export async function changedAfter(
  tx: Transaction,
  sequence: bigint,
  most: number,
): Promise<Changed | undefined> {
  const [{ last, terms }] = await tx.$queryRaw<[{ last: bigint | null; terms: string[] }]>`
    WITH found AS (
      SELECT sequence, article_id, version FROM changes
      WHERE sequence > ${sequence} AND kind <> 'relinked' ORDER BY sequence LIMIT ${most}
    )
    SELECT (SELECT max(sequence) FROM found) AS last,
           ARRAY(SELECT DISTINCT unnest(e.terms) FROM found f JOIN editions e
                 ON e.article_id = f.article_id AND e.version BETWEEN f.version - 1 AND f.version) AS terms`;
  return last === null ? undefined : { last, terms };
}
