import { LRUCache } from "lru-cache";
import { isDatabaseAway } from "../database/errors.ts";

/** Whether what is kept may be trusted, how often something was told that may contradict it, and whether loading fails. */
export interface Word {
  trusted: boolean;
  count: number;
  /** The time during which every change is told. */
  era: Era;
  /** When it is tried again whether the database is back, in milliseconds since 1970; undefined while it is there. */
  retryAt: number | undefined;
}

/** What was kept in an era is known to be true until word is lost; after that it is but a thing to fall back on. */
export interface Era {
  /** In milliseconds since 1970; infinity while it lasts. */
  lostAt: number;
}

/** What a keeper did, counted since the process began. */
export interface KeeperFigures {
  hits: number;
  misses: number;
  evictions: number;
  /** Given though it could not be made sure of. */
  stale: number;
  entries: number;
  bytes: number;
}

/** What may have been given while it could not be made sure of. */
export interface Kept {
  /** When it was last known to be true, in milliseconds since 1970; absent while it is. */
  knownAt?: number;
}

/** How long what could not be loaded because the database is away is not tried again, in milliseconds. */
const TRY_EVERY = 500;

/** How many newcomers are remembered while there is no room for them. */
const NEWCOMERS = 5_000;
/** How many loads may be under way that others join; beyond that, somebody's is loaded once more. */
const MOST_LOADING = 4_096;

/**
 * Keeps what was loaded, bounded in bytes, the least recently used given up first. Once the room is used
 * up, what is loaded takes the place of another only if it was not long ago that it was loaded before: who
 * walks through a whole archive, as search engines do, does not drive out what everybody reads (the doorkeeper
 * of TinyLFU: Einziger, Friedman and Manes, 2017). Any number of waiters share one load. What was loaded while
 * word of a change came is given to those who waited, and not kept.
 *
 * What cannot be loaded because the database is away is given as it was last known to be, for as long as
 * `staleFor` says and nothing is told that contradicts it.
 *
 * @param options.freshFor how long an entry is given without being made sure of, in milliseconds; for good when undefined
 * @param options.trueUntil when it becomes wrong, in milliseconds since 1970, whether or not the database is away
 * @param options.staleFor how long it may be fallen back on once it is not known to be true, in milliseconds
 * @param options.sizeOf what an entry takes, in bytes
 */
export function keeper<T extends Kept>(
  word: Word,
  options: {
    maxBytes: number;
    freshFor?: number;
    trueUntil?: (value: T) => number | null | undefined;
    staleFor: number;
    sizeOf: (value: T) => number;
  },
) {
  const { freshFor = Infinity, trueUntil = () => null, staleFor } = options;
  const figures = { hits: 0, misses: 0, evictions: 0, stale: 0 };
  const entries = new LRUCache<string, { value: T; era: Era }>({
    maxSize: Math.max(1, Math.floor(options.maxBytes)),
    // Zero is for good.
    ttl: freshFor === Infinity ? 0 : freshFor,
    sizeCalculation: ({ value }) => options.sizeOf(value),
    noDeleteOnStaleGet: true,
    dispose: (_value, _key, reason) => {
      if (reason === "evict") figures.evictions += 1;
    },
  });
  const newcomers = new LRUCache<string, true>({ max: NEWCOMERS });
  // Not a Map: one that is filled and emptied all the time leaves tables behind, of which each leads to the next, and
  // which once they are old keep alive all that was ever in them, until the whole heap is looked through.
  const loading = new LRUCache<string, Promise<T>>({ max: MOST_LOADING });

  const isAdmitted = (key: string, value: T): boolean => {
    const hasRoom = entries.calculatedSize + options.sizeOf(value) <= entries.maxSize;
    if (hasRoom || entries.peek(key, { allowStale: true }) !== undefined || newcomers.has(key)) return true;
    newcomers.set(key, true);
    return false;
  };

  const isOver = (value: T): boolean => {
    const ends = trueUntil(value);
    return ends != null && ends <= Date.now();
  };

  /** Whether an end has come is asked of the clock: entries' own time stands still while a process is busy. */
  const current = (entry: { value: T; era: Era } | undefined): T | undefined =>
    entry !== undefined && word.trusted && entry.era === word.era && !isOver(entry.value)
      ? entry.value
      : undefined;

  /** What there is to fall back on. */
  const fallback = (key: string): T | undefined => {
    const entry = staleFor > 0 ? entries.get(key, { allowStale: true }) : undefined;
    if (entry === undefined) return undefined;
    const { value, era } = entry;
    const now = Date.now();
    const knownAt = Math.min(era.lostAt, now + Math.min(0, entries.getRemainingTTL(key)));
    if (now - knownAt >= staleFor || isOver(value)) return undefined;
    figures.stale += 1;
    return { ...value, knownAt };
  };

  const loadAgain = (key: string, load: () => Promise<T>): Promise<T> => {
    const known = loading.get(key);
    if (known !== undefined) return known;
    figures.misses += 1;
    const { count } = word;
    const promise = load().then(
      (value) => {
        word.retryAt = undefined;
        if (!word.trusted) entries.delete(key);
        else if (word.count === count && isAdmitted(key, value)) entries.set(key, { value, era: word.era });
        return value;
      },
      (error: unknown) => {
        const isAway = isDatabaseAway(error);
        word.retryAt = isAway ? Date.now() + TRY_EVERY : undefined;
        const last = isAway ? fallback(key) : undefined;
        if (last !== undefined) return last;
        // It is not what it was, whatever it is now.
        if (!isAway) entries.delete(key);
        throw error;
      },
    );
    const end = () => {
      if (loading.get(key) === promise) loading.delete(key);
    };
    promise.then(end, (error: unknown) => {
      // Whoever asks for the same once more would wait for the same failure.
      if (isDatabaseAway(error)) setTimeout(end, TRY_EVERY).unref();
      else end();
    });
    loading.set(key, promise);
    return promise;
  };

  /** Loads it again, even if it is kept. */
  const reload = (key: string, load: () => Promise<T>): T | Promise<T> => {
    const last = word.retryAt === undefined ? undefined : fallback(key);
    if (last === undefined) return loadAgain(key, load);
    // Nobody need wait until it is found out whether the database is back.
    if (Date.now() >= (word.retryAt ?? 0)) {
      word.retryAt = Date.now() + TRY_EVERY;
      loadAgain(key, load).catch(() => {});
    }
    return last;
  };

  /** What is kept, counted as used. */
  const take = (key: string): T | undefined => {
    const kept = current(entries.get(key));
    if (kept !== undefined) figures.hits += 1;
    return kept;
  };

  return {
    get: (key: string, load: () => Promise<T>): T | Promise<T> => take(key) ?? reload(key, load),
    reload,
    take,
    peek: (key: string): T | undefined => current(entries.peek(key)),
    /** What is being loaded, for whoever comes meanwhile. */
    underWay: (key: string): Promise<T> | undefined => loading.get(key),
    /** Forgets one, or all; loads that are under way are not joined any more. */
    forget(key?: string): void {
      if (key === undefined) {
        entries.clear();
        loading.clear();
      } else {
        entries.delete(key);
        loading.delete(key);
      }
    },
    /** Lets no load be joined that began before. */
    part(): void {
      loading.clear();
    },
    figures: (): KeeperFigures => ({
      ...figures,
      entries: word.trusted ? entries.size : 0,
      bytes: entries.calculatedSize,
    }),
  };
}
