import { findArticles } from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import type { Cursors } from "../http/paging.ts";
import { withShares } from "./document.ts";
import { oncePublished, shareCountsOf } from "./read.ts";
import type { ArticleQuery, PlainQuery } from "./schema.ts";

/** A page of a list: its items as JSON text, and where it goes on. */
export interface ListedPage {
  items: string[];
  next: string | null;
  total: number | undefined;
}

interface ListRow {
  article_id: string;
  summary: string;
  position: Date;
  shares: Record<string, number> | null;
}

/** The column that a sort goes by, and which way. Ties are broken by id, so that cursors are exact. */
const sorts = {
  newest: { column: Prisma.sql`p.published_at`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
  oldest: { column: Prisma.sql`p.published_at`, direction: Prisma.sql`ASC`, beyond: Prisma.sql`>` },
  updated: { column: Prisma.sql`p.updated_at`, direction: Prisma.sql`DESC`, beyond: Prisma.sql`<` },
};

/** Lists what is live. */
export async function listLive(
  tx: Transaction,
  cursors: Cursors,
  query: PlainQuery & { sort: keyof typeof sorts },
): Promise<ListedPage> {
  const { column, direction, beyond } = sorts[query.sort];
  const filters = liveFilters(query);
  const listName = nameOf("live", query);
  const after = query.cursor === undefined ? [] : cursors.read(listName, query.cursor);
  const onwards =
    after.length === 0
      ? []
      : [Prisma.sql`(${column}, p.article_id) ${beyond} (${after[0]}::timestamptz, ${after[1]}::uuid)`];
  const rows = await tx.$queryRaw<ListRow[]>`
    SELECT p.article_id, p.summary, ${column} AS position, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM publications p WHERE ${conjunction([...filters, ...onwards])}
    ORDER BY ${column} ${direction}, p.article_id ${direction} LIMIT ${query.limit + 1}`;
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ summary, shares }) => withShares(summary, shares ?? {})),
    next: last === undefined ? null : cursors.write(listName, [last.position.toISOString(), last.article_id]),
    total: query.count ? await countLive(tx, filters) : undefined,
  };
}

/** Lists what is live of the articles with these ids, in the order asked, and why others are missing. */
export async function listLiveByIds(tx: Transaction, query: ArticleQuery & { ids: string[] }) {
  const rows = await tx.$queryRaw<ListRow[]>`
    SELECT p.article_id, p.summary, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM publications p WHERE ${conjunction(liveFilters(query))}`;
  const found = new Map(rows.map((row) => [row.article_id, withShares(row.summary, row.shares ?? {})]));
  const absent = query.ids.filter((id) => !found.has(id));
  const once = await oncePublished(tx, absent);
  const live = await tx.publication.findMany({
    where: { articleId: { in: absent } },
    select: { articleId: true },
  });
  const filtered = new Set(live.map(({ articleId }) => articleId));
  const items = query.ids.flatMap((id) => found.get(id) ?? []);
  return {
    items,
    total: query.count ? items.length : undefined,
    missing: absent.map((id) => ({
      id,
      reason: filtered.has(id) ? "filtered" : once.has(id) ? "gone" : "not-found",
    })),
  };
}

/** What a list of live articles is narrowed by, on publications as p. */
export function liveFilters(query: ArticleQuery): Prisma.Sql[] {
  const { section, tag, author, language, ids, publishedAfter, publishedBefore, updatedAfter } = query;
  const filters: Prisma.Sql[] = [];
  const term = (table: string, slug: string) =>
    Prisma.sql`p.terms @> ARRAY(SELECT id FROM ${Prisma.raw(table)} WHERE slug = ${slug}) AND EXISTS (SELECT FROM ${Prisma.raw(table)} WHERE slug = ${slug})`;
  if (section !== undefined) filters.push(term("sections", section));
  if (tag !== undefined) filters.push(term("tags", tag));
  if (author !== undefined) filters.push(term("authors", author));
  if (language !== undefined) filters.push(Prisma.sql`p.language = ${language}`);
  if (ids !== undefined) filters.push(Prisma.sql`p.article_id = ANY (${ids}::uuid[])`);
  if (publishedAfter !== undefined) filters.push(Prisma.sql`p.published_at > ${publishedAfter}::timestamptz`);
  if (publishedBefore !== undefined)
    filters.push(Prisma.sql`p.published_at < ${publishedBefore}::timestamptz`);
  if (updatedAfter !== undefined) filters.push(Prisma.sql`p.updated_at > ${updatedAfter}::timestamptz`);
  return filters;
}

