import type { FastifyRequest } from "fastify";
import type { Newsroom } from "../newsroom.ts";

/** The request's headers that an answer depends on. */
export const VARY = "Authorization, Accept-Encoding";
/** Those of an answer that comes in several forms. */
export const VARY_BY_FORM = `${VARY}, Accept`;

/** How far ahead of a planned change answers that caches may keep are made with an eye on it, in milliseconds. */
export function horizon(newsroom: Newsroom): number {
  const { DATELINE_MAX_AGE: fresh, DATELINE_STALE_IF_ERROR: ifError } = newsroom.config;
  return (fresh + Math.max(STALE_WHILE_REVALIDATE, ifError) + 1) * 1000;
}

/** How long a cache may go on with an old answer while it fetches a new one, in seconds. */
const STALE_WHILE_REVALIDATE = 30;
/** What RFC 9211's Cache-Status calls us. */
const CACHE = "Dateline";
/** RFC 9875, section 2.1: caches support at least 32 groups of at least 32 characters. */
export const MAX_GROUPS = 32;

/**
 * How long an answer of this moment may be kept, as directives: fresh (RFC 9111), and for how long after that while
 * it is fetched anew and while that fails (RFC 5861). None reaches past what is planned.
 *
 * @param most in seconds
 * @param changesAt when readers will see something else, in milliseconds since 1970
 */
export function lifetime(
  most: { fresh: number; revalidating?: number; ifError: number },
  changesAt?: number | null,
): string[] {
  const left = changesAt == null ? Infinity : Math.max(0, Math.floor((changesAt - Date.now()) / 1000));
  const fresh = Math.min(most.fresh, left);
  const stale = Math.min(most.revalidating ?? STALE_WHILE_REVALIDATE, left - fresh);
  const ifError = Math.min(most.ifError, left - fresh);
  return [
    `max-age=${fresh}`,
    ...(stale > 0 ? [`stale-while-revalidate=${stale}`] : []),
    ...(ifError > 0 ? [`stale-if-error=${ifError}`] : []),
  ];
}

/**
 * The headers of an answer that anyone may have: how long it may be kept, and the names by which
 * it can be purged (`Surrogate-Key`, and RFC 9875's `Cache-Groups`). An answer to a request with a
 * key is the caller's alone.
 *
 * @param groups ids, which lose their dashes, or words of `[a-z0-9-]`
 * @param changesAt when readers will see something else, in milliseconds since 1970, which no cache
 *   may reach past
 * @param knownAt when it was last known to be true, in milliseconds since 1970, if that is not now: it
 *   comes from memory while the database is away, is stale, and marked (RFC 9211)
 */
export function publicCaching(
  request: Pick<FastifyRequest, "caller">,
  newsroom: Newsroom,
  groups: readonly string[],
  changesAt?: number | null,
  knownAt?: number,
): Record<string, string> {
  const keys = [
    ...new Set(groups.map((group) => (group.length === 36 ? group.replaceAll("-", "") : group))),
  ].slice(0, MAX_GROUPS);
  const { DATELINE_MAX_AGE: fresh, DATELINE_STALE_IF_ERROR: ifError } = newsroom.config;
  const age = knownAt === undefined ? 0 : Math.ceil((Date.now() - knownAt) / 1000);
  const most =
    knownAt === undefined ? { fresh, ifError } : { fresh: 0, revalidating: 0, ifError: ifError - age };
  return {
    "cache-control":
      request.caller === null ? ["public", ...lifetime(most, changesAt)].join(", ") : "private, no-store",
    "surrogate-key": keys.join(" "),
    "cache-groups": keys.map((key) => `"${key}"`).join(", "),
    vary: VARY,
    ...(knownAt !== undefined && {
      age: String(age),
      "cache-status": `${CACHE}; hit; ttl=${-age}; detail="database away"`,
    }),
  };
}
