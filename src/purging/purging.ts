import { Counter, Gauge, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import type { Message } from "../editions/news.ts";
import { EVERYTHING, deliverer } from "./deliver.ts";

/**
 * After how long everything is purged once more, in milliseconds: an answer may have been on its way
 * into the cache when it was purged first; and a process whose line to the news has just broken gives
 * out what it keeps for 850 more before it knows (src/database/notifications.ts).
 */
const AGAIN = 1_500;
/** How often what was shared is purged, in milliseconds: counts in a cache are no older. */
const SHARES_EVERY = 10_000;
/** What every list is purged by. */
const LISTS = "articles";

/** How caches in front of the processes drop what readers are not to get any more. */
export interface Purging {
  /** Takes in what a process told, this one's own word included; to be called once this one's memory has heeded it. */
  hear: (message: Message) => void;
  /** To be called when all is heard from here on: what was not heard before may concern anything. */
  regain: () => void;
  /** Counts what was heard that changes answers: what was being made meanwhile may be what was purged. */
  heard: () => number;
  /** Whether every cache took what it was sent last. */
  isHeeded: () => boolean;
  /** Has it said when a cache is not reached any more, with why, and when it is again. */
  onTurn: (tell: (address: string, trouble: string | undefined) => void) => void;
  /** Sends what waits, without another round, and ends. */
  stop: () => Promise<void>;
}

/**
 * Purges caches by surrogate key. Each process does so when it hears the news itself, and not only the
 * one that publishes: so the last purge comes when the last process knows, and whatever is put into a
 * cache from then on is right.
 *
 * @param config.DATELINE_PURGE where the caches take PURGE; none when nothing is purged
 */
export function purging({ DATELINE_PURGE: addresses }: Config, metrics: Registry): Purging {
  const requests = new Counter({
    name: "dateline_purges_total",
    help: "How many purges were sent to caches, by whether they were taken or failed",
    labelNames: ["outcome"],
    registers: [metrics],
  });
  let tell: (address: string, trouble: string | undefined) => void = () => {};
  const troubles = new Map<string, string | undefined>();
  const caches = addresses.map((address) =>
    deliverer(address, (trouble) => {
      requests.inc({ outcome: trouble === undefined ? "taken" : "failed" });
      if (trouble !== troubles.get(address)) tell(address, trouble);
      troubles.set(address, trouble);
    }),
  );
  measureReached(metrics, () => caches.filter((cache) => !cache.isReached()).length);

  const timers = new Set<NodeJS.Timeout>();
  const after = (delay: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, delay).unref();
    timers.add(timer);
  };
  const send = (keys: readonly string[]) => {
    for (const cache of caches) cache.drop(keys);
  };
  let heard = 0;
  const drop = (keys: readonly string[]) => {
    heard += 1;
    if (caches.length === 0) return;
    send(keys);
    after(AGAIN, () => {
      send(keys);
    });
  };

  let shared = new Set<string>();
  const share = (ids: readonly string[]) => {
    if (caches.length === 0) return;
    if (shared.size === 0)
      after(SHARES_EVERY, () => {
        send([LISTS, ...shared]);
        shared = new Set();
      });
    for (const id of ids) shared.add(keyOf(id));
  };

  return {
    hear(message) {
      if (message.kind === "shares") share(message.ids);
      // What is planned shortens how long lists may be kept.
      else drop([LISTS, ...(message.kind === "live" ? message.ids.map(keyOf) : [])]);
    },
    regain() {
      drop([EVERYTHING]);
    },
    heard: () => heard,
    isHeeded: () => caches.length > 0 && caches.every((cache) => cache.isReached()),
    onTurn(listener) {
      tell = listener;
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const cache of caches) cache.stop();
      await Promise.all(caches.map((cache) => cache.settle()));
    },
  };
}

/** As `Surrogate-Key` has ids. */
const keyOf = (id: string) => id.replaceAll("-", "");

function measureReached(metrics: Registry, count: () => number): void {
  const gauge = new Gauge({
    name: "dateline_purge_caches_lost",
    help: "How many caches in front have not taken what they were sent last",
    aggregator: "max",
    registers: [metrics],
    collect() {
      gauge.set(count());
    },
  });
}
