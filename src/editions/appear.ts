import { titleKey } from "../articles/titles.ts";
import { type Transaction, afterCommit } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";
import { type ChangeKind, recordChange } from "./changes.ts";
import { type EditionDocument, renderEdition } from "./document.ts";
import { liveTargets, withTargets } from "./live.ts";

/**
 * Does what follows when an edition has come before readers: the one before it ends, the change is
 * written down, links and caches follow.
 *
 * @param before what readers saw until then, if anything
 */
export async function appear(
  newsroom: Newsroom,
  tx: Transaction,
  document: EditionDocument,
  before: { version: number; slug: string; headline: string } | undefined,
  correction: string | undefined,
  at: Date,
): Promise<void> {
  const { id: articleId, version, slug, headline } = document;
  const change = { articleId, version, slug, at };
  if (before !== undefined) {
    await tx.edition.update({
      where: { articleId_version: { articleId, version: before.version } },
      data: { liveUntil: at },
    });
  }
  const kind: ChangeKind =
    before === undefined ? "published" : correction === undefined ? "updated" : "corrected";
  await recordChange(tx, {
    ...change,
    kind,
    ...(correction === undefined ? {} : { detail: { correction } }),
  });
  if (before !== undefined && before.slug !== slug)
    await recordChange(tx, { ...change, kind: "moved", detail: { from: before.slug } });
  const isKnown = before?.slug === slug && before.headline === headline;
  if (!isKnown) await resolveBareTitles(tx, articleId, headline);
  await tellReaders(newsroom, tx, articleId, !isKnown);
}

/** Takes a live article's publication away, and does what follows. */
export async function disappear(
  newsroom: Newsroom,
  tx: Transaction,
  article: { id: string; version: number; slug: string },
  at: Date,
  kind: "unpublished" | "deleted" | "withdrawn",
  detail?: { reason: string | null },
): Promise<void> {
  const { id: articleId, version } = article;
  const { slug } = await tx.publication.delete({ where: { articleId } });
  await tx.edition.update({ where: { articleId_version: { articleId, version } }, data: { liveUntil: at } });
  await recordChange(tx, { kind, articleId, version, slug, at, ...(detail === undefined ? {} : { detail }) });
  await tellReaders(newsroom, tx, articleId, true);
}

/** Sees to it that every process drops what it keeps of an article, and of those that show its headline or slug. */
async function tellReaders(
  newsroom: Newsroom,
  tx: Transaction,
  articleId: string,
  linksChange: boolean,
): Promise<void> {
  const dependents = linksChange ? await renderDependents(newsroom, tx, articleId) : [];
  await newsroom.news.changed(tx, [articleId, ...dependents]);
  afterCommit(tx, newsroom.jobs.announce);
}

/** Bare titles that waited for an article with this headline lead to it from now on. */
async function resolveBareTitles(tx: Transaction, articleId: string, headline: string): Promise<void> {
  const waiting = { titleKey: titleKey(headline), targetId: null, NOT: { articleId } };
  await tx.relatedLink.updateMany({ where: { ...waiting, url: null }, data: { targetId: articleId } });
  await tx.publicationLink.updateMany({ where: waiting, data: { targetId: articleId } });
}

/** Renders anew what links to an article that appeared, was renamed or went; returns the ids. */
async function renderDependents(newsroom: Newsroom, tx: Transaction, articleId: string): Promise<string[]> {
  const dependents = await tx.publication.findMany({
    where: { links: { some: { targetId: articleId } } },
    select: {
      articleId: true,
      edition: { select: { document: true } },
      links: { select: { linkId: true, targetId: true } },
    },
  });
  const targets = await liveTargets(
    tx,
    dependents.flatMap(({ links }) => links),
  );
  for (const { articleId: id, edition, links } of dependents) {
    const document = edition.document as unknown as EditionDocument;
    await tx.publication.update({
      where: { articleId: id },
      data: renderEdition(document, withTargets(links, targets), newsroom.articleAddress),
    });
  }
  return dependents.map((dependent) => dependent.articleId);
}
