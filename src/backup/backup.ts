import { rename, rm, stat } from "node:fs/promises";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { holdMigrations, migrationState, readMigrations } from "../database/migrate.ts";
import { type Entry, writeArchive } from "./archive.ts";
import { CONTENTS, type Contents, HEAD, type Head, compress, partName, rowsIn, verify } from "./contents.ts";
import { type Table, asCopied, readSequences, readTables, speakPlainly } from "./tables.ts";

/** About how much of a table goes into one part, in bytes before it is compressed. */
const PART = 8 * 1024 * 1024;

/** What a backup holds. */
export interface Backup {
  head: Head;
  contents: Contents;
  /** The size of its file, in bytes. */
  bytes: number;
}

/**
 * Writes all that is in the database into a file, as it was at one moment: other transactions go on
 * meanwhile, and what they change is not in it. Migrations wait until it is done. The file gets its
 * name when it is whole and has been read once more and verified.
 *
 * @throws when there is no newsroom in the database, the file exists, or anything fails: then there is no file
 */
export async function backUp(databaseUrl: string, file: string): Promise<Backup> {
  if (await exists(file)) throw new Error(`${file} exists already: name a file that does not.`);
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: "dateline backup",
    keepAlive: true,
  });
  // What breaks it is told by the query that needs it.
  client.on("error", () => {});
  await client.connect();
  try {
    await speakPlainly(client);
    await holdMigrations(client);
    await writeArchive(partial, entries(client));
    const { head, contents } = await verify(partial);
    const { size } = await stat(partial);
    await rename(partial, file);
    return { head, contents, bytes: size };
  } finally {
    await client.end().catch(() => {});
    await rm(partial, { force: true });
  }
}

/** Everything, read in one snapshot. */
async function* entries(client: pg.Client): AsyncGenerator<Entry> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  const head = await headOf(client);
  yield { name: HEAD, bytes: json(head) };
  const rows: Record<string, number> = {};
  for (const table of head.tables) rows[table.name] = yield* parts(client, table);
  // Sequences count outside of transactions: read last, they are past all that was read.
  const contents: Contents = { rows, sequences: await readSequences(client) };
  yield { name: CONTENTS, bytes: json(contents) };
  await client.query("COMMIT");
}

async function headOf(client: pg.Client): Promise<Head> {
  const { applied, unfinished } = await migrationState(client, await readMigrations());
  if (applied.length === 0)
    throw new Error("There is no newsroom in the database yet, so nothing to back up.");
  if (unfinished.length > 0)
    throw new Error(`The migration ${unfinished.join(", ")} is not finished; \`dateline doctor\` says more.`);
  const { rows: migrations } = await client.query(
    `SELECT migration_name AS name, checksum FROM _prisma_migrations
     WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name`,
  );
  const { rows } = await client.query("SELECT now() AS now, current_setting('server_version') AS version");
  return {
    format: 1,
    madeAt: rows[0].now.toISOString(),
    postgresql: rows[0].version,
    migrations,
    tables: await readTables(client),
  };
}

/** The rows of a table in parts. Returns how many there are. */
async function* parts(client: pg.Client, table: Table): AsyncGenerator<Entry, number> {
  const rows = client.query(copyTo(`COPY ${asCopied(table)} TO STDOUT`));
  let waiting: Buffer[] = [];
  let size = 0;
  let number = 0;
  let counted = 0;
  const part = async (): Promise<Entry> => {
    const text = Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
    number += 1;
    counted += rowsIn(text);
    return { name: partName(table.name, number), bytes: await compress(text) };
  };
  for await (const chunk of rows as AsyncIterable<Buffer>) {
    waiting.push(chunk);
    size += chunk.length;
    if (size >= PART) yield await part();
  }
  if (size > 0) yield await part();
  if (counted !== rows.rowCount)
    throw new Error(`Of ${table.name} ${counted} rows arrived where PostgreSQL sent ${rows.rowCount}.`);
  return counted;
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
