import { Prisma, type Transaction } from "../database/client.ts";
import type { ArticleStatus } from "../database/generated/client.ts";

/** Which articles link to one, how many at most, and after which of them. */
interface BacklinkQuery {
  articleId: string;
  limit: number;
  after: string | undefined;
}

export interface BacklinkRow {
  id: string;
  slug: string;
  headline: string;
  publishedAt: Date | null;
}

export interface DraftBacklinkRow extends BacklinkRow {
  status: ArticleStatus;
  isLive: boolean;
  isWorking: boolean;
}

/** The live articles that link to one, as readers see them; the newest first. */
export function listBacklinks(tx: Transaction, query: BacklinkQuery): Promise<BacklinkRow[]> {
  return tx.$queryRaw<BacklinkRow[]>`
    SELECT p.article_id AS id, p.slug, p.headline, p.published_at AS "publishedAt"
    FROM (${linking("publication_links", query)}) linking JOIN publications p USING (article_id)
    ORDER BY p.article_id DESC`;
}

/** The articles that link to one in what is live or in their working copies, as editors see them. */
export function listDraftBacklinks(tx: Transaction, query: BacklinkQuery): Promise<DraftBacklinkRow[]> {
  return tx.$queryRaw<DraftBacklinkRow[]>`
    SELECT a.id, a.slug, a.headline, a.published_at AS "publishedAt", a.status,
      bool_or(is_live) AS "isLive", bool_or(NOT is_live) AS "isWorking"
    FROM (
      SELECT article_id, true AS is_live FROM (${linking("publication_links", query)}) live
      UNION ALL
      SELECT article_id, false FROM (${linking("related_links", query)}) working
    ) linking JOIN articles a ON a.id = article_id
    GROUP BY a.id ORDER BY a.id DESC LIMIT ${query.limit}`;
}

export async function countBacklinks(tx: Transaction, articleId: string, ofDrafts: boolean): Promise<number> {
  const working = ofDrafts
    ? Prisma.sql`UNION SELECT link.article_id FROM related_links link JOIN articles a ON a.id = link.article_id
        WHERE link.target_id = ${articleId}::uuid AND a.deleted_at IS NULL`
    : Prisma.empty;
  const [row] = await tx.$queryRaw<[{ total: number }]>`
    SELECT count(*)::int AS total
    FROM (SELECT DISTINCT article_id FROM publication_links WHERE target_id = ${articleId}::uuid ${working}) linking`;
  return row.total;
}

/** Articles in the order of the index, each once; what is in the trash is not among them. */
function linking(table: "publication_links" | "related_links", { articleId, limit, after }: BacklinkQuery) {
  const onwards = after === undefined ? Prisma.empty : Prisma.sql`AND link.article_id < ${after}::uuid`;
  const there =
    table === "related_links"
      ? Prisma.sql`AND EXISTS (SELECT FROM articles a WHERE a.id = link.article_id AND a.deleted_at IS NULL)`
      : Prisma.empty;
  return Prisma.sql`
    SELECT DISTINCT link.article_id FROM ${Prisma.raw(table)} link
    WHERE link.target_id = ${articleId}::uuid ${onwards} ${there}
    ORDER BY link.article_id DESC LIMIT ${limit}`;
}
