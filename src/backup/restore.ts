import { finished } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { skipNumbers } from "../changes/skip.ts";
import {
  type Migration,
  createTable,
  migrate,
  readMigrations,
  turnToMigrate,
  withinTransaction,
} from "../database/migrate.ts";
import { readArchive } from "./archive.ts";
import { type Contents, type Head, decompress, tableOf, verify } from "./contents.ts";
import {
  type Table,
  asCopied,
  dropAll,
  inTheWay,
  readTables,
  setAside,
  setSequences,
  speakPlainly,
} from "./tables.ts";

/**
 * Makes a database what a backup holds. All of it is one transaction, whose last step is to see that
 * everything has arrived: when it fails, the database is as it was. Migrations that are newer than
 * the backup are applied afterwards.
 *
 * @param options.replace drop what is in the database instead of refusing
 * @param options.webhooks whether webhooks go on to be told; otherwise they are switched off
 * @throws when the file is not whole or comes from a newer version, when the database is not empty,
 *   or is in use by a Dateline that runs
 */
export async function restore(
  databaseUrl: string,
  file: string,
  { replace, webhooks }: { replace: boolean; webhooks: boolean },
): Promise<{ head: Head; contents: Contents }> {
  const { head, contents } = await verify(file);
  const migrations = await migrationsOf(file, head);
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: "dateline restore",
    keepAlive: true,
  });
  // What breaks it is told by the query that needs it.
  client.on("error", () => {});
  await client.connect();
  try {
    await speakPlainly(client);
    await client.query("BEGIN");
    await turnToMigrate(client);
    await makeRoom(client, replace);
    await client.query(createTable);
    for (const migration of migrations) await client.query(withinTransaction(migration));
    await load(client, file, head, contents);
    if (!webhooks) await client.query("UPDATE webhooks SET enabled = false, revision = revision + 1");
    await client.query("COMMIT");
  } finally {
    // What is not committed by then is rolled back.
    await client.end().catch(() => {});
  }
  await migrate(databaseUrl);
  return { head, contents };
}

/**
 * The migrations that a backup's schema is made of.
 *
 * @throws when this version does not have them
 */
async function migrationsOf(file: string, head: Head): Promise<Migration[]> {
  const ours = new Map((await readMigrations()).map((migration) => [migration.name, migration]));
  return head.migrations.map(({ name, checksum }) => {
    const migration = ours.get(name);
    if (migration?.checksum !== checksum) {
      const what = migration === undefined ? "does not have" : "has in another form";
      throw new Error(
        `${file} was made by another version of Dateline, with the migration ${name}, which this one ${what}. Restore it with the version that made it, or a later one.`,
      );
    }
    return migration;
  });
}

async function makeRoom(client: pg.Client, replace: boolean): Promise<void> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'dateline%'`,
  );
  if (rows.length > 0)
    throw new Error(
      `Dateline runs on this database (${rows.length} connections): stop it, restore, and start it again.`,
    );
  const found = await inTheWay(client);
  if (found === undefined) return;
  if (!replace)
    throw new Error(
      `The database is not empty: it has ${found}. Name an empty one, or drop all that is in it with --replace.`,
    );
  await dropAll(client);
}

/** Loads every row, and what the rows have no place for. */
async function load(client: pg.Client, file: string, head: Head, contents: Contents): Promise<void> {
  const made = new Set((await readTables(client)).map(({ name }) => name));
  const foreign = head.tables.find(({ name }) => !made.has(name));
  if (foreign !== undefined)
    throw new Error(
      `${file} holds a table ${foreign.name}, which is none of Dateline's: move it to another schema, or back up with pg_dump.`,
    );
  const putBack = await setAside(client);
  // Migrations fill tables; the backup has what became of that.
  await client.query(`TRUNCATE ${[...made].map((name) => `public.${pg.escapeIdentifier(name)}`).join(", ")}`);
  await copyAll(client, file, head, contents);
  await putBack();
  await setSequences(client, contents.sequences);
  await skipNumbers(client);
  await client.query("ANALYZE");
}

/** Copies the parts of a backup into their tables, and counts what arrives. */
async function copyAll(client: pg.Client, file: string, head: Head, contents: Contents): Promise<void> {
  const tables = new Map(head.tables.map((table) => [table.name, table]));
  let loading: Loading | undefined;
  const end = async () => {
    if (loading === undefined) return;
    const { name } = loading.table;
    const count = await loading.end();
    if (count !== contents.rows[name])
      throw new Error(`Of ${name} ${count} rows arrived instead of ${contents.rows[name]}.`);
    loading = undefined;
  };
  for await (const { name, bytes } of readArchive(file)) {
    const table = tables.get(tableOf(name) ?? "");
    if (table === undefined) continue;
    if (loading?.table !== table) {
      await end();
      loading = copyInto(client, table);
    }
    await loading.write(await decompress(bytes));
  }
  await end();
}

interface Loading {
  table: Table;
  write: (text: Buffer) => Promise<void>;
  /** Returns how many rows were loaded. */
  end: () => Promise<number>;
}

/** FREEZE, since nobody else has seen the table: its rows need not be visited again to be known as visible. */
function copyInto(client: pg.Client, table: Table): Loading {
  const rows = client.query(copyFrom(`COPY ${asCopied(table)} FROM STDIN WITH (FREEZE)`));
  const done = finished(rows);
  // It is waited for by whoever writes or ends, which may be later.
  done.catch(() => {});
  return {
    table,
    write: (text) =>
      Promise.race([
        done,
        new Promise<void>((resolve, reject) => {
          rows.write(text, (error) => (error ? reject(error) : resolve()));
        }),
      ]),
    async end() {
      rows.end();
      await done;
      return rows.rowCount;
    },
  };
}
