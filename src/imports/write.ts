import { createHash } from "node:crypto";
import { createArticle, patchArticle } from "../articles/edit.ts";
import { ArticleInput } from "../articles/schema.ts";
import { claimFormerSlug } from "../articles/slugs.ts";
import { type StoredArticle, type WorkingCopy, lockArticle, newId } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import type { ImportedItem } from "../database/generated/client.ts";
import { takeTurn } from "../editions/live.ts";
import { publish } from "../editions/publish.ts";
import { problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { validContent } from "../http/validation.ts";
import type { Newsroom } from "../newsroom.ts";
import { asItWas } from "../revisions/conflicts.ts";
import { findRevision } from "../revisions/read.ts";
import { ensureTerms } from "../taxonomy/store.ts";
import type { Outcome } from "./report.ts";
import type { Item, ResolvedArticle } from "./resolve.ts";

export interface WriteOptions {
  /** Whether to publish what readers see where it comes from. */
  publish: boolean;
  /** The language of what names none. */
  language?: string | undefined;
  /** Writes in the audit log that an article was imported. */
  note: (tx: Transaction, articleId: string) => Promise<void>;
}

/** What became of an item, with what is to be told of it. */
export interface Written {
  outcome: Outcome;
  remarks: string[];
}

/** Imports wait for each other's batches (an arbitrary number), so that an item is never made twice. */
const IMPORT_LOCK = 4_217_021;

/**
 * Makes articles of items, or brings those that were made of them before to what the items say now.
 * What says the same as the last time is left as it is, whatever was written here since; what an
 * item changes is merged with that.
 *
 * @throws 409 or 422 when an item cannot be written, and then none is
 */
export async function writeItems(
  newsroom: Newsroom,
  tx: Transaction,
  items: readonly Item[],
  options: WriteOptions,
): Promise<Written[]> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${IMPORT_LOCK})`;
  if (options.publish) await takeTurn(tx);
  const known = await knownItems(tx, items);
  const own = await ownArticles(tx, items);
  const written: Written[] = [];
  for (const item of items) {
    const ownId = own.get(item.key);
    if (ownId !== undefined && !known.has(item.key))
      throw problem(
        "conflict",
        `It is the article ${ownId} of this newsroom, which is imported from nowhere.`,
      );
    written.push(await writeItem(newsroom, tx, item, known, options));
  }
  return written;
}

async function knownItems(tx: Transaction, items: readonly Item[]): Promise<Map<string, ImportedItem>> {
  const rows = await tx.importedItem.findMany({ where: { source: { in: items.map(({ key }) => key) } } });
  return new Map(rows.map((row) => [row.source, row]));
}

/** What we ourselves have given away, as feeds and ninjs name it, is not ours to import. */
async function ownArticles(tx: Transaction, items: readonly Item[]): Promise<Map<string, string>> {
  const ids = items.flatMap(({ key }) => {
    const id = key.replace(/^urn:uuid:/i, "").toLowerCase();
    return id.length < key.length && isId(id) ? id : [];
  });
  if (ids.length === 0) return new Map();
  const rows = await tx.article.findMany({ where: { id: { in: ids } }, select: { id: true } });
  return new Map(rows.map(({ id }) => [`urn:uuid:${id}`, id]));
}

async function writeItem(
  newsroom: Newsroom,
  tx: Transaction,
  item: Item,
  known: Map<string, ImportedItem>,
  options: WriteOptions,
): Promise<Written> {
  const { key: source, article } = item;
  const remarks = [...item.remarks];
  const digest = digestOf(article);
  const before = known.get(source);
  const found = before && (await tx.article.findUnique({ where: { id: before.articleId } }));
  const isSame = before !== undefined && digest.equals(before.digest);
  const isToAppear = options.publish && article.isPublished && (found == null || found.version === 0);
  if (found?.deletedAt != null) {
    remarks.push("is in the trash here, and stays as it is");
    return { outcome: "unchanged", remarks };
  }
  if (isSame && !isToAppear) return { outcome: "unchanged", remarks };
  await ensureTerms(tx, "section", article.section === null ? [] : [article.section]);
  await ensureTerms(tx, "tag", article.tags);
  await ensureTerms(tx, "author", article.authors);
  let stored =
    before === undefined
      ? await create(tx, article, options, remarks)
      : isSame
        ? await lockArticle(tx, before.articleId)
        : await update(tx, article, before, options, remarks);
  const { id } = stored.row;
  await holdFormerSlugs(tx, stored, article, remarks);
  if (isToAppear || (options.publish && article.isPublished && stored.row.status === "published"))
    stored = await publish(newsroom, tx, id, undefined);
  const data = {
    articleId: id,
    digest: new Uint8Array(digest),
    revision: stored.row.revision,
    importedAt: new Date(),
  };
  const row = await tx.importedItem.upsert({ where: { source }, create: { source, ...data }, update: data });
  known.set(source, row);
  await options.note(tx, id);
  return { outcome: before === undefined ? "created" : "updated", remarks };
}

function digestOf(article: ResolvedArticle): Buffer {
  return createHash("sha256").update(JSON.stringify(article)).digest();
}

async function create(
  tx: Transaction,
  article: ResolvedArticle,
  { language }: WriteOptions,
  remarks: string[],
): Promise<StoredArticle> {
  const slug = await freeSlug(tx, article.slug, undefined, remarks);
  return createArticle(tx, inputOf(article, language, slug, undefined, remarks), { action: "imported" });
}

/** Brings an article to what its source says now, on top of what was written here since. */
async function update(
  tx: Transaction,
  article: ResolvedArticle,
  before: ImportedItem,
  { language }: WriteOptions,
  remarks: string[],
): Promise<StoredArticle> {
  const locked = await lockArticle(tx, before.articleId);
  const { id, revision, version } = locked.row;
  const isUntouched = revision === before.revision;
  const base = isUntouched ? undefined : await findRevision(tx, id, before.revision);
  if (!isUntouched && base === undefined)
    throw problem(
      "conflict",
      "Its source has changed it, and so has somebody here since it was imported; how it was then is not kept, so it stays as it is here.",
    );
  const rested =
    base === undefined
      ? locked
      : await asItWas(tx, locked, base, async (pointers) =>
          problem(
            "conflict",
            `Its source has changed what was changed here too (${pointers.slice(0, 5).join(", ")}), so it stays as it is here.`,
          ),
        );
  const slug = await freeSlug(tx, article.slug, id, []);
  const { publishedAt, expiresAt, ...input } = inputOf(article, language, slug, rested.copy, remarks);
  const isPast = expiresAt != null && new Date(expiresAt) <= new Date();
  return patchArticle(tx, rested, {
    ...input,
    ...(version === 0 ? { publishedAt } : {}),
    ...(isPast ? {} : { expiresAt }),
  });
}

/** The slug of the source, unless another article has it. */
async function freeSlug(
  tx: Transaction,
  slug: string | null,
  articleId: string | undefined,
  remarks: string[],
): Promise<string | null> {
  const held = slug === null ? null : await tx.slug.findUnique({ where: { slug } });
  if (held === null || held.articleId === articleId) return slug;
  remarks.push(`its slug ${slug} belongs to another article here, so it has another`);
  return null;
}

/**
 * What to write, with the ids that blocks, key points and links have already, where they say the same.
 *
 * @throws 422 with every fault
 */
function inputOf(
  article: ResolvedArticle,
  language: string | undefined,
  slug: string | null,
  copy: WorkingCopy | undefined,
  remarks: string[],
): ArticleInput {
  const term = ({ slug: known, name }: { slug: string; name: string }) => ({ slug: known, name });
  const ofLink = reuse(copy?.relatedLinks ?? [], ({ kind, title, url }) => [kind, title, url]);
  const relatedLinks = article.relatedLinks.map((link) => ({
    id: ofLink([link.kind, link.title, link.url]) ?? newId(),
    ...link,
  }));
  const ofPoint = reuse(copy?.keyPoints ?? [], ({ text }) => text);
  const ofBlock = reuse(copy?.body ?? [], (block) => inOrder({ ...block, id: undefined }));
  const body = article.body.map((draft) => {
    const block =
      draft.type === "relatedLink"
        ? { type: draft.type, relatedLinkId: relatedLinks[draft.link]?.id ?? "" }
        : draft;
    const id = ofBlock(inOrder(block));
    return id === undefined ? block : { id, ...block };
  });
  const isOver = article.expiresAt !== null && new Date(article.expiresAt) <= new Date();
  if (isOver) remarks.push(`ended there at ${article.expiresAt}, which is not planned here`);
  const isAhead = article.publishedAt !== null && new Date(article.publishedAt) > new Date();
  return validContent(ArticleInput, {
    headline: article.headline,
    ...(slug === null ? {} : { slug }),
    standfirst: article.standfirst,
    dateline: article.dateline,
    language: article.language ?? language ?? "en",
    section: article.section === null ? null : term(article.section),
    tags: article.tags.map(term),
    authors: article.authors.map(term),
    body,
    keyPoints: article.keyPoints.map((text) => {
      const id = ofPoint(text);
      return id === undefined ? text : { id, text };
    }),
    relatedLinks,
    publishedAt: isAhead ? null : article.publishedAt,
    embargoedUntil: article.embargoedUntil,
    expiresAt: isOver ? null : article.expiresAt,
  });
}

/** Gives the ids of items, each once, by what they say. */
function reuse<One extends { id: string }>(items: readonly One[], say: (item: One) => unknown) {
  const ids = Map.groupBy(items, (item) => JSON.stringify(say(item)));
  return (said: unknown): string | undefined => ids.get(JSON.stringify(said))?.shift()?.id;
}

/** The same with its properties in one order, for PostgreSQL has one of its own. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  );
}

async function holdFormerSlugs(
  tx: Transaction,
  { row, copy }: StoredArticle,
  { formerSlugs, publishedAt }: ResolvedArticle,
  remarks: string[],
): Promise<void> {
  const when = publishedAt === null ? row.createdAt : new Date(publishedAt);
  for (const slug of new Set(formerSlugs)) {
    if (slug === copy.slug || (await claimFormerSlug(tx, row.id, slug, when))) continue;
    remarks.push(`its former slug ${slug} belongs to another article here`);
  }
}
