import type { Audience } from "../access/audience.ts";
import type { Transaction } from "../database/client.ts";
import { type EditionDocument, withLinks } from "./document.ts";
import { viewFor } from "./entitled.ts";

/**
 * Leaves out of articles the links to others that an audience does not see, as links to what is not live
 * are left out for everyone. Nothing is read, nor done, for whoever gets all.
 *
 * @param articles their JSON, with or without bodies and share counts
 */
export async function withoutUnseen(
  tx: Transaction,
  audience: Audience,
  articles: readonly string[],
): Promise<readonly string[]> {
  if (audience.entitlement === null) return articles;
  const read = articles.map((json) => JSON.parse(json) as EditionDocument);
  const targets = [
    ...new Set(read.flatMap(({ relatedLinks }) => relatedLinks.flatMap(({ articleId }) => articleId ?? []))),
  ];
  if (targets.length === 0) return articles;
  const rows = await tx.$queryRaw<{ article_id: string }[]>`
    SELECT p.article_id FROM ${viewFor(audience)} p WHERE p.article_id = ANY (${targets}::uuid[])`;
  const seen = new Set(rows.map(({ article_id }) => article_id));
  return read.map((article, index) => {
    const links = article.relatedLinks.filter(({ articleId }) => articleId === null || seen.has(articleId));
    return links.length === article.relatedLinks.length
      ? (articles[index] ?? "")
      : JSON.stringify(withLinks(article, links));
  });
}
