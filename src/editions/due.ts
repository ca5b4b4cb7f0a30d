import { type StoredArticle, lockArticle } from "../articles/workingCopy.ts";
import { type Transaction, transact } from "../database/client.ts";
import { recordTransition } from "../desk/history.ts";
import { stateAfter } from "../desk/states.ts";
import type { Precondition } from "../http/conditional.ts";
import { invalidContent } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordRevision } from "../revisions/record.ts";
import { appear, disappear } from "./appear.ts";
import type { EditionDocument } from "./document.ts";
import { linksOf, putInPlace, rendered, takeTurn } from "./live.ts";
import { planMoment } from "./plan.ts";

/** How many articles are carried out in one transaction, so that editors who publish wait no longer than for those. */
const BATCH = 20;

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
  const now = await takeTurn(tx);
  const article = await lockArticle(tx, reference, wanted);
  const { row } = article;
  stateAfter("unpublish", row);
  if (at <= now) throw invalidContent([{ pointer: "#/at", detail: "must be in the future" }]);
  const { id, revision, publishedRevision } = row;
  await tx.publication.update({ where: { articleId: id }, data: { liveUntil: at } });
  // The edition that readers have, and the one that is to take its place before then.
  await tx.edition.updateMany({
    where: { articleId: id, version: { gte: row.version }, liveFrom: { lt: at } },
    data: { liveUntil: at },
  });
  await planMoment(newsroom, tx, at);
  await newsroom.news.changed(tx, [id]);
  const changed = await tx.article.update({
    where: { id },
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
      const due = await tx.article.findMany({
        where: { scheduledFor: { lte: now } },
        orderBy: [{ scheduledFor: "asc" }, { id: "asc" }],
        take: BATCH,
        select: { id: true },
      });
      for (const { id } of due) await begin(newsroom, tx, id);
      const over = await tx.publication.findMany({
        where: {
          liveUntil: { lte: now },
          article: { OR: [{ scheduledFor: null }, { scheduledFor: { gt: now } }] },
        },
        orderBy: [{ liveUntil: "asc" }, { articleId: "asc" }],
        take: BATCH,
        select: { articleId: true },
      });
      for (const { articleId } of over) await end(newsroom, tx, articleId);
      return due.length + over.length;
    });
    if (done === 0) return;
  }
}

/** The edition that waited has come before readers. */
async function begin(newsroom: Newsroom, tx: Transaction, id: string): Promise<void> {
  const { row } = await lockArticle(tx, id);
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
    const links = await linksOf(tx, document);
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
async function end(newsroom: Newsroom, tx: Transaction, id: string): Promise<void> {
  const { row } = await lockArticle(tx, id);
  const { liveUntil } = await tx.publication.findUniqueOrThrow({ where: { articleId: id } });
  await disappear(newsroom, tx, row, liveUntil ?? new Date(), "unpublished");
  const next = await tx.plannedEdition.findUnique({ where: { articleId: id } });
  if (next !== null) {
    const { version, partnersFrom } = next;
    const edition = await tx.edition.findUniqueOrThrow({
      where: { articleId_version: { articleId: id, version } },
    });
    const { terms, publishedAt, liveFrom, liveUntil: nextUntil } = edition;
    const document = edition.document as unknown as EditionDocument;
    await putInPlace(newsroom, tx, {
      document,
      terms,
      publishedAt,
      liveFrom,
      liveUntil: nextUntil,
      partnersFrom,
    });
    await tx.plannedEdition.delete({ where: { articleId: id } });
  }
  const status = next === null ? stateAfter("unpublish", row) : "scheduled";
  await recordTransition(tx, row, "unpublish", status);
  await tx.article.update({ where: { id }, data: { status, ...(next === null ? { expiresAt: null } : {}) } });
}
