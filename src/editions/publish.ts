import { titleKey } from "../articles/titles.ts";
import { type StoredArticle, loadArticle, lockArticle } from "../articles/workingCopy.ts";
import type { Prisma, Transaction } from "../database/client.ts";
import type { Precondition } from "../http/conditional.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { indexArticle } from "../search/entries.ts";
import { type EditionDocument, type LiveLink, compileEdition, renderEdition } from "./document.ts";

/** Any number, the same in every process: who holds it changes what is live, the others wait. */
const PUBLISHING_LOCK = 4_217_004;

/**
 * Compiles the working copy into a new edition and puts it before readers, all in the caller's
 * transaction. An article that is live and unchanged stays as it is.
 *
 * @throws 404 when there is no such article, 412 when its revision is not the one demanded
 */
export async function publish(
  newsroom: Newsroom,
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
): Promise<StoredArticle> {
  const now = await takeTurn(tx);
  const locked = await lockArticle(tx, reference, wanted);
  const { row } = locked;
  if (row.status === "published" && row.publishedRevision === row.revision) return locked;

  const article = await resolveOwnTitles(tx, locked);
  const published = {
    ...article,
    row: await tx.article.update({
      where: { id: row.id },
      data: {
        status: "published",
        version: row.version + 1,
        revision: row.revision + 1,
        publishedRevision: row.revision + 1,
        firstPublishedAt: row.firstPublishedAt ?? row.publishedAt ?? now,
        publishedAt: row.status === "published" || row.version === 0 ? (row.publishedAt ?? now) : now,
        updatedAt: now,
      },
    }),
  };
  published.copy = { ...article.copy, publishedAt: published.row.publishedAt };
  await tx.slug.updateMany({ where: { slug: row.slug, publishedAt: null }, data: { publishedAt: now } });
  await putLive(newsroom, tx, published, now);
  return published;
}

/**
 * Takes an article from readers, and into the trash if so asked.
 *
 * @param options.whenLive is called before a live article is touched, to refuse it by throwing
 * @throws 409 when it is not live and only to be unpublished
 */
export async function withdraw(
  newsroom: Newsroom,
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
  options: { toTrash: boolean; whenLive?: () => void },
): Promise<StoredArticle> {
  const now = await takeTurn(tx);
  const article = await lockArticle(tx, reference, wanted);
  const { row } = article;
  const isLive = row.status === "published";
  if (isLive) {
    options.whenLive?.();
    await tx.publication.delete({ where: { articleId: row.id } });
    await tellReaders(newsroom, tx, row.id, true);
  } else if (!options.toTrash) {
    throw problem("wrong-state", `The article is ${row.status}; only a published one can be unpublished.`);
  }
  const unchanged = row.publishedRevision === row.revision;
  const changed = await tx.article.update({
    where: { id: row.id },
    data: {
      status: isLive ? "unpublished" : row.status,
      deletedAt: options.toTrash ? now : null,
      revision: row.revision + 1,
      publishedRevision: unchanged ? row.revision + 1 : row.publishedRevision,
      updatedAt: now,
    },
  });
  return { ...article, row: changed };
}

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

async function putLive(
  newsroom: Newsroom,
  tx: Transaction,
  article: StoredArticle,
  now: Date,
): Promise<void> {
  const { row, copy } = article;
  const { id: articleId, version } = row;
  const edition = compileEdition(article, now, newsroom.articleAddress);
  await tx.edition.create({ data: { articleId, version, document: edition, createdAt: now } });

  const links = copy.relatedLinks.map(({ id, title, url, target }) => ({
    articleId,
    linkId: id,
    targetId: target?.id ?? null,
    titleKey: title === null || url !== null ? null : titleKey(title),
    url,
  }));
  const terms = [copy.section, ...copy.tags, ...copy.authors].flatMap((term) => term?.id ?? []);
  await showEdition(newsroom, tx, edition, { links, terms, resolveTitles: true });
}

/**
 * Puts an edition before readers, in the place of the one that they see so far. The caller has taken
 * its turn.
 *
 * @param about.links its links; those with a url have neither target nor title key
 * @param about.terms the ids of its section, tags and authors
 * @param about.resolveTitles whether bare titles that wait for its headline lead to it from now on
 */
