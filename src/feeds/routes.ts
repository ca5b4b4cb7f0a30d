import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { CachedList } from "../editions/cache.ts";
import { mayReadEmbargoed } from "../editions/read.ts";
import type { App } from "../http/app.ts";
import { sendBytes, sendable } from "../http/bytes.ts";
import { publicCaching } from "../http/caching.ts";
import type { Newsroom } from "../newsroom.ts";
import { homeOf, originOf } from "./addresses.ts";
import { atom } from "./atom.ts";
import { type Feed, type FeedAddresses, readFeed } from "./feed.ts";
import { jsonFeed } from "./jsonFeed.ts";
import { lastModified } from "./modified.ts";
import { rss } from "./rss.ts";
import { FeedQuery, JsonFeed } from "./schema.ts";

interface Format {
  operationId: string;
  title: string;
  mediaType: string;
  schema: z.ZodType;
  write: (feed: Feed) => string;
}

const formats: Record<string, Format> = {
  "rss.xml": {
    operationId: "getRssFeed",
    title: "RSS 2.0",
    mediaType: "application/rss+xml",
    schema: z.string().meta({ examples: ['<rss version="2.0"></rss>'] }),
    write: rss,
  },
  "atom.xml": {
    operationId: "getAtomFeed",
    title: "Atom",
    mediaType: "application/atom+xml",
    schema: z.string().meta({ examples: ['<feed xmlns="http://www.w3.org/2005/Atom"></feed>'] }),
    write: atom,
  },
  "feed.json": {
    operationId: "getJsonFeed",
    title: "JSON Feed 1.1",
    mediaType: "application/feed+json",
    schema: JsonFeed,
    write: jsonFeed,
  },
};

/** What is published in the forms that feed readers know, whole or of any list. */
export function feedRoutes(app: App, newsroom: Newsroom): void {
  for (const [name, format] of Object.entries(formats)) feedRoute(app, newsroom, name, format);
}

function feedRoute(
  app: App,
  newsroom: Newsroom,
  name: string,
  { operationId, title, mediaType, schema, write }: Format,
): void {
  app.get(
    `/feeds/${name}`,
    {
      schema: {
        operationId,
        summary: `Articles as ${title}`,
        description:
          "Whatever `GET /v1/articles` lists, by the same filters, search and order. An entry is known by its " +
          "article's id, whatever becomes of the slug, and shows key points, corrections and images.",
        tags: ["Feeds"],
        querystring: FeedQuery,
        response: { 200: { description: "The feed.", content: { [mediaType]: { schema } } } },
      },
      config: { heedsReach: true, cached: true, produces: [mediaType] },
    },
    (request, reply) => {
      const forPartners = mayReadEmbargoed(request);
      const query: FeedQuery = { ...request.query, audience: forPartners ? "partners" : "public" };
      const at = addressesOf(newsroom, request);
      const make = async () => {
        const { database } = newsroom;
        const [modified, feed] = [await lastModified(database), await readFeed(newsroom, query, at)];
        return ready(write(feed), {
          "content-type": mediaType.endsWith("json") ? mediaType : `${mediaType}; charset=utf-8`,
          link: linksOf(feed.addresses),
          ...(modified !== undefined && { "last-modified": modified }),
        });
      };
      const isKept = query.cursor === undefined && !forPartners;
      return sendFeed(newsroom, request, reply, isKept ? kept(newsroom, request, make) : make());
    },
  );
}

const GROUPS = ["articles", "feeds"];

function ready(text: string, headers: Record<string, string>): CachedList {
  return { ...sendable(text), groups: GROUPS, headers };
}

/** Kept in memory as first pages of lists are, for each host that a feed may be asked of. */
function kept(newsroom: Newsroom, request: FastifyRequest, make: () => Promise<CachedList>) {
  return newsroom.live.list(`${originOf(newsroom, request)} ${request.url}`, make);
}

async function sendFeed(
  newsroom: Newsroom,
  request: FastifyRequest,
  reply: FastifyReply,
  feed: CachedList | Promise<CachedList>,
): Promise<FastifyReply> {
  const caching = publicCaching(request, newsroom, GROUPS, newsroom.news.agenda.next());
  const found = await feed;
  return sendBytes(request, reply, found, { ...caching, ...found.headers });
}

function addressesOf(newsroom: Newsroom, request: FastifyRequest): FeedAddresses {
  const origin = originOf(newsroom, request);
  const self = new URL(request.url, origin);
  const first = new URL(self);
  first.searchParams.delete("cursor");
  return { origin, home: homeOf(newsroom, origin), self: self.href, first: first.href, hubs: [] };
}

/** RFC 8288's links, by which a feed is subscribed to without being read (WebSub, section 4). */
function linksOf({ self, hubs, next }: FeedAddresses): string {
  return [
    `<${self}>; rel="self"`,
    ...hubs.map((hub) => `<${hub}>; rel="hub"`),
    ...(next === undefined ? [] : [`<${next}>; rel="next"`]),
  ].join(", ");
}
