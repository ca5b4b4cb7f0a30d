import { Prisma, type Transaction } from "../database/client.ts";
import { type Total, countUpTo, expectedRows } from "../database/counting.ts";
import { MOST_GATHERED, MOST_WALKED, type Position, conjunction } from "./listings.ts";
import type { ArticleQuery } from "./schema.ts";

/** The articles with a tag, or by an author. */
interface Linked {
  /** Selects their ids, which the index of the link has in order. */
  ids: Prisma.Sql;
  /**
   * That an article in a row with its id is one of them. OFFSET keeps it one look-up for each row, where PostgreSQL would rather read all
   * articles than some by their keys.
   */
  has: (row: "articles" | "linked") => Prisma.Sql;
  /** How many there are, by PostgreSQL's statistics. */
  size: number;
}

/** What a list of working copies is narrowed by that is known by an id. */
export interface DraftTerms {
  section: string | null;
  /** Those with the tag and those by the author that are asked for, the fewer first. */
  linked: Linked[];
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
  const [terms] = await tx.$queryRaw<[Record<(typeof kinds)[number], string | null>]>`
    SELECT (SELECT id FROM sections WHERE slug = ${query.section}) AS section,
           (SELECT id FROM tags WHERE slug = ${query.tag}) AS tag,
           (SELECT id FROM authors WHERE slug = ${query.author}) AS author`;
  const { section, tag, author } = terms;
  if (kinds.some((kind) => query[kind] !== undefined && terms[kind] === null)) return undefined;
  const linked = [
    ...(tag === null ? [] : [linkedBy(Prisma.sql`article_tags`, Prisma.sql`tag_id`, tag)]),
    ...(author === null ? [] : [linkedBy(Prisma.sql`article_authors`, Prisma.sql`author_id`, author)]),
  ];
  return { section, linked: await fewestFirst(tx, linked), within };
}

const kinds = ["section", "tag", "author"] as const;

function linkedBy(table: Prisma.Sql, column: Prisma.Sql, term: string): Omit<Linked, "size"> {
  const links = Prisma.sql`FROM ${table} WHERE ${column} = ${term}::uuid`;
  return {
    ids: Prisma.sql`SELECT article_id AS id ${links}`,
    has: (row) => Prisma.sql`EXISTS (SELECT ${links} AND article_id = ${Prisma.raw(row)}.id OFFSET 0)`,
  };
}

async function fewestFirst(tx: Transaction, linked: Omit<Linked, "size">[]): Promise<Linked[]> {
  const sizes = await expectedRows(
    tx,
    linked.map(({ ids }) => ids),
  );
  return linked
    .map((one, index) => ({ ...one, size: sizes[index] ?? 0 }))
    .toSorted((a, b) => a.size - b.size);
}

/**
 * How many articles of a walk are held against a link while one is looked up by its id, about (1.5 and 3.3 µs, measured
 * on a million): a walk may go on for as long as gathering what is linked would take.
 */
const LOOKS_PER_ARTICLE = 2;

/**
 * Finds the rows of a page and the one after it, as `findListed` does: by a walk in the order of the list where much
 * fits, and where little does by gathering it. Where ids are that order, the walk is through what has the tag or the
 * author.
 */
export async function findDrafts(
  tx: Transaction,
  query: ArticleQuery,
  terms: DraftTerms,
  after: Position | undefined,
): Promise<DraftRow[]> {
  const onwards = after === undefined ? [] : [beyond(query, after)];
  const page = Prisma.sql`ORDER BY ${order(query)} LIMIT ${query.limit + 1}`;
  const { along, across } = filtersOf(query, terms);
  const [fewest, ...others] = terms.linked;
  const byLinks = query.sort === "updated" ? undefined : fewest;
  const inOrder =
    byLinks === undefined
      ? Prisma.sql`${selectWhere([...along, ...onwards])} ORDER BY ${order(query)}`
      : Prisma.sql`SELECT id FROM (${byLinks.ids}) linked WHERE ${conjunction(onwards)} ORDER BY ${order(query)}`;
  const walked = (bound: Prisma.Sql) => {
    const rows = Prisma.sql`${inOrder} ${bound}`;
    const fitting =
      byLinks === undefined
        ? Prisma.sql`SELECT id, updated_at FROM (${rows}) articles WHERE ${conjunction([...across, ...hasAll("articles", terms.linked)])}`
        : selectEach(rows, others, [...along, ...across]);
    return Prisma.sql`${fitting} ${page}`;
  };
  if (fewest === undefined && across.length === 0) return tx.$queryRaw<DraftRow[]>(walked(Prisma.empty));
  const most =
    byLinks === undefined ? Math.max(MOST_WALKED, LOOKS_PER_ARTICLE * (fewest?.size ?? 0)) : MOST_WALKED;
  const rows = await tx.$queryRaw<DraftRow[]>(walked(Prisma.sql`LIMIT ${most}`));
  if (rows.length > query.limit) return rows;
  const [more] = await tx.$queryRaw<unknown[]>`${inOrder} LIMIT 1 OFFSET ${most}`;
  if (more === undefined) return rows;
  const [expected = 0] = await expectedRows(tx, [selectWhere([...along, ...across])]);
  if (Math.min(expected, fewest?.size ?? expected) > MOST_GATHERED)
    return tx.$queryRaw<DraftRow[]>(walked(Prisma.empty));
  const rest = [...along, ...across, ...onwards];
  const selected =
    fewest !== undefined && fewest.size <= expected
      ? selectEach(fewest.ids, others, rest)
      : selectWhere([...rest, ...hasAll("articles", terms.linked)]);
  return tx.$queryRaw<DraftRow[]>`
    WITH found AS MATERIALIZED (${selected}) SELECT id, updated_at FROM found ${page}`;
}

