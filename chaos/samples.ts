import pg from "pg";
import { client } from "./http.ts";

/** What is looked at, and what it is called in reports. */
export const figures = {
  memory: "resident memory, MB",
  heap: "heap, MB",
  external: "memory beside the heap, MB",
  cache: "of it kept ready to be sent, MB",
  loop: "event loop's delay, p99 in ms",
  descriptors: "file descriptors",
  connections: "connections to the database",
  jobsDue: "jobs that are due",
  database: "database, MB",
  dead: "dead rows",
} as const;

export type Figures = Record<keyof typeof figures, number>;

export interface Table {
  name: string;
  live: number;
  dead: number;
  bytes: number;
}

const MB = 2 ** 20;

/** Takes figures of a server from what it tells of itself, and of its database from the statistics of that. */
export function sampler(url: string, databaseUrl: string) {
  const asking = client(url);
  const database = new pg.Client({ connectionString: databaseUrl });
  const connected = database.connect();

  const tables = async (): Promise<Table[]> => {
    await connected;
    const { rows } = await database.query<Table>(
      `SELECT relname AS name, n_live_tup::float8 AS live, n_dead_tup::float8 AS dead,
         pg_total_relation_size(relid)::float8 AS bytes
       FROM pg_stat_user_tables ORDER BY bytes DESC`,
    );
    return rows;
  };

  return {
    async take(): Promise<Figures> {
      const { text } = await asking.send({ method: "GET", path: "/metrics" });
      await connected;
      const { rows } = await database.query<{ bytes: number; connections: number }>(
        `SELECT pg_database_size(current_database())::float8 AS bytes, count(*)::int AS connections
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      const [{ bytes, connections } = { bytes: 0, connections: 0 }] = rows;
      return {
        memory: valueOf(text, "process_resident_memory_bytes") / MB,
        heap: valueOf(text, "nodejs_heap_size_used_bytes") / MB,
        external: valueOf(text, "nodejs_external_memory_bytes") / MB,
        cache: valueOf(text, "dateline_cache_bytes") / MB,
        loop: valueOf(text, "nodejs_eventloop_lag_p99_seconds") * 1000,
        descriptors: valueOf(text, "process_open_fds"),
        connections,
        jobsDue: valueOf(text, "dateline_jobs_due"),
        database: bytes / MB,
        dead: (await tables()).reduce((sum, { dead }) => sum + dead, 0),
      };
    },
    /** All tables, the largest first. */
    tables,
    async end(): Promise<void> {
      asking.close();
      await database.end();
    },
  };
}

/** A figure of Prometheus' text; the sum of all that differ but in their labels, and 0 where there is none. */
function valueOf(text: string, name: string): number {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
}
