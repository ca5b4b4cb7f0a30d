import { isDeepStrictEqual } from "node:util";
import { titleKey } from "../articles/titles.ts";
import { saveLists } from "../articles/lists.ts";
import { type LinkTarget, type StoredArticle, columns } from "../articles/workingCopy.ts";
import { type Actor, type Prisma, type Transaction, databaseCode, transact } from "../database/client.ts";
import { recordTransition } from "../desk/history.ts";
import { kill } from "../desk/kill.ts";
import { disappear, noteArrivals, tellReaders } from "../editions/appear.ts";
import type { EditionDocument } from "../editions/document.ts";
import { carryOut } from "../editions/due.ts";
import { putInPlace, takeTurn } from "../editions/live.ts";
import { cancelPlan, planMoment } from "../editions/plan.ts";
import { problem } from "../http/problems.ts";
import { faultsOf } from "../http/validation.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordRevision } from "../revisions/record.ts";
import { removeCount, setCount } from "../shares/settle.ts";
import { type Term, tableOf } from "../taxonomy/store.ts";
import { type HeldArticle, readArticles, tombstoneLine } from "./export.ts";
import {
  type ArticleLine,
  type ImportReport,
  Line,
  type TermLine,
  type TombstoneLine,
  type WithdrawalLine,
} from "./schema.ts";
import { type Failure, staging } from "./staging.ts";

/** How long a line may be, in characters: an article of the longest kind with many editions. */
const MAX_LINE = 256 * 1024 * 1024;
/** How many failures a report names. */
const MAX_FAILURES = 100;
/** How many articles, and how many other things, are written at once. */
const ARTICLES = 20;
const OTHERS = 500;
/** How long an import may take, in milliseconds. */
const IMPORT_TIMEOUT = 3_600_000;

type Outcome = "created" | "updated" | "unchanged";
type Counts = Record<Outcome, number>;

/** Ends the transaction of an import that was only tried. */
class Tried extends Error {}

/**
 * Brings sections, tags, authors, articles and tombstones to what an export says of them, by their
 * ids, in one transaction. What the file does not name stays as it is.
 *
 * @param source the file, in pieces of any size
 * What the file makes live, or takes from readers, is a change for readers here, at the moment of the
 * import. What was planned where it comes from is not planned here.
 *
 * @param options.note writes in the audit log that it was done
 * @param options.dryRun does all of it and then undoes it
 * @throws 422 with a report when any line cannot be imported; nothing is changed then
 */
export async function importLines(
  newsroom: Newsroom,
  source: AsyncIterable<Uint8Array>,
  options: { dryRun: boolean; actor: Actor; note: (tx: Transaction) => Promise<void> },
): Promise<ImportReport> {
  // What is due here is carried out first, so that the file meets articles as readers see them.
  await carryOut(newsroom);
  const counts: Counts = { created: 0, updated: 0, unchanged: 0 };
  const work = async (tx: Transaction) => {
    const read = await stage(tx, source);
    refuse(read.failures, read.failed, options.dryRun);
    const now = await takeTurn(tx);
    const failures = await apply(newsroom, tx, now, read.staged, counts);
    refuse(failures, failures.length, options.dryRun);
    await options.note(tx);
    if (options.dryRun) throw new Tried();
  };
  // What was read of the source cannot be read again, so neither can the transaction be run again.
  await transact(newsroom.database, work, options.actor, { timeout: IMPORT_TIMEOUT, attempts: 1 }).catch(
    (error: unknown) => {
      if (!(error instanceof Tried)) throw error;
    },
  );
  return { dryRun: options.dryRun, ...counts, failed: 0, failures: [] };
}

function refuse(failures: Failure[], failed: number, dryRun: boolean): void {
  const [first] = failures;
  if (first === undefined) return;
  const report: ImportReport = { dryRun, created: 0, updated: 0, unchanged: 0, failed, failures };
  throw problem(
    "import-failed",
    `Nothing was imported, for ${failed === 1 ? "a line" : `${failed} lines`} cannot be: line ${first.line} ${first.reason}.`,
    { members: { report } },
  );
}

