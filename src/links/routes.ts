import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { audienceOf, everyone } from "../access/audience.ts";
import { requireScope } from "../access/authenticate.ts";
import { requireReach, withinReach } from "../access/reach.ts";
import { articleIdOf, loadArticle } from "../articles/workingCopy.ts";
import { readLive } from "../editions/routes.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { nextLink } from "../http/paging.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { purgedCaching } from "../purging/caching.ts";
import {
  type BacklinkRow,
  type DraftBacklinkRow,
  countBacklinks,
  listBacklinks,
  listDraftBacklinks,
} from "./backlinks.ts";
import { countFindings, listFindings } from "./health.ts";
import { BacklinkList, BacklinkQuery, LinkHealth, LinkHealthQuery } from "./schema.ts";

const tags = ["Related links"];

/** Which articles link to one, and which links lead nowhere. */
export function linkRoutes(app: App, newsroom: Newsroom): void {
  const { database, cursors } = newsroom;
  const shown = ({ publishedAt, ...row }: BacklinkRow | DraftBacklinkRow) => ({
    ...row,
    url: newsroom.articleAddress(row.slug),
    publishedAt: publishedAt?.toISOString() ?? null,
  });

  app.get(
    "/articles/:article/backlinks",
    {
      schema: {
        operationId: "listBacklinks",
        summary: "List the articles that link to an article",
        description:
          "Those whose related links lead to it in what readers get; with `version=draft` those whose working copies do as well.",
        tags,
        params: z.object({ article: z.string().describe("The article's id or slug.") }),
        querystring: BacklinkQuery,
        response: { 200: BacklinkList },
      },
      config: {
        alsoFor: "drafts:read",
        cached: true,
        delivers: "json",
        problems: ["not-found", "gone", "withdrawn"],
      },
    },
    async (request, reply) => {
      const { limit, cursor, count, version } = request.query;
      const ofDrafts = version === "draft";
      let articleId: string;
      let headers = {};
      if (ofDrafts) {
        articleId = await draftId(newsroom, request);
      } else {
        const live = await readLive(newsroom, request, reply);
        if (live === undefined) return reply;
        ({ articleId } = live);
        headers = purgedCaching(request, newsroom, [articleId, "articles"], newsroom.news.agenda.next());
      }
      const list = `backlinks ${version} ${articleId}`;
      const after = cursor === undefined ? undefined : cursors.read(list, cursor)[0];
      const query = { articleId, limit: limit + 1, after };
      const within = ofDrafts ? withinReach(request.caller) : undefined;
      const audience = ofDrafts ? everyone : audienceOf(request);
      const rows =
        within === undefined
          ? await listBacklinks(database, query, audience)
          : await listDraftBacklinks(database, query, within);
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursors.write(list, [last.id]);
      const total = count ? { total: await countBacklinks(database, articleId, { audience, within }) } : {};
      return answer(request, reply, {
        body: { data: page.map(shown), page: { limit, next, ...total } },
        headers: { ...headers, ...nextLink(request.url, next) },
      });
    },
  );

  app.get(
    "/link-health",
    {
      schema: {
        operationId: "getLinkHealth",
        summary: "List links of live articles that lead nowhere, or out of here",
        description:
          "Related links, as they are in what readers get. Addresses outside are listed and not called: a server that fetches what editors type can be made to call what it should not.",
        tags,
        querystring: LinkHealthQuery,
        response: { 200: LinkHealth },
      },
      config: { access: "drafts:read", heedsReach: true, problems: ["not-found"] },
    },
    async (request, reply) => {
      const { limit, cursor, count, kind, article } = request.query;
      const articleId = article === undefined ? undefined : await articleIdOf(database, article);
      if (article !== undefined) {
        if (articleId === undefined) throw problem("not-found", `There is no article ${article}.`);
        await requireReach(database, request.caller, articleId, article);
      }
      const within = withinReach(request.caller);
      const list = `link-health ${kind ?? ""} ${articleId ?? ""}`;
      const [ofArticle, linkId] = cursor === undefined ? [] : cursors.read(list, cursor);
      const after =
        ofArticle === undefined || linkId === undefined ? undefined : { articleId: ofArticle, linkId };
      const found = await listFindings(database, { kind, articleId, within }, { limit: limit + 1, after });
      const data = found.slice(0, limit);
      const last = found.length > limit ? data.at(-1) : undefined;
      const next = last === undefined ? null : cursors.write(list, [last.article.id, last.link.id]);
      const counts = count ? await countFindings(database, { kind, articleId, within }) : undefined;
      const total =
        counts === undefined
          ? {}
          : {
              total:
                kind === undefined ? Object.values(counts).reduce((sum, one) => sum + one) : counts[kind],
            };
      return answer(request, reply, {
        body: { data, ...(counts === undefined ? {} : { counts }), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );
}

async function draftId(
  newsroom: Newsroom,
  request: FastifyRequest<{ Params: { article: string } }>,
): Promise<string> {
  requireScope(request, "drafts:read");
  return (await loadArticle(newsroom.database, request.params.article)).row.id;
}
