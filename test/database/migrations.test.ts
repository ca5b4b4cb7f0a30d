import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { readMigrations } from "../../src/database/migrate.ts";
import { freshDatabase } from "../support/database.ts";
import { scratchFolder } from "../support/folder.ts";
import { nextVersion, runToEnd, startProcess } from "../support/process.ts";
import { RULES_FROM, faultsOf } from "./rules.ts";

// Processes take their time to start where the machine has others to serve.
vi.setConfig({ testTimeout: 60_000 });
const STARTED = { timeout: 40_000, interval: 50 };

const folder = await scratchFolder();
const BEFORE = "20261124000820_feeds";

describe("the migrations", () => {
  it("keep to the rules by which two versions work side by side", async () => {
    const all = await readMigrations();
    for (const [index, { name, sql }] of all.entries()) {
      if (name < RULES_FROM) continue;
      const earlier = all.slice(0, index).map((migration) => migration.name);
      expect({ name, faults: await faultsOf(sql, earlier) }).toEqual({ name, faults: [] });
    }
  });

  it.for([
    ["DROP TABLE hubs", "drops what"],
    ["DROP VIEW live", "drops what"],
    ["ALTER TABLE articles DROP COLUMN slug", "drops a column"],
    ["ALTER TABLE articles RENAME COLUMN slug TO name", "renames what"],
    ["ALTER TABLE articles RENAME TO stories", "renames what"],
    ["ALTER TABLE articles ALTER COLUMN slug TYPE varchar(9)", "changes the type"],
    ["ALTER TABLE articles ALTER COLUMN standfirst SET NOT NULL", "may write without"],
    ["ALTER TABLE articles ALTER COLUMN status DROP DEFAULT", "leaves out"],
    ["ALTER TABLE articles ADD COLUMN kicker TEXT NOT NULL", "does not write"],
    ["ALTER TABLE articles ADD CONSTRAINT c CHECK (version < 9) NOT VALID", "refuses what"],
    ["CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON articles (headline)", "may write twice"],
    [`ALTER TYPE "ArticleStatus" ADD VALUE 'spiked'`, "does not know"],
    ["TRUNCATE hubs", "may read"],
  ] as const)("%s needs a step of contraction", async ([sql, why]) => {
    expect((await faultsOf(sql, [BEFORE])).join("\n")).toContain(why);
    const brief = "-- brief: there are few of them\n";
    const marked = `CREATE TABLE other (id int);\n${brief}-- contract ${BEFORE}: nothing has used it since\n${sql};`;
    expect((await faultsOf(marked, [BEFORE])).filter((fault) => !fault.includes("only statement"))).toEqual(
      [],
    );
    for (const wrong of [
      "-- contract: it is old",
      `-- contract ${BEFORE}:`,
      "-- contract 1_never: it is old",
    ])
      expect(await faultsOf(`${brief}${wrong}\n${sql}`, [BEFORE])).not.toEqual([]);
  });

  it.for([
    ["CREATE INDEX i ON articles (headline)", "CONCURRENTLY"],
    ["UPDATE articles SET headline = headline", "locks every row"],
    ["DELETE FROM articles", "locks every row"],
    ["ALTER TABLE articles ADD COLUMN token UUID DEFAULT gen_random_uuid()", "writes the table anew"],
    [
      "ALTER TABLE articles ADD COLUMN n INT GENERATED ALWAYS AS (version + 1) STORED",
      "writes the table anew",
    ],
    ["DO $$ BEGIN DELETE FROM articles; END $$", "cannot be seen"],
  ] as const)("%s has to say why it does not take long", async ([sql, why]) => {
    expect((await faultsOf(sql, [])).join("\n")).toContain(why);
    expect(await faultsOf(`-- brief: a newsroom has a handful of these\n${sql}`, [])).toEqual([]);
  });

  it.for([
    "CREATE TABLE t (id int); CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t ADD COLUMN n INT NOT NULL; UPDATE t SET n = 1",
    "ALTER TABLE articles ADD COLUMN kicker TEXT, ADD COLUMN priority INT NOT NULL DEFAULT 0, ADD COLUMN at TIMESTAMPTZ NOT NULL DEFAULT now()",
    "ALTER TABLE articles ALTER COLUMN slug DROP NOT NULL; ALTER TABLE articles DROP CONSTRAINT c",
    "CREATE OR REPLACE VIEW v AS SELECT 1; INSERT INTO hubs VALUES ('https://hub.example/', 1)",
    "-- a comment\n-- and another\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON articles (headline)",
  ])("%s is free to do", async (sql) => {
    expect(await faultsOf(sql, [])).toEqual([]);
  });

  it("build an index beside writes by themselves alone", async () => {
    const build = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON articles (headline)";
    for (const sql of [`${build}; SELECT 1`, build.replace("IF NOT EXISTS ", "")])
      expect((await faultsOf(sql, [])).join()).toContain("the only statement");
  });
});