/** Reads and checks the whole file before anything is written. */
async function stage(tx: Transaction, source: AsyncIterable<Uint8Array>) {
  const staged = await staging(tx);
  const failures: Failure[] = [];
  let failed = 0;
  const fail = (line: number, reason: string) => {
    failed += 1;
    if (failures.length < MAX_FAILURES) failures.push({ line, reason });
  };
  let number = 0;
  let last: Line | undefined;
  for await (const text of linesOf(source)) {
    number += 1;
    if (text === "") continue;
    const found = parse(text);
    if (typeof found === "string") fail(number, found);
    else if ((number === 1) !== (found.kind === "dateline"))
      fail(number, number === 1 ? "is not the first line of an export" : "can only be the first line");
    else if (last?.kind === "end") fail(number, "comes after the end");
    else if (found.kind === "end" && found.lines !== number - 2)
      fail(number, `counts ${found.lines} lines, and there are ${number - 2}`);
    else await staged.add({ number, line: found, text });
    if (typeof found !== "string") last = found;
  }
  if (last?.kind !== "end")
    fail(number, "is the last line and not the end of an export: the file was cut off");
  // A file that was cut off, or a line that was not understood, would be told of again as missing.
  if (failed === 0) for (const { line, reason } of await staged.check(MAX_FAILURES)) fail(line, reason);
  return { staged, failures, failed };
}

/** @returns the line, or what is wrong with it */
function parse(text: string): Line | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON in UTF-8";
  }
  const result = Line.safeParse(value);
  if (result.success) return result.data;
  const [first] = faultsOf(result.error);
  return first === undefined ? "is not valid" : `is not valid: ${first.pointer} ${first.detail}`;
}

async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  let pieces: string[] = [];
  let length = 0;
  for await (const piece of source) {
    const parts = decoder.decode(piece, { stream: true }).split("\n");
    const rest = parts.pop() ?? "";
    for (const part of parts) {
      yield [...pieces, part].join("").trimEnd();
      pieces = [];
      length = 0;
    }
    pieces.push(rest);
    length += rest.length;
    if (length > MAX_LINE)
      throw problem(
        "content-too-large",
        `A line is longer than the ${MAX_LINE} characters that it may have.`,
      );
  }
  const end = [...pieces, decoder.decode()].join("").trimEnd();
  if (end !== "") yield end;
}

/** Writes what was staged: first what articles refer to. */
async function apply(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  staged: Awaited<ReturnType<typeof staging>>,
  counts: Counts,
): Promise<Failure[]> {
  await tx.$executeRaw`SET CONSTRAINTS related_links_target_id_fkey DEFERRED`;
  const failures: Failure[] = [];
  const each = async <Kind extends Line["kind"]>(
    kind: Kind,
    most: number,
    write: (batch: Extract<Line, { kind: Kind }>[]) => Promise<(Outcome | { refused: string })[]>,
  ) => {
    for (let after = 0; ;) {
      const rows = await staged.next(kind, after, most);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.line;
      const batch = rows.map(({ content }) => understood(content) as Extract<Line, { kind: Kind }>);
      const outcomes = await write(batch).catch((error: unknown) => {
        throw asRefusal(error, rows);
      });
      for (const [index, outcome] of outcomes.entries()) {
        if (typeof outcome === "string") counts[outcome] += 1;
        else failures.push({ line: rows[index]?.line ?? after, reason: outcome.refused });
      }
    }
  };
  for (const kind of ["section", "tag", "author"] as const)
    await each(kind, OTHERS, (batch) => writeTerms(tx, kind, batch));
  await each("withdrawal", OTHERS, (batch) => writeWithdrawals(newsroom, tx, now, batch));
  await each("article", ARTICLES, (batch) => writeArticles(newsroom, tx, now, batch));
  await each("tombstone", OTHERS, (batch) => writeTombstones(tx, batch));
  return failures.slice(0, MAX_FAILURES);
}