export async function showEdition(
  newsroom: Newsroom,
  tx: Transaction,
  edition: EditionDocument,
  about: {
    links: Prisma.PublicationLinkCreateManyInput[];
    terms: string[];
    resolveTitles: boolean;
  },
): Promise<void> {
  const { id: articleId, version, slug, headline, language } = edition;
  const { links, terms } = about;
  const updatedAt = new Date(edition.updatedAt);
  const live = {
    version,
    slug,
    headline,
    language,
    titleKey: titleKey(headline),
    terms,
    publishedAt: new Date(edition.publishedAt ?? edition.updatedAt),
    updatedAt,
    ...renderEdition(edition, await liveLinks(tx, links), newsroom.articleAddress),
  };
  const before = await tx.publication.findUnique({
    where: { articleId },
    select: { slug: true, headline: true },
  });
  await tx.publication.upsert({ where: { articleId }, create: { articleId, ...live }, update: live });
  await indexArticle(tx, edition, live);
  if (before !== null) await tx.publicationLink.deleteMany({ where: { articleId } });
  if (links.length > 0) await tx.publicationLink.createMany({ data: links });

  const isKnown = before?.slug === slug && before.headline === headline;
  if (!isKnown && about.resolveTitles) await resolveBareTitles(tx, articleId, live.titleKey);
  await tellReaders(newsroom, tx, articleId, !isKnown);
}

/** Links with what readers see of the articles that they lead to. */
async function liveLinks(
  tx: Transaction,
  links: Prisma.PublicationLinkCreateManyInput[],
): Promise<LiveLink[]> {
  const targets = await tx.publication.findMany({
    where: { articleId: { in: links.flatMap(({ targetId }) => targetId ?? []) } },
    select: { articleId: true, headline: true, slug: true },
  });
  const known = new Map(targets.map(({ articleId, ...target }) => [articleId, target]));
  return links.map(({ linkId, targetId = null }) => ({
    linkId,
    targetId,
    target: known.get(targetId ?? "") ?? null,
  }));
}

/** Sees to it that every process drops what it keeps of an article, and of those that show its headline or slug. */
export async function tellReaders(
  newsroom: Newsroom,
  tx: Transaction,
  articleId: string,
  linksChange: boolean,
): Promise<void> {
  const dependents = linksChange ? await renderDependents(newsroom, tx, articleId) : [];
  await newsroom.news.changed(tx, [articleId, ...dependents]);
}

/** Bare titles lead to what went live under them while they were being written. */
async function resolveOwnTitles(tx: Transaction, article: StoredArticle): Promise<StoredArticle> {
  const { id } = article.row;
  const resolved = await tx.$executeRaw`
    UPDATE related_links link SET target_id = target.article_id
    FROM related_links bare CROSS JOIN LATERAL (
      SELECT article_id FROM publications p WHERE p.title_key = bare.title_key AND p.article_id <> bare.article_id
      ORDER BY published_at DESC LIMIT 1
    ) target
    WHERE link.id = bare.id AND bare.article_id = ${id}::uuid AND bare.target_id IS NULL AND bare.url IS NULL`;
  return resolved === 0 ? article : loadArticle(tx, id);
}

/** Bare titles that waited for an article with this headline lead to it from now on. */
async function resolveBareTitles(tx: Transaction, articleId: string, key: string): Promise<void> {
  const waiting = { titleKey: key, targetId: null, NOT: { articleId } };
  await tx.relatedLink.updateMany({ where: { ...waiting, url: null }, data: { targetId: articleId } });
  await tx.publicationLink.updateMany({ where: waiting, data: { targetId: articleId } });
}

/** Renders anew what is live and links to an article that appeared, was renamed or went; returns the ids. */
async function renderDependents(newsroom: Newsroom, tx: Transaction, articleId: string): Promise<string[]> {
  const dependents = await tx.publication.findMany({
    where: { links: { some: { targetId: articleId } } },
    select: {
      articleId: true,
      version: true,
      links: {
        select: {
          linkId: true,
          targetId: true,
          target: { select: { publication: { select: { headline: true, slug: true } } } },
        },
      },
    },
  });
  // Not joined, which would lose the order of their properties.
  const editions = await tx.edition.findMany({
    where: { OR: dependents.map(({ articleId: id, version }) => ({ articleId: id, version })) },
  });
  const documents = new Map(
    editions.map((edition) => [edition.articleId, edition.document as unknown as EditionDocument]),
  );
  for (const { articleId: id, links } of dependents) {
    const document = documents.get(id);
    if (document === undefined) continue;
    const live: LiveLink[] = links.map((link) => ({ ...link, target: link.target?.publication ?? null }));
    await tx.publication.update({
      where: { articleId: id },
      data: renderEdition(document, live, newsroom.articleAddress),
    });
  }
  return dependents.map((dependent) => dependent.articleId);
}
