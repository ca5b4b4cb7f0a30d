import { access } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { type Config, readConfig } from "../config.ts";
import { startEmbedded } from "../database/embedded.ts";
import { migrationState, readMigrations } from "../database/migrate.ts";
import { type Finding, type Judged, fail, warn } from "./finding.ts";
import { migrations, ofDatabase } from "./ofDatabase.ts";
import { standby } from "./ofStandbys.ts";
import { configuration, disk, port } from "./ofMachine.ts";

/** How long the database may take to take a connection, and for each answer, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Looks at an installation from outside, and changes nothing in it. What cannot be looked at is
 * left out where something before it says why.
 */
export async function* examine(environment: Record<string, string | undefined>): AsyncGenerator<Finding> {
  const meaning = "A setting that is wrong ends the process at its start.";
  let config: Config;
  try {
    config = readConfig(environment);
  } catch (error) {
    const lines = (error as Error).message.split("\n");
    const action = "Set it right in the environment or in .env, and look again: the rest depends on it.";
    for (const line of lines) yield { check: "configuration", meaning, ...fail(line, action) };
    return;
  }
  yield { check: "configuration", meaning, ...configuration(environment) };
  yield* config.DATABASE_URL === undefined ? ofEmbedded(config) : ofServer(config.DATABASE_URL, config);
  yield {
    check: "port",
    meaning: "Readers, editors and load balancers reach Dateline there.",
    ...(await port(config)),
  };
}

/** The embedded server and its folder. One that does not run is started for the time being. */
async function* ofEmbedded(config: Config): AsyncGenerator<Finding> {
  const folder = config.DATELINE_DATA_DIR;
  const check = "data folder";
  const meaning = "The embedded PostgreSQL writes there; when it has no room, it stops.";
  const exists = await access(join(folder, "password")).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const found = `there is no database in ${folder} yet`;
    yield {
      check,
      meaning,
      ...warn(found, "The first start of the server makes it, or restore makes it from a backup."),
    };
    return;
  }
  yield { check, meaning, ...(await disk(folder).catch(unseen)) };
  const embedded = await startEmbedded(folder, { share: true }).catch((error: Error) => error);
  if (embedded instanceof Error) {
    const action = "What it says, or the log in the folder, names the reason.";
    yield { check: "database", meaning: "Everything is kept there.", ...fail(embedded.message, action) };
    return;
  }
  try {
    yield* ofServer(embedded.url, config);
  } finally {
    await embedded.stop();
  }
}

async function* ofServer(url: string, config: Config): AsyncGenerator<Finding> {
  const client = await connected(url).catch((error: Error) => error);
  if (client instanceof Error) {
    const found = `${addressOf(url)}${new URL(url).pathname} cannot be reached: ${client.message}`;
    const action =
      "Start it, or put DATABASE_URL right: host, port, name, password, and what firewalls let through.";
    yield { check: "database", meaning: "Everything is kept there.", ...fail(found, action) };
    return;
  }
  try {
    const state = await migrationState(client, await readMigrations());
    yield {
      check: "migrations",
      meaning:
        "The tables must be those that this version knows; it gets along with the ones before and after it.",
      ...migrations(state),
    };
    for (const { name: check, meaning, readsTables = false, look } of ofDatabase) {
      if (readsTables && state.pending.length > 0) continue;
      yield { check, meaning, ...(await look(client, config).catch(unseen)) };
    }
    for (const replica of config.DATABASE_REPLICAS) {
      const meaning = "Readers are served from it, which the primary is spared.";
      const judged = await standby(client, () => connected(replica)).catch(unseen);
      yield { check: `standby ${addressOf(replica)}`, meaning, ...judged };
    }
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Connects to a server.
 *
 * @throws with the reason why it cannot be reached
 */
async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE,
    statement_timeout: PATIENCE,
    query_timeout: 2 * PATIENCE,
    application_name: "dateline doctor",
  });
  // What breaks it is told by the query that needs it.
  client.on("error", () => {});
  await client.connect().catch((cause: Error) => {
    throw new Error(reasonOf(cause), { cause });
  });
  return client;
}

/** A server's host and port. */
function addressOf(url: string): string {
  const { hostname, port: number } = new URL(url);
  return `${hostname}:${number || "5432"}`;
}

/** What could not be looked at is as bad as what is wrong: nobody knows. */
function unseen(error: unknown): Judged {
  return fail(`cannot be looked at: ${reasonOf(error as Error)}`, "Put right what it says, and look again.");
}

/** Several addresses tried in vain have their reasons inside. */
function reasonOf(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return first.message;
}

/** How an installation is, by the worst of what was found. */
export function worst(findings: readonly Finding[]): Finding["status"] {
  const has = (status: Finding["status"]) => findings.some((finding) => finding.status === status);
  if (has("fail")) return "fail";
  return has("warn") ? "warn" : "ok";
}