/** An edition stays the text that it was; all else is as the schema reads it. */
function understood(content: string): Line {
  const line = Line.parse(JSON.parse(content));
  if (line.kind !== "article") return line;
  const sent = JSON.parse(content) as ArticleLine;
  return {
    ...line,
    editions: line.editions.map((edition, index) => ({
      ...edition,
      document: sent.editions[index]?.document ?? edition.document,
    })),
  };
}

/** What the database refuses (class 22, 23: what it cannot hold) although the checks found nothing. */
function asRefusal(error: unknown, rows: { line: number }[]): unknown {
  const code = databaseCode(error) ?? "";
  if (!/^2[23]/.test(code)) return error;
  return problem(
    "import-failed",
    `Nothing was imported, for lines ${rows[0]?.line} to ${rows.at(-1)?.line} hold what cannot be here (${code}).`,
  );
}

async function writeTerms(tx: Transaction, kind: TermLine["kind"], lines: TermLine[]): Promise<Outcome[]> {
  const table = tableOf(tx, kind);
  const here = new Map(
    (await table.findMany({ where: { id: { in: lines.map(({ id }) => id) } } })).map((row) => [row.id, row]),
  );
  const outcomes: Outcome[] = [];
  for (const line of lines) {
    const { kind: _, ...rest } = line;
    const data = { ...rest, createdAt: new Date(line.createdAt), updatedAt: new Date(line.updatedAt) };
    const existing = here.get(line.id);
    const outcome =
      existing === undefined ? "created" : isDeepStrictEqual({ ...existing }, data) ? "unchanged" : "updated";
    if (outcome === "created") await table.create({ data });
    if (outcome === "updated") await table.update({ where: { id: line.id }, data });
    outcomes.push(outcome);
  }
  return outcomes;
}

async function writeTombstones(tx: Transaction, lines: TombstoneLine[]): Promise<Outcome[]> {
  const rows = await tx.tombstone.findMany({
    where: { articleId: { in: lines.map(({ id }) => id) } },
    include: { slugs: { orderBy: { slug: "asc" } } },
  });
  const here = new Map(rows.map((row) => [row.articleId, tombstoneLine(row)]));
  const outcomes: Outcome[] = [];
  for (const line of lines) {
    const existing = here.get(line.id);
    const { id: articleId, purgedAt, slugs } = line;
    if (existing === undefined) await tx.tombstone.create({ data: { articleId, purgedAt } });
    await tx.slug.createMany({
      data: slugs.map((held) => ({ ...held, tombstoneId: articleId })),
      skipDuplicates: true,
    });
    outcomes.push(
      existing === undefined ? "created" : isDeepStrictEqual(existing, line) ? "unchanged" : "updated",
    );
  }
  return outcomes;
}

async function writeWithdrawals(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  lines: WithdrawalLine[],
): Promise<Outcome[]> {
  const rows = await tx.withdrawal.findMany({ where: { articleId: { in: lines.map(({ id }) => id) } } });
  const here = new Map(rows.map((row) => [row.articleId, row]));
  const outcomes: Outcome[] = [];
  for (const { kind: _, id: articleId, ...why } of lines) {
    const withdrawal = { articleId, ...why, at: new Date(why.at) };
    const existing = here.get(articleId);
    await tx.withdrawal.upsert({ where: { articleId }, create: withdrawal, update: withdrawal });
    if (existing === undefined) {
      await lock(tx, [articleId]);
      const row = await tx.article.findUnique({ where: { id: articleId } });
      if (row !== null) await kill(newsroom, tx, { row, corrections: [] }, now, why);
    }
    outcomes.push(
      existing === undefined
        ? "created"
        : isDeepStrictEqual({ ...existing }, withdrawal)
          ? "unchanged"
          : "updated",
    );
  }
  return outcomes;
}

