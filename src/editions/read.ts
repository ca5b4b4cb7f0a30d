import { type Audience, everyone } from "../access/audience.ts";
import { Prisma, type Statements, type Transaction } from "../database/client.ts";
import { gathered } from "../database/gather.ts";
import { withdrawn } from "../desk/withdrawals.ts";
import { VARY } from "../http/caching.ts";
import { problem } from "../http/problems.ts";
import { traced } from "../tracing/tracing.ts";
import { type EditionDocument, wholeArticle, withShares } from "./document.ts";
import { entitledTo, viewFor } from "./entitled.ts";
import { withoutUnseen } from "./unseen.ts";

/** A live article as readers get it. */
export interface LiveArticle {
  articleId: string;
  slug: string;
  /** What caches purge it by: its id, and the ids of its section, tags and authors. */
  groups: string[];
  /** When readers will see something else, in milliseconds since 1970; null while nothing is planned. */
  changesAt: number | null;
}

/** The same as it was read. */
export interface ReadArticle extends LiveArticle {
  /** The public JSON, share counts included. */
  json: string;
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
  /** Their ids with spaces between them: an array would be taken apart character by character. */
  terms: string;
  changes_at: Date | null;
  shares: Record<string, number> | null;
}

/** A row's share counts by network, as one JSON object. */
export const shareCountsOf = (articleId: Prisma.Sql) =>
  Prisma.sql`(SELECT json_object_agg(network, count ORDER BY network) FROM share_counts s WHERE s.article_id = ${articleId})`;

const columns = `p.article_id, p.slug, p.document, array_to_string(p.terms, ' ') AS terms, p.changes_at,
  (SELECT json_object_agg(network, count ORDER BY network) FROM share_counts s WHERE s.article_id = p.article_id) AS shares`;
/** Reads rows of a view by articles' ids, prepared once on each connection, for all who ask at the same time. */
const byId = (on: Statements, view: string) =>
  gathered(async (ids) => {
    const text = `SELECT ${columns} FROM ${view} p WHERE p.article_id = ANY ($1::uuid[])`;
    const statement = { name: view, text, values: [ids] };
    const { rows } = await traced("read articles", {}, () => on.query<PublicationRow>(statement));
    return new Map(rows.map((row) => [row.article_id, row]));
  });
const readers = new WeakMap<Statements, Record<"public" | "embargoed", ReturnType<typeof byId>>>();

function readersOf(on: Statements) {
  const known = readers.get(on);
  if (known !== undefined) return known;
  const made = { public: byId(on, "live"), embargoed: byId(on, "live_for_partners") };
  readers.set(on, made);
  return made;
}

/**
 * Reads a live article by its id: one look-up. Working copies are never looked at.
 *
 * @throws 404 when it was never published, 410 when it was and is no more, 451 when it was withdrawn
 *   for good
 */
export async function readPublication(
  on: Statements,
  tx: Transaction,
  id: string,
  audience = everyone,
): Promise<ReadArticle> {
  const row = await publicationOf(on, tx, id, audience);
  if (row === undefined) throw await whyAbsent(tx, id, id, audience);
  const [document = row.document] = await withoutUnseen(tx, audience, [row.document]);
  return {
    articleId: row.article_id,
    slug: row.slug,
    json: withShares(document, row.shares ?? {}),
    groups: [row.article_id, ...row.terms.split(" ")].filter((term) => term !== ""),
    changesAt: row.changes_at?.getTime() ?? null,
  };
}

async function publicationOf(
  on: Statements,
  tx: Transaction,
  id: string,
  audience: Audience,
): Promise<PublicationRow | undefined> {
  if (audience.entitlement === null) {
    const { public: ofAll, embargoed } = readersOf(on);
    return (audience.embargoed ? embargoed : ofAll)(id);
  }
  const [row] = await tx.$queryRaw<PublicationRow[]>`
    SELECT ${Prisma.raw(columns)} FROM ${viewFor(audience)} p WHERE p.article_id = ${id}::uuid`;
  return row;
}

/**
 * Reads what an audience sees of some articles, in the order of their ids, without share counts.
 * Those that it does not see are left out.
 */
export async function readDocuments(
  tx: Transaction,
  ids: readonly string[],
  audience: Audience,
): Promise<EditionDocument[]> {
  const rows = await tx.$queryRaw<{ article_id: string; document: string }[]>`
    SELECT p.article_id, p.document FROM ${viewFor(audience)} p WHERE p.article_id = ANY (${ids}::uuid[])`;
  const documents = await withoutUnseen(
    tx,
    audience,
    rows.map(({ document }) => document),
  );
  const found = new Map(rows.map(({ article_id }, index) => [article_id, documents[index]]));
  return ids.flatMap((id) => {
    const document = found.get(id);
    return document === undefined ? [] : [wholeArticle(JSON.parse(document) as EditionDocument)];
  });
}

