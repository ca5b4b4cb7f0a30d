/** The key that every answer bears which a cache may keep for long: by it all of them are purged. */
export const EVERYTHING = "dateline";
/** How many keys go into one request: at 33 characters each they stay below 8 KiB, the most that Varnish takes in a header. */
const KEYS_PER_REQUEST = 200;
/** With more keys than these waiting, everything is purged instead. */
const MOST_WAITING = 2_000;
/** How long a cache may take to answer, and how long after it has not it is asked again, in milliseconds. */
const PATIENCE = 2_000;
const RETRY = 500;

/** What brings purges to one cache, one request after the other. */
export interface Deliverer {
  /** Has what bears any of these keys dropped. */
  drop: (keys: Iterable<string>) => void;
  /** Whether it has taken all that it was sent so far, and was ever reached. */
  isReached: () => boolean;
  /** Resolves when nothing waits, or with the next request that fails. */
  settle: () => Promise<void>;
  stop: () => void;
}

/**
 * Sends purges to a cache: `PURGE` with the keys in `Surrogate-Key`. What gathers while a request is
 * under way goes with the next. When one fails, nobody knows what the cache still keeps: everything
 * is purged as soon as it can be reached.
 *
 * @param address where the cache takes PURGE
 * @param told is called after each request with why it failed; undefined when it was taken
 */
export function deliverer(address: string, told: (trouble: string | undefined) => void): Deliverer {
  let waiting = new Set<string>();
  let isReached = false;
  let stopped = false;
  let underWay: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const deliver = async () => {
    while (waiting.size > 0) {
      const keys = [...waiting];
      waiting = new Set();
      try {
        for (let start = 0; start < keys.length; start += KEYS_PER_REQUEST)
          await purge(address, keys.slice(start, start + KEYS_PER_REQUEST));
        isReached = true;
        told(undefined);
      } catch (error) {
        isReached = false;
        waiting = new Set([EVERYTHING]);
        told(reasonOf(error));
        if (!stopped) timer = setTimeout(begin, RETRY);
        return;
      }
    }
  };
  const begin = () => {
    timer = undefined;
    underWay ??= deliver().finally(() => {
      underWay = undefined;
    });
  };

  return {
    drop(keys) {
      for (const key of keys) waiting.add(key);
      if (waiting.size > MOST_WAITING || waiting.has(EVERYTHING)) waiting = new Set([EVERYTHING]);
      if (timer === undefined && !stopped) begin();
    },
    isReached: () => isReached,
    async settle() {
      await underWay;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** @throws when the cache is not reached in time, or does not answer 2xx */
async function purge(address: string, keys: readonly string[]): Promise<void> {
  const answer = await fetch(address, {
    method: "PURGE",
    headers: { "surrogate-key": keys.join(" ") },
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`PURGE was answered ${answer.status}`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What fetch throws says why in its cause alone.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
