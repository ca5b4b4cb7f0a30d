import type { ClientBase } from "pg";
import type { Config } from "../config.ts";
import type { MigrationState } from "../database/migrate.ts";
import { BACKLOG, type Backlog } from "../jobs/backlog.ts";
import { LAG } from "../webhooks/deliver.ts";
import { type Judged, fail, judge, ok, sized, spoken, warn } from "./finding.ts";

/** A look at the database. */
export interface DatabaseCheck {
  name: string;
  meaning: string;
  /** Whether it reads tables that only the present version is sure to have. */
  readsTables?: boolean;
  look: (client: ClientBase, config: Config) => Promise<Judged>;
}

/** Connections beside the pool that each process keeps: one to listen, five for its jobs, one for webhooks' turns. */
const BESIDE_POOL = 7;
/** How far clocks may be apart, in seconds: plans are seen at their second, and shares after one at the latest. */
const SKEW = { warning: 0.1, failing: 1 };
/** How long a transaction may last, in seconds, before it keeps what is deleted from being cleared away. */
const TRANSACTION = { warning: 60, failing: 3600 };
/** How long a statement may wait for a lock, in seconds; requests give up after ten. */
const LOCK = { warning: 3, failing: 10 };
/** How late a job may be, in seconds; those of plans are looked for twice a second, others within half a minute. */
const JOB = { warning: 60, failing: 600 };
/** How late what is planned may be carried out, in seconds. */
const PLAN = { warning: 10, failing: 60 };
/** How far a webhook may be behind, in seconds. */
const WEBHOOK = { warning: 300, failing: 86_400 };

async function rowOf<Row>(client: ClientBase, text: string): Promise<Row> {
  const { rows } = await client.query(text);
  return rows[0] as Row;
}

/** Whether the schema is what this version needs. */
export function migrations({ applied, pending, unknown, changed, unfinished }: MigrationState): Judged {
  const words =
    applied.length === 0 ? "none is applied" : `${applied.length} applied, up to ${applied.at(-1)}`;
  if (unfinished.length > 0)
    return fail(
      `${words}; of ${unfinished.join(", ")} it is not known whether it is`,
      "See whether the database has what its SQL makes, and set finished_at, or else rolled_back_at, of its row in _prisma_migrations.",
    );
  if (changed.length > 0)
    return warn(
      `${words}; ${changed.join(", ")} has been changed since`,
      "Take the version's own files: what was applied is never changed, and a new migration added instead.",
    );
  if (unknown.length > 0)
    return warn(
      `${words}; ${unknown.join(", ")} is of a newer version`,
      "Fine while a restart is under way; otherwise update this installation as well.",
    );
  return pending.length > 0
    ? warn(`${words}; ${pending.length} to come, up to ${pending.at(-1)}`, "The next start applies them.")
    : ok(words);
}

