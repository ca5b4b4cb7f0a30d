import { databaseCode } from "../database/errors.ts";
import { type Actor, transact } from "../database/transactions.ts";
import { Problem, problem, problemTypes } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import type { Entry, Remark } from "./entry.ts";
import { type FormatName, type ImportReport, type Tally, tally } from "./report.ts";
import { type Item, resolved } from "./resolve.ts";
import { type Staging, aside, staging } from "./staging.ts";
import { type WriteOptions, type Written, writeItems } from "./write.ts";

/** How many articles are written in one transaction. */
const ARTICLES = 20;
/** How many other pieces are read at once. */
const OTHERS = 500;
/** How long a batch may take, in milliseconds. */
const BATCH_TIMEOUT = 120_000;

/** How far an import is. */
export interface Progress {
  phase: "reading" | "writing";
  /** Bytes that were read, or articles that were written. */
  done: number;
  /** Of how many, where that is known. */
  total?: number | undefined;
}

export interface ImportOptions extends WriteOptions {
  actor: Actor;
  dryRun: boolean;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Is told of every remark and failure, however many there are. */
  onRemark?: ((remark: Remark) => void) | undefined;
}

/** Ends a transaction that was only tried. */
class Tried extends Error {
  readonly written: Written[];
  constructor(written: Written[]) {
    super();
    this.written = written;
  }
}

/**
 * Imports what a file of another system holds. All of it is read and put aside before anything is
 * written, so that of a file that is broken nothing is kept. Then articles are written in batches,
 * each in a transaction of its own: what is broken off keeps what it has written, and goes on from
 * there when the file is imported again, since what was imported is known and left as it is.
 *
 * @throws 422 when the file is broken, or when nothing in it could be imported
 */
export async function importEntries(
  newsroom: Newsroom,
  format: FormatName,
  entries: AsyncIterable<Entry>,
  options: ImportOptions,
): Promise<ImportReport> {
  const told = tally(format, options.dryRun, options.onRemark);
  await aside(newsroom.statements, async (run) => {
    const staged = await staging(run, (kind) => (kind === "article" ? ARTICLES : OTHERS));
    for await (const entry of entries) await stage(staged, entry, told);
    await staged.finish();
    const total = staged.count("article");
    let done = 0;
    for await (const rows of staged.batches("article")) {
      await write(newsroom, await resolved(staged, rows), options, told);
      done += rows.length;
      options.onProgress?.({ phase: "writing", done, total });
    }
  });
  const report = told.report();
  if (report.failed > 0 && report.created + report.updated + report.unchanged === 0)
    throw nothingImported(report);
  return report;
}

async function stage(staged: Staging, entry: Entry, told: Tally): Promise<void> {
  switch (entry.kind) {
    case "left": {
      const { kind: _, ...remark } = entry;
      told.leave(remark);
      return;
    }
    case "article": {
      const { kind, line, key, ...content } = entry;
      await staged.add({ kind, line, key, content: JSON.stringify(content) });
      return;
    }
    case "filing": {
      const { kind, line, key, ...content } = entry;
      await staged.add({ kind, line, key, content: JSON.stringify(content) });
      return;
    }
    default: {
      const { kind, line, key, value } = entry;
      await staged.add({ kind, line, key, content: JSON.stringify(value) });
    }
  }
}

/** Writes a batch, or, when something in it cannot be written, each of it by itself. */
async function write(
  newsroom: Newsroom,
  items: readonly Item[],
  options: ImportOptions,
  told: Tally,
): Promise<void> {
  try {
    tell(items, await writeTogether(newsroom, items, options), told);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    const [item, ...others] = items;
    if (item === undefined) return;
    if (others.length === 0)
      told.fail({ line: item.line, item: item.article.headline.slice(0, 200), reason });
    else for (const one of items) await write(newsroom, [one], options, told);
  }
}

async function writeTogether(
  newsroom: Newsroom,
  items: readonly Item[],
  options: ImportOptions,
): Promise<Written[]> {
  try {
    return await transact(
      newsroom.database,
      async (tx) => {
        const written = await writeItems(newsroom, tx, items, options);
        if (options.dryRun) throw new Tried(written);
        return written;
      },
      options.actor,
      { timeout: BATCH_TIMEOUT },
    );
  } catch (error) {
    if (error instanceof Tried) return error.written;
    throw error;
  }
}

function tell(items: readonly Item[], written: readonly Written[], told: Tally): void {
  for (const [index, { outcome, remarks }] of written.entries()) {
    told.count(outcome);
    const item = items[index];
    for (const reason of remarks)
      told.remark({ line: item?.line ?? 0, item: item?.article.headline.slice(0, 200) ?? null, reason });
  }
}

/** Why an item cannot be imported; undefined when it is not the item's fault. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Problem && problemTypes[error.type].status < 500)
    return (
      error.errors
        ?.slice(0, 5)
        .map(({ pointer, detail }) => `${pointer} ${detail}`)
        .join("; ") ?? error.message
    );
  // Classes 22 and 23: what the database cannot hold although the checks found nothing.
  const code = databaseCode(error) ?? "";
  return /^2[23]/.test(code) ? `holds what cannot be here (${code})` : undefined;
}

function nothingImported(report: ImportReport): Problem {
  const [first] = report.failures;
  return problem(
    "import-failed",
    `Nothing was imported, for ${report.failed === 1 ? "its only article" : `none of its ${report.failed} articles`} can be: line ${first?.line} ${first?.reason}.`,
    { members: { report } },
  );
}