export function conjunction(conditions: Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`true` : Prisma.join(conditions, " AND ");
}

async function countLive(tx: Transaction, filters: Prisma.Sql[]): Promise<number> {
  const [row] = await tx.$queryRaw<[{ total: number }]>`
    SELECT count(*)::int AS total FROM publications p WHERE ${conjunction(filters)}`;
  return row.total;
}

/** Lists working copies, for those who may read drafts. */
export async function listDrafts(tx: Transaction, cursors: Cursors, query: ArticleQuery) {
  const listName = nameOf("draft", query);
  const after = query.cursor === undefined ? [] : cursors.read(listName, query.cursor);
  const where = draftFilters(query);
  const ascending = query.sort === "oldest";
  const direction = ascending ? "asc" : "desc";
  const beyond = ascending ? "gt" : "lt";
  const [position, id] = after;
  const onwards: Prisma.ArticleWhereInput =
    position === undefined || id === undefined
      ? {}
      : query.sort === "updated"
        ? { OR: [{ updatedAt: { lt: position } }, { updatedAt: position, id: { lt: id } }] }
        : { id: { [beyond]: id } };
  const found = await findArticles(tx, {
    where: { AND: [where, onwards] },
    // Ids are made in the order of time, so the newest has the greatest.
    orderBy: query.sort === "updated" ? [{ updatedAt: "desc" }, { id: "desc" }] : { id: direction },
    take: query.limit + 1,
  });
  const page = found.slice(0, query.limit);
  const last = found.length > query.limit ? page.at(-1) : undefined;
  return {
    articles: page,
    next:
      last === undefined ? null : cursors.write(listName, [last.row.updatedAt.toISOString(), last.row.id]),
    total: query.count ? await tx.article.count({ where: { deletedAt: null, ...where } }) : undefined,
  };
}

/** The working copies with these ids, in the order asked, and why others are missing. */
export async function listDraftsByIds(tx: Transaction, query: ArticleQuery & { ids: string[] }) {
  const found = new Map(
    (await findArticles(tx, { where: draftFilters(query) })).map((article) => [article.row.id, article]),
  );
  const absent = query.ids.filter((id) => !found.has(id));
  const others = await tx.article.findMany({
    where: { id: { in: absent }, deletedAt: null },
    select: { id: true },
  });
  const filtered = new Set(others.map(({ id }) => id));
  const articles = query.ids.flatMap((id) => found.get(id) ?? []);
  return {
    articles,
    total: query.count ? articles.length : undefined,
    missing: absent.map((id) => ({ id, reason: filtered.has(id) ? "filtered" : "not-found" })),
  };
}

function draftFilters(query: ArticleQuery): Prisma.ArticleWhereInput {
  const { section, tag, author, language, ids, publishedAfter, publishedBefore, updatedAfter, status } =
    query;
  const conditions: Prisma.ArticleWhereInput[] = [];
  if (section !== undefined) conditions.push({ section: { slug: section } });
  if (tag !== undefined) conditions.push({ tags: { some: { tag: { slug: tag } } } });
  if (author !== undefined) conditions.push({ authors: { some: { author: { slug: author } } } });
  if (language !== undefined) conditions.push({ language });
  if (ids !== undefined) conditions.push({ id: { in: ids } });
  if (publishedAfter !== undefined) conditions.push({ publishedAt: { gt: publishedAfter } });
  if (publishedBefore !== undefined) conditions.push({ publishedAt: { lt: publishedBefore } });
  if (updatedAfter !== undefined) conditions.push({ updatedAt: { gt: updatedAfter } });
  if (status !== undefined) conditions.push({ status });
  return { AND: conditions };
}

/** A cursor belongs to a list with the same filters and sort; the page's size may change. */
export function nameOf(kind: string, query: ArticleQuery): string {
  const { cursor: _, limit: __, count: ___, fields: ____, ...filters } = query;
  const named = Object.entries(filters).filter(([, value]) => value !== undefined);
  return `${kind} ${JSON.stringify(named.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}
