import type { Transaction } from "../database/client.ts";
import { type FieldError, invalidContent, pathPointer, problem } from "../http/problems.ts";
import type { Deed } from "../revisions/record.ts";
import { resolveTerms } from "../taxonomy/store.ts";
import type { TermReference } from "../taxonomy/schema.ts";
import { type Block, withBlockIds } from "./body.ts";
import { keyPointsFrom } from "./keyPoints.ts";
import { relatedLinksFrom } from "./relatedLinks.ts";
import type { ArticleInput, ArticlePatch } from "./schema.ts";
import { claimSlug, claimSlugFor, releaseSlug } from "./slugs.ts";
import { insertArticle, saveArticle } from "./save.ts";
import { type StoredArticle, type WorkingCopy, newId } from "./workingCopy.ts";

/** A change of a working copy: what it becomes, and what speaks against it. */
export interface Edit {
  copy: WorkingCopy;
  errors: FieldError[];
}

const blank = {
  standfirst: null,
  dateline: null,
  language: "en",
  publishedAt: null,
  embargoedUntil: null,
  expiresAt: null,
  section: null,
  tags: [],
  authors: [],
  body: [],
  keyPoints: [],
  relatedLinks: [],
} satisfies Omit<WorkingCopy, "slug" | "headline">;

/**
 * Makes an article with its key points, links, body and terms.
 *
 * @throws 409 when its slug is taken, 422 when something in it names what does not exist
 */
export async function createArticle(
  tx: Transaction,
  input: ArticleInput,
  deed: Deed = { action: "created" },
): Promise<StoredArticle> {
  const id = newId();
  let { slug } = input;
  if (slug === undefined) slug = await claimSlugFor(tx, id, input.headline);
  else await claimSlug(tx, id, slug);
  const copy = await merged(tx, id, { ...blank, headline: input.headline, slug }, input);
  return insertArticle(tx, id, copy, deed);
}

/** Changes what a merge patch names and leaves the rest (RFC 7396). */
export async function patchArticle(
  tx: Transaction,
  article: StoredArticle,
  patch: ArticlePatch,
): Promise<StoredArticle> {
  refuseHistory(article, patch.publishedAt);
  refuseLateEmbargo(article, patch.embargoedUntil);
  const { row, copy, merge } = article;
  return editArticle(tx, article, await merged(tx, row.id, copy, patch, copy.body, merge?.blockIds));
}

/** Puts a whole article in the place of another. The slug and the dates stay when they are left out. */
export async function replaceArticle(
  tx: Transaction,
  article: StoredArticle,
  input: ArticleInput,
): Promise<StoredArticle> {
  const { slug, headline, publishedAt, embargoedUntil, expiresAt, body, keyPoints, relatedLinks } =
    article.copy;
  refuseHistory(article, input.publishedAt);
  refuseLateEmbargo(article, input.embargoedUntil);
  const dates = { publishedAt, embargoedUntil, expiresAt };
  const kept = { ...blank, slug, headline, ...dates, keyPoints, relatedLinks };
  return editArticle(
    tx,
    article,
    await merged(
      tx,
      article.row.id,
      kept,
      { keyPoints: [], relatedLinks: [], ...input },
      body,
      article.merge?.blockIds,
    ),
  );
}

/**
 * Saves a changed working copy, moving the article to another slug if it names one.
 *
 * @throws 412 when the change was to be merged and collides with another
 */
export async function editArticle(
  tx: Transaction,
  found: StoredArticle,
  changed: WorkingCopy,
): Promise<StoredArticle> {
  const { article, next } = (await found.merge?.into(changed)) ?? { article: found, next: changed };
  const { slug } = article.copy;
  if (next.slug === slug) return saveArticle(tx, article, next);
  await claimSlug(tx, article.row.id, next.slug);
  const saved = await saveArticle(tx, article, next);
  await releaseSlug(tx, slug);
  return saved;
}

function refuseHistory(article: StoredArticle, publishedAt: string | null | undefined): void {
  if (publishedAt === undefined || article.row.version === 0) return;
  if (publishedAt !== (article.copy.publishedAt?.toISOString() ?? null)) {
    throw problem(
      "wrong-state",
      "The article has been published, so publishedAt is history and cannot be changed. Leave it out.",
    );
  }
}

/** What waits for its time has been made, and would not wait for an embargo that is written now. */
function refuseLateEmbargo({ row }: StoredArticle, embargoedUntil: string | null | undefined): void {
  const { scheduledFor } = row;
  if (embargoedUntil == null || scheduledFor === null || new Date(embargoedUntil) <= scheduledFor) return;
  throw problem(
    "wrong-state",
    `An edition waits for ${scheduledFor.toISOString()}, and would not wait for this embargo. Cancel it first, and schedule it again after.`,
  );
}

