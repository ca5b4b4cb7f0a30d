import { Prisma, type Transaction } from "../database/client.ts";
import { problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { withShares } from "./document.ts";

/** A live article as readers get it. */
export interface LiveArticle {
  articleId: string;
  slug: string;
  /** The public JSON, share counts included. */
  json: string;
  /** What caches purge it by: its id, and the ids of its section, tags and authors. */
  groups: string[];
}

/** A live article that readers asked for by a slug it had before. */
export interface MovedArticle {
  articleId: string;
  movedTo: string;
  groups: string[];
}

interface PublicationRow {
  article_id: string;
  slug: string;
  document: string;
  terms: string[];
  shares: Record<string, number> | null;
}

/** A row's share counts by network, as one JSON object. */
export const shareCountsOf = (articleId: Prisma.Sql) =>
  Prisma.sql`(SELECT json_object_agg(network, count ORDER BY network) FROM share_counts s WHERE s.article_id = ${articleId})`;

/**
 * Finds what the public may read under an id or slug. Working copies are never looked at.
 *
 * @returns the article, or the slug that it has moved to
 * @throws 404 when it was never published, 410 when it was and is no more
 */
export async function findLive(tx: Transaction, reference: string): Promise<LiveArticle | MovedArticle> {
  const byId = isId(reference);
  const id = byId ? reference.toLowerCase() : await publishedUnder(tx, reference);
  const [row] = await tx.$queryRaw<PublicationRow[]>`
    SELECT p.article_id, p.slug, p.document, p.terms, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM publications p WHERE p.article_id = ${id}::uuid`;
  if (row === undefined) {
    const editions = await tx.edition.count({ where: { articleId: id } });
    throw editions > 0 ? gone(reference, id) : unknown(reference);
  }
  if (!byId && row.slug !== reference) return { articleId: row.article_id, movedTo: row.slug, groups: [row.article_id] };
  return {
    articleId: row.article_id,
    slug: row.slug,
    json: withShares(row.document, row.shares ?? {}),
    groups: [row.article_id, ...row.terms],
  };
}

async function publishedUnder(tx: Transaction, reference: string): Promise<string> {
  const slug = await tx.slug.findUnique({ where: { slug: reference } });
  if (slug === null || slug.publishedAt === null) throw unknown(reference);
  return slug.articleId;
}

/** Caches would keep a 404 or 410 as long as they like (RFC 9110, section 15.1), so it says how long. */
const brief = { "cache-control": "public, max-age=1", vary: "Authorization" };

function unknown(reference: string) {
  return problem("not-found", `There is no published article ${reference}.`, { headers: brief });
}

function gone(reference: string, id: string) {
  return problem("gone", `The article ${reference} was published and is no more.`, {
    headers: { ...brief, "surrogate-key": id.replaceAll("-", "") },
  });
}
