import { createHash, randomUUID } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

export const prismaFolder = join(import.meta.dirname, "../../prisma");
const migrationsFolder = join(prismaFolder, "migrations");

/** Any number, the same in every process: who holds it migrates, the others wait. */
const MIGRATION_LOCK = 4_217_001;
/** How long a migration waits for a table that is in use, in milliseconds: meanwhile others wait behind it. */
const LOCK_TIMEOUT = 1_000;
/** How long it is tried again before it is given up, and the pause in between, in milliseconds. */
const PATIENCE = 120_000;
const PAUSE = 500;

/** A step of the schema: a folder in prisma/migrations. */
export interface Migration {
  name: string;
  sql: string;
  /** The SHA-256 of the SQL, as `_prisma_migrations` keeps it. */
  checksum: string;
}

/** Where a database stands, by the names of migrations. */
export interface MigrationState {
  applied: string[];
  /** Those that this version has and the database has not. */
  pending: string[];
  /** Those that were applied by another version and that this one does not know. */
  unknown: string[];
  /** Those that have been changed since they were applied. */
  changed: string[];
  /** Those of which it is not known whether they were applied: what ran them broke off. */
  unfinished: string[];
}

/**
 * Brings the database to the newest migration and returns the names of those applied. Processes that
 * start together take turns, so each migration runs once. Each is one transaction with the row in
 * `_prisma_migrations` that tells of it, as `prisma migrate deploy` writes it: a process that dies
 * leaves nothing half done.
 *
 * @param databaseUrl a postgres:// address
 * @throws when the database cannot be reached, or a migration fails or waits too long for its tables
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: "dateline migration",
  });
  // What breaks it is told by the query that needs it.
  client.on("error", () => {});
  await client.connect();
  try {
    const migrations = await readMigrations();
    // Whoever has nothing to apply does not wait for one that has, or for a backup.
    if ((await migrationState(client, migrations)).pending.length === 0) return [];
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query(createTable);
    const { pending, unfinished } = await migrationState(client, migrations);
    if (unfinished.length > 0) {
      throw new Error(
        `It is not known whether the migration ${unfinished.join(", ")} was applied, since what ran it broke off. See whether the database has what its SQL makes, and set finished_at, or else rolled_back_at, of its row in _prisma_migrations.`,
      );
    }
    for (const migration of migrations.filter(({ name }) => pending.includes(name)))
      await applyWhenFree(client, migration);
    return pending;
  } finally {
    await client.end();
  }
}

/** Waits until nobody migrates, and has others wait until the transaction ends. */
export async function turnToMigrate(client: pg.ClientBase): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
}

/** Keeps migrations from being applied until the connection ends, once one that runs is done. */
export async function holdMigrations(client: pg.ClientBase): Promise<void> {
  await client.query("SELECT pg_advisory_lock_shared($1)", [MIGRATION_LOCK]);
}

/** The migrations that this version comes with, in their order. */
export async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(migrationsFolder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(migrationsFolder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/** Where a database stands, against the migrations of this version. */
export async function migrationState(
  client: pg.ClientBase,
  migrations: readonly Migration[],
): Promise<MigrationState> {
  const { rows: tables } = await client.query("SELECT to_regclass('_prisma_migrations') AS name");
  const { rows } =
    tables[0].name === null
      ? { rows: [] }
      : await client.query<{ name: string; checksum: string; finished: boolean }>(
          `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
           FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
        );
  const finished = new Map(rows.flatMap((row) => (row.finished ? [[row.name, row.checksum]] : [])));
  const known = new Set(migrations.map(({ name }) => name));
  return {
    applied: [...finished.keys()],
    pending: migrations.flatMap(({ name }) => (finished.has(name) ? [] : name)),
    unknown: [...finished.keys()].filter((name) => !known.has(name)),
    changed: migrations.flatMap(({ name, checksum }) =>
      finished.has(name) && finished.get(name) !== checksum ? name : [],
    ),
    unfinished: rows.flatMap((row) => (row.finished ? [] : row.name)),
  };
}

/** The table in which Prisma keeps what was applied (`migrations_table` of its schema engine). */
export const createTable = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

const BUILDS_CONCURRENTLY = /^(?:\s*--.*\n)*\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b/i;

/**
 * Whether a migration builds an index while its table is written to, which no transaction can: then
 * it is that one statement, with IF NOT EXISTS.
 */
export function buildsConcurrently({ sql }: Migration): boolean {
  return BUILDS_CONCURRENTLY.test(sql);
}

/** The SQL of a migration for a database that nobody else sees yet. */
export function withinTransaction(migration: Migration): string {
  const { sql } = migration;
  return buildsConcurrently(migration) ? sql.replace(/\bCONCURRENTLY\b/i, "") : sql;
}

/**
 * Applies a migration once no long transaction is in its way. A statement that waits to alter a table
 * holds up all that come after it, so it gives way after a moment and comes again.
 */
async function applyWhenFree(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query(`SET lock_timeout = ${LOCK_TIMEOUT}`);
  const since = performance.now();
  for (;;) {
    try {
      await (buildsConcurrently(migration) ? applyConcurrently : applyWhole)(client, migration);
      return;
    } catch (cause) {
      await client.query("ROLLBACK");
      // 55P03 is lock_not_available (PostgreSQL's manual, appendix A).
      const waited = (cause as { code?: string }).code === "55P03";
      if (waited && performance.now() - since < PATIENCE) {
        await sleep(PAUSE * (0.5 + Math.random()));
        continue;
      }
      const reason = waited
        ? `the tables that it changes were in use for ${PATIENCE / 1000} s; \`dateline doctor\` names the transactions that take so long`
        : (cause as Error).message;
      throw new Error(`The migration ${migration.name} was not applied, and changed nothing: ${reason}.`, {
        cause,
      });
    }
  }
}

async function applyWhole(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query("BEGIN");
  await client.query(migration.sql);
  await noteApplied(client, migration);
  await client.query("COMMIT");
}

/** What a build that broke off has left behind is no index, but would be taken for one by its name. */
async function applyConcurrently(client: pg.ClientBase, migration: Migration): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid
     WHERE NOT indisvalid AND c.relnamespace = 'public'::regnamespace`,
  );
  for (const { name } of rows) await client.query(`DROP INDEX CONCURRENTLY ${name}`);
  // It waits for every transaction that began before it, without being in anybody's way.
  await client.query("SET lock_timeout = 0");
  await client.query(migration.sql);
  await noteApplied(client, migration);
}

async function noteApplied(client: pg.ClientBase, { name, checksum }: Migration): Promise<void> {
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, transaction_timestamp(), clock_timestamp(), 1)`,
    [randomUUID(), checksum, name],
  );
}
