import { Prisma, type Transaction } from "./client.ts";

/** How many rows are counted; of more, the number is estimated. */
export const MOST_COUNTED = 10_000;

/** How many there are in all, as a page of a list tells it. */
export interface Total {
  total: number;
  totalIsEstimate?: true;
}

/** A step of PostgreSQL's plan for a statement, the first one being the whole. */
export interface Plan {
  "Plan Rows": number;
  Plans?: Plan[];
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
  const estimated = await planOf(tx, selected);
  return { total: Math.max(total, estimated["Plan Rows"]), totalIsEstimate: true };
}

/** The plan for a statement, with the numbers of rows that PostgreSQL's statistics lead it to expect. */
export async function planOf(tx: Transaction, statement: Prisma.Sql): Promise<Plan> {
  const [row] = await tx.$queryRaw<[{ "QUERY PLAN": [{ Plan: Plan }] }]>(
    Prisma.sql`EXPLAIN (FORMAT JSON) ${statement}`,
  );
  return row["QUERY PLAN"][0].Plan;
}
