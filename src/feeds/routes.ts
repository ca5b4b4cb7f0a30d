import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { audienceOf } from "../access/audience.ts";
import type { DeliveryFormat } from "../access/entitlements/schema.ts";
import type { App } from "../http/app.ts";
import { originOf } from "../http/origin.ts";
import type { Newsroom } from "../newsroom.ts";
import { homeOf } from "./addresses.ts";
import { atom } from "./atom.ts";
import { type Feed, type FeedAddresses, readFeed } from "./feed.ts";
import { jsonFeed } from "./jsonFeed.ts";
import { lastModified } from "./modified.ts";
import { rss } from "./rss.ts";
import { FeedQuery, JsonFeed } from "./schema.ts";
import { feedOf, sendFeed } from "./send.ts";
import { sitemapRoutes } from "./sitemapRoutes.ts";
import { hubsOf } from "./webSub.ts";

interface Format {
  operationId: string;
  title: string;
  mediaType: string;
  delivers: DeliveryFormat;
  schema: z.ZodType;
  write: (feed: Feed) => string;
}

const formats: Record<string, Format> = {
  "rss.xml": {
    operationId: "getRssFeed",
    title: "RSS 2.0",
    mediaType: "application/rss+xml",
    delivers: "rss",
    schema: z.string().meta({ examples: ['<rss version="2.0"></rss>'] }),
    write: rss,
  },
  "atom.xml": {
    operationId: "getAtomFeed",
    title: "Atom",
    mediaType: "application/atom+xml",
    delivers: "atom",
    schema: z.string().meta({ examples: ['<feed xmlns="http://www.w3.org/2005/Atom"></feed>'] }),
    write: atom,
  },
  "feed.json": {
    operationId: "getJsonFeed",
    title: "JSON Feed 1.1",
    mediaType: "application/feed+json",
    delivers: "jsonfeed",
    schema: JsonFeed,
    write: jsonFeed,
  },
};

/** What is published in the forms that feed readers and search engines know, whole or of any list. */
export function feedRoutes(app: App, newsroom: Newsroom): void {
  for (const [name, format] of Object.entries(formats)) feedRoute(app, newsroom, name, format);
  sitemapRoutes(app, newsroom);
}

function feedRoute(
  app: App,
  newsroom: Newsroom,
  name: string,
  { operationId, title, mediaType, delivers, schema, write }: Format,
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
      config: { heedsReach: true, cached: true, produces: [mediaType], delivers },
    },
    (request, reply) => {
      const query: FeedQuery = { ...request.query, audience: audienceOf(request) };
      return sendFeed(newsroom, request, reply, {
        isKept: query.cursor === undefined,
        make: async () => {
          const modified = await lastModified(newsroom.database);
          const feed = await readFeed(newsroom, query, addressesOf(newsroom, request));
          return feedOf(write(feed), mediaType, modified, feed.items.length, {
            link: linksOf(feed.addresses),
          });
        },
      });
    },
  );
}

function addressesOf(newsroom: Newsroom, request: FastifyRequest): FeedAddresses {
  const origin = originOf(newsroom, request);
  const self = new URL(request.url, origin);
  const first = new URL(self);
  first.searchParams.delete("cursor");
  return {
    origin,
    home: homeOf(newsroom, origin),
    self: self.href,
    first: first.href,
    hubs: hubsOf(newsroom, self),
  };
}

/** RFC 8288's links, by which a feed is subscribed to without being read (WebSub, section 4). */
function linksOf({ self, hubs, next }: FeedAddresses): string {
  return [
    `<${self}>; rel="self"`,
    ...hubs.map((hub) => `<${hub}>; rel="hub"`),
    ...(next === undefined ? [] : [`<${next}>; rel="next"`]),
  ].join(", ");
}
