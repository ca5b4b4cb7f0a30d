import { Prisma, type Transaction } from "../database/client.ts";
import { expectedRows } from "../database/counting.ts";
import { entitledChoices, entitledSpan, entitledTerms, seenOutside, shownFor } from "./entitled.ts";
import { shareCountsOf } from "./read.ts";
import type { ArticleQuery } from "./schema.ts";

/** The term that everything is listed under. */
export const EVERYTHING = "00000000-0000-0000-0000-000000000000";

/**
 * How many listings are looked through, in the order of the list, for those that its other filters
 * leave: a page is then full unless they leave less than one in fifty.
 */
export const MOST_WALKED = 1_000;
/** How many articles are gathered and sorted; where more fit, the walk goes on to where they are. */
export const MOST_GATHERED = 10_000;

/** A tag, author, section or language that a list is narrowed by. */
export interface Term {
  id: string;
  /** The part of what is live that is listed under it, by PostgreSQL's statistics; 0 for one alone, which is not compared. */
  share: number;
}

/** What a list is narrowed by that is not a matter of time. */
export type Terms = readonly [Term, ...Term[]];

/**
 * How many listings of a term an index reads while one entry is looked at, about (7 ns and 4 µs, measured on a million
 * articles): of a term that has more of them for each that others leave, what is found is looked at instead.
 */
const READ_PER_LOOK = 500;

