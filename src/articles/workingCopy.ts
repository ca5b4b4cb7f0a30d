import { v7 as uuid } from "uuid";
import { isKept, requireReach, withinSight } from "../access/reach.ts";
import type { Prisma, Transaction } from "../database/client.ts";
import { type Actor, actorOf, concern } from "../database/transactions.ts";
import type { Article as ArticleRow, ArticleStatus, LinkKind } from "../database/generated/client.ts";
import { type Precondition, checkRevision } from "../http/conditional.ts";
import { problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import type { Term } from "../taxonomy/store.ts";
import type { Block } from "./body.ts";
import { blockOf } from "./lists.ts";

/** What an editor has written of an article: the part that a write can change. */
export interface WorkingCopy {
  slug: string;
  headline: string;
  standfirst: string | null;
  dateline: string | null;
  language: string;
  publishedAt: Date | null;
  embargoedUntil: Date | null;
  expiresAt: Date | null;
  section: Term | null;
  tags: Term[];
  authors: Term[];
  body: Block[];
  keyPoints: KeyPoint[];
  relatedLinks: RelatedLink[];
}

export interface KeyPoint {
  id: string;
  text: string;
  blockId: string | null;
}

export interface RelatedLink {
  id: string;
  kind: LinkKind;
  /** As written; a link to an article shows that article's headline instead. */
  title: string | null;
  url: string | null;
  target: LinkTarget | null;
}

/** The article that a link leads to, as editors and, if it is live, as readers know it. */
export interface LinkTarget {
  id: string;
  headline: string;
  slug: string;
  status: ArticleStatus;
  deletedAt: Date | null;
  publication: { headline: string; slug: string } | null;
  /** Whether whoever is told of the link may know nothing more of the article than that it was once named. */
  isHidden?: true;
}

/** An article as it is stored: its working copy, and what publishing keeps beside it. */
export interface StoredArticle {
  row: ArticleRow;
  copy: WorkingCopy;
  shareCounts: { network: string; count: bigint; updatedAt: Date }[];
  corrections: { number: number; text: string; publishedAt: Date }[];
  /** The revision that the edition which waits for its time was made from; absent while none waits. */
  plannedRevision?: number | null;
  /** When `copy` is an earlier state, on which an editor's change rests that is to be merged. */
  merge?: Merge;
}

/** How a change of an earlier state of a working copy is brought into what it is now. */
export interface Merge {
  /** The ids of blocks that it has now, which new ones must not take. */
  blockIds: string[];
  /** @throws 412 when both changed the same */
  into: (changed: WorkingCopy) => Promise<{ article: StoredArticle; next: WorkingCopy }>;
}

export const linkTargetFields = {
  id: true,
  headline: true,
  slug: true,
  status: true,
  deletedAt: true,
  publication: { select: { headline: true, slug: true, liveFrom: true, liveUntil: true } },
} satisfies Prisma.ArticleSelect;

/** What a link leads to, with its publication only if readers see that now. */
export function linkTarget(row: Prisma.ArticleGetPayload<{ select: typeof linkTargetFields }>): LinkTarget {
  const { id, headline, slug, status, deletedAt, publication } = row;
  return {
    id,
    headline,
    slug,
    status,
    deletedAt,
    publication: publication !== null && isLive(publication) ? publication : null,
  };
}

/** Whether readers see a publication at this moment. */
export function isLive({ liveFrom, liveUntil }: { liveFrom: Date; liveUntil: Date | null }): boolean {
  const now = new Date();
  return liveFrom <= now && (liveUntil === null || liveUntil > now);
}

const inOrder = { orderBy: { position: "asc" } } as const;
const parts = {
  section: true,
  tags: { include: { tag: true }, ...inOrder },
  authors: { include: { author: true }, ...inOrder },
  keyPoints: inOrder,
  relatedLinks: { include: { target: { select: linkTargetFields } }, ...inOrder },
  shareCounts: { orderBy: { network: "asc" } },
  corrections: { orderBy: { number: "asc" } },
} as const satisfies Prisma.ArticleInclude;
export const articleParts = { ...parts, blocks: inOrder } as const satisfies Prisma.ArticleInclude;

/** The newest edition, which may wait for its time. */
const newest = {
  editions: { orderBy: { version: "desc" }, take: 1, select: { version: true, revision: true } },
} as const satisfies Prisma.ArticleInclude;

type RowWithParts = Prisma.ArticleGetPayload<{ include: typeof parts }> & {
  blocks?: Prisma.BlockGetPayload<object>[];
  editions?: Prisma.ArticleGetPayload<{ include: typeof newest }>["editions"];
};

/**
 * Reads an article with its working copy.
 *
 * @param reference its id, or a slug that it has or was published under
 * @param actor who is told of it, and by its links of no other article that is beyond its reach
 * @throws 404 when there is none, or it is in the trash
 */
export async function loadArticle(
  tx: Transaction,
  reference: string,
  actor: Actor | null = actorOf(tx),
): Promise<StoredArticle> {
  const id = await articleIdOf(tx, reference);
  const row =
    id === undefined
      ? null
      : await tx.article.findUnique({
          relationLoadStrategy: "join",
          where: { id, deletedAt: null },
          include: { ...articleParts, ...newest },
        });
  if (row === null) throw noArticle(reference);
  const article = storedArticle(row);
  await hideTargets(tx, actor, [article]);
  return article;
}

/** Leaves of the links of articles nothing of what they lead to and the actor may not see. */
export async function hideTargets(
  tx: Transaction,
  actor: Actor | null,
  articles: readonly Pick<StoredArticle, "copy">[],
): Promise<void> {
  const targets = articles.flatMap(({ copy }) => copy.relatedLinks.flatMap(({ target }) => target ?? []));
  const unknown = targets.filter(({ publication }) => publication === null);
  if (!isKept(actor) || unknown.length === 0) return;
  const ids = unknown.map(({ id }) => id);
  const seen = new Set(await withinSight(tx, ids, actor));
  for (const target of unknown) if (!seen.has(target.id)) target.isHidden = true;
}

/**
 * The id of the article that a path names.
 *
 * @throws 404 when there is none, or it is in the trash
 */
export async function existingArticleId(tx: Transaction, reference: string): Promise<string> {
  const id = await articleIdOf(tx, reference);
  const found = id && (await tx.article.findUnique({ where: { id, deletedAt: null }, select: { id: true } }));
  if (!found) throw noArticle(reference);
  return found.id;
}

/**
 * Reads a page of working copies without bodies.
 *
 * @param query which, in which order and how many; of what is in the trash if so asked
 */
export async function findArticles(
  tx: Transaction,
  query: Prisma.ArticleFindManyArgs & { inTrash?: boolean },
): Promise<StoredArticle[]> {
  const { where, inTrash = false, ...rest } = query;
  const rows = await tx.article.findMany({
    ...rest,
    relationLoadStrategy: "join",
    where: { AND: [{ deletedAt: inTrash ? { not: null } : null }, where ?? {}] },
    include: { ...parts, ...newest },
  });
  return rows.map(storedArticle);
}

/**
 * Reads an article to change it, and keeps others from changing it until the transaction ends.
 *
 * @throws 404 when there is none that the actor may know of, 403 when it may not change it, 412 when its revision is not the one demanded
 */
export async function lockArticle(
  tx: Transaction,
  reference: string,
  wanted?: Precondition,
): Promise<StoredArticle> {
  const id = await articleIdOf(tx, reference);
  if (id === undefined) throw noArticle(reference);
  // NO KEY: links to this article from others may be written meanwhile.
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
  const article = await loadArticle(tx, id);
  await requireReach(tx, actorOf(tx), id, reference);
  concern(tx, "articles", id);
  checkRevision(wanted, article.row);
  return article;
}

/**
 * The id of the article that a path names, for what stands beside its working copy.
 *
 * @throws 404 when there is none, or it is in the trash
 */
export async function requireArticle(tx: Transaction, reference: string): Promise<string> {
  const id = await articleIdOf(tx, reference);
  if (id === undefined || (await tx.article.count({ where: { id, deletedAt: null } })) === 0) {
    throw noArticle(reference);
  }
  await requireReach(tx, actorOf(tx), id, reference);
  concern(tx, "articles", id);
  return id;
}

/** The id of the article that a path names. */
export async function articleIdOf(tx: Transaction, reference: string): Promise<string | undefined> {
  if (isId(reference)) return reference.toLowerCase();
  const slug = await tx.slug.findUnique({ where: { slug: reference }, select: { articleId: true } });
  return slug?.articleId ?? undefined;
}

/** The same, also of an article that was purged, by whatever slug it was ever published under. */
export async function onceArticleIdOf(tx: Transaction, reference: string): Promise<string | undefined> {
  if (isId(reference)) return reference.toLowerCase();
  const slug = await tx.slug.findUnique({ where: { slug: reference } });
  return slug?.articleId ?? slug?.tombstoneId ?? undefined;
}

export function storedArticle(row: RowWithParts): StoredArticle {
  const { section, tags, authors, blocks, keyPoints, relatedLinks, shareCounts, corrections, ...rest } = row;
  const { editions, ...article } = rest;
  const last = editions?.at(-1);
  const { slug, headline, standfirst, dateline, language } = article;
  const { publishedAt, embargoedUntil, expiresAt } = article;
  return {
    row: article,
    copy: {
      slug,
      headline,
      standfirst,
      dateline,
      language,
      publishedAt,
      embargoedUntil,
      expiresAt,
      section,
      tags: tags.map(({ tag }) => tag),
      authors: authors.map(({ author }) => author),
      body: (blocks ?? []).map(blockOf),
      keyPoints: keyPoints.map(({ id, text, blockId }) => ({ id, text, blockId })),
      relatedLinks: relatedLinks.map(({ id, kind, title, url, target }) => ({
        id,
        kind,
        title,
        url,
        target: target === null ? null : linkTarget(target),
      })),
    },
    shareCounts,
    corrections,
    ...(last !== undefined && last.version > article.version && { plannedRevision: last.revision }),
  };
}

function noArticle(reference: string) {
  return problem("not-found", `There is no article ${reference}.`);
}

/** An id for something new, ordered by time (RFC 9562, section 5.7). */
export function newId(): string {
  return uuid();
}
