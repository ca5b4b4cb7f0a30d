import { titleKey } from "../articles/titles.ts";
import { type StoredArticle, loadArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { recordTransition } from "../desk/history.ts";
import { stateAfter } from "../desk/states.ts";
import { refuseWithdrawn } from "../desk/withdrawals.ts";
import type { Precondition } from "../http/conditional.ts";
import { invalidContent } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordRevision } from "../revisions/record.ts";
import { appear, disappear } from "./appear.ts";
import { compileEdition } from "./document.ts";
import { lockInTurn } from "./due.ts";
import { linksOf, putInPlace, rendered } from "./live.ts";
import { cancelPlan, isPlanned, planMoment } from "./plan.ts";

/** How an article is to be published. */
export interface Publishing {
  /** When; at once if absent. */
  at?: Date | undefined;
  /** What the edition puts right, in the words that readers see. */
  correction?: string | undefined;
}

/**
 * Compiles the working copy into a new edition and puts it before readers, now or at its time, all
 * in the caller's transaction. An article that is live and unchanged stays as it is.
 *
 * @throws 404 when there is no such article, 412 when its revision is not the one demanded, 422
 *   when it cannot be published so, 451 when it was withdrawn for good
 */
export async function publish(
  newsroom: Newsroom,
  tx: Transaction,
  reference: string,
  wanted: Precondition | undefined,
  { at, correction }: Publishing = {},
): Promise<StoredArticle> {
  const { article: locked, now } = await lockInTurn(newsroom, tx, reference, wanted);
  const { row } = locked;
  await refuseWithdrawn(tx, row.id);
  const from = at ?? now;
  const liveFrom = new Date(Math.max(from.getTime(), row.embargoedUntil?.getTime() ?? 0));
  refuseTimes(locked, now, liveFrom, { at, correction });
  const isLive = row.status === "published";
  const isUnchanged = row.publishedRevision === row.revision;
  if (isLive && isUnchanged && !isPlanned(row) && at === undefined && correction === undefined) return locked;

  const isForLater = liveFrom > now;
  const status = stateAfter(isForLater ? "schedule" : "publish", row);
  await cancelPlan(tx, locked);
  const version = row.version + 1;
  if (correction !== undefined) await addCorrection(tx, row.id, version, correction, liveFrom);
  const article = await resolveOwnTitles(tx, row.id);
  const publishedAt = isLive || row.version === 0 ? (row.publishedAt ?? liveFrom) : liveFrom;
  const revision = row.revision + 1;
  const asLive = {
    version,
    publishedAt,
    firstPublishedAt: row.firstPublishedAt ?? row.publishedAt ?? liveFrom,
  };
  const changed = {
    status,
    revision,
    updatedAt: now,
    scheduledFor: isForLater ? liveFrom : null,
    ...(isForLater ? {} : asLive),
    publishedRevision: !isForLater || isUnchanged ? revision : row.publishedRevision,
  };
  const document = compileEdition(
    { ...article, row: { ...article.row, ...asLive, revision, scheduledFor: null } },
    liveFrom,
    newsroom.articleAddress,
  );
  const edition = {
    document,
    publishedAt,
    terms: [article.copy.section, ...article.copy.tags, ...article.copy.authors].flatMap(
      (term) => term?.id ?? [],
    ),
    liveFrom,
    liveUntil: row.expiresAt,
  };
  await tx.edition.create({
    data: {
      articleId: row.id,
      version,
      revision,
      titleKey: titleKey(document.headline),
      createdAt: now,
      ...edition,
    },
  });
  const coming = { ...edition, partnersFrom: from < liveFrom ? from : null };
  const live = isLive ? await tx.publication.findUniqueOrThrow({ where: { articleId: row.id } }) : null;
  if (isForLater && live !== null) {
    const links = await linksOf(tx, document);
    const { slug } = document;
    const { partnersFrom } = coming;
    await tx.plannedEdition.create({
      data: {
        articleId: row.id,
        version,
        slug,
        liveFrom,
        liveUntil: edition.liveUntil,
        partnersFrom,
        ...(await rendered(newsroom, tx, document, links)),
      },
    });
  } else {
    await putInPlace(newsroom, tx, coming);
  }
  await tx.slug.updateMany({
    where: { slug: row.slug, OR: [{ publishedAt: null }, { publishedAt: { gt: liveFrom } }] },
    data: { publishedAt: liveFrom },
  });
  await recordTransition(tx, row, isForLater ? "schedule" : "publish", status);
  const saved = await tx.article.update({ where: { id: row.id }, data: changed });
  if (isForLater) await planMoment(newsroom, tx, row.id, liveFrom);
  else await appear(newsroom, tx, [{ document, before: live, correction: correction ?? null, at: now }]);
  if (edition.liveUntil !== null) await planMoment(newsroom, tx, row.id, edition.liveUntil);
  const published = {
    ...article,
    row: saved,
    copy: { ...article.copy, publishedAt: saved.publishedAt },
    plannedRevision: isForLater ? revision : null,
  };
  await recordRevision(tx, locked, published, { action: isForLater ? "scheduled" : "published" });
  return published;
}

