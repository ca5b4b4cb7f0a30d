import { titleKey } from "../articles/titles.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";
import { indexArticle } from "../search/entries.ts";
import { learnWordsFrom } from "../search/knownWords.ts";
import { type EditionDocument, type LiveLink, renderEdition } from "./document.ts";

/** From when to when an edition is what readers see, and from when, if earlier, partners do. */
export interface Span {
  liveFrom: Date;
  liveUntil: Date | null;
  partnersFrom: Date | null;
}

/** An edition on its way to readers. */
export interface ComingEdition extends Span {
  document: EditionDocument;
  terms: string[];
  publishedAt: Date;
  /** Its links, where they are known; they are found out when absent. */
  links?: PublishedLink[];
}

/** Any number, the same in every process: who holds it changes what is live, the others wait. */
const PUBLISHING_LOCK = 4_217_004;

/**
 * Waits until no other transaction changes what is live. One at a time, each sees what the ones
 * before it made live, so links between articles published at once come out right, and editions
 * are made in the order of their times.
 *
 * @returns the database's time, from after the wait
 */
export async function takeTurn(tx: Transaction): Promise<Date> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${PUBLISHING_LOCK})`;
  const [{ now }] = await tx.$queryRaw<
    [{ now: Date }]
  >`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`;
  return now;
}

/**
 * Puts an edition in the place that readers get the article from. They see it from when its span
 * begins; those who must know of it are told when it does.
 */
export async function putInPlace(
  newsroom: Newsroom,
  tx: Transaction,
  { document, terms, publishedAt, links: known, ...span }: ComingEdition,
): Promise<void> {
  const { id: articleId, version, slug, headline, language } = document;
  const links = known ?? (await linksOf(tx, document));
  const place = {
    version,
    slug,
    headline,
    language,
    titleKey: titleKey(headline),
    terms,
    publishedAt,
    updatedAt: new Date(document.updatedAt),
    ...span,
    ...(await rendered(newsroom, tx, document, links)),
  };
  await tx.publication.upsert({ where: { articleId }, create: { articleId, ...place }, update: place });
  await indexArticle(tx, document);
  if (span.liveFrom > new Date()) await learnWordsFrom(tx, span.liveFrom, document);
  await tx.publicationLink.deleteMany({ where: { articleId } });
  if (links.length > 0)
    await tx.publicationLink.createMany({ data: links.map((link) => ({ articleId, ...link })) });
}

/** A link that hangs on another article, waits for one by its title, or leads to an address. */
export interface PublishedLink {
  linkId: string;
  targetId: string | null;
  titleKey: string | null;
  url: string | null;
}

/** By the clock, not by the transaction's beginning: what began to wait for its turn before a moment acts after it. */
const isLiveNow = Prisma.sql`
  live_from <= clock_timestamp() AND (live_until IS NULL OR live_until > clock_timestamp())`;

/** The links of an edition; bare titles lead to what is live under them. */
export async function linksOf(tx: Transaction, document: EditionDocument): Promise<PublishedLink[]> {
  const links = document.relatedLinks.map(({ id, articleId, title, url }) => ({
    linkId: id,
    targetId: url === null ? articleId : null,
    titleKey: title === null || url !== null ? null : titleKey(title),
    url,
  }));
  const bare = links.flatMap((link) => (link.targetId === null ? (link.titleKey ?? []) : []));
  if (bare.length === 0) return links;
  const found = await tx.$queryRaw<{ titleKey: string; articleId: string }[]>`
    SELECT title_key AS "titleKey", article_id AS "articleId" FROM publications
    WHERE title_key = ANY (${bare}) AND article_id <> ${document.id}::uuid AND ${isLiveNow}
    ORDER BY published_at`;
  const byTitle = new Map(found.map((one) => [one.titleKey, one.articleId]));
  return links.map((link) => ({
    ...link,
    targetId: link.targetId ?? byTitle.get(link.titleKey ?? "") ?? null,
  }));
}

/** An edition rendered as readers get it now. */
export async function rendered(
  newsroom: Newsroom,
  tx: Transaction,
  document: EditionDocument,
  links: readonly { linkId: string; targetId: string | null }[],
) {
  return renderEdition(document, withTargets(links, await liveTargets(tx, links)), newsroom.articleAddress);
}

/** The documents of editions by their articles. A join would lose the order of their properties. */
export async function documentsOf(
  tx: Transaction,
  editions: readonly { articleId: string; version: number }[],
): Promise<Map<string, EditionDocument>> {
  if (editions.length === 0) return new Map();
  const found = await tx.edition.findMany({
    where: { OR: editions.map(({ articleId, version }) => ({ articleId, version })) },
    select: { articleId: true, document: true },
  });
  return new Map(found.map(({ articleId, document }) => [articleId, document as unknown as EditionDocument]));
}

type Targets = Map<string, { headline: string; slug: string }>;

/** What readers know of the articles that links lead to, as far as they are live. */
export async function liveTargets(
  tx: Transaction,
  links: readonly { targetId: string | null }[],
): Promise<Targets> {
  const ids = [...new Set(links.flatMap(({ targetId }) => targetId ?? []))];
  if (ids.length === 0) return new Map();
  const targets = await tx.$queryRaw<{ articleId: string; headline: string; slug: string }[]>`
    SELECT article_id AS "articleId", headline, slug FROM publications
    WHERE article_id = ANY (${ids}::uuid[]) AND ${isLiveNow}`;
  return new Map(targets.map((target) => [target.articleId, target]));
}

export function withTargets(
  links: readonly { linkId: string; targetId: string | null }[],
  targets: Targets,
): LiveLink[] {
  return links.map(({ linkId, targetId }) => ({
    linkId,
    targetId,
    target: targets.get(targetId ?? "") ?? null,
  }));
}
