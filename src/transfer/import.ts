import type { Transaction } from "../database/client.ts";
import { type Actor, transact } from "../database/transactions.ts";
import { carryOut } from "../editions/due.ts";
import { takeTurn } from "../editions/live.ts";
import { problem } from "../http/problems.ts";
import { type ImportReport, MAX_FAILURES, type Tally, tally } from "../imports/report.ts";
import { aside, staging } from "../imports/staging.ts";
import type { Newsroom } from "../newsroom.ts";
import { apply } from "./apply.ts";
import { checking } from "./checks.ts";
import { type SentLine, linesOf, parse } from "./lines.ts";
import type { Line } from "./schema.ts";

/** How many articles, and how many other things, are written at once. */
const ARTICLES = 20;
const OTHERS = 500;
/** How long an import may take, in milliseconds. */
const IMPORT_TIMEOUT = 3_600_000;

/** Ends the transaction of an import that was only tried. */
class Tried extends Error {}

/**
 * Brings sections, tags, authors, articles and tombstones to what an export says of them, by their
 * ids, in one transaction. What the file does not name stays as it is.
 *
 * What the file makes live, or takes from readers, is a change for readers here, at the moment of the
 * import. What was planned where it comes from is not planned here.
 *
 * @param source the file, in pieces of any size
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
  const told = tally("dateline", options.dryRun);
  await aside(newsroom.statements, async (run) => {
    const staged = await staging(run, (kind) => (kind === "article" ? ARTICLES : OTHERS));
    const checks = await checking(run);
    await stage(source, told, async (line) => {
      await staged.add(line);
      await checks.add(line);
    });
    // A file that was cut off, or a line that was not understood, would be told of again as missing.
    if (told.report().failed === 0) {
      await staged.finish();
      for (const failure of await checks.failures(MAX_FAILURES)) told.fail(failure);
    }
    refuse(told);
    const work = async (tx: Transaction) => {
      const now = await takeTurn(tx);
      await apply(newsroom, tx, now, staged, told);
      refuse(told);
      await options.note(tx);
      if (options.dryRun) throw new Tried();
    };
    // What was counted cannot be taken back, so the transaction is not run again.
    await transact(newsroom.database, work, options.actor, { timeout: IMPORT_TIMEOUT, attempts: 1 }).catch(
      (error: unknown) => {
        if (!(error instanceof Tried)) throw error;
      },
    );
  });
  return told.report();
}

function refuse(told: Tally): void {
  const { failed, failures, dryRun } = told.report();
  const [first] = failures;
  if (first === undefined) return;
  throw problem(
    "import-failed",
    `Nothing was imported, for ${failed === 1 ? "a line" : `${failed} lines`} cannot be: line ${first.line} ${first.reason}.`,
    { members: { report: { ...tally("dateline", dryRun).report(), failed, failures } } },
  );
}

/** Reads and checks the whole file, line by line, before anything is written. */
async function stage(
  source: AsyncIterable<Uint8Array>,
  told: Tally,
  add: (line: SentLine) => Promise<void>,
): Promise<void> {
  let line = 0;
  let last: Line | undefined;
  const fail = (reason: string) => {
    told.fail({ line, reason });
  };
  for await (const content of linesOf(source)) {
    line += 1;
    if (content === "") continue;
    const found = parse(content);
    if (typeof found === "string") fail(found);
    else if ((line === 1) !== (found.kind === "dateline"))
      fail(line === 1 ? "is not the first line of an export" : "can only be the first line");
    else if (last?.kind === "end") fail("comes after the end");
    else if (found.kind === "end" && found.lines !== line - 2)
      fail(`counts ${found.lines} lines, and there are ${line - 2}`);
    else if ("id" in found) await add({ line, kind: found.kind, key: found.id, content, said: found });
    if (typeof found !== "string") last = found;
  }
  if (last?.kind !== "end") fail("is the last line and not the end of an export: the file was cut off");
}