/**
 * Takes an article from readers, and into the trash if so asked; what is planned for it is given up.
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
  const { article, now } = await lockInTurn(newsroom, tx, reference, wanted);
  const { row } = article;
  const isLive = row.status === "published";
  if (!options.toTrash) stateAfter("unpublish", row);
  if (isLive || isPlanned(row)) options.whenLive?.();
  const left = await cancelPlan(tx, article);
  if (isLive) await disappear(newsroom, tx, row, now, options.toTrash ? "deleted" : "unpublished");
  const status = isLive ? "unpublished" : isPlanned(row) ? stateAfter("cancel", row) : row.status;
  const unchanged = row.publishedRevision === row.revision;
  if (status !== row.status) await recordTransition(tx, row, isLive ? "unpublish" : "cancel", status);
  if (options.toTrash) await recordTransition(tx, { ...row, status }, "delete", status);
  const changed = await tx.article.update({
    where: { id: row.id },
    data: {
      status,
      scheduledFor: null,
      deletedAt: options.toTrash ? now : null,
      revision: row.revision + 1,
      publishedRevision: unchanged ? row.revision + 1 : row.publishedRevision,
      updatedAt: now,
    },
  });
  const withdrawn = { ...left, row: changed };
  await recordRevision(tx, article, withdrawn, { action: options.toTrash ? "trashed" : "unpublished" });
  return withdrawn;
}

function refuseTimes(
  { row }: StoredArticle,
  now: Date,
  liveFrom: Date,
  { at, correction }: Publishing,
): void {
  const errors = [];
  if (at !== undefined && at <= now) errors.push({ pointer: "#/at", detail: "must be in the future" });
  if (correction !== undefined && row.version === 0) {
    errors.push({
      pointer: "#/correction",
      detail: "needs an edition that it corrects: the article has not been published yet",
    });
  }
  if (row.expiresAt !== null && row.expiresAt <= liveFrom) {
    errors.push({
      pointer: "#/at",
      detail: `must be before the article's expiresAt, which is ${row.expiresAt.toISOString()}`,
    });
  }
  if (errors.length > 0) throw invalidContent(errors);
}

async function addCorrection(
  tx: Transaction,
  articleId: string,
  version: number,
  text: string,
  publishedAt: Date,
): Promise<void> {
  const number = (await tx.correction.count({ where: { articleId } })) + 1;
  await tx.correction.create({ data: { articleId, number, text, version, publishedAt } });
}

/** Bare titles lead to what went live under them while they were being written. */
async function resolveOwnTitles(tx: Transaction, id: string): Promise<StoredArticle> {
  await tx.$executeRaw`
    UPDATE related_links link SET target_id = target.article_id
    FROM related_links bare CROSS JOIN LATERAL (
      SELECT article_id FROM live WHERE live.title_key = bare.title_key AND live.article_id <> bare.article_id
      ORDER BY published_at DESC LIMIT 1
    ) target
    WHERE link.id = bare.id AND bare.article_id = ${id}::uuid AND bare.target_id IS NULL AND bare.url IS NULL`;
  return loadArticle(tx, id);
}
