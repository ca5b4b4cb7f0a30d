import { type Audience, everyone } from "../access/audience.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import type { ArticleStatus } from "../database/generated/client.ts";
import { conjunction } from "../editions/listings.ts";
import { shownFor, viewFor } from "../editions/entitled.ts";

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

/** The live articles that link to one, as their readers see them at this moment; the newest first. */
export function listBacklinks(
  tx: Transaction,
  { articleId, limit, after }: BacklinkQuery,
  audience: Audience,
): Promise<BacklinkRow[]> {
  return tx.$queryRaw<BacklinkRow[]>`
    SELECT p.article_id AS id, p.slug, p.headline, p.published_at AS "publishedAt"
    FROM (${linking("publication_links", articleId, after, [isLive(audience)])} LIMIT ${limit}) linking
    JOIN ${shownFor(audience)} p USING (article_id)
    ORDER BY p.article_id DESC`;
}

/**
 * The articles that link to one in what is live or in their working copies, as editors see them.
 * Those that lie outside of `within` are there only as all can read them.
 */
export function listDraftBacklinks(
  tx: Transaction,
  { articleId, limit, after }: BacklinkQuery,
  within: Prisma.Sql[],
): Promise<DraftBacklinkRow[]> {
  const isWithin = conjunction(within);
  return tx.$queryRaw<DraftBacklinkRow[]>`
    SELECT a.id, a."isLive", a."isWorking",
      CASE WHEN is_within THEN a.slug ELSE p.slug END AS slug,
      CASE WHEN is_within THEN a.headline ELSE p.headline END AS headline,
      CASE WHEN is_within THEN a.published_at ELSE p.published_at END AS "publishedAt",
      CASE WHEN is_within THEN a.status ELSE 'published' END AS status
    FROM (
      SELECT articles.*, ${isWithin} AS is_within, "isLive", "isWorking"
      FROM (
        SELECT article_id, bool_or(is_live) AS "isLive", bool_or(NOT is_live) AS "isWorking"
        FROM (
          (SELECT article_id, true AS is_live
           FROM (${linking("publication_links", articleId, after, [isLive(everyone)])} LIMIT ${limit}) live)
          UNION ALL
          (SELECT article_id, false
           FROM (${linking("related_links", articleId, after, [isWorking(within)])} LIMIT ${limit}) working)
        ) linking GROUP BY article_id ORDER BY article_id DESC LIMIT ${limit}
      ) linking JOIN articles ON articles.id = article_id
    ) a LEFT JOIN live p ON p.article_id = a.id
    ORDER BY a.id DESC`;
}

/** How many there are, as the lists above have them; of working copies when `within` is given. */
export async function countBacklinks(
  tx: Transaction,
  articleId: string,
  { audience, within }: { audience: Audience; within: Prisma.Sql[] | undefined },
): Promise<number> {
  const working =
    within === undefined
      ? Prisma.empty
      : Prisma.sql`UNION (${linking("related_links", articleId, undefined, [isWorking(within)])})`;
  const [row] = await tx.$queryRaw<[{ total: number }]>`
    SELECT count(*)::int AS total
    FROM ((${linking("publication_links", articleId, undefined, [isLive(audience)])}) ${working}) linking`;
  return row.total;
}

const isLive = (audience: Audience) =>
  Prisma.sql`EXISTS (SELECT FROM ${viewFor(audience)} p WHERE p.article_id = link.article_id)`;

/** What is in the trash is not among them. */
const isWorking = (within: Prisma.Sql[]) =>
  Prisma.sql`EXISTS (SELECT FROM articles WHERE ${conjunction([Prisma.sql`id = link.article_id`, Prisma.sql`deleted_at IS NULL`, ...within])})`;

/** Articles in the order of the index, each once. */
function linking(
  table: "publication_links" | "related_links",
  articleId: string,
  after: string | undefined,
  conditions: Prisma.Sql[],
) {
  const onwards = after === undefined ? [] : [Prisma.sql`link.article_id < ${after}::uuid`];
  return Prisma.sql`
    SELECT DISTINCT link.article_id FROM ${Prisma.raw(table)} link
    WHERE ${conjunction([Prisma.sql`link.target_id = ${articleId}::uuid`, ...onwards, ...conditions])}
    ORDER BY link.article_id DESC`;
}
