import type { Source } from "./client.ts";
import { isOfDatabase } from "./errors.ts";
import { type Goal, type Standby, openProbe, openStandby, positionOf } from "./standby.ts";

/**
 * How old counts of shares may be that are read across articles, in milliseconds. Readers see a share within
 * a second; others tell of theirs after up to 200, and lists are kept for 500.
 */
const SHARES_AGE = 100;
/** Of how many articles it is known that their shares are news; with more, all that is read is. */
const MOST_SHARED = 10_000;

/** What reading goes by of whoever reads: who writes reads where it writes. */
export interface Reader {
  writes: boolean;
}

/** How a reading is served, for the figures. */
export interface ReplicaFigures {
  /** How many were served by the primary, of those that a standby might have served. */
  primary: number;
  standbys: { name: string; reads: number; inUse: boolean }[];
}

export interface Replicas {
  /**
   * Reads what readers get, from a standby that lacks nothing of what this process has heard, and from
   * the primary where there is none, or where it fails.
   *
   * @param work reads, and does nothing else: it may be done twice
   * @param articleId the article that is read, where it is but one, so that shares of others do not matter
   */
  read: <T>(reader: Reader, work: (on: Source) => Promise<T>, articleId?: string) => Promise<T>;
  /** What readers get has changed: nothing is read from a standby that does not have it yet. */
  changed: () => void;
  /** Shares of an article were counted. */
  shared: (articleId: string) => void;
  /** Every change is heard from here on. */
  trust: () => void;
  /** Some may be missed from here on: all is read from the primary. */
  distrust: () => void;
  figures: () => ReplicaFigures;
  /** How many bytes of the log each standby that answers is behind, by its name. */
  lags: () => Promise<Map<string, number>>;
  close: () => Promise<void>;
}

/** The time during which all news is heard. */
interface Era {
  /** Asks the primary, which bears a mark of this era by then. */
  goal: () => Promise<Goal>;
  ended: AbortSignal;
  end: () => void;
}

/**
 * By the session's own setting: with `synchronous_commit` off a commit is told of before it is flushed.
 * Both functions are never before the end of a commit that was told of (PostgreSQL's manual, 9.28.3).
 */
const GOAL = `SELECT replica_mark AS mark, (CASE current_setting('synchronous_commit')
    WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END)::text AS position
  FROM installation`;

/**
 * The standbys of a database, and what of them may be read. What is read may be kept in memory for good,
 * so it must not be older than the latest news that this process has heard or made itself. News is
 * numbered as it comes; the primary is asked, after it came, how far its log is, and a standby that has
 * replayed as much holds it. While news comes faster than that can be asked, one question is under way
 * and one waits for all that came meanwhile.
 *
 * Places in the log can be compared within one history alone. Each time this process begins to hear, which
 * it does anew after every failover, it sets a mark on the primary, and reads from no standby that has not
 * shown it: neither one of another server, nor one that has followed a primary into what was lost.
 */
export function replicas(
  primary: Source,
  databaseUrl: string,
  { urls, poolSize }: { urls: readonly string[]; poolSize: number },
): Replicas {
  const standbys = urls.map((url) => openStandby(url, poolSize));
  const served = { primary: 0, standbys: new Map(standbys.map(({ name }) => [name, 0])) };
  const heard = { last: 0, ofChanges: 0, ofShares: new Map<string, number>() };
  let era: Era | undefined;
  let turn = 0;

  const wake = () => {
    for (const standby of standbys) standby.wake();
  };

  const mayRead = ({ holds, asOf }: Standby, articleId: string | undefined): boolean => {
    if (holds < heard.ofChanges) return false;
    if (articleId !== undefined) return holds >= (heard.ofShares.get(articleId) ?? 0);
    return holds === heard.last || Date.now() - asOf < SHARES_AGE;
  };

  /** Those that may be read take turns. */
  const next = (articleId: string | undefined): Standby | undefined => {
    const able = standbys.filter((standby) => mayRead(standby, articleId));
    turn += 1;
    return able[turn % able.length];
  };

  /** Over a connection that is made after this process began to hear, so that it leads to the same server. */
  const begin = (): Era => {
    const ended = new AbortController();
    const probe = openProbe(databaseUrl);
    ended.signal.addEventListener("abort", () => void probe.end().catch(() => {}));
    const ask = async (): Promise<Goal> => {
      const { last } = heard;
      const askedAt = Date.now();
      const { rows } = await probe.query<{ position: string; mark: string }>({ name: "goal", text: GOAL });
      const [row] = rows;
      if (row === undefined) throw new Error("The primary does not say how far its log is.");
      return { heard: last, askedAt, mark: row.mark, position: positionOf(row.position) };
    };
    const askOnce = sharing(ask);
    let isMarked = false;
    const mark = sharing(async () => {
      await probe.query("UPDATE installation SET replica_mark = gen_random_uuid()");
      isMarked = true;
    });
    return {
      end: () => {
        ended.abort();
      },
      ended: ended.signal,
      async goal() {
        if (!isMarked) await mark();
        return askOnce();
      },
    };
  };

  const distrust = () => {
    era?.end();
    era = undefined;
    for (const standby of standbys) standby.holds = -1;
  };

  return {
    async read(reader, work, articleId) {
      const standby = reader.writes ? undefined : next(articleId?.toLowerCase());
      if (standby !== undefined) {
        served.standbys.set(standby.name, (served.standbys.get(standby.name) ?? 0) + 1);
        try {
          return await work(standby);
        } catch (error) {
          // It is away, or replays what the reading was in the way of (57014, 40001).
          if (!isOfDatabase(error)) throw error;
          standby.wake();
        }
      }
      served.primary += 1;
      return work(primary);
    },
    changed() {
      heard.last += 1;
      heard.ofChanges = heard.last;
      heard.ofShares.clear();
      wake();
    },
    shared(articleId) {
      if (standbys.length === 0) return;
      heard.last += 1;
      if (heard.ofShares.size >= MOST_SHARED) {
        heard.ofChanges = heard.last;
        heard.ofShares.clear();
      }
      heard.ofShares.set(articleId, heard.last);
      wake();
    },
    trust() {
      distrust();
      if (standbys.length === 0) return;
      heard.last += 1;
      heard.ofChanges = heard.last;
      const { goal, ended } = (era = begin());
      for (const standby of standbys) void standby.follow(goal, () => heard.last, ended);
    },
    distrust,
    figures: () => ({
      primary: served.primary,
      standbys: standbys.map((standby) => ({
        name: standby.name,
        reads: served.standbys.get(standby.name) ?? 0,
        inUse: mayRead(standby, undefined),
      })),
    }),
    async lags() {
      if (era === undefined) return new Map();
      const { position } = await era.goal();
      return new Map(
        standbys.flatMap(({ name, replayed }) =>
          replayed === undefined ? [] : [[name, Math.max(0, Number(position - replayed))]],
        ),
      );
    },
    async close() {
      distrust();
      await Promise.all(standbys.map((standby) => standby.close()));
    },
  };
}

/** Has those who ask while a question is under way share its answer. */
function sharing<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () =>
    (asking ??= ask().finally(() => {
      asking = undefined;
    }));
}