/** The column that a sort goes by, and which way. Ties are broken by id, so that cursors are exact. */
const sorts = {
  newest: { column: Prisma.sql`published_at`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
  oldest: { column: Prisma.sql`published_at`, direction: Prisma.sql`ASC`, beyond: Prisma.sql`>` },
  updated: { column: Prisma.sql`updated_at`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
};

/** A list in the order of a time. */
export type LiveQuery = ArticleQuery & { sort: keyof typeof sorts };

/** The article that a page goes on after: the time that the list goes by, and the id. */
export type Position = readonly string[];

export interface ListRow {
  article_id: string;
  summary: string;
  position: Date;
  shares: Record<string, number> | null;
}

/**
 * The terms that a list is narrowed by, also for its audience, that with the fewest articles first as far as PostgreSQL's
 * statistics know.
 *
 * @returns undefined when one of them is unknown, so that nothing can be listed
 */
export async function termsOf(
  tx: Transaction,
  {
    tag,
    author,
    section,
    language,
    audience,
  }: Pick<ArticleQuery, "tag" | "author" | "section" | "language" | "audience">,
): Promise<Terms | undefined> {
  const asked = [tag, author, section, language].filter((name) => name !== undefined);
  const entitled = entitledTerms(audience);
  if (asked.length === 0 && entitled.length === 0) return [{ id: EVERYTHING, share: 1 }];
  const found = await tx.$queryRaw<{ term: string }[]>`
    SELECT id AS term FROM tags WHERE slug = ${tag}
    UNION ALL SELECT id FROM authors WHERE slug = ${author}
    UNION ALL SELECT id FROM sections WHERE slug = ${section}
    UNION ALL SELECT language_term(${language}) WHERE ${language}::text IS NOT NULL`;
  const ids = [...new Set([...found.map(({ term }) => term), ...entitled])];
  const [first, ...others] =
    ids.length > 1 ? await seldomFirst(tx, ids) : ids.map((id) => ({ id, share: 0 }));
  return first === undefined || found.length < asked.length ? undefined : [first, ...others];
}

async function seldomFirst(tx: Transaction, ids: string[]): Promise<Term[]> {
  const each = [...ids, EVERYTHING].map((id) => Prisma.sql`SELECT 1 FROM listings WHERE term = ${id}::uuid`);
  const expected = await expectedRows(tx, each);
  const all = Math.max(1, expected.at(-1) ?? 0);
  const terms = ids.map((id, index) => ({ id, share: (expected[index] ?? 0) / all }));
  return terms.toSorted((a, b) => a.share - b.share);
}

/** Whether no more are listed under a term than are gathered, by PostgreSQL's statistics. */
export async function isSeldom(tx: Transaction, { id }: Term): Promise<boolean> {
  if (id === EVERYTHING) return false;
  return isGathered(tx, Prisma.sql`SELECT 1 FROM listings WHERE term = ${id}::uuid`);
}

/** Whether a statement selects no more than is gathered, by PostgreSQL's statistics. */
async function isGathered(tx: Transaction, selected: Prisma.Sql): Promise<boolean> {
  const [expected = 0] = await expectedRows(tx, [selected]);
  return expected <= MOST_GATHERED;
}

/**
 * Finds the rows of a page and the one after it. The listings of the most seldom term are walked
 * through in the order of the list, and the other filters leave out what does not fit: where much
 * fits, the page is soon full. Where little fits, as is known before or when the page is not full
 * after the first thousand, that is gathered and sorted. Where much fits that is far away, because
 * of the other time than the list goes by, the list is parted there.
 */
export async function findListed(
  tx: Transaction,
  query: LiveQuery,
  terms: Terms,
  after: Position | undefined,
): Promise<ListRow[]> {
  const across = [...timesAcross(query, "l"), ...entitledChoices(query.audience, "entry", "s")];
  const [, ...others] = terms;
  const isWhole = others.length === 0 && across.length === 0;
  if (MOST_WALKED * others.reduce((part, { share }) => part * share, 1) < query.limit / 2)
    return tx.$queryRaw<ListRow[]>(gathered(query, terms, after));
  const rows = await tx.$queryRaw<ListRow[]>(walked(query, terms, after, isWhole));
  if (rows.length > query.limit || isWhole) return rows;
  const [more] = await tx.$queryRaw<unknown[]>(beyondWalk(query, terms, after));
  if (more === undefined) return rows;
  // What lies across the order of the list may leave much, all of it far from its beginning.
  if (across.length === 0 || (await isGathered(tx, selectListed(query, terms))))
    return tx.$queryRaw<ListRow[]>(gathered(query, terms, after));
  const moment = momentAcross(query);
  return tx.$queryRaw<ListRow[]>(
    moment !== undefined && (await isGathered(tx, selectListed(query, terms, [spans(moment)])))
      ? parted(query, terms, after, moment)
      : walked(query, terms, after, true),
  );
}

/** Fills a page from a term's first listings, or from as many as it takes. */
function walked(query: LiveQuery, terms: Terms, after: Position | undefined, toTheEnd: boolean): Prisma.Sql {
  const listings = toTheEnd ? listingsOf(query, terms, after) : firstListings(query, terms, after);
  return shown(query, walk(query, terms, listings));
}

function walk(query: LiveQuery, [, ...others]: Terms, listings: Prisma.Sql): Prisma.Sql {
  const { column } = sorts[query.sort];
  const filters = [
    ...others.map(({ id }) => isListed(id, "l")),
    ...timesAcross(query, "l"),
    isVisible(query, "l"),
  ];
  return Prisma.sql`
    SELECT article_id, ${column} AS position FROM (${listings}) l WHERE ${conjunction(filters)} ${pageOf(query)}`;
}

/** The listings that are walked through, in the order of the list. */
export function firstListings(query: LiveQuery, terms: Terms, after: Position | undefined): Prisma.Sql {
  return Prisma.sql`${listingsOf(query, terms, after)} LIMIT ${MOST_WALKED}`;
}

/** That an article is listed under a term too. OFFSET keeps it what it is, one look-up for each row. */
export function isListed(term: string, row: string, filters: Prisma.Sql[] = []): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT FROM listings o WHERE ${conjunction([
      Prisma.sql`o.term = ${term}::uuid`,
      Prisma.sql`o.published_at = ${Prisma.raw(row)}.published_at`,
      Prisma.sql`o.article_id = ${Prisma.raw(row)}.article_id`,
      ...filters,
    ])} OFFSET 0)`;
}

/** The same, of a term with few listings, which are read once for all rows. IS TRUE keeps it from becoming a join, which would sort. */
export function isAmongListed(term: string, row: string, filters: Prisma.Sql[] = []): Prisma.Sql {
  return Prisma.sql`(${Prisma.raw(row)}.article_id IN (
    SELECT o.article_id FROM listings o WHERE ${conjunction([Prisma.sql`o.term = ${term}::uuid`, ...filters])}
  )) IS TRUE`;
}

/** Finds whether there are more listings than are walked through. */
export function beyondWalk(query: LiveQuery, terms: Terms, after: Position | undefined): Prisma.Sql {
  return Prisma.sql`${listingsOf(query, terms, after)} LIMIT 1 OFFSET ${MOST_WALKED}`;
}

/** Gathers all that fits, however little that is of its terms, and sorts it. */
function gathered(query: LiveQuery, terms: Terms, after: Position | undefined): Prisma.Sql {
  return shown(query, gather(query, selectListed(query, terms), after));
}

function gather(query: LiveQuery, selected: Prisma.Sql, after: Position | undefined): Prisma.Sql {
  const { column } = sorts[query.sort];
  const rest = after === undefined ? Prisma.empty : Prisma.sql`AND ${onwards(query, after)}`;
  return Prisma.sql`
    WITH found AS MATERIALIZED (${selected} ${rest})
    SELECT article_id, ${column} AS position FROM found ${pageOf(query)}`;
}

/**
 * Parts a list at a moment of the other time than it goes by. Nothing was updated before it was published: what was
 * updated before the moment was published before it, and what was published after it was updated after it, so that a
 * walk there passes over nothing. What else there is was published before it and updated after, and is gathered.
 */
function parted(query: LiveQuery, terms: Terms, after: Position | undefined, moment: Prisma.Sql): Prisma.Sql {
  const side =
    query.sort === "updated" ? Prisma.sql`updated_at < ${moment}` : Prisma.sql`published_at > ${moment}`;
  const beside = walk(query, terms, listingsOf(query, terms, after, [side]));
  const across = gather(query, selectListed(query, terms, [spans(moment)]), after);
  const { direction } = sorts[query.sort];
  return shown(
    query,
    Prisma.sql`
      SELECT article_id, position FROM ((${across}) UNION ALL (${beside})) parts
      ORDER BY position ${direction}, article_id ${direction} LIMIT ${query.limit + 1}`,
  );
}

/** The moment before which, or after which, the other time than a list goes by is asked for, if it is. */
function momentAcross({ sort, publishedBefore, updatedAfter, audience }: LiveQuery): Prisma.Sql | undefined {
  if (sort !== "updated")
    return updatedAfter === undefined ? undefined : Prisma.sql`${updatedAfter}::timestamptz`;
  const ends = [publishedBefore, audience.entitlement?.until].filter(
    (end) => end !== undefined && end !== null,
  );
  return ends.length === 0
    ? undefined
    : Prisma.sql`least(${Prisma.join(ends.map((end) => Prisma.sql`${end}::timestamptz`))})`;
}

/** That an entry s was published before a moment and updated after it, as the index of these spans finds it. */
function spans(moment: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`tstzrange(least(s.published_at, s.updated_at), s.updated_at, '[]') @> ${moment}`;
}

/** Selects all that is listed under some terms, of what fits more conditions on entries s if there are any. */
export function selectListed(query: ArticleQuery, terms: Terms, more: Prisma.Sql[] = []): Prisma.Sql {
  if (more.length > 0 || terms.length > 1 || entitledChoices(query.audience, "entry", "s").length > 0) {
    const filters = [hasTerms(terms), ...times(query, "s"), ...more];
    return Prisma.sql`SELECT article_id, published_at, updated_at FROM search_entries s WHERE ${conjunction(filters)}`;
  }
  const filters = [Prisma.sql`l.term = ${terms[0].id}::uuid`, ...times(query, "l")];
  return Prisma.sql`SELECT article_id, published_at, updated_at FROM listings l WHERE ${conjunction(filters)}`;
}

/**
 * That an entry s is listed under all of some terms; everything is. The index finds it by the seldom ones, and where
 * these leave little, it is looked at for the others.
 */
export function hasTerms(terms: Terms): Prisma.Sql {
  const [first, ...others] = terms.filter(({ id }) => id !== EVERYTHING);
  if (first === undefined) return Prisma.sql`true`;
  const found = [first.id];
  const looked: Prisma.Sql[] = [];
  let left = first.share;
  for (const { id, share } of others) {
    if (share <= READ_PER_LOOK * left) found.push(id);
    else looked.push(Prisma.sql`${id}::uuid = ANY (s.terms)`);
    left *= share;
  }
  return conjunction([Prisma.sql`s.terms @> ${found}::uuid[]`, ...looked]);
}

/** What a list is narrowed by that is a matter of time, on rows that have those of an article. */
export function times(query: ArticleQuery, row: "l" | "s"): Prisma.Sql[] {
  return [...publishedWithin(query, row), ...updatedWithin(query, row), isVisible(query, row)];
}

/**
 * That what is listed is what its audience sees at this moment: a few look-ups for the whole statement, and
 * one for each row where the audience is entitled to one of several terms.
 *
 * @param row "s" for an entry, or another row that has the article's id
 */
export function isVisible({ audience }: Pick<ArticleQuery, "audience">, row: string): Prisma.Sql {
  const articleId = Prisma.raw(`${row}.article_id`);
  const hidden = Prisma.raw(audience.embargoed ? "hidden_from_partners" : "hidden");
  const outside = seenOutside(audience);
  const unseen = outside === undefined ? Prisma.empty : Prisma.sql` UNION ALL ${outside}`;
  const isShown = Prisma.sql`${articleId} <> ALL (ARRAY(SELECT article_id FROM ${hidden}${unseen}))`;
  const choices = entitledChoices(audience, "entry", row === "s" ? "s" : "entry");
  if (choices.length === 0) return isShown;
  const isEntitled =
    row === "s"
      ? conjunction(choices)
      : Prisma.sql`EXISTS (SELECT FROM search_entries entry WHERE entry.article_id = ${articleId} AND ${conjunction(choices)} OFFSET 0)`;
  return Prisma.sql`${isShown} AND ${isEntitled}`;
}

export function publishedWithin(
  {
    publishedAfter,
    publishedBefore,
    audience,
  }: Pick<ArticleQuery, "publishedAfter" | "publishedBefore" | "audience">,
  row: string,
): Prisma.Sql[] {
  const column = Prisma.raw(`${row}.published_at`);
  return [
    ...entitledSpan(audience, row),
    ...(publishedAfter === undefined ? [] : [Prisma.sql`${column} > ${publishedAfter}::timestamptz`]),
    ...(publishedBefore === undefined ? [] : [Prisma.sql`${column} < ${publishedBefore}::timestamptz`]),
  ];
}

export function updatedWithin({ updatedAfter }: ArticleQuery, row: string): Prisma.Sql[] {
  return updatedAfter === undefined
    ? []
    : [Prisma.sql`${Prisma.raw(`${row}.updated_at`)} > ${updatedAfter}::timestamptz`];
}

/** Spans of the time that a list goes by are a part of its index; those of the other time lie across it. */
function timesAlong(query: LiveQuery, row: string): Prisma.Sql[] {
  return query.sort === "updated" ? updatedWithin(query, row) : publishedWithin(query, row);
}

export function timesAcross(query: LiveQuery, row: string): Prisma.Sql[] {
  return query.sort === "updated" ? publishedWithin(query, row) : updatedWithin(query, row);
}

function listingsOf(
  query: LiveQuery,
  [term]: Terms,
  after: Position | undefined,
  more: Prisma.Sql[] = [],
): Prisma.Sql {
  const { column, direction } = sorts[query.sort];
  const filters = [Prisma.sql`l.term = ${term.id}::uuid`, ...timesAlong(query, "l"), ...more];
  if (after !== undefined) filters.push(onwards(query, after));
  return Prisma.sql`
    SELECT article_id, published_at, updated_at FROM listings l WHERE ${conjunction(filters)}
    ORDER BY ${column} ${direction}, article_id ${direction}`;
}

function onwards(query: LiveQuery, [time, id]: Position): Prisma.Sql {
  const { column, beyond } = sorts[query.sort];
  return Prisma.sql`(${column}, article_id) ${beyond} (${time}::timestamptz, ${id}::uuid)`;
}

/** The first rows of some, in the order of a list, with one more than fit on the page. */
function pageOf(query: LiveQuery): Prisma.Sql {
  const { column, direction } = sorts[query.sort];
  return Prisma.sql`ORDER BY ${column} ${direction}, article_id ${direction} LIMIT ${query.limit + 1}`;
}

function shown(query: LiveQuery, page: Prisma.Sql): Prisma.Sql {
  const { direction } = sorts[query.sort];
  return Prisma.sql`
    SELECT p.article_id, p.summary, page.position, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM (${page}) page JOIN ${shownFor(query.audience)} p ON p.article_id = page.article_id
    ORDER BY page.position ${direction}, page.article_id ${direction}`;
}

export function conjunction(conditions: Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`true` : Prisma.join(conditions, " AND ");
}
