import { LRUCache } from "lru-cache";
import { Prisma, type Transaction } from "./client.ts";

/** How many rows are counted; of more, the number is estimated. */
export const MOST_COUNTED = 10_000;

/** How many there are in all, as a page of a list tells it. */
export interface Total {
  total: number;
  totalIsEstimate?: true;
}

/** A step of PostgreSQL's plan for a statement, the first one being the whole. */
interface Plan {
  "Plan Rows": number;
  Plans?: Plan[];
}

/** How long it is remembered that there were more, in milliseconds, and of how many statements. */
const REMEMBERED = { ttl: 60_000, max: 1_000 };
/** The statements of each database that had more to select. */
const great = new WeakMap<Transaction, LRUCache<string, true>>();

/**
 * Counts what a statement selects, exactly up to `MOST_COUNTED`. How many more there are is
 * PostgreSQL's own estimate, from the statistics that it keeps of the tables. Where there were more
 * a minute ago they are not counted again.
 *
 * @param selected a SELECT without order and limit
 * @param estimated one of the same rows whose number is estimated better
 */
export async function countUpTo(
  tx: Transaction,
  selected: Prisma.Sql,
  estimated: Prisma.Sql = selected,
): Promise<Total> {
  const remembered = great.get(tx) ?? new LRUCache<string, true>(REMEMBERED);
  const statement = JSON.stringify([selected.sql, selected.values]);
  if (!remembered.has(statement)) {
    const [{ total }] = await tx.$queryRaw<[{ total: number }]>`
      WITH found AS MATERIALIZED (${selected})
      SELECT count(*)::int AS total FROM (SELECT FROM found LIMIT ${MOST_COUNTED + 1}) counted`;
    if (total <= MOST_COUNTED) return { total };
    great.set(tx, remembered.set(statement, true));
  }
  const [expected = 0] = await expectedRows(tx, [estimated]);
  return { total: Math.max(MOST_COUNTED + 1, expected), totalIsEstimate: true };
}

/** How many rows statements would select, each, as PostgreSQL's statistics lead it to expect. */
export async function expectedRows(tx: Transaction, statements: readonly Prisma.Sql[]): Promise<number[]> {
  if (statements.length === 0) return [];
  const [row] = await tx.$queryRaw<[{ "QUERY PLAN": [{ Plan: Plan }] }]>(
    Prisma.sql`EXPLAIN (FORMAT JSON) ${Prisma.join(statements, " UNION ALL ")}`,
  );
  const whole = row["QUERY PLAN"][0].Plan;
  const plans = statements.length === 1 ? [whole] : (whole.Plans ?? []);
  return plans.map((plan) => plan["Plan Rows"]);
}
