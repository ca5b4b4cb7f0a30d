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
    return await withEngine(databaseUrl, async (engine) => {
      const applied = await engine.applyMigrations({ migrationsList: migrations, filters: noFilters });
      return applied.appliedMigrationNames;
    });
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
  return withEngine(scratchUrl, async (engine) => {
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
  });
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

async function withEngine<T>(databaseUrl: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const { SchemaEngine } = await import("@prisma/schema-engine-wasm");
  const factory = new PrismaPg({ connectionString: databaseUrl });
  const opened: Adapter[] = [];
  const open = async (connecting: Promise<Adapter>) => {
    const adapter = runScriptsWhole(await connecting);
    opened.push(adapter);
    return adapter;
  };
  const adapter = bindMigrationAwareSqlAdapterFactory({
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: () => open(factory.connect()),
    connectToShadowDb: () => open(factory.connectToShadowDb()),
  });
  const schema = await readSchema();
  const engine = await SchemaEngine.new({ datamodels: [[schema.path, schema.content]] }, () => {}, adapter);
  try {
    return await work(engine);
  } finally {
    engine.free();
    for (const one of opened) await one.dispose();
  }
}

type Adapter = Awaited<ReturnType<PrismaPg["connect"]>>;

/**
 * The adapter cuts scripts at every semicolon, in function bodies and comments too, and sends the
 * pieces over any connections. Sent as one message, a script is one transaction (PostgreSQL's
 * manual, 53.2.2.1 "Multiple Statements in a Simple Query").
 */
function runScriptsWhole(adapter: Adapter): Adapter {
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
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
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
