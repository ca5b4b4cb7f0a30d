import { z } from "zod";
import { audienceOf } from "../access/audience.ts";
import { type AddressQuery, addressesFrom, stretchesOf } from "../editions/addresses.ts";
import type { EditionDocument } from "../editions/document.ts";
import { listPublished } from "../editions/listRoute.ts";
import { type ArticleQuery, ordered, selection } from "../editions/schema.ts";
import type { App } from "../http/app.ts";
import { pageParameters } from "../http/paging.ts";
import { invalidParameter } from "../http/problems.ts";
import { originOf } from "../http/origin.ts";
import type { Newsroom } from "../newsroom.ts";
import { lastModified } from "./modified.ts";
import { feedOf, sendFeed } from "./send.ts";
import { MOST_LISTED, newsSitemap, sitemap, sitemapIndex } from "./sitemaps.ts";

/** How long news is news to Google, in milliseconds, and how many of them it takes in one sitemap. */
const NEWS_FOR = 48 * 3_600_000;
const MOST_NEWS = 1_000;
/** How many addresses a sitemap has when nothing is said: about 1.5 MB. */
const LENGTH = 10_000;

const mediaType = "application/xml";
const { shape: filters } = z
  .object(selection)
  .pick({ section: true, tag: true, author: true, language: true });

const SitemapQuery = z.strictObject({
  ...filters,
  publishedAfter: selection.publishedAfter,
  publishedBefore: selection.publishedBefore,
  limit: z
    .string()
    .refine(
      (value) => /^[1-9]\d{0,4}$/.test(value) && Number(value) <= MOST_LISTED,
      `must be a whole number from 1 to ${MOST_LISTED}`,
    )
    .transform(Number)
    .default(LENGTH)
    .meta({
      description: `How many addresses a sitemap has at most; ${LENGTH} when absent.`,
      examples: [LENGTH],
      type: "integer",
      minimum: 1,
      maximum: MOST_LISTED,
    }),
});

/** Where search engines find what is live, all of it or the latest. */
export function sitemapRoutes(app: App, newsroom: Newsroom): void {
  indexRoute(app, newsroom);
  pageRoute(app, newsroom);
  newsRoute(app, newsroom);
}

const answering = (example: string, description: string) => {
  const schema: z.ZodType = z.string().meta({ examples: [example] });
  return { 200: { description, content: { [mediaType]: { schema } } } };
};
const delivers = "sitemap" as const;
const config = { heedsReach: true, cached: true, produces: [mediaType], delivers };

function indexRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/feeds/sitemap.xml",
    {
      schema: {
        operationId: "getSitemapIndex",
        summary: "The index of sitemaps",
        description:
          "Leads to the sitemaps of all live articles, or of those that the filters leave, the oldest first: what " +
          "is published only changes the last one.",
        tags: ["Feeds"],
        querystring: SitemapQuery,
        response: answering(sitemapIndex([]).trim(), "The index."),
      },
      config,
    },
    (request, reply) => {
      const { database, cursors } = newsroom;
      const query = { ...request.query, audience: audienceOf(request) };
      return sendFeed(newsroom, request, reply, {
        isKept: true,
        make: async () => {
          const modified = await lastModified(database);
          const found = await stretchesOf(database, query, query.limit, MOST_LISTED + 1);
          if (found.length > MOST_LISTED) {
            const detail = `makes more than the ${MOST_LISTED} sitemaps that an index may have; ask for longer ones`;
            throw invalidParameter([{ pointer: "limit", detail }]);
          }
          const own = new URL(request.url, originOf(newsroom, request));
          // The first one holds whatever is oldest; it is there even while there is nothing to hold.
          const places = (found.length === 0 ? [undefined] : found).map((stretch, index) => {
            const address = new URL(`sitemap-page.xml${own.search}`, own);
            if (stretch !== undefined && index > 0)
              address.searchParams.set("cursor", cursors.write(nameOf(query), [...stretch.first]));
            return { address: address.href, updatedAt: stretch?.updatedAt };
          });
          return feedOf(sitemapIndex(places), mediaType, modified, 0);
        },
      });
    },
  );
}

function pageRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/feeds/sitemap-page.xml",
    {
      schema: {
        operationId: "getSitemap",
        summary: "A sitemap",
        description:
          "The addresses of live articles, from where the index says; without a cursor the oldest.",
        tags: ["Feeds"],
        querystring: SitemapQuery.extend({ cursor: pageParameters.cursor }),
        response: answering(sitemap([]).trim(), "The sitemap."),
      },
      config,
    },
    (request, reply) => {
      const { database, cursors, articleAddress } = newsroom;
      const query = { ...request.query, audience: audienceOf(request) };
      const { cursor } = query;
      return sendFeed(newsroom, request, reply, {
        isKept: cursor === undefined,
        make: async () => {
          const first = cursor === undefined ? undefined : cursors.read(nameOf(query), cursor);
          const modified = await lastModified(database);
          const found = await addressesFrom(database, query, query.limit, first);
          const origin = originOf(newsroom, request);
          const pages = found.map(({ slug, updatedAt }) => ({
            address: new URL(articleAddress(slug), origin).href,
            updatedAt,
          }));
          return feedOf(sitemap(pages), mediaType, modified, 0);
        },
      });
    },
  );
}

function newsRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/feeds/news-sitemap.xml",
    {
      schema: {
        operationId: "getNewsSitemap",
        summary: "The sitemap for news",
        description: `What was first published within the last 48 hours, the newest ${MOST_NEWS} at most, as Google News wants it.`,
        tags: ["Feeds"],
        querystring: z.strictObject({ ...filters, q: selection.q }),
        response: answering(newsSitemap("Dateline", []).trim(), "The sitemap."),
      },
      config,
    },
    (request, reply) => {
      const { database, config: settings, articleAddress } = newsroom;
      const query = { ...request.query, audience: audienceOf(request) };
      return sendFeed(newsroom, request, reply, {
        isKept: true,
        make: async () => {
          const modified = await lastModified(database);
          const since = Date.now() - NEWS_FOR;
          const { items } = await listPublished(newsroom, latest(query, since));
          const origin = originOf(newsroom, request);
          const pages = items
            .map((item) => JSON.parse(item) as EditionDocument)
            .map(({ slug, firstPublishedAt, updatedAt, ...article }) => ({
              address: new URL(articleAddress(slug), origin).href,
              ...article,
              publishedAt: firstPublishedAt ?? updatedAt,
            }))
            // What was published again is no news.
            .filter(({ publishedAt }) => Date.parse(publishedAt) > since);
          const oldest = Math.min(...pages.map(({ publishedAt }) => Date.parse(publishedAt)));
          const made = feedOf(newsSitemap(settings.DATELINE_NAME, pages), mediaType, modified, 0);
          return pages.length === 0 ? made : { ...made, changesAt: oldest + NEWS_FOR };
        },
      });
    },
  );
}

/** The list of what is news since a moment. */
function latest(
  query: Pick<AddressQuery, keyof typeof filters | "audience"> & { q?: string | undefined },
  since: number,
) {
  return ordered({
    ...query,
    publishedAfter: new Date(since).toISOString(),
    sort: "newest",
    limit: MOST_NEWS,
    count: false,
    version: "published",
    fields: ["id"],
  }) as ArticleQuery;
}

/** A cursor belongs to sitemaps with the same filters; how long they are may change. */
function nameOf({ section, tag, author, language, publishedAfter, publishedBefore }: AddressQuery): string {
  return `sitemap ${JSON.stringify([section, tag, author, language, publishedAfter, publishedBefore])}`;
}
