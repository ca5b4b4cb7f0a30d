import { choose } from "../editions/chosen.ts";
import type { FoundChange } from "./read.ts";

/**
 * A change as JSON.
 *
 * @param fields the properties of the edition that are wanted: all without, and no edition when there are none
 */
export function changeJson(change: FoundChange, fields: readonly string[] | undefined): string {
  const { sequence, kind, articleId, slug, version, at, detail, document } = change;
  const head = JSON.stringify({
    sequence: sequence === null ? null : Number(sequence),
    kind,
    at,
    articleId,
    slug,
    edition: version,
    detail,
  });
  if (fields?.length === 0) return head;
  const article = document === null ? "null" : fields === undefined ? document : choose(document, fields);
  return `${head.slice(0, -1)},"article":${article}}`;
}
