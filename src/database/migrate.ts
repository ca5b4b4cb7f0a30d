import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { MigrationList, SchemaContainer, SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";

const prismaFolder = join(import.meta.dirname, "../../prisma");
const migrationsFolder = join(prismaFolder, "migrations");
const noFilters = { externalTables: [], externalEnums: [] };

/** Any number, the same in every process: who holds it migrates, the others wait. */
const MIGRATION_LOCK = 4_217_001;

/**
 * Brings the database to the newest migration and returns the names of those applied.
 * Processes that start together take turns, so each migration runs once. The state is kept in
 * `_prisma_migrations` as `prisma migrate deploy` keeps it.
 *
 * @param databaseUrl a postgres:// address
 * @throws when the database cannot be reached or a migration fails
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    const migrations = await readMigrations();
    if (await allApplied(client, migrations)) return [];
    const engine = await openEngine(databaseUrl);
    try {
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: migrations,
        filters: noFilters,
      });
      return appliedMigrationNames;
    } finally {
      engine.free();
    }
  } finally {
    await client.end();
  }
}

/**
 * The SQL that leads from one Prisma schema to another, as a draft for the next migration.
 *
 * @param from the older schema's text, or null for an empty database
 * @param scratchUrl a database that the engine may connect to; it is not changed
 */
export async function draftMigration(from: string | null, scratchUrl: string): Promise<string> {
  const engine = await openEngine(scratchUrl);
  try {
    const { stdout } = await engine.diff({
      from:
        from === null
          ? { tag: "empty" }
          : { tag: "schemaDatamodel", files: [{ path: "before.prisma", content: from }] },
      to: { tag: "schemaDatamodel", files: [await readSchema()] },
      script: true,
      exitCode: null,
      filters: noFilters,
    });
    return stdout ?? "";
  } finally {
    engine.free();
  }
}

/** Whether there is nothing to do, asked cheaply: loading the engine would cost half a second. */
async function allApplied(client: pg.Client, migrations: MigrationList): Promise<boolean> {
  const table = await client.query("SELECT to_regclass('_prisma_migrations') AS name");
  if (table.rows[0].name === null) return false;
  const { rows } = await client.query(
    "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
  );
  const applied = new Set(rows.map((row) => row.migration_name));
  return migrations.migrationDirectories.every((migration) => applied.has(migration.path));
}

async function openEngine(databaseUrl: string): Promise<SchemaEngine> {
  const { SchemaEngine } = await import("@prisma/schema-engine-wasm");
  const factory = new PrismaPg({ connectionString: databaseUrl });
  const adapter = bindMigrationAwareSqlAdapterFactory({
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => runScriptsWhole(await factory.connect()),
    connectToShadowDb: async () => runScriptsWhole(await factory.connectToShadowDb()),
  });
  const schema = await readSchema();
  return SchemaEngine.new({ datamodels: [[schema.path, schema.content]] }, () => {}, adapter);
}

/**
 * The adapter cuts scripts at every semicolon, in function bodies and comments too, and sends the
 * pieces over any connections. Sent as one message, a script is one transaction (PostgreSQL's
 * manual, 53.2.2.1 "Multiple Statements in a Simple Query").
 */
function runScriptsWhole(adapter: Awaited<ReturnType<PrismaPg["connect"]>>): typeof adapter {
  adapter.executeScript = async (script) => {
    await adapter.underlyingDriver().query(script);
  };
  return adapter;
}

async function readSchema(): Promise<SchemaContainer> {
  const path = join(prismaFolder, "schema.prisma");
  return { path, content: await readFile(path, "utf8") };
}

async function readMigrations(): Promise<MigrationList> {
  const entries = await readdir(migrationsFolder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).toSorted();
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: "migration.sql",
        content: {
          tag: "ok" as const,
          value: await readFile(join(migrationsFolder, name, "migration.sql"), "utf8"),
        },
      },
    })),
  );
  return {
    baseDir: migrationsFolder,
    lockfile: {
      path: "migration_lock.toml",
      content: await readFile(join(migrationsFolder, "migration_lock.toml"), "utf8"),
    },
    shadowDbInitScript: "",
    migrationDirectories,
  };
}
