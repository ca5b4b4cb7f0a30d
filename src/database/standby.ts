import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Source, openDatabase } from "./client.ts";

/** How often a standby is asked whether it lives, and how long it may take to say so, in milliseconds. */
const HEARTBEAT = 250;
const PATIENCE = 750;
/** How long a reading may wait there, in milliseconds, for what is replayed: a table is altered, say. */
const LOCK_PATIENCE = 250;
/** How long to wait before one that cannot be read is tried again, in milliseconds. */
const RETRY = 500;
/** How long to wait, in milliseconds, before it is asked again how far it is: at first, and at the most. */
const PAUSE = { least: 2, most: 50 };
/** How long to wait under a storm of news before the primary is asked for the next goal, in milliseconds. */
const PACE = 10;

/** A place in the write-ahead log of a primary that is behind all that a process had heard. */
export interface Goal {
  /** How much it had heard, as a number that grows. */
  heard: number;
  /** When it asked, in milliseconds since 1970. */
  askedAt: number;
  /** The place, in bytes since the log began. */
  position: bigint;
  /** What the primary's own log alone leads to; `Installation.replicaMark` in prisma/schema.prisma. */
  mark: string;
}

/** A server that follows the primary, and how far it is known to have come. */
export interface Standby extends Source {
  /** Its host and port. */
  name: string;
  /** It holds all news up to this number; -1 while it is not to be read. */
  holds: number;
  /** When that was all that was heard, in milliseconds since 1970. */
  asOf: number;
  /** How much of the log it had replayed when it was last asked, in bytes; undefined while it does not say. */
  replayed: bigint | undefined;
  /** Has it looked after at once, rather than at the next heartbeat. */
  wake: () => void;
  /**
   * Keeps `holds` true until it is stopped.
   *
   * @param goal asks the primary for the place that has to be reached
   * @param heard how much has been heard by now
   */
  follow: (goal: () => Promise<Goal>, heard: () => number, stopped: AbortSignal) => Promise<void>;
  close: () => Promise<void>;
}

/** A connection of its own for short questions, so that they wait neither in a crowd nor for long. */
export function openProbe(url: string): pg.Pool {
  const probe = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: PATIENCE,
    query_timeout: PATIENCE,
    application_name: "dateline replicas",
    keepAlive: true,
  });
  probe.on("error", () => {});
  return probe;
}

const LOOK = `SELECT pg_is_in_recovery() AS recovers, pg_last_wal_replay_lsn()::text AS replayed,
  (SELECT replica_mark FROM installation) AS mark`;

interface Look {
  recovers: boolean;
  replayed: string | null;
  mark: string | null;
}

/** Opens a standby; nothing is asked of it until it is followed. */
export function openStandby(url: string, poolSize: number): Standby {
  const { hostname, port } = new URL(url);
  const { database, statements, sever } = openDatabase(url, poolSize, LOCK_PATIENCE);
  const probe = openProbe(url);
  let wake = () => {};

  const look = async () => {
    const { rows } = await probe.query<Look>({ name: "standby", text: LOOK });
    const [{ recovers, replayed, mark } = { recovers: false, replayed: null, mark: null }] = rows;
    if (!recovers || replayed === null) throw new Error(`${standby.name} is no standby, or no more.`);
    return { replayed: positionOf(replayed), mark };
  };

  /** Until the next heartbeat, or until there is a reason to look. */
  const idle = (stopped: AbortSignal) =>
    new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stopped.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, HEARTBEAT);
      stopped.addEventListener("abort", end);
      wake = end;
    });

  const standby: Standby = {
    name: `${hostname}:${port || "5432"}`,
    database,
    statements,
    holds: -1,
    asOf: 0,
    replayed: undefined,
    wake: () => {
      wake();
    },
    async follow(askForGoal, heard, stopped) {
      const rest = (time: number) => sleep(time, undefined, { signal: stopped }).catch(() => {});
      let goal: Goal | undefined;
      /** Whether its log is the primary's own, not that of another server or of before a failover. */
      let isProven = false;
      let pause = PAUSE.least;
      while (!stopped.aborted) {
        if (goal === undefined || (standby.holds >= goal.heard && heard() > goal.heard)) {
          // Who cannot be asked is the primary: what this one holds stays what it was.
          goal = await askForGoal().catch(() => undefined);
          pause = PAUSE.least;
        }
        const found = await look().catch(() => undefined);
        if (stopped.aborted) break;
        standby.replayed = found?.replayed;
        if (found === undefined) {
          standby.holds = -1;
          isProven = false;
          goal = undefined;
          // Whoever waits for an answer from it is served by the primary.
          sever();
          await rest(RETRY);
        } else if (goal === undefined) {
          await rest(RETRY);
        } else if (found.replayed < goal.position) {
          await rest(pause);
          pause = Math.min(2 * pause, PAUSE.most);
        } else if (isProven || found.mark === goal.mark) {
          isProven = true;
          standby.holds = goal.heard;
          standby.asOf = goal.askedAt;
          await (heard() > goal.heard ? rest(PACE) : idle(stopped));
        } else {
          // Another log, or one in which somebody has set another mark meanwhile.
          goal = undefined;
          await rest(RETRY);
        }
      }
    },
    async close() {
      // One that does not answer would not say goodbye either.
      if (standby.replayed === undefined) sever();
      void probe.end().catch(() => {});
      await database.$disconnect();
    },
  };
  return standby;
}

/** A place in the write-ahead log, which PostgreSQL writes as two hexadecimal numbers of 32 bits, in bytes. */
export function positionOf(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