/** @throws 422 with every fault at once */
async function merged(
  tx: Transaction,
  articleId: string,
  copy: WorkingCopy,
  patch: ArticlePatch,
  before?: readonly Block[],
  takenBlockIds: readonly string[] = [],
): Promise<WorkingCopy> {
  const errors: FieldError[] = [];
  const collect = <Value>(found: { errors: FieldError[] } & Value) => {
    errors.push(...found.errors);
    return found;
  };
  const next: WorkingCopy = { ...copy };
  if (patch.headline !== undefined) next.headline = patch.headline;
  if (patch.slug !== undefined) next.slug = patch.slug;
  if (patch.standfirst !== undefined) next.standfirst = patch.standfirst;
  if (patch.dateline !== undefined) next.dateline = patch.dateline;
  if (patch.language !== undefined) next.language = patch.language ?? blank.language;
  if (patch.publishedAt !== undefined) {
    next.publishedAt = patch.publishedAt === null ? null : new Date(patch.publishedAt);
    if (next.publishedAt !== null && next.publishedAt.getTime() > Date.now()) {
      errors.push({ pointer: "#/publishedAt", detail: "must not be in the future" });
    }
  }
  for (const field of ["embargoedUntil", "expiresAt"] as const) {
    const moment = patch[field];
    if (moment !== undefined) next[field] = moment === null ? null : new Date(moment);
  }
  if (patch.expiresAt !== undefined && next.expiresAt !== null && next.expiresAt.getTime() <= Date.now())
    errors.push({ pointer: "#/expiresAt", detail: "must be in the future" });
  if (patch.section !== undefined) {
    const named = patch.section === null ? [] : [patch.section];
    next.section = collect(await resolveTerms(tx, "section", named, () => ["section"])).terms[0] ?? null;
  }
  for (const { field, kind } of termLists) {
    const references: TermReference[] | null | undefined = patch[field];
    if (references === undefined) continue;
    next[field] = collect(await resolveTerms(tx, kind, references ?? [], (index) => [field, index])).terms;
  }
  if (patch.relatedLinks !== undefined) {
    const links = await relatedLinksFrom(tx, articleId, copy.relatedLinks, patch.relatedLinks ?? [], [
      "relatedLinks",
    ]);
    next.relatedLinks = collect(links).relatedLinks;
  }
  if (patch.body !== undefined) {
    const isNew = before === undefined;
    const commented = isNew
      ? []
      : await tx.comment.findMany({ where: { articleId }, select: { blockId: true } });
    const taken = [...takenBlockIds, ...commented.flatMap(({ blockId }) => blockId ?? [])];
    next.body = withBlockIds(patch.body ?? [], before, taken);
  }
  if (patch.keyPoints !== undefined) {
    next.keyPoints = collect(
      await keyPointsFrom(tx, articleId, copy.keyPoints, patch.keyPoints ?? [], ["keyPoints"]),
    ).keyPoints;
  }
  const held = collect(tied(copy, next, patch));
  if (errors.length > 0) throw invalidContent(errors);
  return held.copy;
}

const termLists = [
  { field: "tags", kind: "tag" },
  { field: "authors", kind: "author" },
] as const;

/**
 * Keeps what refers to each other together. What the request itself names must exist; what an
 * earlier write named and this one took away is let go of.
 */
function tied(before: WorkingCopy, next: WorkingCopy, patch: ArticlePatch): Edit {
  const errors: FieldError[] = [];
  const links = new Set(next.relatedLinks.map((link) => link.id));
  const isDangling = (block: Block) => block.type === "relatedLink" && !links.has(block.relatedLinkId);
  if (patch.body !== undefined) {
    for (const [index, block] of next.body.entries()) {
      if (isDangling(block)) {
        errors.push({
          pointer: pathPointer(["body", index, "relatedLinkId"]),
          detail: "is not the id of one of the article's related links",
        });
      }
    }
  }
  const body =
    patch.body === undefined && next.body.some(isDangling)
      ? next.body.filter((block) => !isDangling(block))
      : next.body;
  const blocks = new Set(body.map((block) => block.id));
  const known = new Map(before.keyPoints.map((point) => [point.id, point.blockId]));
  const keyPoints = next.keyPoints.map((point, index) => {
    if (point.blockId === null || blocks.has(point.blockId)) return point;
    if (known.get(point.id) !== point.blockId) {
      errors.push({
        pointer: pathPointer(["keyPoints", index, "blockId"]),
        detail: "is not the id of a block of the body",
      });
    }
    return { ...point, blockId: null };
  });
  return { copy: { ...next, body, keyPoints }, errors };
}
