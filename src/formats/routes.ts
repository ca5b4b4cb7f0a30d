import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { readLive } from "../editions/routes.ts";
import { send } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { sendBytes } from "../http/bytes.ts";
import { entityTag } from "../http/conditional.ts";
import { Problem, problemTypes } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { purgedCaching } from "../purging/caching.ts";
import { pageHeaders } from "../pages/page.ts";
import { variantOf } from "./answer.ts";
import type { Context, Summary } from "./context.ts";
import { problemPage, publicPage } from "./page.ts";

const titles: Partial<Record<number, string>> = {
  404: "There is no such article",
  410: "This article is no more",
  451: "This article was withdrawn",
};

const page = {
  name: "page",
  article: publicPage,
  summary: (article: Summary, context: Context) => publicPage({ ...article, body: [] }, context),
};

/** The pages of published articles, for newsrooms that have no site of their own yet. */
export function articlePageRoutes(app: App, newsroom: Newsroom): void {
  if (!newsroom.config.DATELINE_PAGES) return;
  const html = {
    description: "The page.",
    content: { "text/html": { schema: z.string().meta({ examples: ["<!doctype html>"] }) } },
  };
  app.get(
    "/a/:article",
    {
      schema: {
        operationId: "showArticle",
        summary: "The page of a published article",
        description:
          "The published edition as a page, with Open Graph tags, JSON-LD and the canonical link. A former slug " +
          "answers 301. Absent with `DATELINE_PAGES=off`.",
        tags: ["Articles"],
        params: z.object({ article: z.string().describe("The article's slug.") }),
        response: { 200: html, 404: html, 410: html, 451: html },
      },
      config: { produces: ["text/html"], cached: true, delivers: "html" },
    },
    async (request, reply) => {
      try {
        const live = await readLive(newsroom, request, reply);
        if (live === undefined) return reply;
        request.articlesGiven = 1;
        const headers = purgedCaching(request, newsroom, live.groups, live.changesAt, live.knownAt);
        const found = await variantOf(newsroom, request, live, page);
        return await sendBytes(request, reply, found, { ...headers, ...pageHeaders });
      } catch (error) {
        const title = error instanceof Problem ? titles[problemTypes[error.type].status] : undefined;
        if (!(error instanceof Problem) || title === undefined) throw error;
        return sendProblemPage(request, reply, error, title);
      }
    },
  );
}

/** A problem that readers meet, as a page. */
async function sendProblemPage(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  title: string,
): Promise<FastifyReply> {
  const { status } = problemTypes[problem.type];
  // In a reader's words, but for what may be said of a withdrawal.
  const detail = problem.type === "withdrawn" ? problem.message : "Perhaps the address has a mistake in it.";
  const shown = status === 410 ? "It was published and is not available any more." : detail;
  const body = await problemPage(title, shown);
  return send(request, reply, {
    status,
    headers: { "cache-control": "no-store", ...problem.headers, ...pageHeaders, etag: entityTag(body) },
    body,
  });
}
