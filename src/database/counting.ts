import { Prisma, type Transaction } from "./client.ts";

/** How many rows are counted; of more, the number is estimated. */
export const MOST_COUNTED = 10_000;

/** How many there are in all, as a page of a list tells it. */
export interface Total {
  total: number;
  totalIsEstimate?: true;
}

interface Explained {
  "QUERY PLAN": [{ Plan: { "Plan Rows": number } }];
}

/**
 * Counts what a statement selects, exactly up to `MOST_COUNTED`. How many more there are is
 * PostgreSQL's own estimate, from the statistics that it keeps of the tables.
 *
 * @param selected a SELECT without order and limit
 */
export async function countUpTo(tx: Transaction, selected: Prisma.Sql): Promise<Total> {
  const [{ total }] = await tx.$queryRaw<[{ total: number }]>`
    WITH found AS MATERIALIZED (${selected})
    SELECT count(*)::int AS total FROM (SELECT FROM found LIMIT ${MOST_COUNTED + 1}) counted`;
  if (total <= MOST_COUNTED) return { total };
  return { total: Math.max(total, await estimate(tx, selected)), totalIsEstimate: true };
}

/** How many rows a statement selects, as PostgreSQL estimates it. */
export async function estimate(tx: Transaction, selected: Prisma.Sql): Promise<number> {
  const [row] = await tx.$queryRaw<[Explained]>(Prisma.sql`EXPLAIN (FORMAT JSON) ${selected}`);
  return row["QUERY PLAN"][0].Plan["Plan Rows"];
}