/**
 * Reads which article a slug leads readers to, and under which slug that is live now.
 *
 * @throws 404 when nothing was published under it, 410 when that is no more, 451 when it was
 *   withdrawn for good
 */
export async function readSlug(tx: Transaction, reference: string, audience = everyone): Promise<SlugHolder> {
  const [held] = await tx.$queryRaw<{ article_id: string; slug: string | null }[]>`
    SELECT coalesce(s.article_id, s.tombstone_id) AS article_id, p.slug
    FROM slugs s LEFT JOIN ${viewFor(audience)} p ON p.article_id = s.article_id
    WHERE s.slug = ${reference} AND (s.published_at <= statement_timestamp() OR p.slug = s.slug)`;
  if (held === undefined) throw unknown(reference);
  if (held.slug === null) throw await whyAbsent(tx, held.article_id, reference, audience);
  return { articleId: held.article_id, slug: held.slug };
}

/**
 * Caches would keep a 404 or 410 as long as they like (RFC 9110, section 15.1). They may not keep it
 * past the moment at which the article is there, and whether there is one must not show.
 */
export const brief = { "cache-control": "public, max-age=0", vary: VARY };

/**
 * Why an audience does not get an article. That it was there, and is no more, is told to those alone who
 * were entitled to the last that there was of it.
 */
export async function whyAbsent(tx: Transaction, id: string, reference: string, audience = everyone) {
  const wasLive =
    audience.entitlement === null
      ? Prisma.sql`EXISTS (SELECT FROM editions WHERE article_id = ${id}::uuid AND live_from <= statement_timestamp())
             OR EXISTS (SELECT FROM tombstones WHERE article_id = ${id}::uuid)`
      : hadAndLost(audience, Prisma.sql`${id}::uuid`);
  const [known] = await tx.$queryRaw<{ was_live: boolean; reason: string | null; is_withdrawn: boolean }[]>`
    SELECT ${wasLive} AS was_live,
           EXISTS (SELECT FROM withdrawals WHERE article_id = ${id}::uuid) AS is_withdrawn,
           (SELECT public_reason FROM withdrawals WHERE article_id = ${id}::uuid) AS reason`;
  if (known?.is_withdrawn === true && known.was_live) return withdrawn(id, known.reason);
  if (known?.was_live !== true) return unknown(reference);
  return problem("gone", `The article ${reference} was published and is no more.`, {
    headers: { ...brief, "surrogate-key": id.replaceAll("-", "") },
  });
}

/** That an article is live no more, and its last edition was within an audience's entitlement. */
function hadAndLost(audience: Audience, articleId: Prisma.Sql): Prisma.Sql {
  const within = Prisma.join([Prisma.sql`true`, ...entitledTo(audience, "edition", "last")], " AND ");
  return Prisma.sql`EXISTS (
      SELECT FROM (SELECT e.listed_under, e.published_at FROM editions e
        WHERE e.article_id = ${articleId} AND e.live_from <= statement_timestamp()
        ORDER BY e.version DESC LIMIT 1) last
      WHERE ${within})
    AND NOT EXISTS (SELECT FROM live WHERE live.article_id = ${articleId})`;
}

/** Those of the articles that readers have known, with whether they are live now; others were withdrawn or purged. */
export async function oncePublished(
  tx: Transaction,
  ids: string[],
  audience: Audience,
): Promise<Map<string, boolean>> {
  const isLive = Prisma.sql`EXISTS (SELECT FROM ${viewFor(audience)} p WHERE p.article_id = known.article_id)`;
  const isKnown =
    audience.entitlement === null
      ? Prisma.empty
      : Prisma.sql`WHERE ${isLive} OR ${hadAndLost(audience, Prisma.sql`known.article_id`)}`;
  const rows = await tx.$queryRaw<{ article_id: string; is_live: boolean }[]>`
    SELECT article_id, ${isLive} AS is_live
    FROM (
      SELECT article_id FROM editions WHERE article_id = ANY (${ids}::uuid[]) AND version = 1 AND live_from <= statement_timestamp()
      UNION SELECT article_id FROM tombstones WHERE article_id = ANY (${ids}::uuid[])
    ) known ${isKnown}`;
  return new Map(rows.map((row) => [row.article_id, row.is_live]));
}

function unknown(reference: string) {
  return problem("not-found", `There is no published article ${reference}.`, { headers: brief });
}
