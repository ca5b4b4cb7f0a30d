import { Prisma, type Transaction } from "../database/client.ts";
import { planOf } from "../database/counting.ts";
import { MOST_GATHERED, MOST_WALKED, type Position, conjunction } from "./listings.ts";
import type { ArticleQuery } from "./schema.ts";

/** The section, tag and author that a list of working copies is narrowed by, as ids. */
export interface DraftTerms {
  section: string | null;
  tag: string | null;
  author: string | null;
  /** What of all working copies the caller may see, as conditions on an id. */
  within: Prisma.Sql[];
}

export interface DraftRow {
  id: string;
  updated_at: Date;
}

/**
 * Finds the ids that a list of working copies is narrowed by.
 *
 * @returns undefined when one of them is unknown, so that nothing can be listed
 */
export async function draftTermsOf(
  tx: Transaction,
  query: ArticleQuery,
  within: Prisma.Sql[],
): Promise<DraftTerms | undefined> {
  const { section, tag, author } = query;
  const [terms] = await tx.$queryRaw<[Omit<DraftTerms, "within">]>`
    SELECT (SELECT id FROM sections WHERE slug = ${section}) AS section,
           (SELECT id FROM tags WHERE slug = ${tag}) AS tag,
           (SELECT id FROM authors WHERE slug = ${author}) AS author`;
  const isKnown = (["section", "tag", "author"] as const).every(
    (kind) => query[kind] === undefined || terms[kind] !== null,
  );
  return isKnown ? { ...terms, within } : undefined;
}

/**
 * Finds the rows of a page and the one after it, as `findListed` does: by a walk in the order of
 * the list where much fits, and where little does by gathering it.
 */
export async function findDrafts(
  tx: Transaction,
  query: ArticleQuery,
  terms: DraftTerms,
  after: Position | undefined,
): Promise<DraftRow[]> {
  const onwards = after === undefined ? [] : [beyond(query, after)];
  const inOrder = Prisma.sql`
    ${selectWhere([...filtersAlong(query, terms), ...onwards])} ORDER BY ${order(query)}`;
  const across = filtersAcross(query, terms);
  const walked = (bound: Prisma.Sql) => Prisma.sql`
    SELECT id, updated_at FROM (${inOrder} ${bound}) articles WHERE ${conjunction(across)}
    ORDER BY ${order(query)} LIMIT ${query.limit + 1}`;
  if (across.length === 0) return tx.$queryRaw<DraftRow[]>(walked(Prisma.empty));
  const rows = await tx.$queryRaw<DraftRow[]>(walked(Prisma.sql`LIMIT ${MOST_WALKED}`));
  if (rows.length > query.limit) return rows;
  const [more] = await tx.$queryRaw<unknown[]>`${inOrder} LIMIT 1 OFFSET ${MOST_WALKED}`;
  if (more === undefined) return rows;
  const expected = await planOf(tx, selectDrafts(query, terms));
  if (expected["Plan Rows"] > MOST_GATHERED) return tx.$queryRaw<DraftRow[]>(walked(Prisma.empty));
  return tx.$queryRaw<DraftRow[]>`
    WITH found AS MATERIALIZED (${selectWhere([...filtersAlong(query, terms), ...across, ...onwards])})
    SELECT id, updated_at FROM found ORDER BY ${order(query)} LIMIT ${query.limit + 1}`;
}

/** Selects the working copies that a list is of, those in the trash left out. */
export function selectDrafts(query: ArticleQuery, terms: DraftTerms): Prisma.Sql {
  return selectWhere([...filtersAlong(query, terms), ...filtersAcross(query, terms)]);
}

function selectWhere(filters: Prisma.Sql[]): Prisma.Sql {
  return Prisma.sql`SELECT id, published_at, updated_at FROM articles WHERE ${conjunction(filters)}`;
}

/** Ids are made in the order of time, so the newest has the greatest. */
function order({ sort }: ArticleQuery): Prisma.Sql {
  if (sort === "updated") return Prisma.sql`updated_at DESC, id DESC`;
  return sort === "oldest" ? Prisma.sql`id ASC` : Prisma.sql`id DESC`;
}

function beyond({ sort }: ArticleQuery, [time, id]: Position): Prisma.Sql {
  if (sort === "updated") return Prisma.sql`(updated_at, id) < (${time}::timestamptz, ${id}::uuid)`;
  return sort === "oldest" ? Prisma.sql`id > ${id}::uuid` : Prisma.sql`id < ${id}::uuid`;
}

/** What an index has in the order of the list. */
function filtersAlong(query: ArticleQuery, { section }: DraftTerms): Prisma.Sql[] {
  const { language, status, ids, sort } = query;
  return [
    Prisma.sql`deleted_at IS NULL`,
    ...(section === null ? [] : [Prisma.sql`section_id = ${section}::uuid`]),
    ...(language === undefined ? [] : [Prisma.sql`language = ${language}`]),
    ...(status === undefined ? [] : [Prisma.sql`status = ${status}::"ArticleStatus"`]),
    ...(ids === undefined ? [] : [Prisma.sql`id = ANY (${ids}::uuid[])`]),
    ...(sort === "updated" ? updatedWithin(query) : []),
  ];
}

/** What lies across that order. */
function filtersAcross(query: ArticleQuery, { tag, author, within }: DraftTerms): Prisma.Sql[] {
  const { publishedAfter, publishedBefore, sort } = query;
  const filed = (table: string, term: string | null) =>
    term === null
      ? []
      : [
          Prisma.sql`id IN (SELECT article_id FROM ${Prisma.raw(`article_${table}s`)} WHERE ${Prisma.raw(`${table}_id`)} = ${term}::uuid)`,
        ];
  return [
    ...within,
    ...filed("tag", tag),
    ...filed("author", author),
    ...(publishedAfter === undefined ? [] : [Prisma.sql`published_at > ${publishedAfter}::timestamptz`]),
    ...(publishedBefore === undefined ? [] : [Prisma.sql`published_at < ${publishedBefore}::timestamptz`]),
    ...(sort === "updated" ? [] : updatedWithin(query)),
  ];
}

function updatedWithin({ updatedAfter }: ArticleQuery): Prisma.Sql[] {
  return updatedAfter === undefined ? [] : [Prisma.sql`updated_at > ${updatedAfter}::timestamptz`];
}
