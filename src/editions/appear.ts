import { titleKey } from "../articles/titles.ts";
import { isLive } from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { afterCommit } from "../database/transactions.ts";
import type { Newsroom } from "../newsroom.ts";
import { learnWords } from "../search/knownWords.ts";
import { type ChangeKind, type NewChange, recordChange, recordChanges } from "./changes.ts";
import { type EditionDocument, renderEdition } from "./document.ts";
import { documentsOf, linksOf, liveTargets, rendered, withTargets } from "./live.ts";

/** An edition that has come before readers. */
export interface Arrival {
  document: EditionDocument;
  /** What readers saw until then, if anything. */
  before: { version: number; slug: string; headline: string } | null;
  /** What it puts right, in the words that readers see. */
  correction: string | null;
  at: Date;
}

/**
 * Does what follows when editions have come before readers: those before them end, the changes are
 * written down, links and caches follow.
 */
export async function appear(
  newsroom: Newsroom,
  tx: Transaction,
  arrivals: readonly Arrival[],
): Promise<void> {
  await noteArrivals(tx, arrivals);
  const unknown = arrivals.filter(
    ({ document, before }) => before?.slug !== document.slug || before.headline !== document.headline,
  );
  await resolveBareTitles(
    tx,
    unknown.map(({ document }) => document),
  );
  await tellReaders(
    newsroom,
    tx,
    arrivals.map(({ document }) => document.id),
    unknown.map(({ document, at }) => ({ id: document.id, at })),
  );
}

/** Ends the editions that readers saw before, writes down what has changed for them, and makes the new words known. */
export async function noteArrivals(tx: Transaction, arrivals: readonly Arrival[]): Promise<void> {
  for (const { document, before, at } of arrivals) {
    if (before === null) continue;
    const ended = { articleId: document.id, version: before.version };
    await tx.edition.update({ where: { articleId_version: ended }, data: { liveUntil: at } });
  }
  await recordChanges(tx, arrivals.flatMap(changesWith));
  await noteRefiled(tx, arrivals);
  await learnWords(
    tx,
    arrivals.map(({ document }) => document),
  );
}

/** Writes down what links to articles that are filed elsewhere now: to whom a link is shown may depend on that. */
async function noteRefiled(tx: Transaction, arrivals: readonly Arrival[]): Promise<void> {
  const renewed = arrivals.flatMap(({ document, before }) =>
    before === null ? [] : [{ id: document.id, version: document.version, before: before.version }],
  );
  if (renewed.length === 0) return;
  await tx.$executeRaw`
    INSERT INTO changes (kind, article_id, version, slug, at)
    SELECT DISTINCT ON (p.article_id) 'relinked', p.article_id, p.version, p.slug, now.live_from
    FROM jsonb_to_recordset(${JSON.stringify(renewed)}::jsonb) AS r (id uuid, version int, before int)
    JOIN editions now ON now.article_id = r.id AND now.version = r.version
    JOIN editions was ON was.article_id = r.id AND was.version = r.before
      AND (was.listed_under, was.published_at) IS DISTINCT FROM (now.listed_under, now.published_at)
    JOIN publication_links l ON l.target_id = r.id
    JOIN live p ON p.article_id = l.article_id
    WHERE p.article_id <> r.id ORDER BY p.article_id`;
}

function changesWith({ document, before, correction, at }: Arrival): NewChange[] {
  const { id: articleId, version, slug } = document;
  const change = { articleId, version, slug, at };
  const kind: ChangeKind = before === null ? "published" : correction === null ? "updated" : "corrected";
  const detail = correction === null ? {} : { detail: { correction } };
  const hasMoved = before !== null && before.slug !== slug;
  return [
    { ...change, kind, ...detail },
    ...(hasMoved ? [{ ...change, kind: "moved" as const, detail: { from: before.slug } }] : []),
  ];
}

