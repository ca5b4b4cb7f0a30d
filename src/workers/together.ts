import { LRUCache } from "lru-cache";
import type { Registry } from "prom-client";

/** Of how many callers it is known how often they came; who came longest ago is forgotten first. */
const CALLERS = 20_000;

/** What the processes behind one port do as one, so that it does not matter which of them is asked. */
export interface Together {
  /** Counts a caller's request within a window of milliseconds, which begins with its first one. */
  count: (caller: string, window: number) => Counted | Promise<Counted>;
  /** The figures of all, in Prometheus' text format. */
  figures: () => Promise<string>;
}

/** How many requests were made in the window, and how many milliseconds of it are left. */
export interface Counted {
  current: number;
  ttl: number;
}

/** For a process that has its port to itself. */
export function alone(metrics: Registry): Together {
  return { count: counter(), figures: () => metrics.metrics() };
}

/** Counts in the memory of this process. */
export function counter(): (caller: string, window: number) => Counted {
  const windows = new LRUCache<string, { current: number; ends: number }>({ max: CALLERS });
  return (caller, window) => {
    const now = performance.now();
    const open = windows.get(caller);
    const counted = open !== undefined && open.ends > now ? open : { current: 0, ends: now + window };
    counted.current += 1;
    windows.set(caller, counted);
    return { current: counted.current, ttl: counted.ends - now };
  };
}
