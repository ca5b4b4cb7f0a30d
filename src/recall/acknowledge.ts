import { placeOf } from "../changes/position.ts";
import type { Told } from "../changes/told.ts";
import { readChange } from "../changes/read.ts";
import type { Transaction } from "../database/client.ts";
import { invalidContent, problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";

/**
 * The number of the change that a partner means.
 *
 * @throws 422 for a cursor that is none of a change
 */
export function sequenceMeant(
  { cursors }: Newsroom,
  { cursor, sequence }: { cursor?: string | undefined; sequence?: number | undefined },
): bigint {
  if (cursor === undefined) return BigInt(sequence ?? 0);
  const refused = () =>
    invalidContent([{ pointer: "#/cursor", detail: "is not the cursor of a change of this installation" }]);
  let position;
  try {
    position = placeOf(cursors, cursor, "cursor");
  } catch {
    throw refused();
  }
  if (position.after !== undefined) throw refused();
  return position.sequence;
}

/**
 * Notes that a key has taken in a change of an article; what it said first stays.
 *
 * @param reference the article as the request names it
 * @throws 404 when the article has no such change that the key may know of
 */
export async function acknowledge(
  newsroom: Newsroom,
  tx: Transaction,
  article: { id: string | undefined; reference: string },
  { id: keyId, audience }: { id: string; audience: Told },
  sequence: bigint,
) {
  const change = await readChange(newsroom, sequence, audience);
  if (change === undefined || change.articleId !== article.id)
    throw problem("not-found", `There is no such change of an article ${article.reference}.`);
  const own = { articleId: change.articleId, keyId, sequence };
  const { count } = await tx.acknowledgement.createMany({ data: [own], skipDuplicates: true });
  const { at } = await tx.acknowledgement.findUniqueOrThrow({
    where: { articleId_keyId_sequence: own },
  });
  return {
    isNew: count > 0,
    body: {
      articleId: change.articleId,
      sequence: Number(sequence),
      kind: change.kind,
      acknowledgedAt: at.toISOString(),
    },
  };
}