/** Takes an article from readers, if it is live, and tells everybody that has its last edition. */
export async function disappear(
  newsroom: Newsroom,
  tx: Transaction,
  article: { id: string; version: number },
  at: Date,
  kind: "unpublished" | "deleted" | "withdrawn",
  detail?: { reason: string | null },
): Promise<void> {
  const { id: articleId, version } = article;
  const edition = await tx.edition.findUniqueOrThrow({
    where: { articleId_version: { articleId, version } },
    select: { document: true },
  });
  const { slug } = edition.document as unknown as EditionDocument;
  await tx.publication.deleteMany({ where: { articleId } });
  await tx.edition.updateMany({
    where: { articleId, version, OR: [{ liveUntil: null }, { liveUntil: { gt: at } }] },
    data: { liveUntil: at },
  });
  await recordChange(tx, { kind, articleId, version, slug, at, ...(detail === undefined ? {} : { detail }) });
  await tellReaders(newsroom, tx, [articleId], [{ id: articleId, at }]);
}

/** An article that appeared, was renamed or went, and when. */
interface Renamed {
  id: string;
  at: Date;
}

/** Sees to it that every process drops what it keeps of articles, and of those that show a headline or slug that changed. */
export async function tellReaders(
  newsroom: Newsroom,
  tx: Transaction,
  articleIds: string[],
  renamed: Renamed[],
): Promise<void> {
  const dependents = renamed.length === 0 ? [] : await renderDependents(newsroom, tx, renamed);
  await newsroom.news.changed(tx, [...new Set([...articleIds, ...dependents])]);
  afterCommit(tx, newsroom.jobs.announce);
}

/** Bare titles that waited for articles with these headlines lead to them from now on. */
async function resolveBareTitles(tx: Transaction, articles: readonly EditionDocument[]): Promise<void> {
  if (articles.length === 0) return;
  const ids = articles.map(({ id }) => id);
  const keys = articles.map(({ headline }) => titleKey(headline));
  const found = Prisma.sql`
    (SELECT DISTINCT ON (key) key, id FROM unnest(${keys}::text[], ${ids}::uuid[]) AS found (key, id) ORDER BY key, id DESC)`;
  await tx.$executeRaw`
    UPDATE related_links link SET target_id = found.id FROM ${found} found
    WHERE link.title_key = found.key AND link.target_id IS NULL AND link.url IS NULL AND link.article_id <> found.id`;
  await tx.$executeRaw`
    UPDATE publication_links link SET target_id = found.id FROM ${found} found
    WHERE link.title_key = found.key AND link.target_id IS NULL AND link.article_id <> found.id`;
}

/**
 * Renders anew what links to an article that appeared, was renamed or went, and what waits to take
 * the place of something live. What readers see otherwise now is written down as a change of what links.
 *
 * @returns the ids of what readers see differently now
 */
async function renderDependents(
  newsroom: Newsroom,
  tx: Transaction,
  renamed: readonly Renamed[],
): Promise<string[]> {
  const moments = new Map(renamed.map(({ id, at }) => [id, at]));
  const ids = [...moments.keys()];
  const dependents = await tx.publication.findMany({
    where: { links: { some: { targetId: { in: ids } } } },
    orderBy: { articleId: "asc" },
    select: {
      articleId: true,
      version: true,
      slug: true,
      document: true,
      liveFrom: true,
      liveUntil: true,
      links: { select: { linkId: true, targetId: true } },
    },
  });
  const documents = await documentsOf(tx, dependents);
  const targets = await liveTargets(
    tx,
    dependents.flatMap(({ links }) => links),
  );
  for (const { articleId: id, links, version, slug, ...before } of dependents) {
    const document = documents.get(id);
    if (document === undefined) continue;
    const data = renderEdition(document, withTargets(links, targets), newsroom.articleAddress);
    await tx.publication.update({ where: { articleId: id }, data });
    const link = links.find(({ targetId }) => moments.has(targetId ?? ""))?.targetId ?? "";
    const at = moments.get(link);
    if (at === undefined || !isLive(before) || data.document === before.document) continue;
    await recordChange(tx, { kind: "updated", articleId: id, version, slug, at, detail: { link } });
  }
  const waiting = await tx.plannedEdition.findMany({
    where: { OR: ids.map((id) => ({ document: { contains: id } })) },
    select: { articleId: true, version: true },
  });
  for (const [id, document] of await documentsOf(tx, waiting)) {
    await tx.plannedEdition.update({
      where: { articleId: id },
      data: await rendered(newsroom, tx, document, await linksOf(tx, document)),
    });
  }
  return dependents.map((dependent) => dependent.articleId);
}
