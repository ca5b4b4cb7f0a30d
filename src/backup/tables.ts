import type { ClientBase } from "pg";
import { escapeIdentifier } from "pg";

/** A table and those of its columns that hold what cannot be made anew from the others. */
export interface Table {
  name: string;
  columns: string[];
}

/** How COPY tells values, the same on every server and in every session. */
export async function speakPlainly(client: ClientBase): Promise<void> {
  await client.query(
    `SET client_encoding = 'UTF8'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
     SET timezone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex';
     SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0`,
  );
}

/** All tables there are, but not the queue of jobs: that is made anew from what is planned. */
export async function readTables(client: ClientBase): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND ${notOfExtensions}
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname`);
  return rows;
}

/** Which objects of the catalogue `c` an extension did not bring along. */
const notOfExtensions = `NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')`;

/** A table and its columns as COPY names them. */
export function asCopied({ name, columns }: Table): string {
  return `public.${escapeIdentifier(name)} (${columns.map((column) => escapeIdentifier(column)).join(", ")})`;
}

/** How far each sequence has counted; null for one that has not begun. */
export async function readSequences(client: ClientBase): Promise<Record<string, string | null>> {
  const { rows } = await client.query<{ name: string; last: string | null }>(
    `SELECT sequencename AS name, last_value AS last FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, last }) => [name, last]));
}

/** Has sequences go on behind what they had counted. */
export async function setSequences(
  client: ClientBase,
  sequences: Record<string, string | null>,
): Promise<void> {
  for (const [name, last] of Object.entries(sequences)) {
    if (last !== null)
      await client.query(`SELECT setval($1::regclass, $2)`, [`public.${escapeIdentifier(name)}`, last]);
  }
}

/**
 * Sets aside what would be checked or done for every row that is loaded: indexes, references to other
 * tables, triggers.
 *
 * @returns puts them back, as they were: references are checked then, and indexes built at once
 */
export async function setAside(client: ClientBase): Promise<() => Promise<void>> {
  const { rows } = await client.query<{ aside: string; back: string }>(`
    SELECT aside, back FROM (
      SELECT 1 AS place, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS aside,
             format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS back
      FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
      UNION ALL
      SELECT 2, format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname),
             format('ALTER TABLE %s %s TRIGGER %I', tgrelid::regclass,
                    CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END, tgname)
      FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
      WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgenabled <> 'D'
      UNION ALL
      SELECT 3, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
      FROM pg_index JOIN pg_class c ON c.oid = indexrelid
      WHERE c.relnamespace = 'public'::regnamespace AND ${notOfExtensions}
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ) found ORDER BY place, aside`);
  for (const { aside } of rows) await client.query(aside);
  return async () => {
    // What waits to be checked at the commit would be in the way of altering its table.
    await client.query("SET CONSTRAINTS ALL IMMEDIATE");
    // Indexes first: references need them.
    for (const { back } of rows.toReversed()) await client.query(back);
  };
}

/** What stands in a database that would be in the way of a restore, in words; undefined when it is empty. */
export async function inTheWay(client: ClientBase): Promise<string | undefined> {
  const tables = await readTables(client);
  const { rows } = await client.query("SELECT to_regnamespace('jobs') AS jobs");
  if (tables.length === 0 && rows[0].jobs === null) return undefined;
  return `${tables.length} tables${rows[0].jobs === null ? "" : " and a queue of jobs"}`;
}

/** Drops all that a newsroom is made of, and leaves the schema's grants and the extensions. */
export async function dropAll(client: ClientBase): Promise<void> {
  await client.query(`
    DROP SCHEMA IF EXISTS jobs CASCADE;
    DO $$
    DECLARE
      statement text;
    BEGIN
      FOR statement IN
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass) FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND ${notOfExtensions}
      LOOP EXECUTE statement; END LOOP;
      FOR statement IN
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', c.oid::regprocedure) FROM pg_proc c
        WHERE c.pronamespace = 'public'::regnamespace AND ${notOfExtensions}
      LOOP EXECUTE statement; END LOOP;
      FOR statement IN
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', c.oid::regtype) FROM pg_type c
        WHERE c.typnamespace = 'public'::regnamespace AND c.typtype IN ('e', 'd', 'c') AND ${notOfExtensions}
          AND (c.typrelid = 0 OR EXISTS (SELECT FROM pg_class r WHERE r.oid = c.typrelid AND r.relkind = 'c'))
      LOOP EXECUTE statement; END LOOP;
    END
    $$`);
}
