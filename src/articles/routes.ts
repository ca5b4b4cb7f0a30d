import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { requireScope } from "../access/authenticate.ts";
import type { Transaction } from "../database/client.ts";
import { withdraw } from "../editions/publish.ts";
import type { Answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { requiredPrecondition } from "../http/conditional.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { createArticle, patchArticle, replaceArticle } from "./edit.ts";
import { presentArticle } from "./present.ts";
import { Article, ArticleInput, ArticlePatch } from "./schema.ts";
import { type StoredArticle, lockArticle } from "./workingCopy.ts";

const params = z.object({ article: z.string().describe("The article's id or slug.") });
const access = "articles:write";
const guarded = { access, precondition: "required" } as const;

/** Writing articles. What is changed here is the working copy; readers see it once it is published. */
export function articleRoutes(app: App, newsroom: Newsroom): void {
  const shown = (article: StoredArticle): Answer => ({
    body: presentArticle(article, newsroom.articleAddress),
    revision: article.row.revision,
  });

  app.post(
    "/articles",
    {
      schema: {
        operationId: "createArticle",
        summary: "Create an article",
        tags: ["Articles"],
        body: ArticleInput,
        response: { 201: Article },
      },
      config: { access, heedsReach: true, problems: ["slug-taken"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const article = await createArticle(tx, request.body);
        return { ...shown(article), status: 201, headers: { location: `/v1/articles/${article.row.id}` } };
      }),
  );

  app.patch(
    "/articles/:article",
    {
      schema: {
        operationId: "updateArticle",
        summary: "Change an article",
        description:
          "JSON Merge Patch (RFC 7396): what is absent stays, null empties, a list replaces the whole list.",
        tags: ["Articles"],
        params,
        body: ArticlePatch,
        response: { 200: Article },
      },
      config: { ...guarded, consumes: mergePatch, problems: ["not-found", "slug-taken", "wrong-state"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) =>
        shown(await patchArticle(tx, await articleToChange(tx, request), request.body)),
      ),
  );

  app.put(
    "/articles/:article",
    {
      schema: {
        operationId: "replaceArticle",
        summary: "Replace an article",
        description: "What is left out is emptied, but for the slug and the dates.",
        tags: ["Articles"],
        params,
        body: ArticleInput,
        response: { 200: Article },
      },
      config: { ...guarded, problems: ["not-found", "slug-taken", "wrong-state"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) =>
        shown(await replaceArticle(tx, await articleToChange(tx, request), request.body)),
      ),
  );

  app.delete(
    "/articles/:article",
    {
      schema: {
        operationId: "deleteArticle",
        summary: "Put an article into the trash",
        description: "A live article is unpublished with it, which needs `articles:publish` too.",
        tags: ["Articles"],
        params,
        response: { 204: z.null() },
      },
      config: { ...guarded, alsoFor: "articles:publish", problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        await withdraw(newsroom, tx, request.params.article, requiredPrecondition(request), {
          toTrash: true,
          whenLive: () => {
            requireScope(request, "articles:publish");
          },
        });
        return { status: 204 };
      }),
  );
}

/** The article that a request changes, locked, after its If-Match was found to fit. */
function articleToChange(
  tx: Transaction,
  request: FastifyRequest<{ Params: { article: string } }>,
): Promise<StoredArticle> {
  return lockArticle(tx, request.params.article, requiredPrecondition(request));
}
