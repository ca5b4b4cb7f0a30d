import { type StoredArticle, articleParts, storedArticle } from "../articles/workingCopy.ts";
import type { Prisma, Transaction } from "../database/client.ts";
import type { Edition } from "../database/generated/client.ts";
import { stateAfter } from "../desk/states.ts";
import { carryOut } from "../editions/due.ts";
import type { Newsroom } from "../newsroom.ts";
import { tableOf } from "../taxonomy/store.ts";
import {
  type ArticleLine,
  FORMAT,
  type TermLine,
  type TombstoneLine,
  type WithdrawalLine,
} from "./schema.ts";

/** How many rows are read at once. */
const TERMS = 500;
const ARTICLES = 20;
/** How long an export may take, in milliseconds. */
const EXPORT_TIMEOUT = 3_600_000;

/**
 * Writes everything that makes a newsroom as JSON Lines, as it stood at one moment. The last line
 * counts the others, so that a file that was cut off is known.
 *
 * What is planned stays behind: it is a decision about one installation's readers, and may be given
 * up there when the file has long been imported elsewhere. What takes an article from readers, its
 * expiry and that it was withdrawn for good, is carried.
 *
 * @param options.since leaves out articles and tombstones that have not changed after this time
 * @param write takes lines, and says when it can take more
 */
export async function exportLines(
  newsroom: Newsroom,
  options: { since?: string | undefined },
  write: (lines: AsyncIterable<string>) => Promise<void>,
): Promise<void> {
  // What is due and has come before readers, or left them, is told as such.
  await carryOut(newsroom);
  await newsroom.database.$transaction((tx) => write(linesOf(tx, options.since)), {
    isolationLevel: "RepeatableRead",
    timeout: EXPORT_TIMEOUT,
  });
}

async function* linesOf(tx: Transaction, since: string | undefined): AsyncGenerator<string> {
  let lines = 0;
  const changed = since === undefined ? {} : { gt: since };
  const parts = [
    ...(["section", "tag", "author"] as const).map((kind) => terms(tx, kind)),
    withdrawals(tx, since === undefined ? {} : { at: changed }),
    articles(tx, since === undefined ? {} : changedSince(since)),
    tombstones(tx, since === undefined ? {} : { purgedAt: changed }),
  ];
  yield `${JSON.stringify({ kind: "dateline", format: FORMAT })}\n`;
  for (const part of parts) {
    for await (const line of part) {
      lines += 1;
      yield `${JSON.stringify(line)}\n`;
    }
  }
  yield `${JSON.stringify({ kind: "end", lines })}\n`;
}

async function* terms(tx: Transaction, kind: TermLine["kind"]): AsyncGenerator<TermLine> {
  const table = tableOf(tx, kind);
  yield* inOrderOfId(
    (after) => table.findMany({ where: { id: after }, orderBy: { id: "asc" }, take: TERMS }),
    ({ id, slug, name, description, createdAt, updatedAt }) => ({
      kind,
      id,
      slug,
      name,
      description,
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
    }),
  );
}

/** Coming before readers and leaving them at a planned moment is no change of the article's own. */
function changedSince(since: string): Prisma.ArticleWhereInput {
  const after = { gt: since };
  const editions = { some: { OR: [{ liveFrom: after }, { liveUntil: after }] } };
  return { OR: [{ updatedAt: after }, { editions }] };
}

async function* withdrawals(
  tx: Transaction,
  where: Prisma.WithdrawalWhereInput,
): AsyncGenerator<WithdrawalLine> {
  yield* inOrderOfId(
    async (after) => {
      const rows = await tx.withdrawal.findMany({
        where: { ...where, articleId: after },
        orderBy: { articleId: "asc" },
        take: TERMS,
      });
      return rows.map((row) => ({ ...row, id: row.articleId }));
    },
    ({ id, reason, publicReason, actor, at }) => ({
      kind: "withdrawal",
      id,
      reason,
      publicReason,
      actor,
      at: at.toISOString(),
    }),
  );
}

async function* articles(tx: Transaction, where: Prisma.ArticleWhereInput): AsyncGenerator<ArticleLine> {
  yield* inOrderOfId(
    (after) => readWhole(tx, { where: { ...where, id: after }, orderBy: { id: "asc" }, take: ARTICLES }),
    articleLine,
  );
}

async function* tombstones(
  tx: Transaction,
  where: Prisma.TombstoneWhereInput,
): AsyncGenerator<TombstoneLine> {
  const found = inOrderOfId(
    async (after) => {
      const rows = await tx.tombstone.findMany({
        where: { ...where, articleId: after },
        include: { slugs: { orderBy: { slug: "asc" } } },
        orderBy: { articleId: "asc" },
        take: TERMS,
      });
      return rows.map((row) => ({ ...row, id: row.articleId }));
    },
    (row) => row,
  );
  for await (const row of found) yield tombstoneLine(row);
}

