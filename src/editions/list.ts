import type { Audience } from "../access/audience.ts";
import { type StoredArticle, findArticles } from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { type Total, countUpTo } from "../database/counting.ts";
import type { Cursors } from "../http/paging.ts";
import { withShares } from "./document.ts";
import { type DraftRow, countDrafts, draftTermsOf, findDrafts, selectDrafts } from "./draftListings.ts";
import {
  type ListRow,
  type LiveQuery,
  conjunction,
  findListed,
  hasTerms,
  selectListed,
  termsOf,
  times,
} from "./listings.ts";
import { viewFor } from "./entitled.ts";
import { oncePublished, shareCountsOf } from "./read.ts";
import { withoutUnseen } from "./unseen.ts";
import type { ArticleQuery } from "./schema.ts";

/** A page of a list: its items as JSON text, and where it goes on. */
export interface ListedPage {
  items: string[];
  next: string | null;
  count: Total | undefined;
}

/** Lists what is live. */
export async function listLive(tx: Transaction, cursors: Cursors, query: LiveQuery): Promise<ListedPage> {
  const listName = nameOf("live", query);
  const after = query.cursor === undefined ? undefined : cursors.read(listName, query.cursor);
  const terms = await termsOf(tx, query);
  if (terms === undefined) return emptyPage(query);
  const rows = await findListed(tx, query, terms, after);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    items: await itemsOf(tx, query.audience, page),
    next: last === undefined ? null : cursors.write(listName, [last.position.toISOString(), last.article_id]),
    count: query.count ? await countUpTo(tx, selectListed(query, terms)) : undefined,
  };
}

/** Rows of what is live as items of a list for an audience. */
export async function itemsOf(
  tx: Transaction,
  audience: Audience,
  rows: readonly Pick<ListRow, "summary" | "shares">[],
): Promise<string[]> {
  const summaries = await withoutUnseen(
    tx,
    audience,
    rows.map(({ summary }) => summary),
  );
  return summaries.map((summary, index) => withShares(summary, rows[index]?.shares ?? {}));
}

export function emptyPage({ count }: ArticleQuery): ListedPage {
  return { items: [], next: null, count: count ? { total: 0 } : undefined };
}

/** Lists what is live of the articles with these ids, in the order asked, and why others are missing. */
export async function listLiveByIds(tx: Transaction, query: ArticleQuery & { ids: string[] }) {
  const terms = await termsOf(tx, query);
  const rows = await tx.$queryRaw<Omit<ListRow, "position">[]>`
    SELECT p.article_id, p.summary, ${shareCountsOf(Prisma.sql`p.article_id`)} AS shares
    FROM ${viewFor(query.audience)} p JOIN search_entries s USING (article_id)
    WHERE p.article_id = ANY (${query.ids}::uuid[]) AND ${terms === undefined ? Prisma.sql`false` : conjunction([hasTerms(terms), ...times(query, "s")])}`;
  const shown = await itemsOf(tx, query.audience, rows);
  const found = new Map(rows.map((row, index) => [row.article_id, shown[index] ?? ""]));
  const absent = query.ids.filter((id) => !found.has(id));
  const once = await oncePublished(tx, absent, query.audience);
  const items = query.ids.flatMap((id) => found.get(id) ?? []);
  return {
    items,
    count: query.count ? { total: items.length } : undefined,
    missing: absent.map((id) => ({
      id,
      reason: once.get(id) === true ? "filtered" : once.has(id) ? "gone" : "not-found",
    })),
  };
}

/** Lists working copies, for those who may read drafts; `within` says which of them the caller may see. */
export async function listDrafts(
  tx: Transaction,
  cursors: Cursors,
  query: ArticleQuery,
  within: Prisma.Sql[],
) {
  const listName = nameOf("draft", query);
  const after = query.cursor === undefined ? undefined : cursors.read(listName, query.cursor);
  const terms = await draftTermsOf(tx, query, within);
  if (terms === undefined) return { articles: [], next: null, count: query.count ? { total: 0 } : undefined };
  const rows = await findDrafts(tx, query, terms, after);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  return {
    articles: await draftsOf(
      tx,
      page.map(({ id }) => id),
    ),
    next: last === undefined ? null : cursors.write(listName, [last.updated_at.toISOString(), last.id]),
    count: query.count ? await countDrafts(tx, query, terms) : undefined,
  };
}

/** The working copies with these ids, in the order asked, and why others are missing. */
export async function listDraftsByIds(
  tx: Transaction,
  query: ArticleQuery & { ids: string[] },
  within: Prisma.Sql[],
) {
  const terms = await draftTermsOf(tx, query, within);
  const rows = terms === undefined ? [] : await tx.$queryRaw<DraftRow[]>(selectDrafts(query, terms));
  const articles = await draftsOf(
    tx,
    query.ids.filter((id) => rows.some((row) => row.id === id)),
  );
  const found = new Set(articles.map(({ row }) => row.id));
  const absent = query.ids.filter((id) => !found.has(id));
  const others = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM articles WHERE ${conjunction([
      Prisma.sql`id = ANY (${absent}::uuid[])`,
      Prisma.sql`deleted_at IS NULL`,
      ...within,
    ])}`;
  const filtered = new Set(others.map(({ id }) => id));
  return {
    articles,
    count: query.count ? { total: articles.length } : undefined,
    missing: absent.map((id) => ({ id, reason: filtered.has(id) ? "filtered" : "not-found" })),
  };
}

async function draftsOf(tx: Transaction, ids: string[]): Promise<StoredArticle[]> {
  const found = await findArticles(tx, { where: { id: { in: ids } } });
  const byId = new Map(found.map((article) => [article.row.id, article]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** A cursor belongs to a list with the same filters and sort; the page's size, and who asks, may change. */
export function nameOf(kind: string, query: ArticleQuery): string {
  const {
    cursor: _,
    limit: __,
    count: ___,
    fields: ____,
    format: _____,
    audience: ______,
    ...filters
  } = query;
  const named = Object.entries(filters).filter(([, value]) => value !== undefined);
  return `${kind} ${JSON.stringify(named.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}
