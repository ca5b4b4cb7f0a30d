import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { draft } from "../support/articles.ts";
import { emptyDatabase, freshDatabase } from "../support/database.ts";
import { inMs, planned } from "../support/desk.ts";
import { scratchFolder } from "../support/folder.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { runToEnd, startProcess } from "../support/process.ts";

// Commands take their time where the machine has others to serve.
vi.setConfig({ testTimeout: 90_000 });

const newsroom = useNewsroom();
const folder = await scratchFolder();

interface Report {
  status: string;
  findings: { check: string; status: string; found: string; meaning: string; action: string | null }[];
}

/** What the doctor says of a database, and of the newsroom's when none is named. */
async function examined(environment: Record<string, string> = {}) {
  const { code, output } = await runToEnd(["src/cli/dateline.ts", "doctor", "--json"], {
    DATABASE_URL: newsroom.databaseUrl,
    PORT: "0",
    ...environment,
  });
  const report = JSON.parse(output) as Report;
  const of = (check: string) => report.findings.find((finding) => finding.check === check);
  return { code, report, of };
}

/** A database of its own for one test, and a connection to it. */
async function database(make = freshDatabase) {
  const { url, drop } = await make();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  return { url, client };
}

describe("dateline doctor", () => {
  it("finds nothing wrong with a newsroom that serves, and exits with 0", async () => {
    const { port } = new URL(newsroom.url);
    const { code, report, of } = await examined({ PORT: port });
    expect(report.findings.filter(({ status }) => status !== "ok")).toEqual([]);
    expect({ code, status: report.status }).toEqual({ code: 0, status: "ok" });
    const checks = report.findings.map(({ check }) => check).join(", ");
    expect(checks).toBe(
      "configuration, migrations, database, clock, connections, extensions, transactions, locks, jobs, plans, webhooks, keys, port",
    );
    expect(of("database")?.found).toMatch(
      /^PostgreSQL 1[5-9]\.\d+.*, UTF8, [\d.]+ [kM]B, answers in \d+ ms$/,
    );
    expect(of("port")?.found).toBe(`Dateline serves at 127.0.0.1:${port}`);
  });

  it("says on a terminal what is wrong, what that means and what to do, a line each", async () => {
    const { output } = await runToEnd(["src/cli/dateline.ts", "doctor"], {
      DATABASE_URL: newsroom.databaseUrl,
      PORT: "0",
      DATELINE_WORKER: "4",
    });
    expect(output).toMatch(
      /^warn {2}configuration {2}.*DATELINE_WORKER is no setting\n {21}A setting that is wrong .*\n {21}See the README.*\nok {4}migrations/,
    );
  });

  it("names each setting that is wrong, without its value", async () => {
    const { code, report } = await examined({ PORT: "eighty", LOG_LEVEL: "loud" });
    expect(code).toBe(1);
    expect(report.findings).toMatchObject([
      { status: "fail", found: expect.stringMatching(/^PORT must be/) },
      { status: "fail", found: expect.stringMatching(/^LOG_LEVEL must be/) },
    ]);
    expect(JSON.stringify(report)).not.toMatch(/eighty|loud/);
  });

  it("says where the database was looked for when it is not there, without the password", async () => {
    const { code, report, of } = await examined({
      DATABASE_URL: "postgresql://nobody:secret-word@127.0.0.1:1/none",
    });
    expect(code).toBe(1);
    expect(of("database")?.found).toMatch(/^127\.0\.0\.1:1\/none cannot be reached: connect ECONNREFUSED/);
    expect(JSON.stringify(report)).not.toContain("secret-word");
  });

  it("tells apart what a version has yet to apply, what a newer one did, what was changed and what broke off", async () => {
    const { url, client } = await database();
    const looked = async () => (await examined({ DATABASE_URL: url })).of("migrations");
    const last = "(SELECT max(migration_name) FROM _prisma_migrations)";
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '0', '29991231000000_later', now())`,
    );
    expect(await looked()).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/_later is of a newer/),
    });
    await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = ${last}`);
    await client.query(`UPDATE _prisma_migrations SET checksum = '0' WHERE migration_name = ${last}`);
    expect(await looked()).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/has been changed/),
    });
    await client.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = ${last}`);
    expect(await looked()).toMatchObject({ status: "fail", action: expect.stringMatching(/rolled_back_at/) });
    await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = ${last}`);
    expect(await looked()).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/; 1 to come, up to/),
    });
  });

  it("looks at an empty database without touching it", async () => {
    const { url, client } = await database(emptyDatabase);
    const { code, of } = await examined({ DATABASE_URL: url });
    expect(code).toBe(0);
    expect(of("migrations")).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/^none is applied/),
    });
    expect(of("keys")).toBeUndefined();
    const { rowCount } = await client.query(
      "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    );
    expect(rowCount).toBe(0);
  });

  it.for([
    [400, "warn", "ahead of"],
    [-90_000, "fail", "behind"],
  ] as const)("sees a clock that is %d ms off (%s)", async ([off, status, direction]) => {
    const shift = `const now = Date.now; Date.now = () => now() + ${off};`;
    const { of } = await examined({
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}`,
    });
    expect(of("clock")).toMatchObject({ status, found: expect.stringContaining(direction) });
  });

  it("names who waits for a lock and who holds it, and the transaction that has been open for longest", async () => {
    const { url, client } = await database();
    const waiter = new pg.Client({ connectionString: url, application_name: "a waiter" });
    await waiter.connect();
    await client.query("BEGIN; LOCK TABLE hubs");
    const waiting = waiter.query("SELECT FROM hubs");
    await sleep(3_500);
    const { of } = await examined({ DATABASE_URL: url });
    const pids = await client.query("SELECT pg_backend_pid() AS pid");
    await client.query("COMMIT");
    await waiting;
    await waiter.end();
    expect(of("locks")).toMatchObject({
      status: "warn",
      found: expect.stringMatching(
        new RegExp(`^1 wait, process \\d+ for \\d+ s, for process ${pids.rows[0].pid}$`),
      ),
      action: expect.stringContaining(`pg_terminate_backend(${pids.rows[0].pid})`),
    });
    expect(of("transactions")?.found).toMatch(
      new RegExp(`open, the oldest for \\d+ s \\(process ${pids.rows[0].pid}, .*, idle in transaction\\)`),
    );
  });

  it("sees what nobody carries out, webhooks that were switched off, keys that are all gone and an index that is missing", async () => {
    const { url, client } = await database();
    const { found, close } = await startNewsroom(url);
    const { id } = await draft(found, { headline: "Overdue" });
    await planned(found, id, { at: inMs(3_600_000) });
    await found.editor.post("/v1/webhooks").send({ url: "https://partner.example/" }).expect(201);
    await close();
    await client.query(
      "UPDATE articles SET scheduled_for = now() - interval '2 hours' WHERE scheduled_for IS NOT NULL",
    );
    await client.query("UPDATE jobs.job SET start_after = now() - interval '2 hours' WHERE name = 'due'");
    await client.query(
      "UPDATE webhooks SET enabled = false, disabled_at = now(), disabled_reason = 'It failed.'",
    );
    await client.query("UPDATE keys SET revoked_at = now()");
    await client.query("DROP INDEX search_words_alike");
    const { code, of } = await examined({ DATABASE_URL: url });
    expect(code).toBe(1);
    expect(of("plans")).toMatchObject({ status: "fail", found: "1 overdue, the oldest for 2 h" });
    expect(of("jobs")).toMatchObject({ status: "fail", found: "1 are due, the oldest for 2 h (due)" });
    expect(of("webhooks")).toMatchObject({ status: "warn", found: "0 on, 1 switched off for failing" });
    expect(of("keys")).toMatchObject({ status: "warn", action: expect.stringContaining("create-key") });
    expect(of("extensions")).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/index is missing/),
    });
    // What it says to do is right.
    const sql = of("extensions")?.action?.split(": ").slice(1).join(": ") ?? "";
    for (const statement of sql.split("; ")) await client.query(statement);
    expect((await examined({ DATABASE_URL: url })).of("extensions")?.status).toBe("ok");
  });

  it("warns when the connections that it takes are more than there are", async () => {
    const { of } = await examined({ DATABASE_POOL: "900" });
    expect(of("connections")).toMatchObject({ status: "warn", found: expect.stringMatching(/up to 907$/) });
  });

  it("tells a port that is free from one that something else holds, and from a Dateline that cannot serve", async () => {
    const other = createServer((socket) => socket.end("SSH-2.0-none\r\n")).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    expect((await examined({ PORT: String(port) })).of("port")).toMatchObject({
      status: "fail",
      found: expect.stringMatching(/EADDRINUSE/),
    });
    other.close();
    expect((await examined({ PORT: String(port) })).of("port")).toMatchObject({
      status: "ok",
      found: expect.stringMatching(/^nothing listens/),
    });
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url);
    await fresh.drop();
    const away = await examined({ PORT: new URL(found.url).port });
    await close();
    expect(away.of("port")).toMatchObject({
      status: "fail",
      found: expect.stringMatching(/cannot serve: The database does not answer\.$/),
    });
  });

  it("looks at the embedded database, whether it runs or not, and leaves it as it was", async () => {
    const embedded = { DATABASE_URL: "", DATELINE_DATA_DIR: join(folder, "data") };
    const none = await examined(embedded);
    expect(none.of("data folder")).toMatchObject({
      status: "warn",
      found: expect.stringMatching(/no database/),
    });
    const server = await startProcess(embedded);
    const beside = await examined({ ...embedded, PORT: new URL(server.url).port });
    expect(beside.of("port")?.found).toMatch(/^Dateline serves/);
    expect(beside.of("data folder")?.found).toMatch(/^[\d.]+ .B \(\d+ %\) are free/);
    expect(await server.end("SIGTERM")).toBe(0);
    const without = await examined(embedded);
    expect(without.of("keys")?.status).toBe("ok");
    const again = await startProcess(embedded);
    expect(await again.end("SIGTERM")).toBe(0);
  });
});
