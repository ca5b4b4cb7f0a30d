import { PgBoss, fromPrisma } from "pg-boss";
import type { Transaction } from "../database/client.ts";

/** The jobs there are: DUE runs at a planned moment, those of ANNOUNCE after changes, TIDY every hour. */
const DUE = "due";
const ANNOUNCE = "announce";
const TIDY = "tidy";

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
 * The job queue on the newsroom's own database (pg-boss, in the schema `jobs`). A job is taken
 * within a transaction, which PostgreSQL ends as soon as the process that took it is gone, so
 * that the next process finds it at its next look, half a second later at the most.
 */
export function openJobs(databaseUrl: string): Jobs {
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: "jobs",
    application_name: "dateline jobs",
    max: 4,
    registerInstance: false,
  });
  let onError: (error: Error) => void = () => {};
  let announced: string[] = [];
  boss.on("error", (error) => {
    onError(error);
  });
  return {
    async plan(tx, moment) {
      const key = moment.toISOString();
      await boss.send(DUE, null, { startAfter: moment, singletonKey: key, db: fromPrisma(tx) });
    },
    announce() {
      // Each looks for all that it has missed, so that nothing depends on this one.
      for (const queue of announced) boss.send(queue, null, { singletonKey: "all" }).catch(onError);
    },
    async start(work) {
      ({ onError } = work);
      await boss.start();
      // A job that fails is tried again for as long as it takes: what is planned must happen.
      const keepTrying = { retryLimit: 1_000_000, retryDelay: 1, retryBackoff: true, retryDelayMax: 60 };
      await boss.createQueue(DUE, {
        ...keepTrying,
        policy: "short",
        expireInSeconds: 600,
        deleteAfterSeconds: 3600,
      });
      await boss.createQueue(TIDY, {
        policy: "short",
        retryLimit: 2,
        expireInSeconds: 3000,
        deleteAfterSeconds: 86_400,
      });
      await boss.schedule(TIDY, "7 * * * *");
      await boss.work(
        DUE,
        { pollingIntervalSeconds: 0.5, batchSize: 100, transactional: true },
        work.carryOut,
      );
      await boss.work(TIDY, { pollingIntervalSeconds: 30 }, work.tidy);
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
        await boss.work(queue, { pollingIntervalSeconds: 0.5, batchSize: 1000 }, announce);
        announced.push(queue);
      }
    },
    async stop() {
      announced = [];
      await boss.stop({ graceful: true, timeout: 5000 });
    },
  };
}
