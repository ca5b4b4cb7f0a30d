import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import { addressOf, tooManyRequests } from "../http/rateLimit.ts";
import type { Newsroom } from "../newsroom.ts";

/** How many different wrong keys may come from one address a minute. */
const WRONG_KEYS = 20;
const WINDOW = 60_000;
/** Of how many addresses, and keys from them, is known what came of them; the longest unheard of go first. */
const ADDRESSES = 10_000;
const KEYS = 50_000;

/** What keeps keys from being found by trying. */
export interface Guessing {
  /** @throws 429 when so many wrong keys came from the address that this one is not even looked up */
  check: (request: FastifyRequest, key: string) => void;
  /** Takes in what came of a key. */
  learn: (request: FastifyRequest, key: string, isGood: boolean) => Promise<void>;
}

/**
 * Counts wrong keys by the address that they come from. Once there are too many, no further key is
 * looked up for the rest of the minute: not whether it is right is told, nor does the database work for it. Keys
 * that were good from the same address shortly before still are, so that nobody shuts out those with
 * whom they share one; and the same wrong key sent again and again, as by a forgotten script, is one
 * guess. Processes behind one port count together, but each remembers for itself what was good.
 */
export function guessing({ config, together }: Newsroom): Guessing {
  if (!config.DATELINE_RATE_LIMIT) return { check() {}, async learn() {} };
  const locked = new LRUCache<string, number>({ max: ADDRESSES });
  const outcomes = new LRUCache<string, boolean>({ max: KEYS });
  const idOf = (address: string, key: string) =>
    `${address} ${createHash("sha256").update(key).digest("base64")}`;
  return {
    check(request, key) {
      const address = addressOf(request);
      const left = (locked.get(address) ?? 0) - performance.now();
      if (left > 0 && outcomes.get(idOf(address, key)) !== true)
        throw tooManyRequests({ policy: "wrong-keys", quota: WRONG_KEYS, window: WINDOW, left });
    },
    async learn(request, key, isGood) {
      const address = addressOf(request);
      const id = idOf(address, key);
      const wasKnown = outcomes.get(id) === isGood;
      outcomes.set(id, isGood);
      if (isGood || wasKnown) return;
      const { current, ttl } = await together.count(`wrong keys ${address}`, WINDOW);
      if (current >= WRONG_KEYS) locked.set(address, performance.now() + ttl);
    },
  };
}
