import type { FastifyReply, FastifyRequest } from "fastify";
import { audienceOf, seesAsAnyone } from "../access/audience.ts";
import { requireScope } from "../access/authenticate.ts";
import { withinReach } from "../access/reach.ts";
import { presentArticle } from "../articles/present.ts";
import { hideTargets } from "../articles/workingCopy.ts";
import type { Database } from "../database/client.ts";
import type { Total } from "../database/counting.ts";
import { listAs, sendAs } from "../formats/answer.ts";
import { inEveryFormat, listTypes } from "../formats/formats.ts";
import { formatOf } from "../formats/negotiate.ts";
import { sendJson } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { sendBytes, sendable } from "../http/bytes.ts";
import { VARY_BY_FORM, publicCaching } from "../http/caching.ts";
import { MAX_LIMIT, nextLink } from "../http/paging.ts";
import type { Newsroom } from "../newsroom.ts";
import { purgedCaching } from "../purging/caching.ts";
import { listFound } from "../search/list.ts";
import { listMostShared } from "../shares/mostShared.ts";
import { choose, chosen } from "./chosen.ts";
import { listDrafts, listDraftsByIds, listLive, listLiveByIds } from "./list.ts";
import { pastCaching } from "./past.ts";
import { listPast } from "./pastList.ts";
import { ArticleList, ArticleQuery } from "./schema.ts";

/** Listing what is published, however it is filtered, searched and sorted, and working copies. */
export function listRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/articles",
    {
      schema: {
        operationId: "listArticles",
        summary: "List articles without their bodies",
        description:
          "Published editions, newest first; with `q` those that have its words, by relevance; with `version=draft` working copies; " +
          "with `asOf` what was live at a moment that has passed, in the order of then, narrowed by the sections, " +
          "tags and authors that now have these slugs.",
        tags: ["Articles"],
        querystring: ArticleQuery,
        response: { 200: inEveryFormat(ArticleList, "list") },
      },
      config: { alsoFor: "drafts:read", heedsReach: true, cached: true, produces: listTypes },
    },
    async (request, reply) => {
      const query: ArticleQuery = { ...request.query, audience: audienceOf(request) };
      const { database, cursors } = newsroom;
      const format = formatOf(request, query, listTypes);
      if (query.version === "draft") {
        requireScope(request, "drafts:read");
        const { ids } = query;
        const found =
          ids === undefined
            ? await listDrafts(database, cursors, query, withinReach(request.caller))
            : await listDraftsByIds(database, { ...query, ids }, withinReach(request.caller));
        await hideTargets(database, request.caller, found.articles);
        const items = found.articles.map((article) => {
          const { body: _, ...summary } = presentArticle(article, newsroom.articleAddress);
          return JSON.stringify(chosen(summary, query.fields));
        });
        return sendList(request, reply, query, { ...found, items });
      }
      const { asOf } = query;
      const items = (found: { items: string[] }) =>
        query.fields === undefined ? found.items : found.items.map((item) => choose(item, query.fields));
      if (asOf !== undefined) {
        const found = await listPast(newsroom, { ...query, asOf });
        request.articlesGiven = found.items.length;
        const headers = pastCaching(request, newsroom, ["articles"], asOf);
        return sendList(request, reply, query, { ...found, items: items(found) }, headers);
      }
      // What was shared most is so for a time only, which nobody tells of.
      const isPurged = query.sort !== "mostShared";
      const cachingOf = isPurged ? purgedCaching : publicCaching;
      const caching = (knownAt?: number) => ({
        ...cachingOf(request, newsroom, ["articles"], newsroom.news.agenda.next(), knownAt),
        vary: VARY_BY_FORM,
      });
      if (format !== undefined) {
        const { next = null, ...found } = await listPublished(newsroom, query);
        request.articlesGiven = found.items.length;
        const page = sendable(await listAs(newsroom, request, format, found));
        return sendAs(request, reply, format, page, { ...caching(), ...nextLink(request.url, next) });
      }
      if (query.ids !== undefined || query.cursor !== undefined || !seesAsAnyone(query.audience)) {
        const found = await listPublished(newsroom, query);
        request.articlesGiven = found.items.length;
        return sendList(request, reply, query, { ...found, items: items(found) }, caching());
      }
      const page = await newsroom.live.list(request.url, async () => {
        const found = await listPublished(newsroom, query);
        const json = listJson(query, { ...found, items: items(found) });
        const link = nextLink(request.url, found.next ?? null);
        const articles = found.items.length;
        return {
          ...sendable(json),
          groups: ["articles"],
          articles,
          headers: { vary: VARY_BY_FORM, ...link },
          isPurged,
        };
      });
      request.articlesGiven = page.articles;
      return sendBytes(request, reply, page, { ...caching(page.knownAt), ...page.headers });
    },
  );
}

/** A page of what is published, however it is filtered, searched and sorted: what a query's audience gets to see. */
export function listPublished(newsroom: Newsroom, query: ArticleQuery): Promise<FoundList> {
  const { cursors, replicas } = newsroom;
  const { ids } = query;
  const read = (list: (on: Database) => Promise<FoundList>) =>
    replicas.read(query.audience, ({ database }) => list(database));
  if (ids !== undefined) return read((on) => listLiveByIds(on, { ...query, ids }));
  if (query.q !== undefined) return read((on) => listFound(on, cursors, query));
  const { sort } = query;
  // It has shares counted first, and reads what that has written.
  if (sort === "mostShared") return listMostShared(newsroom, query);
  return read((on) => listLive(on, cursors, { ...query, sort }));
}

/** Sends a list whose items are JSON already. */
function sendList(
  request: FastifyRequest,
  reply: FastifyReply,
  query: { limit: number },
  found: FoundList,
  headers: Record<string, string> = {},
): Promise<FastifyReply> {
  return sendJson(request, reply, listJson(query, found), {
    ...headers,
    ...nextLink(request.url, found.next ?? null),
  });
}

interface FoundList {
  items: string[];
  next?: string | null;
  count?: Total | undefined;
  missing?: unknown;
}

function listJson(query: { limit: number }, { items, next = null, count, missing }: FoundList): string {
  const limit = missing === undefined ? query.limit : MAX_LIMIT;
  const page = JSON.stringify({ limit, next, ...count });
  const rest = missing === undefined ? "" : `"missing":${JSON.stringify(missing)},`;
  return `{"data":[${items.join(",")}],${rest}"page":${page}}`;
}
