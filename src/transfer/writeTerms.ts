import { isDeepStrictEqual } from "node:util";
import type { Transaction } from "../database/client.ts";
import type { Outcome } from "../imports/report.ts";
import { tableOf } from "../taxonomy/store.ts";
import type { TermLine } from "./schema.ts";

/** Brings sections, tags or authors to what lines say of them. */
export async function writeTerms(
  tx: Transaction,
  kind: TermLine["kind"],
  lines: TermLine[],
): Promise<Outcome[]> {
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
