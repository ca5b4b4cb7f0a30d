import { LRUCache } from "lru-cache";

/** Whether what is kept may be trusted, and how often something was told that may contradict it. */
export interface Word {
  trusted: boolean;
  count: number;
}

/** What a keeper did, counted since the process began. */
export interface KeeperFigures {
  hits: number;
  misses: number;
  evictions: number;
  entries: number;
  bytes: number;
}

/**
 * Keeps what was loaded, bounded in bytes, the least recently used given up first. Any number of
 * waiters share one load. What was loaded while word of a change came is given to those who
 * waited, and not kept.
 *
 * @param options.ttlOf how long an entry is kept at the most, in milliseconds; for good when undefined
 * @param options.sizeOf what an entry takes, in bytes
 */
export function keeper<T extends object>(
  word: Word,
  options: { maxBytes: number; ttlOf?: (value: T) => number | undefined; sizeOf: (value: T) => number },
) {
  const figures = { hits: 0, misses: 0, evictions: 0 };
  const entries = new LRUCache<string, T>({
    maxSize: Math.max(1, Math.floor(options.maxBytes)),
    sizeCalculation: (value) => options.sizeOf(value),
    dispose: (_value, _key, reason) => {
      if (reason === "evict") figures.evictions += 1;
    },
  });
  const loading = new Map<string, Promise<T>>();

  /** Loads it again, even if it is kept. */
  const reload = (key: string, load: () => Promise<T>): Promise<T> => {
    const known = loading.get(key);
    if (known !== undefined) return known;
    figures.misses += 1;
    const { count } = word;
    const promise = load()
      .then((value) => {
        const ttl = options.ttlOf?.(value);
        // Zero would mean for good.
        if (word.trusted && word.count === count && (ttl === undefined || ttl >= 1))
          entries.set(key, value, { ttl: ttl === undefined ? 0 : Math.floor(ttl) });
        return value;
      })
      .finally(() => {
        if (loading.get(key) === promise) loading.delete(key);
      });
    loading.set(key, promise);
    return promise;
  };

  return {
    get(key: string, load: () => Promise<T>): T | Promise<T> {
      const kept = entries.get(key);
      if (kept === undefined) return reload(key, load);
      figures.hits += 1;
      return kept;
    },
    reload,
    /** What is kept, counted as used. */
    take(key: string): T | undefined {
      const kept = entries.get(key);
      if (kept !== undefined) figures.hits += 1;
      return kept;
    },
    peek: (key: string): T | undefined => entries.peek(key),
    isLoading: (key: string): boolean => loading.has(key),
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
    figures: (): KeeperFigures => ({ ...figures, entries: entries.size, bytes: entries.calculatedSize }),
  };
}
