import type { z } from "zod";
import type { Transaction } from "../database/client.ts";
import { type FieldError, pathPointer } from "../http/problems.ts";
import { idErrors } from "./ids.ts";
import type { KeyPointItem } from "./schema.ts";
import { type KeyPoint, newId } from "./workingCopy.ts";

/**
 * The key points that a sent list makes. An item that names the id of an existing key point keeps
 * what it leaves out, so `[{ "id": … }, …]` reorders.
 *
 * @param ofArticle the article that the key points are of
 * @param place where in the body the list stands, for the errors
 */
export async function keyPointsFrom(
  tx: Transaction,
  ofArticle: string,
  current: readonly KeyPoint[],
  items: readonly z.output<typeof KeyPointItem>[],
  place: readonly PropertyKey[],
): Promise<{ keyPoints: KeyPoint[]; errors: FieldError[] }> {
  const known = new Map(current.map((point) => [point.id, point]));
  const sent = items.map((item) => (typeof item === "string" ? { text: item } : item));
  const errors = await idErrors(
    tx,
    "keyPoint",
    ofArticle,
    current,
    sent.map(({ id }) => id),
    place,
  );
  const keyPoints = sent.map(({ id, text, blockId }, index) => {
    const existing = known.get(id ?? "");
    if (text === undefined && existing === undefined) {
      errors.push({ pointer: pathPointer([...place, index, "text"]), detail: "is missing" });
    }
    return {
      id: id ?? newId(),
      text: text ?? existing?.text ?? "",
      blockId: blockId === undefined ? (existing?.blockId ?? null) : blockId,
    };
  });
  return { keyPoints, errors };
}
