import { statusOf } from "../articles/relatedLinks.ts";
import type { LinkTarget } from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { conjunction } from "../editions/listings.ts";
import type { LinkFaultKind } from "./schema.ts";

interface FindingRow {
  kind: LinkFaultKind;
  article_id: string;
  slug: string;
  headline: string;
  link_id: string;
  title: string | null;
  url: string | null;
  target_id: string | null;
  target_known: boolean;
  target_headline: string | null;
  status: LinkTarget["status"] | null;
  deleted_at: Date | null;
}

interface HealthFilter {
  kind: LinkFaultKind | undefined;
  articleId: string | undefined;
  /** Which articles the caller may see: of others no links are told, and nothing of what links lead to. */
  within: Prisma.Sql[];
}

/** What may be said of a link, on publication_links as link; null of one that is sound. */
const kindOf = Prisma.sql`
  CASE
    WHEN link.target_id IS NOT NULL THEN
      CASE WHEN NOT EXISTS (SELECT FROM live target WHERE target.article_id = link.target_id) THEN 'notLive' END
    WHEN link.url IS NULL THEN 'unresolved'
    WHEN link.url ~* '^https?://[^/?#[:space:]]+[^[:space:]]*$' THEN 'external'
    WHEN link.url !~ '^/([^/\\\\[:space:]][^[:space:]]*)?$' THEN 'malformed'
  END`;

/** Lists the links of live articles that something is to be said of, those of the newest articles first. */
export async function listFindings(
  tx: Transaction,
  filter: HealthFilter,
  { limit, after }: { limit: number; after: { articleId: string; linkId: string } | undefined },
) {
  const onwards =
    after === undefined
      ? []
      : [Prisma.sql`(link.article_id, link.link_id) < (${after.articleId}::uuid, ${after.linkId}::uuid)`];
  const rows = await tx.$queryRaw<FindingRow[]>`
    SELECT found.*, p.slug, p.headline, target.headline AS target_headline, target.status, target.deleted_at,
      target.id IS NOT NULL OR NOT EXISTS (SELECT FROM articles WHERE id = found.target_id) AS target_known,
      (SELECT written ->> 'title' FROM json_array_elements(e.document -> 'relatedLinks') written
       WHERE written ->> 'id' = found.link_id::text) AS title
    FROM (
      SELECT link.article_id, link.link_id, link.url, link.target_id, ${kindOf} AS kind
      FROM publication_links link WHERE ${conjunction([...filters(filter), ...onwards])}
      ORDER BY link.article_id DESC, link.link_id DESC LIMIT ${limit}
    ) found
    JOIN live p USING (article_id) JOIN editions e USING (article_id, version)
    LEFT JOIN (SELECT * FROM articles WHERE ${conjunction(filter.within)}) target ON target.id = found.target_id
    ORDER BY found.article_id DESC, found.link_id DESC`;
  return rows.map((row) => ({
    kind: row.kind,
    article: { id: row.article_id, slug: row.slug, headline: row.headline },
    link: {
      id: row.link_id,
      title: row.target_headline ?? row.title,
      url: row.url,
      articleId: row.target_id,
      targetStatus:
        row.target_id === null || !row.target_known
          ? null
          : row.status === null
            ? ("purged" as const)
            : statusOf({ status: row.status, deletedAt: row.deleted_at }),
    },
  }));
}

/** How many there are of each kind. */
export async function countFindings(tx: Transaction, filter: HealthFilter) {
  const rows = await tx.$queryRaw<{ kind: LinkFaultKind; total: number }[]>`
    SELECT kind, count(*)::int AS total
    FROM (SELECT ${kindOf} AS kind FROM publication_links link WHERE ${conjunction(filters({ ...filter, kind: undefined }))}) found
    GROUP BY kind`;
  const found = new Map(rows.map(({ kind, total }) => [kind, total]));
  const of = (kind: LinkFaultKind) => found.get(kind) ?? 0;
  return {
    notLive: of("notLive"),
    unresolved: of("unresolved"),
    malformed: of("malformed"),
    external: of("external"),
  };
}

function filters({ kind, articleId, within }: HealthFilter): Prisma.Sql[] {
  return [
    kind === undefined ? Prisma.sql`${kindOf} IS NOT NULL` : Prisma.sql`${kindOf} = ${kind}`,
    ...(articleId === undefined ? [] : [Prisma.sql`link.article_id = ${articleId}::uuid`]),
    Prisma.sql`EXISTS (SELECT FROM live WHERE live.article_id = link.article_id)`,
    ...(within.length === 0
      ? []
      : [Prisma.sql`link.article_id IN (SELECT id FROM articles WHERE ${conjunction(within)})`]),
  ];
}
