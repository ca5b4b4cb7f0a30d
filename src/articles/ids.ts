import type { Transaction } from "../database/client.ts";
import { type FieldError, pathPointer } from "../http/problems.ts";

/** Errors for ids that stand twice in a list, or belong to an item of another article. */
export async function idErrors(
  tx: Transaction,
  table: "keyPoint" | "relatedLink",
  ofArticle: string,
  current: readonly { id: string }[],
  ids: readonly (string | undefined)[],
  place: readonly PropertyKey[],
): Promise<FieldError[]> {
  const own = new Set(current.map((item) => item.id));
  const fresh = ids.filter((id) => id !== undefined && !own.has(id)) as string[];
  const taken = new Set(fresh.length === 0 ? [] : await takenIds(tx, table, ofArticle, fresh));
  const seen = new Set<string>();
  return ids.flatMap((id, index) => {
    if (id === undefined) return [];
    const detail = taken.has(id)
      ? "is the id of an item of another article"
      : seen.has(id)
        ? "is the id of an earlier item too"
        : undefined;
    seen.add(id);
    return detail === undefined ? [] : [{ pointer: pathPointer([...place, index, "id"]), detail }];
  });
}

async function takenIds(
  tx: Transaction,
  table: "keyPoint" | "relatedLink",
  ofArticle: string,
  ids: string[],
): Promise<string[]> {
  const query = { where: { id: { in: ids }, NOT: { articleId: ofArticle } }, select: { id: true } };
  const found =
    table === "keyPoint" ? await tx.keyPoint.findMany(query) : await tx.relatedLink.findMany(query);
  return found.map(({ id }) => id);
}
