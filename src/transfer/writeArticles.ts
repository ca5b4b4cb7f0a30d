import { isDeepStrictEqual } from "node:util";
import { titleKey } from "../articles/titles.ts";
import { saveLists } from "../articles/lists.ts";
import { columns } from "../articles/save.ts";
import type { StoredArticle } from "../articles/workingCopy.ts";
import type { Prisma, Transaction } from "../database/client.ts";
import { recordTransition } from "../desk/history.ts";
import { disappear, noteArrivals, tellReaders } from "../editions/appear.ts";
import type { EditionDocument } from "../editions/document.ts";
import { putInPlace } from "../editions/live.ts";
import { cancelPlan, planMoment } from "../editions/plan.ts";
import type { Outcome } from "../imports/report.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordRevision } from "../revisions/record.ts";
import type { Term } from "../taxonomy/store.ts";
import { asOf, historyFault, isSame, renumbered } from "./compare.ts";
import { termsOf, workingCopyOf } from "./copy.ts";
import { type HeldArticle, readArticles } from "./export.ts";
import type { ArticleLine } from "./schema.ts";
import { writeShares } from "./writeShares.ts";

/** Keeps others from changing articles until the transaction ends. */
export async function lock(tx: Transaction, ids: string[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
}

/** Brings articles to what lines say of them, each with its editions, slugs, shares and what is live. */
export async function writeArticles(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  lines: ArticleLine[],
): Promise<(Outcome | { refused: string })[]> {
  const ids = lines.map(({ id }) => id);
  await lock(tx, ids);
  const here = await readArticles(tx, ids);
  const terms = await termsOf(tx, lines);
  const outcomes: (Outcome | { refused: string })[] = [];
  for (const line of lines) {
    const existing = here.get(line.id);
    const refused = existing === undefined ? undefined : historyFault(existing.line, line);
    const sent = renumbered(asOf(now, line), existing?.line);
    if (refused !== undefined) outcomes.push({ refused });
    else if (existing !== undefined && isSame(existing.line, sent)) outcomes.push("unchanged");
    else {
      await writeArticle(newsroom, tx, now, sent, existing, terms);
      outcomes.push(existing === undefined ? "created" : "updated");
    }
  }
  return outcomes;
}

async function writeArticle(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  line: ArticleLine,
  existing: HeldArticle | undefined,
  terms: Map<string, Term>,
): Promise<void> {
  const { id } = line;
  const copy = workingCopyOf(line, terms);
  const here = existing?.stored;
  if (here !== undefined) await cancelPlan(tx, here);
  if (here?.row.status === "published" && line.live === null)
    await disappear(newsroom, tx, here.row, now, line.deletedAt === null ? "unpublished" : "deleted");
  const slugs = line.slugs.map((held) => ({ ...held, articleId: id }));
  const held = new Set(existing?.line.slugs.map(({ slug }) => slug));
  // Fails where somebody has taken one since the checks.
  await tx.slug.createMany({ data: slugs.filter(({ slug }) => !held.has(slug)) });
  for (const { slug, publishedAt } of slugs.filter((one) => held.has(one.slug)))
    await tx.slug.update({ where: { slug }, data: { publishedAt } });
  const { status, revision, version, publishedRevision, firstPublishedAt } = line;
  const { createdAt, updatedAt, deletedAt } = line;
  const data = {
    ...columns(copy),
    status,
    revision,
    version,
    publishedRevision,
    firstPublishedAt,
    scheduledFor: null,
    createdAt,
    updatedAt,
    deletedAt,
  };
  const row =
    here === undefined
      ? await tx.article.create({ data: { id, ...data } })
      : await tx.article.update({ where: { id }, data });
  await saveLists(tx, id, here?.copy, copy);
  await tx.correction.deleteMany({ where: { articleId: id } });
  await tx.correction.createMany({
    data: line.corrections.map((correction) => ({ articleId: id, ...correction })),
  });
  await tx.edition.createMany({
    data: line.editions.slice(here?.row.version ?? 0).map(({ document, ...edition }) => ({
      articleId: id,
      ...edition,
      titleKey: titleKey(document.headline),
      document: document as Prisma.InputJsonObject,
    })),
  });
  const isKnown = await showEdition(newsroom, tx, now, line, existing);
  await setEnds(tx, line);
  if (existing !== undefined) {
    const kept = line.slugs.map(({ slug }) => slug);
    await tx.slug.deleteMany({ where: { articleId: id, slug: { notIn: kept } } });
  }
  await tx.importedItem.deleteMany({ where: { articleId: id } });
  await tx.importedItem.createMany({
    data: (line.importedFrom ?? []).map(({ digest, ...item }) => ({
      ...item,
      articleId: id,
      digest: new Uint8Array(Buffer.from(digest, "hex")),
    })),
  });
  await writeShares(tx, line, existing?.line.shareCounts ?? []);
  await noteImport(tx, line, here, { row, copy, shareCounts: [], corrections: [] });
  await tellReaders(newsroom, tx, [id], isKnown ? [] : [{ id, at: now }]);
}

/**
 * Puts the edition that is live before readers, unless it is there as it should be. Which links lead
 * where is told by the file.
 *
 * @returns whether other articles show this one under the same headline and address as before
 */
async function showEdition(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  line: ArticleLine,
  existing: HeldArticle | undefined,
): Promise<boolean> {
  const { id: articleId, live, version, corrections } = line;
  const newest = line.editions.at(-1);
  if (live === null || newest === undefined) return true;
  const before = await tx.publication.findUnique({ where: { articleId } });
  if (before?.version === version && isDeepStrictEqual(existing?.line.live, live)) return true;
  const liveUntil = live.liveUntil === null ? null : new Date(live.liveUntil);
  const document = newest.document as EditionDocument;
  await putInPlace(newsroom, tx, {
    document,
    terms: newest.terms,
    publishedAt: new Date(newest.publishedAt),
    links: live.links,
    // The clocks of two installations may differ.
    liveFrom: new Date(Math.min(new Date(newest.liveFrom).getTime(), now.getTime())),
    liveUntil,
    partnersFrom: null,
  });
  if (liveUntil !== null) await planMoment(newsroom, tx, articleId, liveUntil);
  if (before?.version !== version) {
    const correction = corrections.find((one) => one.version === version);
    await noteArrivals(tx, [{ document, before, correction: correction?.text ?? null, at: now }]);
  }
  return before?.slug === document.slug && before.headline === document.headline;
}

/** When readers saw each edition for the last time is what the file says. */
async function setEnds(tx: Transaction, { id, editions }: ArticleLine): Promise<void> {
  await tx.$executeRaw`
    UPDATE editions SET live_until = sent.live_until
    FROM unnest(${editions.map(({ version }) => version)}::int[],
      ${editions.map(({ liveUntil }) => liveUntil)}::timestamptz[]) sent (version, live_until)
    WHERE article_id = ${id}::uuid AND editions.version = sent.version
      AND editions.live_until IS DISTINCT FROM sent.live_until`;
}

/** Leaves a revision, and a step over the desk where the state changed or a plan stayed behind. */
async function noteImport(
  tx: Transaction,
  { id, status, scheduledFor }: ArticleLine,
  before: StoredArticle | undefined,
  after: StoredArticle,
): Promise<void> {
  await recordRevision(tx, before, after, { action: "imported" });
  const from = before?.row.status ?? "draft";
  const note =
    scheduledFor === null
      ? undefined
      : `Where it comes from it is to be published at ${scheduledFor}. That is not planned here.`;
  if (from !== status || note !== undefined)
    await recordTransition(tx, { id, status: from }, "import", status, note);
}
