import type { FastifyReply, FastifyRequest } from "fastify";
import type { CachedList } from "../editions/cache.ts";
import { audienceOf, seesAsAnyone } from "../access/audience.ts";
import { sendBytes, sendable } from "../http/bytes.ts";
import { originOf } from "../http/origin.ts";
import type { Newsroom } from "../newsroom.ts";
import { purgedCaching } from "../purging/caching.ts";

/** What caches purge feeds by. */
const GROUPS = ["articles", "feeds"];

/**
 * A feed as bytes, with what goes along: its media type and dates.
 *
 * @param articles how many it gives away; addresses of articles are none
 */
export function feedOf(
  text: string,
  mediaType: string,
  modified: string | undefined,
  articles: number,
  headers: Record<string, string> = {},
): CachedList {
  return {
    ...sendable(text),
    groups: GROUPS,
    articles,
    headers: {
      ...headers,
      // JSON has no charset to name (RFC 8259, section 11).
      "content-type": mediaType.endsWith("json") ? mediaType : `${mediaType}; charset=utf-8`,
      ...(modified !== undefined && { "last-modified": modified }),
    },
  };
}

/**
 * Sends a feed. Those of the public are kept in memory as the first pages of lists are, for each
 * host that they are asked of.
 *
 * @param feed.isKept whether it may be; deeper pages are not
 */
export async function sendFeed(
  newsroom: Newsroom,
  request: FastifyRequest,
  reply: FastifyReply,
  feed: { isKept: boolean; make: () => Promise<CachedList> },
): Promise<FastifyReply> {
  const planned = newsroom.news.agenda.next() ?? Infinity;
  const isForAnyone = seesAsAnyone(audienceOf(request));
  const found = await (feed.isKept && isForAnyone
    ? newsroom.live.list(`${originOf(newsroom, request)} ${request.url}`, feed.make)
    : feed.make());
  request.articlesGiven = found.articles;
  const changesAt = Math.min(planned, found.changesAt ?? Infinity);
  const caching = purgedCaching(request, newsroom, GROUPS, changesAt, found.knownAt);
  const { "last-modified": modified, ...headers } = found.headers;
  // What a key may see changes with its entitlement and as embargoes begin, which no date tells.
  const dated = isForAnyone && modified !== undefined ? { ...headers, "last-modified": modified } : headers;
  return sendBytes(request, reply, found, { ...caching, ...dated });
}
