import { choose } from "../editions/chosen.ts";
import type { FoundChange } from "./read.ts";

/**
 * A change as JSON: the same in the feed, the stream and what webhooks are sent.
 *
 * @param cursor where it leaves whoever knows it
 * @param fields the properties of the edition that are wanted: all without, and no edition when there are none
 */
export function changeJson(
  change: FoundChange,
  cursor: string,
  fields: readonly string[] | undefined,
): string {
  const { sequence, kind, articleId, slug, version, at, detail, document } = change;
  const head = JSON.stringify({
    sequence: sequence === null ? null : Number(sequence),
    cursor,
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