/** Keeps others from changing articles until the transaction ends. */
async function lock(tx: Transaction, ids: string[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM articles WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
}

async function writeArticles(
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

/** What was published is never overwritten: the file may add editions to those that are here, and end them. */
function historyFault(here: ArticleLine, sent: ArticleLine): string | undefined {
  const lasting = (edition: ArticleLine["editions"][number] | undefined) => ({ ...edition, liveUntil: null });
  const differing = here.editions.find(
    (edition, index) => !isDeepStrictEqual(lasting(edition), lasting(sent.editions[index])),
  );
  return differing === undefined
    ? undefined
    : `lacks or differs from edition ${differing.version} of ${here.slug}, which was published here`;
}

/** Plans are not compared: those of the file stay behind. */
function isSame(here: ArticleLine, sent: ArticleLine): boolean {
  return isDeepStrictEqual({ ...here, scheduledFor: null }, { ...sent, scheduledFor: null });
}

/** A line as it stands at a moment: what was to end before it has ended. */
function asOf(now: Date, line: ArticleLine): ArticleLine {
  const liveUntil = line.live?.liveUntil ?? null;
  if (liveUntil === null || new Date(liveUntil) > now) return line;
  const editions = line.editions.map((edition, index) =>
    index === line.editions.length - 1 ? { ...edition, liveUntil } : edition,
  );
  return { ...line, status: "unpublished", expiresAt: null, live: null, editions };
}

/**
 * A line with a revision that follows the one that is here, where more was written here: a number that
 * an ETag has named never stands for anything else.
 */
function renumbered(line: ArticleLine, here: ArticleLine | undefined): ArticleLine {
  if (here === undefined || here.revision < line.revision) return line;
  const counted = (revision: number): ArticleLine => ({
    ...line,
    revision,
    publishedRevision:
      line.publishedRevision === null ? null : line.publishedRevision + revision - line.revision,
  });
  return isSame(here, counted(here.revision)) ? counted(here.revision) : counted(here.revision + 1);
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

async function writeShares(
  tx: Transaction,
  { id: articleId, shareCounts }: ArticleLine,
  here: ArticleLine["shareCounts"],
): Promise<void> {
  const wanted = new Map(shareCounts.map((share) => [share.network, share]));
  const held = new Map(here.map((share) => [share.network, share]));
  for (const { network } of here) {
    if (wanted.has(network)) continue;
    // Readers may have counted up since the article was read.
    const { count } = await tx.shareCount.findUniqueOrThrow({
      where: { articleId_network: { articleId, network } },
    });
    await removeCount(tx, { articleId, network, count });
  }
  for (const { network, count, updatedAt } of shareCounts) {
    if (isDeepStrictEqual(held.get(network), wanted.get(network))) continue;
    await setCount(tx, articleId, network, BigInt(count));
    await tx.shareCount.update({
      where: { articleId_network: { articleId, network } },
      data: { updatedAt },
    });
  }
}

function workingCopyOf(line: ArticleLine, terms: Map<string, Term>) {
  const { slug, headline, standfirst, dateline, language, body, keyPoints } = line;
  const find = (id: string) => terms.get(id) ?? [];
  return {
    slug,
    headline,
    standfirst,
    dateline,
    language,
    body,
    keyPoints,
    publishedAt: momentOf(line.publishedAt),
    embargoedUntil: momentOf(line.embargoedUntil),
    expiresAt: momentOf(line.expiresAt),
    section: line.section === null ? null : (terms.get(line.section) ?? null),
    tags: line.tags.flatMap(find),
    authors: line.authors.flatMap(find),
    relatedLinks: line.relatedLinks.map(({ articleId, ...link }) => ({
      ...link,
      target: articleId === null ? null : target(articleId),
    })),
  };
}

function momentOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

/** Of what a link leads to its id is written, nothing else. */
function target(id: string): LinkTarget {
  return { id, headline: "", slug: "", status: "draft", deletedAt: null, publication: null };
}

async function termsOf(tx: Transaction, lines: ArticleLine[]): Promise<Map<string, Term>> {
  const named = {
    section: lines.flatMap(({ section }) => section ?? []),
    tag: lines.flatMap(({ tags }) => tags),
    author: lines.flatMap(({ authors }) => authors),
  };
  const found: Term[] = [];
  for (const kind of ["section", "tag", "author"] as const)
    found.push(...(await tableOf(tx, kind).findMany({ where: { id: { in: named[kind] } } })));
  return new Map(found.map((term) => [term.id, term]));
}
