import { Prisma, type Transaction } from "../database/client.ts";
import { countUpTo } from "../database/counting.ts";
import type { Newsroom } from "../newsroom.ts";
import { entitledChoices, entitledTo } from "./entitled.ts";
import { emptyPage, nameOf } from "./list.ts";
import { EVERYTHING, MOST_WALKED, type Terms, conjunction, publishedWithin, termsOf } from "./listings.ts";
import { type PastEdition, pastColumns, pastSummaries, requirePast, wasLive, wasSeen } from "./past.ts";
import type { ArticleQuery } from "./schema.ts";

/** A list of what was live at a moment. */
export type PastQuery = ArticleQuery & { asOf: string };

/**
 * What a sort goes by, and which way. An edition was updated when readers first saw it. No article
 * was published, by its date, after readers first saw it, so those that came later are passed over.
 */
const orders = {
  newest: { column: Prisma.sql`e.published_at`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
  oldest: { column: Prisma.sql`e.published_at`, direction: Prisma.sql`ASC`, beyond: Prisma.sql`>` },
  updated: { column: Prisma.sql`e.live_from`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
};

type Row = PastEdition & { position: Date };

/**
 * Lists what the public saw at a moment that has passed, in the order of then. Sections, tags and
 * authors are named by their present slugs.
 *
 * @throws 400 when the moment lies ahead, or the cursor is of another list or another moment
 */
export async function listPast(newsroom: Newsroom, query: PastQuery) {
  const { database, cursors } = newsroom;
  await requirePast(database, query.asOf);
  const { ids } = query;
  if (ids !== undefined) return listPastByIds(newsroom, { ...query, ids });
  const listName = nameOf("past", query);
  const after = query.cursor === undefined ? undefined : cursors.read(listName, query.cursor);
  const terms = await termsOf(database, query);
  if (terms === undefined) return emptyPage(query);
  const rows = await findPast(database, query, terms, after);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    items: await pastSummaries(newsroom, page, query),
    next: last === undefined ? null : cursors.write(listName, [last.position.toISOString(), last.article_id]),
    count: query.count ? await countUpTo(database, selectPast(query, terms)) : undefined,
  };
}

/** What was live of the articles with these ids, in the order asked, and why others are missing. */
async function listPastByIds(newsroom: Newsroom, query: PastQuery & { ids: string[] }) {
  const { database } = newsroom;
  const { ids, asOf, audience } = query;
  const terms = await termsOf(database, query);
  const known = await database.$queryRaw<(PastEdition & { fits: boolean })[]>`
    SELECT ${pastColumns}, ${terms === undefined ? Prisma.sql`false` : conjunction([...filedAs(query, terms), ...times(query)])} AS fits
    FROM editions e WHERE ${conjunction([
      Prisma.sql`e.article_id = ANY (${ids}::uuid[])`,
      ...wasSeen(query),
    ])}`;
  const wasThere = new Map(known.map((edition) => [edition.article_id, edition]));
  const found = ids.flatMap((id) => wasThere.get(id) ?? []).filter(({ fits }) => fits);
  const published = await database.$queryRaw<{ article_id: string }[]>`
    SELECT e.article_id FROM (
      SELECT DISTINCT ON (article_id) article_id, listed_under, published_at, live_until FROM editions
      WHERE article_id = ANY (${ids}::uuid[]) AND live_from <= ${asOf}::timestamptz
      ORDER BY article_id, version DESC
    ) e WHERE ${conjunction(entitledTo(audience, "edition", "e"))}`;
  const once = new Set(published.map(({ article_id }) => article_id));
  const shown = new Set(found.map(({ article_id }) => article_id));
  return {
    items: await pastSummaries(newsroom, found, query),
    count: query.count ? { total: found.length } : undefined,
    missing: ids
      .filter((id) => !shown.has(id))
      .map((id) => ({ id, reason: wasThere.has(id) ? "filtered" : once.has(id) ? "gone" : "not-found" })),
  };
}

/**
 * Finds the rows of a page and the one after it. What was live is walked through in the order of
 * the list, in the index alone; where few of the first thousand are of the terms asked for, all that
 * are of them are gathered and sorted.
 */
async function findPast(
  tx: Transaction,
  query: PastQuery,
  terms: Terms,
  after: readonly string[] | undefined,
): Promise<Row[]> {
  const { column, direction } = orderOf(query);
  const conditions = conjunction([...was(query), ...(after === undefined ? [] : [onwards(query, after)])]);
  const inOrder = Prisma.sql`
    SELECT e.article_id, e.version, ${column} AS position FROM editions e WHERE ${conditions}
    ORDER BY ${column} ${direction}, e.article_id ${direction}`;
  const most = query.limit + 1;
  const ordered = Prisma.sql`ORDER BY position ${direction}, article_id ${direction} LIMIT ${most}`;
  const filed = filedAs(query, terms);
  if (filed.length === 0) return taken(tx, query, Prisma.sql`${inOrder} LIMIT ${most}`);
  const rows = await taken(
    tx,
    query,
    Prisma.sql`
      SELECT w.article_id, w.version, w.position FROM (${inOrder} LIMIT ${MOST_WALKED}) w
      JOIN editions e ON e.article_id = w.article_id AND e.version = w.version
      WHERE ${conjunction(filed)} ${ordered}`,
  );
  if (rows.length > query.limit) return rows;
  return taken(
    tx,
    query,
    Prisma.sql`
      WITH found AS MATERIALIZED (
        SELECT e.article_id, e.version, ${column} AS position FROM editions e
        WHERE ${conjunction(filed)} AND ${conditions}
      )
      SELECT article_id, version, position FROM found ${ordered}`,
  );
}

/** The editions of a page. */
function taken(tx: Transaction, query: PastQuery, page: Prisma.Sql): Promise<Row[]> {
  const { direction } = orderOf(query);
  return tx.$queryRaw<Row[]>`
    SELECT ${pastColumns}, page.position
    FROM (${page}) page JOIN editions e ON e.article_id = page.article_id AND e.version = page.version
    ORDER BY page.position ${direction}, page.article_id ${direction}`;
}

/** Selects all that was live and is asked for. */
function selectPast(query: PastQuery, terms: Terms): Prisma.Sql {
  const conditions = conjunction([...filedAs(query, terms), ...was(query)]);
  return Prisma.sql`SELECT e.article_id FROM editions e WHERE ${conditions}`;
}

/** That an edition e was live, and at times that are asked for. */
function was(query: PastQuery): Prisma.Sql[] {
  return [wasLive(query.asOf), Prisma.sql`e.published_at <= ${query.asOf}::timestamptz`, ...times(query)];
}

function times(query: ArticleQuery): Prisma.Sql[] {
  const { updatedAfter } = query;
  return [
    ...publishedWithin(query, "e"),
    ...(updatedAfter === undefined ? [] : [Prisma.sql`e.live_from > ${updatedAfter}::timestamptz`]),
  ];
}

/** That an edition e is listed under all of some terms, everything aside, and as its audience is entitled to. */
function filedAs({ audience }: PastQuery, terms: Terms): Prisma.Sql[] {
  return [
    ...(terms[0].id === EVERYTHING
      ? []
      : [Prisma.sql`e.listed_under @> ${terms.map(({ id }) => id)}::uuid[]`]),
    ...entitledChoices(audience, "edition", "e"),
  ];
}

function orderOf({ sort }: PastQuery) {
  return orders[sort === "oldest" || sort === "updated" ? sort : "newest"];
}

function onwards(query: PastQuery, [time, id]: readonly string[]): Prisma.Sql {
  const { column, beyond } = orderOf(query);
  return Prisma.sql`(${column}, e.article_id) ${beyond} (${time}::timestamptz, ${id}::uuid)`;
}
