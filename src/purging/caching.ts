import type { FastifyRequest } from "fastify";
import { MAX_GROUPS, lifetime, publicCaching } from "../http/caching.ts";
import type { Newsroom } from "../newsroom.ts";
import { EVERYTHING } from "./deliver.ts";

/** By RFC 9213: what caches on the server's side go by, in place of Cache-Control. */
export const CDN_CACHE_CONTROL = "cdn-cache-control";
/** What was being made while something changed: the next answer is the right one. */
export const KEPT_NOT_AT_ALL = "max-age=0";

/**
 * The headers of an answer that anyone may have and that is purged whenever it changes: when one of
 * its groups is among those that the news tell of. Caches in front may then keep it for
 * `DATELINE_CDN_MAX_AGE` (RFC 9213), and purge it by one more key, with everything else.
 *
 * @param groups as `publicCaching` takes them, and the rest as well
 */
export function purgedCaching(
  request: Pick<FastifyRequest, "caller">,
  newsroom: Newsroom,
  groups: readonly string[],
  changesAt?: number | null,
  knownAt?: number,
): Record<string, string> {
  const headers = publicCaching(request, newsroom, groups, changesAt, knownAt);
  if (newsroom.config.DATELINE_CDN_MAX_AGE === 0 || request.caller !== null) return headers;
  const directives = knownAt === undefined ? keptInFront(newsroom, groups, changesAt) : undefined;
  return {
    ...headers,
    "surrogate-key": `${headers["surrogate-key"]} ${EVERYTHING}`,
    ...(directives !== undefined && { [CDN_CACHE_CONTROL]: directives }),
  };
}

/**
 * How long caches in front may keep an answer of this moment; undefined when they get no leave beyond
 * that of all caches: while this process may miss a change, or a cache would not be told of it.
 *
 * @param changesAt when readers will see something else, which no cache may reach past
 */
export function keptInFront(
  { config, live, purging }: Newsroom,
  groups: readonly string[],
  changesAt?: number | null,
): string | undefined {
  const { DATELINE_CDN_MAX_AGE: fresh, DATELINE_STALE_IF_ERROR: ifError } = config;
  // What would need more keys than an answer bears cannot be purged by all of them.
  if (fresh === 0 || groups.length > MAX_GROUPS || !live.isTrusted() || !purging.isHeeded()) return undefined;
  return lifetime({ fresh, ifError }, changesAt).join(", ");
}
