import { type StoredArticle, articleIdOf, lockArticle } from "../articles/workingCopy.ts";
import { type Transaction, transact } from "../database/client.ts";
import type { Article as ArticleRow } from "../database/generated/client.ts";
import { recordTransition } from "../desk/history.ts";
import { stateAfter } from "../desk/states.ts";
import type { Precondition } from "../http/conditional.ts";
import { invalidContent } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordRevision } from "../revisions/record.ts";
import { appear, disappear } from "./appear.ts";
import type { EditionDocument } from "./document.ts";
import { hangingLinks, putInPlace, rendered, takeTurn } from "./live.ts";
import { planMoment } from "./plan.ts";

/** How many articles are carried out in one transaction, so that editors who publish wait no longer than for those. */
const BATCH = 20;

/**
 * Takes the turn to change what is live, and an article to change it. What is due for it is carried
 * out first: whoever changes it finds it as readers see it, whether or not the job has run.
 *
 * @returns the article, and the database's time
 * @throws 404 when there is none, 412 when its revision is not the one demanded
 */
export async function lockInTurn(
  newsroom: Newsroom,
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
): Promise<{ article: StoredArticle; now: Date }> {
  const now = await takeTurn(tx);
  const id = await articleIdOf(tx, reference);
  if (id !== undefined) await followUp(newsroom, tx, id, now);
  return { article: await lockArticle(tx, reference, wanted), now };
}

/**
 * Has readers lose a live article at a moment to come.
 *
 * @throws 409 when it is not live, 422 when the moment has passed
 */
export async function expire(
  newsroom: Newsroom,
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
  at: Date,
): Promise<StoredArticle> {
  const { article, now } = await lockInTurn(newsroom, tx, reference, wanted);
  const { row } = article;
  stateAfter("unpublish", row);
  if (at <= now) throw invalidContent([{ pointer: "#/at", detail: "must be in the future" }]);
  const { id: articleId, revision, publishedRevision } = row;
  const ends = { data: { liveUntil: at } };
  // What readers see now, and what they would see instead by then.
  const until = { articleId, liveFrom: { lt: at } };
  await tx.publication.update({ where: { articleId }, ...ends });
  await tx.plannedEdition.updateMany({ where: until, ...ends });
  await tx.edition.updateMany({ where: { ...until, version: { gte: row.version } }, ...ends });
  await planMoment(newsroom, tx, at);
  await newsroom.news.changed(tx, [articleId]);
  const changed = await tx.article.update({
    where: { id: articleId },
    data: {
      expiresAt: at,
      revision: revision + 1,
      publishedRevision: publishedRevision === revision ? revision + 1 : publishedRevision,
      updatedAt: now,
    },
  });
  const expiring = { ...article, row: changed, copy: { ...article.copy, expiresAt: at } };
  await recordRevision(tx, article, expiring, { action: "changed" });
  return expiring;
}

/**
 * Carries out what is due by the database's clock: editions whose time has come and ends that have
 * been reached. Readers see both at their second anyway; this is what follows from them. It goes by
 * what it finds, so running it twice, or in two processes at once, does nothing twice.
 */
export async function carryOut(newsroom: Newsroom): Promise<void> {
  for (;;) {
    const done = await transact(newsroom.database, async (tx) => {
      const now = await takeTurn(tx);
      const due = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM (
          SELECT id, scheduled_for AS moment FROM articles WHERE scheduled_for <= ${now}
          UNION ALL SELECT article_id, live_until FROM publications WHERE live_until <= ${now}
        ) due GROUP BY id ORDER BY min(moment), id LIMIT ${BATCH}`;
      for (const { id } of due) await followUp(newsroom, tx, id, now);
      return due.length;
    });
    if (done === 0) return;
  }
}

/** Carries out what is due for an article by a moment, in the order in which it came. */
export async function followUp(newsroom: Newsroom, tx: Transaction, id: string, by: Date): Promise<void> {
  for (;;) {
    const found = await tx.article.findUnique({
      where: { id },
      select: { scheduledFor: true, publication: { select: { liveUntil: true } } },
    });
    const begins = found?.scheduledFor?.getTime() ?? Infinity;
    const ends = found?.publication?.liveUntil?.getTime() ?? Infinity;
    if (Math.min(begins, ends) > by.getTime()) return;
    await tx.$queryRaw`SELECT id FROM articles WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
    const row = await tx.article.findUniqueOrThrow({ where: { id } });
    await (ends < begins ? end : begin)(newsroom, tx, row);
  }
}

/** The edition that waited has come before readers. */
async function begin(newsroom: Newsroom, tx: Transaction, row: ArticleRow): Promise<void> {
  const { id } = row;
  const version = row.version + 1;
  const edition = await tx.edition.findUniqueOrThrow({
    where: { articleId_version: { articleId: id, version } },
    include: { planned: { select: { partnersFrom: true } } },
  });
  const document = edition.document as unknown as EditionDocument;
  const before =
    row.status === "published"
      ? await tx.publication.findUniqueOrThrow({ where: { articleId: id } })
      : undefined;
  if (before !== undefined) {
    const { terms, publishedAt, liveFrom, liveUntil } = edition;
    await putInPlace(newsroom, tx, { document, terms, publishedAt, liveFrom, liveUntil, partnersFrom: null });
    await tx.plannedEdition.delete({ where: { articleId: id } });
  } else {
    // What it links to may have changed since it was put in its place.
    const links = await hangingLinks(tx, document);
    await tx.publication.update({
      where: { articleId: id },
      data: await rendered(newsroom, tx, document, links),
    });
  }
  await recordTransition(tx, row, "publish", "published");
  await tx.article.update({
    where: { id },
    data: {
      status: "published",
      version,
      publishedRevision: edition.revision,
      firstPublishedAt: row.firstPublishedAt ?? edition.publishedAt,
      publishedAt: edition.publishedAt,
      scheduledFor: null,
    },
  });
  const correction = await tx.correction.findFirst({ where: { articleId: id, version } });
  await appear(newsroom, tx, document, before, correction?.text, edition.liveFrom);
}

/** What readers saw has reached its end. What is planned next waits in its place. */
async function end(newsroom: Newsroom, tx: Transaction, row: ArticleRow): Promise<void> {
  const { id, expiresAt } = row;
  const { liveUntil } = await tx.publication.findUniqueOrThrow({ where: { articleId: id } });
  const at = liveUntil ?? new Date();
  await disappear(newsroom, tx, row, at, "unpublished");
  const next = await tx.plannedEdition.findUnique({ where: { articleId: id }, include: { edition: true } });
  if (next !== null) {
    const { terms, publishedAt, liveFrom, ...edition } = next.edition;
    const document = edition.document as unknown as EditionDocument;
    await putInPlace(newsroom, tx, {
      document,
      terms,
      publishedAt,
      liveFrom,
      liveUntil: edition.liveUntil,
      partnersFrom: next.partnersFrom,
    });
    await tx.plannedEdition.delete({ where: { articleId: id } });
  }
  const status = next === null ? stateAfter("unpublish", row) : "scheduled";
  await recordTransition(tx, row, "unpublish", status);
  // An end that has been reached would forbid every edition to come.
  const isOver = expiresAt !== null && expiresAt <= at;
  await tx.article.update({ where: { id }, data: { status, expiresAt: isOver ? null : expiresAt } });
}
