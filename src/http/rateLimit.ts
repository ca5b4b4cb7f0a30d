import { callbackify } from "node:util";
import rateLimit, { type FastifyRateLimitStore, normalizeIP } from "@fastify/rate-limit";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Newsroom } from "../newsroom.ts";
import type { Together } from "../workers/together.ts";
import type { App } from "./app.ts";
import { problem } from "./problems.ts";

/** How many requests a minute one caller may make. */
const LIMITS = { address: 6_000, key: 30_000 };
/** How many shares a minute the public may record from one address. */
const SHARES = 60;

/** The stricter limit on recording shares, from which keys with `shares:write` are free. */
export const sharesLimit = {
  rateLimit: {
    max: SHARES,
    groupId: "shares",
    allowList: (request: FastifyRequest) => request.caller?.scopes.has("shares:write") ?? false,
  },
};

/** The limit on what those without a key may ask for as often as they like. */
export const keysLimit = { rateLimit: { allowList: ({ caller }: FastifyRequest) => caller === null } };

/**
 * Limits requests a minute: per key where there is one, as its entitlement may say, per address otherwise. The processes
 * behind one port count together, others for themselves. What is left is told in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11.
 */
export async function limitRates(app: App, newsroom: Newsroom): Promise<void> {
  if (!newsroom.config.DATELINE_RATE_LIMIT) return;
  await app.register(rateLimit, {
    store: storeBy(newsroom.together.count),
    // Whoever cannot be counted is served: counting must not stop what it protects.
    skipOnError: true,
    timeWindow: 60_000,
    max: ({ caller }: FastifyRequest) =>
      caller === null ? LIMITS.address : (caller.audience.entitlement?.requestsPerMinute ?? LIMITS.key),
    // Of IPv6 everyone has a /64, which counts as one address.
    keyGenerator: (request: FastifyRequest) => request.caller?.id ?? normalizeIP(request.ip),
    errorResponseBuilder: (_request: FastifyRequest, context: { max: number; ttl: number }) =>
      problem("too-many-requests", `The limit of ${context.max} requests a minute is used up.`, {
        headers: { "retry-after": String(Math.max(1, Math.ceil(context.ttl / 1000))) },
      }),
  });
  app.addHook("onSend", async (_request, reply) => {
    renameHeaders(reply);
  });
}

/** Counts are told apart by their keys, to which the plugin adds a route's `groupId`. */
function storeBy(count: Together["count"]) {
  const counted = callbackify(async (key: string, window: number) => count(key, window));
  return class implements FastifyRateLimitStore {
    incr(...[key, callback, window]: Parameters<FastifyRateLimitStore["incr"]>): void {
      counted(key, window, callback);
    }

    child() {
      return this;
    }
  };
}

/** The plugin still speaks the draft's older dialect. What does not go the way of other answers must call this. */
export function renameHeaders(reply: FastifyReply): void {
  const limit = reply.getHeader("x-ratelimit-limit");
  if (limit === undefined) return;
  const left = reply.getHeader("x-ratelimit-remaining");
  const reset = reply.getHeader("x-ratelimit-reset");
  for (const name of ["limit", "remaining", "reset"]) reply.removeHeader(`x-ratelimit-${name}`);
  reply.header("ratelimit-policy", `"minute";q=${Number(limit)};w=60`);
  reply.header("ratelimit", `"minute";r=${Number(left)};t=${Number(reset)}`);
}