describe("a migration that comes to a newsroom at work", () => {
  let databaseUrl: string;
  let drop: () => Promise<void>;
  let client: pg.Client;
  let versions = 0;
  beforeAll(async () => {
    ({ url: databaseUrl, drop } = await freshDatabase());
    client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await drop();
  });

  const next = (sql: string) => nextVersion(join(folder, String((versions += 1))), sql);
  const start = (project: string) =>
    startProcess(
      { DATABASE_URL: databaseUrl, LOG_LEVEL: "warn", DATELINE_ADMIN_KEY: "x".repeat(32) },
      project,
    );
  const run = (project: string) =>
    runToEnd(["src/cli/dateline.ts", "create-key", "X"], { DATABASE_URL: databaseUrl }, project);
  const forget = () => client.query("DELETE FROM _prisma_migrations WHERE migration_name ~ '^2999'");
  const applied = async () =>
    (await client.query("SELECT FROM _prisma_migrations WHERE migration_name ~ '^2999'")).rowCount;

  it("waits for a long transaction without holding up others", async () => {
    const project = await next(`ALTER TABLE "hubs" ADD COLUMN "later" TEXT`);
    await client.query("BEGIN; SELECT FROM hubs");
    onTestFinished(async () => {
      await client.query("ROLLBACK");
    });
    const starting = start(project);
    const reader = new pg.Client({ connectionString: databaseUrl });
    await reader.connect();
    let longest = 0;
    // Until it has tried, given way and tried again.
    for (let until = performance.now() + 30_000, waits = 0; waits < 3 && performance.now() < until;) {
      const since = performance.now();
      await reader.query("SELECT FROM hubs");
      const took = performance.now() - since;
      longest = Math.max(longest, took);
      if (took > 300) waits += 1;
      await sleep(20);
    }
    await reader.end();
    expect(await applied()).toBe(0);
    expect(longest).toBeGreaterThan(300);
    expect(longest).toBeLessThan(4_000);
    await client.query("COMMIT");
    const server = await starting;
    expect(await applied()).toBe(1);
    expect(await server.end("SIGTERM")).toBe(0);
    await forget();
  });

  it("leaves nothing behind when its process is killed, or when it fails, and is applied by the next start", async () => {
    const project = await next(`CREATE TABLE "half" (id int); SELECT pg_sleep(3); SELECT 1`);
    const starting = start(project).then(
      () => "it started",
      (error: Error) => error.message,
    );
    await vi.waitFor(async () => {
      const { rows } = await client.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()",
      );
      expect(rows).toHaveLength(1);
      // The connection goes as it does with its process.
      await client.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    }, STARTED);
    expect(await starting).toMatch(/the server ended with 1/);
    const half = async () => (await client.query("SELECT to_regclass('half') AS name")).rows[0].name;
    expect(await half()).toBeNull();
    expect(await run(project)).toMatchObject({ code: 0 });
    expect(await half()).toBe("half");
    await forget();

    const wrong = await next(`CREATE TABLE "quarter" (id int); SELECT 1 / 0`);
    const failed = await run(wrong);
    expect(failed).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /29991231000000_next was not applied, and changed nothing: division by zero\.$/m,
      ),
    });
    await writeFile(
      join(wrong, "prisma/migrations/29991231000000_next/migration.sql"),
      `CREATE TABLE "quarter" (id int)`,
    );
    expect(await run(wrong)).toMatchObject({ code: 0 });
    await forget();
  });

  it("builds an index while its table is written to, also when an earlier attempt broke off", async () => {
    const project = await next(
      `-- Beside writes.\nCREATE INDEX CONCURRENTLY IF NOT EXISTS "hubs_late_idx" ON "hubs"("sequence")`,
    );
    const writer = new pg.Client({ connectionString: databaseUrl });
    await writer.connect();
    onTestFinished(() => writer.end());
    await writer.query("BEGIN; INSERT INTO hubs (url, sequence) VALUES ('https://hub.example/', 1)");
    const attempt = run(project);
    const building =
      "SELECT pid FROM pg_stat_activity WHERE query ~ 'CREATE INDEX CONCURRENTLY' AND pid <> pg_backend_pid()";
    await vi.waitFor(async () => {
      const { rows } = await client.query<{ pid: number }>(building);
      expect(rows).toHaveLength(1);
      // Whoever writes is not in its way, nor it in theirs.
      await client.query("UPDATE hubs SET sequence = 2 WHERE url = 'none'");
      await client.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    }, STARTED);
    expect((await attempt).code).toBe(1);
    const isValid = async () =>
      (await client.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'hubs_late_idx'::regclass"))
        .rows[0]?.indisvalid;
    expect(await isValid()).toBe(false);
    await writer.query("COMMIT");
    expect(await run(project)).toMatchObject({ code: 0 });
    expect(await isValid()).toBe(true);
    await forget();
    // Its row was lost, and it is there: nothing is done twice.
    expect(await run(project)).toMatchObject({ code: 0 });
    await forget();
  });
});
