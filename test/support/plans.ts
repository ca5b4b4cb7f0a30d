import { type Database, Prisma } from "../../src/database/client.ts";

/** How many rows may be gathered, sorted or put into a hash table at once: far from a whole archive. */
const MOST_ROWS = 30_000;
/** Tables that have a row or more for each article. */
const GREAT = new Set([
  "articles",
  "editions",
  "publications",
  "listings",
  "search_entries",
  "share_standings",
]);

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
  Plans?: Plan[];
}

/** What is wrong with a plan that was carried out. */
function faultsOf(plan: Plan, most: number): string[] {
  const { "Node Type": step, "Relation Name": table = "", "Actual Loops": loops } = plan;
  const faults = (plan.Plans ?? []).flatMap((part) => faultsOf(part, most));
  if (step === "Seq Scan" && GREAT.has(table)) return [...faults, `reads all of ${table}`];
  // Steps through an index in the order of the list are no more than a walk, and keys in a bitmap no rows yet.
  const taken = ["Sort", "Incremental Sort"].includes(step) ? plan.Plans?.[0] : plan;
  const isWalk = ["Index Only Scan", "Subquery Scan", "Bitmap Index Scan"].includes(step);
  if (taken === undefined || isWalk) return faults;
  // What a walk through an index passes over is never read.
  const passedOver = taken["Node Type"] === "Index Only Scan" ? 0 : (taken["Rows Removed by Filter"] ?? 0);
  const rows = Math.round((taken["Actual Rows"] + passedOver) * loops);
  return rows > most ? [...faults, `takes ${rows} rows in a step ${step} ${table}`.trim()] : faults;
}

/**
 * A database that has each statement sent over it explained as it is carried out.
 *
 * @param told is told what is wrong with a statement's plan, and the statement
 * @param most how many rows a step may take, and how many blocks of 8 kB a statement may read
 */
export function explained(
  database: Database,
  told: (fault: string) => void,
  most: { rows?: number; blocks?: number } = {},
): Database {
  const { rows = MOST_ROWS, blocks = Infinity } = most;
  const explain = async (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
    const statement = query instanceof Prisma.Sql ? query : Prisma.sql(query, ...values);
    if (!statement.sql.trimStart().startsWith("EXPLAIN")) {
      const [row] = await database.$queryRaw<[{ "QUERY PLAN": [{ Plan: Plan }] }]>(
        Prisma.sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF) ${statement}`,
      );
      const { Plan: plan } = row["QUERY PLAN"][0];
      const read = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
      const faults = faultsOf(plan, rows).concat(read > blocks ? [`reads ${read} blocks`] : []);
      const text = statement.sql.trim().replaceAll(/\s+/g, " ");
      for (const fault of faults) told(`${fault}: ${text}`);
    }
    return database.$queryRaw(statement);
  };
  return new Proxy(database, {
    get: (target, name) => (name === "$queryRaw" ? explain : (Reflect.get(target, name) as unknown)),
  });
}
