import type { Transaction } from "../database/client.ts";
import { databaseCode } from "../database/errors.ts";
import { problem } from "../http/problems.ts";
import type { Outcome, Tally } from "../imports/report.ts";
import type { Staging } from "../imports/staging.ts";
import type { Newsroom } from "../newsroom.ts";
import { understood } from "./lines.ts";
import type { Line } from "./schema.ts";
import { writeArticles } from "./writeArticles.ts";
import { writeTerms } from "./writeTerms.ts";
import { writeTombstones } from "./writeTombstones.ts";
import { writeWithdrawals } from "./writeWithdrawals.ts";

/** Writes the lines that were put aside, batch by batch: first what articles refer to. */
export async function apply(
  newsroom: Newsroom,
  tx: Transaction,
  now: Date,
  staged: Staging,
  told: Tally,
): Promise<void> {
  await tx.$executeRaw`SET CONSTRAINTS related_links_target_id_fkey DEFERRED`;
  const each = async <Kind extends Line["kind"]>(
    kind: Kind,
    write: (batch: Extract<Line, { kind: Kind }>[]) => Promise<(Outcome | { refused: string })[]>,
  ) => {
    for await (const rows of staged.batches(kind)) {
      const batch = rows.map(({ content }) => understood(content) as Extract<Line, { kind: Kind }>);
      const outcomes = await write(batch).catch((error: unknown) => {
        throw asRefusal(error, rows);
      });
      for (const [index, outcome] of outcomes.entries()) {
        if (typeof outcome === "string") told.count(outcome);
        else told.fail({ line: rows[index]?.line ?? 0, reason: outcome.refused });
      }
    }
  };
  for (const kind of ["section", "tag", "author"] as const)
    await each(kind, (batch) => writeTerms(tx, kind, batch));
  await each("withdrawal", (batch) => writeWithdrawals(newsroom, tx, now, batch));
  await each("article", (batch) => writeArticles(newsroom, tx, now, batch));
  await each("tombstone", (batch) => writeTombstones(tx, batch));
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
