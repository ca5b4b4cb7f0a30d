import { Gauge } from "prom-client";
import { inTime } from "../database/inTime.ts";
import { BACKLOG, type Backlog } from "../jobs/backlog.ts";
import type { Newsroom } from "../newsroom.ts";

/** The connections of this process, and what every process finds the same in the database. */
export function measureDatabase(newsroom: Newsroom): void {
  measurePool(newsroom);
  measureWork(newsroom);
}

function measurePool({ statements, config, metrics }: Newsroom): void {
  const connections = new Gauge({
    name: "dateline_database_connections",
    help: "The connections of the pool to PostgreSQL, by whether they are busy or idle",
    labelNames: ["state"],
    registers: [metrics],
    collect() {
      connections.set({ state: "idle" }, statements.idleCount);
      connections.set({ state: "busy" }, statements.totalCount - statements.idleCount);
    },
  });
  const most = new Gauge({
    name: "dateline_database_connections_max",
    help: "How many connections the pool may have (DATABASE_POOL)",
    registers: [metrics],
    collect() {
      most.set(config.DATABASE_POOL);
    },
  });
  const waiting = new Gauge({
    name: "dateline_database_waiting",
    help: "How many requests wait for a connection of the pool",
    registers: [metrics],
    collect() {
      waiting.set(statements.waitingCount);
    },
  });
}

/** What waits to be done, as of one moment; undefined when the database does not say it in time. */
interface Work {
  jobs: Backlog[];
  overdue: number;
}

function measureWork({ statements, metrics }: Newsroom): void {
  const read = async (): Promise<Work> => {
    const [jobs, plans] = await Promise.all([
      statements.query<Backlog>({ name: "backlog of jobs", text: BACKLOG }),
      statements.query<{ overdue: number }>({ name: "overdue plans", text: OVERDUE }),
    ]);
    return { jobs: jobs.rows, overdue: plans.rows[0]?.overdue ?? 0 };
  };
  let reading: Promise<Work | undefined> | undefined;
  /** Read once for all figures of an answer. */
  const work = () => {
    reading ??= inTime(read()).finally(() => {
      reading = undefined;
    });
    return reading;
  };
  // Every process reads the same.
  const common = { aggregator: "max" as const, registers: [metrics] };
  const up = new Gauge({
    name: "dateline_database_up",
    help: "Whether the database answers within a second",
    registers: [metrics],
    aggregator: "min",
    async collect() {
      up.set((await work()) === undefined ? 0 : 1);
    },
  });
  const due = new Gauge({
    name: "dateline_jobs_due",
    help: "How many jobs are due and not taken yet, by queue",
    labelNames: ["queue"],
    ...common,
    async collect() {
      for (const { queue, due: count } of (await work())?.jobs ?? []) due.set({ queue }, count);
    },
  });
  const lag = new Gauge({
    name: "dateline_jobs_lag_seconds",
    help: "For how long the first job that is not taken yet has been due, by queue",
    labelNames: ["queue"],
    ...common,
    async collect() {
      for (const { queue, lag: seconds } of (await work())?.jobs ?? []) lag.set({ queue }, seconds);
    },
  });
  const overdue = new Gauge({
    name: "dateline_plans_lag_seconds",
    help: "For how long what readers see since its planned moment has not been carried out and told to partners",
    ...common,
    async collect() {
      const found = await work();
      if (found !== undefined) overdue.set(found.overdue);
    },
  });
}

const OVERDUE = `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(moment)), 0)::float8 AS overdue FROM (
    SELECT scheduled_for AS moment FROM articles WHERE scheduled_for <= clock_timestamp()
    UNION ALL SELECT live_until FROM publications WHERE live_until <= clock_timestamp()
  ) due`;