async function* inOrderOfId<Row extends { id: string }, Item>(
  read: (after: { gt?: string }) => Promise<Row[]>,
  present: (row: Row) => Item,
): AsyncGenerator<Item> {
  let after: { gt?: string } = {};
  for (;;) {
    const rows = await read(after);
    for (const row of rows) yield present(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = { gt: last.id };
  }
}

const everything = {
  ...articleParts,
  slugs: { orderBy: { slug: "asc" } },
  importedItems: { orderBy: { source: "asc" } },
  publication: {
    select: {
      liveUntil: true,
      links: {
        select: { linkId: true, targetId: true, titleKey: true, url: true },
        orderBy: { linkId: "asc" },
      },
    },
  },
} as const satisfies Prisma.ArticleInclude;

type WholeArticle = Prisma.ArticleGetPayload<{ include: typeof everything }> & { editions: Edition[] };

async function readWhole(tx: Transaction, query: Prisma.ArticleFindManyArgs): Promise<WholeArticle[]> {
  const rows = await tx.article.findMany({ ...query, relationLoadStrategy: "join", include: everything });
  // Not joined, which would lose the order of their properties.
  const editions = await tx.edition.findMany({
    where: { articleId: { in: rows.map(({ id }) => id) } },
    orderBy: [{ articleId: "asc" }, { version: "asc" }],
  });
  const byArticle = Map.groupBy(editions, ({ articleId }) => articleId);
  return rows.map((row) => ({ ...row, editions: byArticle.get(row.id) ?? [] }));
}

/** An article that is here, as its line and as it is stored. */
export interface HeldArticle {
  line: ArticleLine;
  stored: StoredArticle;
}

/** Articles by their ids. */
export async function readArticles(tx: Transaction, ids: string[]): Promise<Map<string, HeldArticle>> {
  const rows = await readWhole(tx, { where: { id: { in: ids } } });
  return new Map(
    rows.map((row) => [row.id, { line: articleLine(row), stored: storedArticle(row) }] as const),
  );
}

function articleLine(whole: WholeArticle): ArticleLine {
  const { row, copy, shareCounts } = storedArticle(whole);
  const { slug, headline, standfirst, dateline, language, section, body, keyPoints } = copy;
  const { status, version } = row;
  const now = new Date();
  // Of what is planned readers have seen nothing.
  const hasCome = (edition: { version: number }) => edition.version <= version;
  return {
    kind: "article",
    id: row.id,
    slug,
    status: status === "scheduled" ? stateAfter("cancel", row) : status,
    revision: row.revision,
    version,
    publishedRevision: row.publishedRevision,
    headline,
    standfirst,
    dateline,
    language,
    section: section?.id ?? null,
    tags: copy.tags.map(({ id }) => id),
    authors: copy.authors.map(({ id }) => id),
    body,
    keyPoints,
    relatedLinks: copy.relatedLinks.map(({ id, kind, title, url, target }) => ({
      id,
      kind,
      title,
      url,
      articleId: target?.id ?? null,
    })),
    firstPublishedAt: timeOf(row.firstPublishedAt),
    publishedAt: timeOf(row.publishedAt),
    scheduledFor: timeOf(row.scheduledFor),
    embargoedUntil: timeOf(row.embargoedUntil),
    expiresAt: timeOf(row.expiresAt),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    deletedAt: timeOf(row.deletedAt),
    slugs: whole.slugs.map(({ slug: held, publishedAt }) => ({
      slug: held,
      publishedAt: publishedAt === null || publishedAt > now ? null : publishedAt.toISOString(),
    })),
    shareCounts: shareCounts.map(({ network, count, updatedAt }) => ({
      network,
      count: Number(count),
      updatedAt: updatedAt.toISOString(),
    })),
    corrections: whole.corrections.filter(hasCome).map((correction) => ({
      number: correction.number,
      text: correction.text,
      version: correction.version,
      publishedAt: correction.publishedAt.toISOString(),
    })),
    editions: whole.editions.filter(hasCome).map((edition) => ({
      version: edition.version,
      revision: edition.revision,
      terms: edition.terms,
      createdAt: edition.createdAt.toISOString(),
      publishedAt: edition.publishedAt.toISOString(),
      liveFrom: edition.liveFrom.toISOString(),
      liveUntil: timeOf(edition.liveUntil),
      document: edition.document as unknown as ArticleLine["editions"][number]["document"],
    })),
    ...(whole.importedItems.length === 0 ? {} : { importedFrom: whole.importedItems.map(sourceOf) }),
    live:
      whole.publication === null || status !== "published"
        ? null
        : { liveUntil: timeOf(whole.publication.liveUntil), links: whole.publication.links },
  };
}

function sourceOf({ source, digest, revision }: WholeArticle["importedItems"][number]) {
  return { source, digest: Buffer.from(digest).toString("hex"), revision };
}

export function tombstoneLine(row: {
  articleId: string;
  purgedAt: Date;
  slugs: { slug: string; publishedAt: Date | null }[];
}): TombstoneLine {
  return {
    kind: "tombstone",
    id: row.articleId,
    purgedAt: row.purgedAt.toISOString(),
    slugs: row.slugs.map(({ slug, publishedAt }) => ({
      slug,
      publishedAt: (publishedAt ?? row.purgedAt).toISOString(),
    })),
  };
}

function timeOf(moment: Date | null): string | null {
  return moment?.toISOString() ?? null;
}
