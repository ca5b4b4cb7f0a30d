import { Prisma, type Transaction } from "../database/client.ts";
import { type Position, conjunction } from "./listings.ts";
import type { ArticleQuery } from "./schema.ts";

/** What working copies are filed under that a list is narrowed by. */
export interface DraftTerms {
  section: string | null;
  tag: string | null;
  author: string | null;
}

/**
 * The ids of the section, tag and author that a list of working copies is narrowed by.
 *
 * @returns undefined when one of them is unknown, so that nothing can be listed
 */
export async function draftTermsOf(tx: Transaction, query: ArticleQuery): Promise<DraftTerms | undefined> {
  const { section, tag, author } = query;
  const [terms] = await tx.$queryRaw<[DraftTerms]>`
    SELECT (SELECT id FROM sections WHERE slug = ${section}) AS section,
           (SELECT id FROM tags WHERE slug = ${tag}) AS tag,
           (SELECT id FROM authors WHERE slug = ${author}) AS author`;
  const isKnown = (["section", "tag", "author"] as const).every(
    (kind) => query[kind] === undefined || terms[kind] !== null,
  );
  return isKnown ? terms : undefined;
}

/** The statement for a page of working copies and the one after it. */
export function draftPage(query: ArticleQuery, terms: DraftTerms, after?: Position): Prisma.Sql {
  const byTime = query.sort === "updated";
  const direction = query.sort === "oldest" ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  const beyond = query.sort === "oldest" ? Prisma.sql`>` : Prisma.sql`<`;
  const [time, id] = after ?? [];
  const onwards = byTime
    ? Prisma.sql`(updated_at, id) ${beyond} (${time}::timestamptz, ${id}::uuid)`
    : Prisma.sql`id ${beyond} ${id}::uuid`;
  // Ids are made in the order of time, so the newest has the greatest.
  const order = byTime ? Prisma.sql`updated_at ${direction}, id ${direction}` : Prisma.sql`id ${direction}`;
  return Prisma.sql`
    ${selectDrafts(query, terms)} ${after === undefined ? Prisma.empty : Prisma.sql`AND ${onwards}`}
    ORDER BY ${order} LIMIT ${query.limit + 1}`;
}

/** Selects the working copies that a list is of, those in the trash left out. */
export function selectDrafts(query: ArticleQuery, { section, tag, author }: DraftTerms): Prisma.Sql {
  const { language, ids, publishedAfter, publishedBefore, updatedAfter, status } = query;
  const filters = [Prisma.sql`deleted_at IS NULL`];
  if (section !== null) filters.push(Prisma.sql`section_id = ${section}::uuid`);
  if (tag !== null)
    filters.push(Prisma.sql`id IN (SELECT article_id FROM article_tags WHERE tag_id = ${tag}::uuid)`);
  if (author !== null)
    filters.push(Prisma.sql`id IN (SELECT article_id FROM article_authors WHERE author_id = ${author}::uuid)`);
  if (language !== undefined) filters.push(Prisma.sql`language = ${language}`);
  if (ids !== undefined) filters.push(Prisma.sql`id = ANY (${ids}::uuid[])`);
  if (publishedAfter !== undefined) filters.push(Prisma.sql`published_at > ${publishedAfter}::timestamptz`);
  if (publishedBefore !== undefined) filters.push(Prisma.sql`published_at < ${publishedBefore}::timestamptz`);
  if (updatedAfter !== undefined) filters.push(Prisma.sql`updated_at > ${updatedAfter}::timestamptz`);
  if (status !== undefined) filters.push(Prisma.sql`status = ${status}::"ArticleStatus"`);
  return Prisma.sql`SELECT id, updated_at FROM articles WHERE ${conjunction(filters)}`;
}