/** What is looked at, in the order in which it is told. */
export const ofDatabase: DatabaseCheck[] = [
  {
    name: "database",
    meaning: "Everything is kept there. Dateline needs PostgreSQL 15 or later, with UTF-8.",
    async look(client) {
      const since = performance.now();
      const found = await rowOf<{ number: number; version: string; encoding: string; size: string }>(
        client,
        `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
                pg_encoding_to_char(encoding) AS encoding, pg_database_size(oid) AS size
         FROM pg_database WHERE datname = current_database()`,
      );
      const took = spoken((performance.now() - since) / 1000);
      const words = `PostgreSQL ${found.version}, ${found.encoding}, ${sized(Number(found.size))}, answers in ${took}`;
      if (found.number < 150_000) return fail(words, "Update PostgreSQL to 15 or later.");
      return found.encoding === "UTF8"
        ? ok(words)
        : fail(words, "Make a database with ENCODING 'UTF8', and take that one.");
    },
  },
  {
    name: "clock",
    meaning: "Memory and caches turn by this machine's clock, plans are carried out by the database's.",
    async look(client) {
      const skews: { skew: number; uncertainty: number }[] = [];
      for (let round = 0; round < 5; round += 1) {
        const before = Date.now();
        const { now } = await rowOf<{ now: number }>(
          client,
          "SELECT extract(epoch FROM clock_timestamp())::float8 AS now",
        );
        const uncertainty = (Date.now() - before) / 2000;
        skews.push({ skew: before / 1000 + uncertainty - now, uncertainty });
      }
      const [best = { skew: 0, uncertainty: 0 }] = skews.toSorted((a, b) => a.uncertainty - b.uncertainty);
      const apart = Math.abs(best.skew);
      const words = `this machine's is ${spoken(apart)} ${best.skew < 0 ? "behind" : "ahead of"} the database's`;
      const action = "Have both keep time by NTP (chrony, systemd-timesyncd).";
      return judge(apart - best.uncertainty, SKEW, words, action);
    },
  },
  {
    name: "connections",
    meaning: "A process that gets no connection to the database answers 503.",
    async look(client, config) {
      const { most, used } = await rowOf<{ most: number; used: number }>(
        client,
        `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
                (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`,
      );
      const wanted = config.DATELINE_WORKERS * (config.DATABASE_POOL + BESIDE_POOL);
      const words = `${used} of ${most} are in use; this installation takes up to ${wanted}`;
      const action = "Raise max_connections of PostgreSQL, or lower DATABASE_POOL or DATELINE_WORKERS.";
      return judge(
        Math.max(used / most, wanted > most ? 0.8 : 0),
        { warning: 0.8, failing: 0.95 },
        words,
        action,
      );
    },
  },
  {
    name: "extensions",
    meaning: "With pg_trgm a search that finds nothing tries words that are spelt alike.",
    async look(client) {
      const { available, installed, index } = await rowOf<Record<string, string | null>>(
        client,
        `SELECT max(default_version) AS available, max(installed_version) AS installed,
                to_regclass('public.search_words_alike')::text AS index
         FROM pg_available_extensions WHERE name = 'pg_trgm'`,
      );
      if (installed !== null && index !== null) return ok(`pg_trgm ${installed}`);
      if (available === null)
        return warn("pg_trgm cannot be had", "Install PostgreSQL's contrib package on the server.");
      return warn(
        installed === null ? "pg_trgm is not installed" : "pg_trgm is installed, and its index is missing",
        "As the database's owner: CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX CONCURRENTLY search_words_alike ON search_words USING GIN (word gin_trgm_ops);",
      );
    },
  },
  {
    name: "transactions",
    meaning:
      "A transaction that lasts keeps what is outdated from being cleared away, and migrations waiting.",
    async look(client) {
      const { rows } = await client.query<{ pid: number; who: string; state: string; seconds: number }>(
        `SELECT pid, coalesce(nullif(application_name, ''), usename, '?') AS who, state,
                extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds
         FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
           AND backend_type = 'client backend' ORDER BY xact_start`,
      );
      const [oldest] = rows;
      if (oldest === undefined) return ok("none is open");
      const words = `${rows.length} open, the oldest for ${spoken(oldest.seconds)} (process ${oldest.pid}, ${oldest.who}, ${oldest.state})`;
      const action = `See what it is about; SELECT pg_terminate_backend(${oldest.pid}) ends it. A backup may take that long.`;
      return judge(oldest.seconds, TRANSACTION, words, action);
    },
  },
  {
    name: "locks",
    meaning: "A request that waits for what another holds is answered late, or with 503.",
    async look(client) {
      const { rows } = await client.query<{ pid: number; by: number[]; seconds: number }>(
        `SELECT pid, pg_blocking_pids(pid) AS by,
                extract(epoch FROM clock_timestamp() - query_start)::float8 AS seconds
         FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' ORDER BY query_start`,
      );
      const [longest] = rows;
      if (longest === undefined) return ok("nobody waits for one");
      const words = `${rows.length} wait, process ${longest.pid} for ${spoken(longest.seconds)}, for process ${longest.by.join(", ")}`;
      const action = `See what that is about in pg_stat_activity; SELECT pg_terminate_backend(${longest.by[0] ?? longest.pid}) ends it.`;
      return judge(longest.seconds, LOCK, words, action);
    },
  },
  {
    name: "jobs",
    meaning: "What is planned, announced or tidied up is done by jobs, by whichever process takes them.",
    readsTables: true,
    async look(client) {
      const { queue } = await rowOf<{ queue: string | null }>(
        client,
        "SELECT to_regclass('jobs.queue')::text AS queue",
      );
      if (queue === null) return warn("there is no queue yet", "The first start of the server makes it.");
      const { rows } = await client.query<Backlog>(BACKLOG);
      const due = rows.reduce((sum, row) => sum + row.due, 0);
      const [latest] = rows.toSorted((a, b) => b.lag - a.lag);
      if (due === 0 || latest === undefined) return ok(`${rows.length} queues, nothing is due`);
      const words = `${due} are due, the oldest for ${spoken(latest.lag)} (${latest.queue})`;
      const action = "Start Dateline, or see in its log why it does not take them.";
      return judge(latest.lag, JOB, words, action);
    },
  },
  {
    name: "plans",
    meaning: "What falls due is seen by readers at its second, and told to partners when it is carried out.",
    readsTables: true,
    async look(client) {
      const { count, seconds } = await rowOf<{ count: number; seconds: number }>(
        client,
        `SELECT count(*)::int AS count, coalesce(extract(epoch FROM now() - min(moment)), 0)::float8 AS seconds FROM (
           SELECT scheduled_for AS moment FROM articles WHERE scheduled_for <= now()
           UNION ALL SELECT live_until FROM publications WHERE live_until <= now()
         ) due`,
      );
      if (count === 0) return ok("all that was due is carried out");
      const words = `${count} overdue, the oldest for ${spoken(seconds)}`;
      return judge(seconds, PLAN, words, "Start Dateline, or see in its log why it does not carry them out.");
    },
  },
  {
    name: "webhooks",
    meaning: "Partners learn from them what changed.",
    readsTables: true,
    async look(client) {
      const { rows } = await client.query<{ lag: number }>(LAG);
      const { off } = await rowOf<{ off: number }>(
        client,
        "SELECT count(*)::int AS off FROM webhooks WHERE disabled_reason IS NOT NULL",
      );
      const lag = Math.max(0, ...rows.map((row) => row.lag));
      const words = `${rows.length} on${lag > 0 ? `, the last one ${spoken(lag)} behind` : ""}${off > 0 ? `, ${off} switched off for failing` : ""}`;
      const action = "GET /v1/webhooks and …/deliveries say which receivers fail, and why.";
      const judged = judge(lag, WEBHOOK, words, action);
      return judged.status === "ok" && off > 0 ? warn(words, action) : judged;
    },
  },
  {
    name: "keys",
    meaning: "Without a key that may manage keys nobody can let anybody in.",
    readsTables: true,
    async look(client) {
      const { count, managing } = await rowOf<{ count: number; managing: number }>(
        client,
        `SELECT count(*)::int AS count,
                count(*) FILTER (WHERE role = 'admin' OR 'keys:manage' = ANY (scopes))::int AS managing
         FROM keys WHERE revoked_at IS NULL AND coalesce(expires_at > now(), true)`,
      );
      const words = `${count} valid, ${managing} of them may manage keys`;
      return managing > 0 ? ok(words) : warn(words, "Make one: dateline create-key NAME.");
    },
  },
];