/** Counts the working copies that a list is of. */
export async function countDrafts(tx: Transaction, query: ArticleQuery, terms: DraftTerms): Promise<Total> {
  const { along, across } = filtersOf(query, terms);
  const filters = [...along, ...across];
  const [fewest, ...others] = terms.linked;
  const all = selectDrafts(query, terms);
  if (fewest === undefined) return countUpTo(tx, all);
  return countUpTo(
    tx,
    filters.length === 0 ? selectKept(fewest.ids, others) : selectEach(fewest.ids, others, filters),
    all,
  );
}

/** Selects the working copies that a list is of, those in the trash left out. */
export function selectDrafts(query: ArticleQuery, terms: DraftTerms): Prisma.Sql {
  const { along, across } = filtersOf(query, terms);
  return selectWhere([...along, ...across, ...terms.linked.map(({ ids }) => Prisma.sql`id IN (${ids})`)]);
}

function selectWhere(filters: Prisma.Sql[]): Prisma.Sql {
  return Prisma.sql`SELECT id, published_at, updated_at FROM articles WHERE ${conjunction([isKept, ...filters])}`;
}

const isKept = Prisma.sql`deleted_at IS NULL`;

/** Selects of some articles those that have more links and, each looked up by its id, fit. */
function selectEach(ids: Prisma.Sql, others: Linked[], filters: Prisma.Sql[]): Prisma.Sql {
  return Prisma.sql`
    SELECT linked.id, updated_at FROM (${ids}) linked
    CROSS JOIN LATERAL (SELECT updated_at FROM articles WHERE articles.id = linked.id AND ${conjunction([isKept, ...filters])} OFFSET 0) fitting
    WHERE ${conjunction(hasAll("linked", others))}`;
}

/** Selects the ids of some articles that have more links, and are not among the few in the trash. */
function selectKept(ids: Prisma.Sql, others: Linked[]): Prisma.Sql {
  return Prisma.sql`
    SELECT id FROM (${ids}) linked
    WHERE id NOT IN (SELECT id FROM articles WHERE deleted_at IS NOT NULL) AND ${conjunction(hasAll("linked", others))}`;
}

function hasAll(row: "articles" | "linked", linked: Linked[]): Prisma.Sql[] {
  return linked.map(({ has }) => has(row));
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

/** What a list is narrowed by but for links: what indexes have in its order, and what lies across that. */
function filtersOf(query: ArticleQuery, { section, within }: DraftTerms) {
  const { language, status, ids, publishedAfter, publishedBefore, updatedAfter, sort } = query;
  const updated = updatedAfter === undefined ? [] : [Prisma.sql`updated_at > ${updatedAfter}::timestamptz`];
  return {
    along: [
      ...(section === null ? [] : [Prisma.sql`section_id = ${section}::uuid`]),
      ...(language === undefined ? [] : [Prisma.sql`language = ${language}`]),
      ...(status === undefined ? [] : [Prisma.sql`status = ${status}::"ArticleStatus"`]),
      ...(ids === undefined ? [] : [Prisma.sql`id = ANY (${ids}::uuid[])`]),
      ...(sort === "updated" ? updated : []),
    ],
    across: [
      ...within,
      ...(publishedAfter === undefined ? [] : [Prisma.sql`published_at > ${publishedAfter}::timestamptz`]),
      ...(publishedBefore === undefined ? [] : [Prisma.sql`published_at < ${publishedBefore}::timestamptz`]),
      ...(sort === "updated" ? [] : updated),
    ],
  };
}
