import { type Audience, everyone } from "../access/audience.ts";
import type { Entitlement } from "../access/entitlements/entitlement.ts";
import { Prisma } from "../database/client.ts";
import type { ChangeKind } from "../editions/changes.ts";
import { entitledTo, viewFor } from "../editions/entitled.ts";

// What an audience is told of a change: said here alone, for the feed, the stream and the webhooks. It
// follows from the change, the edition before it and the audience's entitlement; nothing is kept.

/** Whom changes are told to. */
export interface Told extends Pick<Audience, "entitlement" | "mark"> {
  /** What it was entitled to before: whatever it had by that and has no right to is taken back. */
  formerly?: readonly Former[];
}

/** What an audience was entitled to until a moment, in RFC 3339; null stands for everything. */
export interface Former {
  entitlement: Entitlement | null;
  until: string;
}

/** Those who have no key. */
export const anyone: Told = { entitlement: null, mark: null };

/** The kinds of change that come with an edition, in SQL. */
const GIVING = Prisma.sql`('published', 'updated', 'corrected', 'moved', 'relinked')`;

/** What is before readers, as far as the changes tell of it: what is under embargo is told of when that ends. */
export const toldView = ({ entitlement, mark }: Told) => viewFor({ ...everyone, entitlement, mark });

const within = (entitlement: Entitlement | null, row: string): Prisma.Sql =>
  Prisma.join([Prisma.sql`true`, ...entitledTo({ ...everyone, entitlement }, "edition", row)], " AND ");

/** That an edition was within what an audience is entitled to, or was while it was so. */
export function everWithin({ entitlement, formerly = [] }: Told, row: string): Prisma.Sql {
  const liveFrom = Prisma.raw(`${row}.live_from`);
  const conditions = [
    within(entitlement, row),
    ...formerly.map(
      (former) =>
        Prisma.sql`${within(former.entitlement, row)} AND ${liveFrom} < ${former.until}::timestamptz`,
    ),
  ];
  return Prisma.sql`(${Prisma.join(conditions, " OR ")})`;
}

/**
 * Some changes with what decides how they are told.
 *
 * @param changes a relation of rows of `changes`
 */
export function changesFor(told: Told, changes: Prisma.Sql): Prisma.Sql {
  const columns = Prisma.sql`
    c.sequence, c.article_id, c.at, c.recorded_at, p.article_id IS NOT NULL AS is_live`;
  const document = Prisma.sql`
    CASE WHEN p.version = c.version AND c.kind IN ${GIVING} THEN p.document END AS document`;
  // Whoever gets all has lost nothing.
  if (told.entitlement === null)
    return Prisma.sql`
      SELECT ${columns}, NULLIF(c.kind, 'relinked') AS kind, c.version, c.slug, c.detail, ${document}
      FROM ${changes} c LEFT JOIN live p ON p.article_id = c.article_id`;
  return Prisma.sql`
    SELECT ${columns}, d.kind, ${document},
      CASE WHEN d.kind = 'withdrawn' AND c.kind IN ${GIVING} THEN was.version ELSE c.version END AS version,
      CASE WHEN d.kind = 'withdrawn' AND c.kind IN ${GIVING} THEN was.slug ELSE c.slug END AS slug,
      CASE WHEN d.kind = c.kind THEN c.detail - 'link' END AS detail
    FROM ${changes} c
    LEFT JOIN LATERAL (
      SELECT e.version, e.document->>'slug' AS slug, ${within(told.entitlement, "e")} AS still FROM editions e
      WHERE e.article_id = c.article_id AND e.version = ${editionBefore} AND ${everWithin(told, "e")}
    ) was ON true
    LEFT JOIN LATERAL (
      SELECT true AS yes FROM editions e
      WHERE e.article_id = c.article_id AND e.version = c.version AND ${within(told.entitlement, "e")}
    ) fits ON true
    CROSS JOIN LATERAL (SELECT ${kindTold} AS kind) d
    LEFT JOIN ${toldView(told)} p ON d.kind IS NOT NULL AND p.article_id = c.article_id`;
}

/**
 * The number of the edition that readers had before a change `c`: by the change before it; where that is
 * not kept any more, by the editions. A slug changed from the edition that had the former one.
 */
const editionBefore = Prisma.sql`
  CASE WHEN c.kind NOT IN ${GIVING} THEN c.version WHEN c.kind <> 'published' THEN coalesce(
    (SELECT b.version FROM changes b
     WHERE b.article_id = c.article_id AND b.sequence < c.sequence AND (c.kind <> 'moved' OR b.version < c.version)
     ORDER BY b.sequence DESC LIMIT 1),
    (SELECT max(o.version) FROM editions o
     WHERE o.article_id = c.article_id AND o.version < c.version AND o.live_from <= c.at)) END`;

/** How a change is told of which it is known what was and what fits; NULL for not at all. */
const kindTold = Prisma.sql`CASE
  WHEN c.kind NOT IN ${GIVING} THEN CASE WHEN was.still THEN c.kind WHEN was.version IS NOT NULL THEN 'withdrawn' END
  WHEN c.kind = 'published' THEN CASE WHEN fits.yes THEN c.kind END
  WHEN c.kind = 'moved' THEN CASE WHEN fits.yes AND was.still THEN c.kind END
  WHEN c.kind = 'relinked' THEN CASE WHEN fits.yes THEN 'updated' END
  WHEN fits.yes THEN CASE WHEN was.still THEN c.kind ELSE 'published' END
  WHEN was.version IS NOT NULL THEN 'withdrawn' END`;

export type ToldKind = Exclude<ChangeKind, "relinked">;
