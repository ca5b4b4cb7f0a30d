import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { PgBoss, fromPrisma } from "pg-boss";
import type { Transaction } from "../database/client.ts";
import { traced } from "../tracing/tracing.ts";

/** The jobs there are: DUE runs at a planned moment, those of ANNOUNCE after changes, TIDY every hour. */
const DUE = "due";
const ANNOUNCE = "announce";
const TIDY = "tidy";
/** How often a process looks for what is due, in milliseconds. */
const LOOK_EVERY = 500;

/** How long a connection may take to be made, and a statement on it, in milliseconds. */
const patience = { connectionTimeoutMillis: 5_000, statement_timeout: 30_000, query_timeout: 35_000 };

/** Work to be done later by one process of those that serve the database, whichever comes first. */
export interface Jobs {
  /** Has what is due carried out at a moment, if the transaction is committed; once for all that ask for the same. */
  plan: (tx: Transaction, moment: Date) => Promise<void>;
  /** Has what changed announced soon, by whichever process; nobody waits for it. */
  announce: () => void;
  /** Begins to do what is planned. */
  start: (work: JobHandlers) => Promise<void>;
  stop: () => Promise<void>;
}

export interface JobHandlers {
  /** Carries out whatever is due by the database's clock, so that it may run too often but never too late. */
  carryOut: () => Promise<void>;
  /**
   * Each tells somebody what changed for readers since it was told, at its own pace. They go by names
   * of letters, digits and hyphens, the same in every process.
   */
  announce: Record<string, () => Promise<void>>;
  /** Forgets what is no longer needed. */
  tidy: () => Promise<void>;
  onError: (error: Error) => void;
}

/**
 * The job queue on the newsroom's own database (pg-boss, in the schema `jobs`). What is due is taken
 * and settled within one transaction, which PostgreSQL ends as soon as the process that took it is
 * gone: the next one finds it at its next look. pg-boss's own workers commit what they take, so that
 * it would be lost with them until it expires.
 */
export function openJobs(databaseUrl: string): Jobs {
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: "jobs",
    application_name: "dateline jobs",
    max: 4,
    registerInstance: false,
    // It would tell of every look for what is due.
    openTelemetry: { enabled: false },
    ...patience,
  });
  let onError: (error: Error) => void = () => {};
  let announced: string[] = [];
  boss.on("error", (error) => {
    onError(error);
  });
  let stopLooking = async () => {};
  const openQueues = async () => {
    await boss.start();
    await boss.createQueue(DUE, { policy: "short", deleteAfterSeconds: 3600 });
    await boss.createQueue(TIDY, {
      policy: "short",
      retryLimit: 2,
      expireInSeconds: 3000,
      deleteAfterSeconds: 86_400,
    });
  };
  let opening: Promise<void> | undefined;
  /** Once; a command plans without ever taking a job, perhaps before any process has served. */
  const open = () => {
    opening ??= openQueues().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    async plan(tx, moment) {
      await open();
      const key = moment.toISOString();
      await boss.send(DUE, null, { startAfter: moment, singletonKey: key, db: fromPrisma(tx) });
    },
    announce() {
      // Each looks for all that it has missed, so that nothing depends on this one.
      for (const queue of announced) boss.send(queue, null, { singletonKey: "all" }).catch(onError);
    },
    async start(work) {
      ({ onError } = work);
      await open();
      await boss.schedule(TIDY, "7 * * * *");
      await boss.work(TIDY, { pollingIntervalSeconds: 30 }, () => traced("job tidy", {}, work.tidy));
      stopLooking = lookFor(boss, databaseUrl, work);
      for (const [name, announce] of Object.entries(work.announce)) {
        const queue = `${ANNOUNCE}-${name}`;
        await boss.createQueue(queue, {
          policy: "short",
          retryLimit: 10,
          retryDelay: 2,
          retryBackoff: true,
          retryDelayMax: 600,
          expireInSeconds: 3000,
          deleteAfterSeconds: 3600,
        });
        // As many as have piled up are done at once, since each does all there is to do.
        await boss.work(queue, { pollingIntervalSeconds: 0.5, batchSize: 1000 }, () =>
          traced(`job ${queue}`, {}, announce),
        );
        announced.push(queue);
      }
    },
    async stop() {
      await stopLooking();
      announced = [];
      await boss.stop({ graceful: true, timeout: 5000 });
    },
  };
}

/**
 * Carries out what is due for as long as it is not stopped. What fails stays in the queue, and is
 * tried again at the next look for as long as it takes: what is planned must happen.
 *
 * @returns stops it, when what is being done is done
 */
function lookFor(boss: PgBoss, databaseUrl: string, { carryOut, onError }: JobHandlers): () => Promise<void> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    application_name: "dateline jobs",
    keepAlive: true,
    ...patience,
  });
  // A connection that breaks is found out by the next statement, and replaced at the next look.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  const look = async () => {
    const client = await pool.connect();
    let failure: Error | undefined;
    try {
      await client.query("BEGIN");
      const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
      const due = await boss.fetch(DUE, { batchSize: 100, db });
      if (due.length > 0) {
        await traced("job due", {}, carryOut);
        await boss.complete(
          DUE,
          due.map(({ id }) => id),
          null,
          { db },
        );
      }
      await client.query("COMMIT");
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      // With the connection goes the transaction that it is in.
      client.release(failure);
    }
  };

  const stopping = new AbortController();
  const { signal } = stopping;
  const looking = (async () => {
    while (!signal.aborted) {
      await look().catch(onError);
      await sleep(LOOK_EVERY, undefined, { signal }).catch(() => {});
    }
    await pool.end();
  })();
  return () => {
    stopping.abort();
    return looking;
  };
}
