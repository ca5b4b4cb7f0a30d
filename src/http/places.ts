import { problem } from "./problems.ts";

/** How long a request waits for a place while none is given back, in milliseconds, and how long at the most. */
const PATIENCE = 900;
const LONGEST = 3_000;
/** How many may wait, for each place. */
const WAITERS = 10;

/** What lets no more requests work on the database at once than it has connections for. */
export interface Places {
  /**
   * Waits for a place.
   *
   * @param hadOne whether it has had one before and comes back: then it goes before those who have not
   * @returns gives it back; to be called once, however often it is
   * @throws 503 when too many wait already, or for too long
   */
  take: (hadOne?: boolean) => Promise<() => void>;
  /** Whether whoever came now would be refused. */
  isFull: () => boolean;
  /** How many have a place, and how many wait. */
  figures: () => { taken: number; waiting: number };
}

interface Waiter {
  come: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Places are given in the order in which they were asked for. The queue is as short as what is worth
 * waiting for: of a longer one the end would be refused in any case, having cost the more.
 */
export function places(count: number): Places {
  const queue = new Set<Waiter>();
  const returning = new Set<Waiter>();
  let taken = 0;
  let movedAt = 0;
  const isFull = () => taken >= count && queue.size >= count * WAITERS;

  const giveBack = () => {
    movedAt = performance.now();
    const [next] = returning.size > 0 ? returning : queue;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    for (const one of [returning, queue]) one.delete(next);
    clearTimeout(next.timer);
    next.come();
  };
  const place = () => {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      giveBack();
    };
  };

  const wait = (line: Set<Waiter>) =>
    new Promise<void>((resolve, reject) => {
      const since = performance.now();
      const waiter: Waiter = { come: resolve, timer: undefined };
      const look = () => {
        const now = performance.now();
        const left = Math.min(Math.max(movedAt, since) + PATIENCE, since + LONGEST) - now;
        if (left > 0) waiter.timer = setTimeout(look, left);
        else {
          line.delete(waiter);
          reject(overloaded());
        }
      };
      line.add(waiter);
      look();
    });

  return {
    async take(hadOne = false) {
      if (taken < count) {
        taken += 1;
        return place();
      }
      if (!hadOne && isFull()) throw overloaded();
      await wait(hadOne ? returning : queue);
      return place();
    },
    isFull,
    figures: () => ({ taken, waiting: queue.size + returning.size }),
  };
}

/** What is said to those for whom there is no place. */
export const OVERLOADED = "More is asked of Dateline than it can do. Try again a little later.";

export function overloaded() {
  return problem("unavailable", OVERLOADED, { headers: { "retry-after": "1" } });
}
