import type { FastifyRequest } from "fastify";
import type { Newsroom } from "../newsroom.ts";

/** The request's headers that an answer depends on. */
export const VARY = "Authorization, Accept-Encoding";

/** How long a cache may go on with an old answer while it fetches a new one, in seconds. */
const STALE_WHILE_REVALIDATE = 30;
/** RFC 9875, section 2.1: caches support at least 32 groups of at least 32 characters. */
const MAX_GROUPS = 32;

/**
 * The headers of an answer that anyone may have: how long it may be kept, and the names by which
 * it can be purged (`Surrogate-Key`, and RFC 9875's `Cache-Groups`). An answer to a request with a
 * key is the caller's alone.
 *
 * @param groups ids, which lose their dashes, or words of `[a-z0-9-]`
 */
export function publicCaching(
  request: Pick<FastifyRequest, "caller">,
  newsroom: Newsroom,
  groups: readonly string[],
): Record<string, string> {
  const keys = [
    ...new Set(groups.map((group) => (group.length === 36 ? group.replaceAll("-", "") : group))),
  ].slice(0, MAX_GROUPS);
  return {
    "cache-control":
      request.caller === null
        ? `public, max-age=${newsroom.config.DATELINE_MAX_AGE}, stale-while-revalidate=${STALE_WHILE_REVALIDATE}`
        : "private, no-store",
    "surrogate-key": keys.join(" "),
    "cache-groups": keys.map((key) => `"${key}"`).join(", "),
    vary: VARY,
  };
}
