import type { IncomingMessage } from "node:http";
import { callbackify } from "node:util";
import proxyAddr from "@fastify/proxy-addr";
import rateLimit, { type FastifyRateLimitStore, normalizeIP } from "@fastify/rate-limit";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import type { Newsroom } from "../newsroom.ts";
import type { Counted, Together } from "../workers/together.ts";
import type { App } from "./app.ts";
import { type Problem, problem } from "./problems.ts";

/** How many requests a minute one caller may make. */
const LIMITS = { address: 6_000, key: 30_000 };
/** How many shares a minute the public may record from one address. */
const SHARES = 60;
/** What limits hold for, in milliseconds. */
export const WINDOW = 60_000;

/** How many requests may be made within a window, of all or of a group that is counted by itself. */
export interface Limit {
  max: number;
  groupId?: string;
}

/** What the public may read from one address. */
export const readsLimit: Limit = { max: LIMITS.address };
/** What the public may share from one address. */
export const publicSharesLimit: Limit = { max: SHARES, groupId: "shares" };

/** What operators ask: whoever is refused there takes a process that is well out of service. */
const unlimited: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);

/** The stricter limit on recording shares, from which keys with `shares:write` are free. */
export const sharesLimit = {
  rateLimit: {
    ...publicSharesLimit,
    allowList: (request: FastifyRequest) => request.caller?.scopes.has("shares:write") ?? false,
  },
};

/**
 * Limits requests a minute, whatever they ask for: per key where there is one, as its entitlement may say, per address
 * otherwise. The processes behind one port count together, others for themselves. What is left is told in the RateLimit
 * fields of draft-ietf-httpapi-ratelimit-headers-11. Register before the routes.
 */
export async function limitRates(app: App, newsroom: Newsroom): Promise<void> {
  if (!newsroom.config.DATELINE_RATE_LIMIT) return;
  await app.register(rateLimit, {
    store: storeBy(newsroom.together.count),
    // Whoever cannot be counted is served: counting must not stop what it protects.
    skipOnError: true,
    timeWindow: WINDOW,
    allowList: ({ routeOptions }: FastifyRequest) => unlimited.has(routeOptions.url),
    // Where no key is asked for nobody looks whose it is.
    max: ({ caller }: FastifyRequest) =>
      caller ? (caller.audience.entitlement?.requestsPerMinute ?? LIMITS.key) : LIMITS.address,
    keyGenerator: (request: FastifyRequest) => request.caller?.id ?? addressOf(request),
    errorResponseBuilder: (_request: FastifyRequest, { max, ttl }: { max: number; ttl: number }) =>
      tooManyRequests({ policy: "minute", quota: max, window: WINDOW, left: ttl }),
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    renameHeaders(reply);
    done();
  });
}

/** The address that a request counts for. Of IPv6 everyone has a /64, which counts as one. */
export function addressOf({ ip }: Pick<FastifyRequest, "ip">): string {
  return normalizeIP(ip);
}

/** The proxies that are believed, as the framework takes them. */
export function trustedProxies({ DATELINE_TRUST_PROXY: proxies }: Config): false | string[] {
  return proxies === "off" ? false : proxies.split(",");
}

/** Finds the same of a request that the framework has not seen. */
export function addressIn(config: Config): (request: IncomingMessage) => string {
  const proxies = trustedProxies(config);
  if (proxies === false) return ({ socket }) => addressOf({ ip: socket.remoteAddress ?? "" });
  const trusts = proxyAddr.compile(proxies);
  // Who is gone already has no address.
  return (request) => addressOf({ ip: proxyAddr(request, trusts) || "" });
}

/**
 * The problem of whoever has used up what a policy allows, with the fields that say so.
 *
 * @param used.window in milliseconds, as is what is left of it
 */
export function tooManyRequests(used: {
  policy: string;
  quota: number;
  window: number;
  left: number;
}): Problem {
  const seconds = Math.max(1, Math.ceil(used.left / 1000));
  const what = used.policy === "wrong-keys" ? "wrong keys" : "requests";
  return problem("too-many-requests", `The limit of ${used.quota} ${what} a minute is used up.`, {
    headers: {
      "retry-after": String(seconds),
      "ratelimit-policy": `"${used.policy}";q=${used.quota};w=${used.window / 1000}`,
      ratelimit: `"${used.policy}";r=0;t=${seconds}`,
    },
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
  if (reply.hasHeader("ratelimit")) return;
  reply.headers(rateFields(Number(limit), Number(left), Number(reset)));
}

/** What is told of a limit of which so much was used. */
export function rateHeaders({ max }: Limit, { current, ttl }: Counted): Record<string, string> {
  return rateFields(max, Math.max(0, max - current), Math.ceil(ttl / 1000));
}

function rateFields(limit: number, left: number, seconds: number): Record<string, string> {
  return {
    "ratelimit-policy": `"minute";q=${limit};w=${WINDOW / 1000}`,
    ratelimit: `"minute";r=${left};t=${seconds}`,
  };
}
