import { Prisma, type Statements, type Transaction } from "../database/client.ts";
import { VARY } from "../http/caching.ts";
import { problem } from "../http/problems.ts";
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

/** The article that a slug leads to, and the slug that it has now. */
export interface SlugHolder {
  articleId: string;
  slug: string;
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

/** Prepared once on each connection. */
const byId = {
  name: "publication",
  text: `SELECT p.article_id, p.slug, p.document, p.terms,
           (SELECT json_object_agg(network, count ORDER BY network) FROM share_counts s
            WHERE s.article_id = p.article_id) AS shares
         FROM publications p WHERE p.article_id = $1`,
};

/**
 * Reads a live article by its id: one look-up. Working copies are never looked at.
 *
 * @throws 404 when it was never published, 410 when it was and is no more
 */
export async function readPublication(
  statements: Statements,
  tx: Transaction,
  id: string,
): Promise<LiveArticle> {
  const found = await statements.query<PublicationRow>({ ...byId, values: [id] });
  const row = found.rows[0];
  if (row === undefined) {
    throw (await oncePublished(tx, [id])).has(id) ? gone(id, id) : unknown(id);
  }
  return {
    articleId: row.article_id,
    slug: row.slug,
    json: withShares(row.document, row.shares ?? {}),
    groups: [row.article_id, ...row.terms],
  };
}

/**
 * Reads which article a slug leads readers to, and under which slug that is live now.
 *
 * @throws 404 when nothing was published under it, 410 when that is no more
 */
export async function readSlug(tx: Transaction, reference: string): Promise<SlugHolder> {
  const held = await tx.slug.findUnique({
    where: { slug: reference },
    select: {
      articleId: true,
      tombstoneId: true,
      publishedAt: true,
      article: { select: { publication: { select: { slug: true } } } },
    },
  });
  const articleId = held?.articleId ?? held?.tombstoneId;
  if (articleId == null || held?.publishedAt == null) throw unknown(reference);
  const slug = held.article?.publication?.slug;
  if (slug === undefined) throw gone(reference, articleId);
  return { articleId, slug };
}

/** Those of the articles that readers have known, whether they are live, withdrawn or purged. */
export async function oncePublished(tx: Transaction, articleIds: string[]): Promise<Set<string>> {
  const where = { articleId: { in: articleIds } };
  const select = { articleId: true };
  const found = [
    await tx.edition.findMany({ where: { ...where, version: 1 }, select }),
    await tx.tombstone.findMany({ where, select }),
  ];
  return new Set(found.flat().map(({ articleId }) => articleId));
}

/** Caches would keep a 404 or 410 as long as they like (RFC 9110, section 15.1), so it says how long. */
const brief = { "cache-control": "public, max-age=1", vary: VARY };

function unknown(reference: string) {
  return problem("not-found", `There is no published article ${reference}.`, { headers: brief });
}

function gone(reference: string, id: string) {
  return problem("gone", `The article ${reference} was published and is no more.`, {
    headers: { ...brief, "surrogate-key": id.replaceAll("-", "") },
  });
}
