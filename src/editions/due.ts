import { type StoredArticle, articleIdOf, lockArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import type { ArticleStatus } from "../database/generated/client.ts";
import { recordTransition, recordTransitions } from "../desk/history.ts";
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
const BATCH = 100;

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
  if (id !== undefined) await followUp(newsroom, tx, [id], now);
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
  await planMoment(newsroom, tx, articleId, at);
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
      await followUp(
        newsroom,
        tx,
        due.map(({ id }) => id),
        now,
      );
      return due.length;
    });
    if (done === 0) return;
  }
}

/** Carries out what is due for articles by a moment, in the order in which it came. */
export async function followUp(
  newsroom: Newsroom,
  tx: Transaction,
  ids: readonly string[],
  by: Date,
): Promise<void> {
  for (;;) {
    const next = await tx.$queryRaw<{ id: string; ends: boolean }[]>`
      WITH due AS (
        SELECT a.id, least(a.scheduled_for, p.live_until) AS moment,
               coalesce(p.live_until < a.scheduled_for, a.scheduled_for IS NULL) AS ends
        FROM articles a LEFT JOIN publications p ON p.article_id = a.id
        WHERE a.id = ANY (${ids}::uuid[]) AND least(a.scheduled_for, p.live_until) <= ${by}
      )
      SELECT id, ends FROM due CROSS JOIN (
        SELECT min(moment) AS first, coalesce(min(moment) FILTER (WHERE ends), 'infinity') AS ending FROM due
      ) of_all
      WHERE CASE WHEN ends THEN moment = first ELSE moment <= ending END ORDER BY moment, id`;
    if (next.length === 0) return;
    // Editions that come before anything ends come together.
    const which = (ends: boolean) => next.flatMap((one) => (one.ends === ends ? one.id : []));
    for (const id of which(true)) await end(newsroom, tx, id);
    const beginning = which(false);
    if (beginning.length > 0) await begin(newsroom, tx, beginning);
  }
}

/** An article whose next edition has come, and what readers saw until then. */
interface Beginning {
  id: string;
  status: ArticleStatus;
  document: EditionDocument;
  terms: string[];
  published_at: Date;
  live_from: Date;
  live_until: Date | null;
  correction: string | null;
  before: { version: number; slug: string; headline: string } | null;
}

/** The editions that waited have come before readers. */
async function begin(newsroom: Newsroom, tx: Transaction, ids: string[]): Promise<void> {
  await lockRows(tx, ids);
  const coming = await tx.$queryRaw<Beginning[]>`
    SELECT a.id, a.status, e.document, e.terms, e.published_at, e.live_from, e.live_until, c.text AS correction,
           CASE WHEN a.status = 'published'
             THEN json_build_object('version', p.version, 'slug', p.slug, 'headline', p.headline) END AS before
    FROM articles a
    JOIN editions e ON e.article_id = a.id AND e.version = a.version + 1
    JOIN publications p ON p.article_id = a.id
    LEFT JOIN corrections c ON c.article_id = a.id AND c.version = e.version
    WHERE a.id = ANY (${ids}::uuid[]) ORDER BY e.live_from, a.id`;
  for (const edition of coming) await put(newsroom, tx, edition);
  await recordTransitions(tx, coming, "publish", "published");
  await tx.$executeRaw`
    UPDATE articles a SET status = 'published', version = e.version, published_revision = e.revision,
      first_published_at = coalesce(a.first_published_at, e.published_at), published_at = e.published_at,
      scheduled_for = NULL
    FROM editions e
    WHERE a.id = ANY (${ids}::uuid[]) AND e.article_id = a.id AND e.version = a.version + 1`;
  const arrivals = coming.map(({ document, before, correction, live_from: at }) => ({
    document,
    before,
    correction,
    at,
  }));
  await appear(newsroom, tx, arrivals);
}

async function put(newsroom: Newsroom, tx: Transaction, edition: Beginning): Promise<void> {
  const { id: articleId, document, terms, before } = edition;
  if (before !== null) {
    const span = { liveFrom: edition.live_from, liveUntil: edition.live_until, partnersFrom: null };
    await putInPlace(newsroom, tx, { document, terms, publishedAt: edition.published_at, ...span });
    await tx.plannedEdition.delete({ where: { articleId } });
    return;
  }
  // It is in its place already, but what it links to may have changed since.
  const links = await linksOf(tx, document);
  if (links.length > 0)
    await tx.publication.update({
      where: { articleId },
      data: await rendered(newsroom, tx, document, links),
    });
}

async function lockRows(tx: Transaction, ids: string[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
}

/** What readers saw has reached its end. What is planned next waits in its place. */
async function end(newsroom: Newsroom, tx: Transaction, id: string): Promise<void> {
  await lockRows(tx, [id]);
  const row = await tx.article.findUniqueOrThrow({ where: { id } });
  const { expiresAt } = row;
  const { liveUntil } = await tx.publication.findUniqueOrThrow({ where: { articleId: id } });
  const at = liveUntil ?? new Date();
  await disappear(newsroom, tx, row, at, "unpublished");
  const next = await tx.plannedEdition.findUnique({ where: { articleId: id } });
  if (next !== null) {
    const { version, partnersFrom } = next;
    const edition = await tx.edition.findUniqueOrThrow({
      where: { articleId_version: { articleId: id, version } },
    });
    const { terms, publishedAt, liveFrom, liveUntil: nextUntil } = edition;
    const document = edition.document as unknown as EditionDocument;
    const span = { liveFrom, liveUntil: nextUntil, partnersFrom };
    await putInPlace(newsroom, tx, { document, terms, publishedAt, ...span });
    await tx.plannedEdition.delete({ where: { articleId: id } });
  }
  const status = next === null ? stateAfter("unpublish", row) : "scheduled";
  await recordTransition(tx, row, "unpublish", status);
  // An end that has been reached would forbid every edition to come.
  const isOver = expiresAt !== null && expiresAt <= at;
  await tx.article.update({ where: { id }, data: { status, expiresAt: isOver ? null : expiresAt } });
}
