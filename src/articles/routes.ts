import { z } from "zod";
import { requireScope } from "../access/authenticate.ts";
import { withdraw } from "../editions/publish.ts";
import type { Answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { preferenceApplied, requiredPrecondition } from "../http/conditional.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { articleToChange, merging } from "../revisions/conflicts.ts";
import { createArticle, patchArticle, replaceArticle } from "./edit.ts";
import { presentArticle } from "./present.ts";
import { Article, ArticleInput, ArticlePatch } from "./schema.ts";
import type { StoredArticle } from "./workingCopy.ts";

const params = z.object({ article: z.string().describe("The article's id or slug.") });
const access = "articles:write";
const guarded = { access, precondition: "required" } as const;
const mergeable = { ...guarded, merges: true } as const;

/** Writing articles. What is changed here is the working copy; readers see it once it is published. */
export function articleRoutes(app: App, newsroom: Newsroom): void {
  const shown = (article: StoredArticle): Answer => ({
    body: presentArticle(article, newsroom.articleAddress),
    revision: article.row,
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
        description: `JSON Merge Patch (RFC 7396): what is absent stays, null empties, a list replaces the whole list.\n\n${merging}`,
        tags: ["Articles"],
        params,
        body: ArticlePatch,
        response: { 200: Article },
      },
      config: { ...mergeable, consumes: mergePatch, problems: ["not-found", "slug-taken", "wrong-state"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const sent = Object.keys(request.body).map((field) => `/${field}`);
        const article = await articleToChange(newsroom, tx, request, requiredPrecondition(request), sent);
        const changed = await patchArticle(tx, article, request.body);
        return { ...shown(changed), headers: preferenceApplied(request) };
      }),
  );

  app.put(
    "/articles/:article",
    {
      schema: {
        operationId: "replaceArticle",
        summary: "Replace an article",
        description: `What is left out is emptied, but for the slug and the dates.\n\n${merging}`,
        tags: ["Articles"],
        params,
        body: ArticleInput,
        response: { 200: Article },
      },
      config: { ...mergeable, problems: ["not-found", "slug-taken", "wrong-state"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const article = await articleToChange(newsroom, tx, request, requiredPrecondition(request), [""]);
        const replaced = await replaceArticle(tx, article, request.body);
        return { ...shown(replaced), headers: preferenceApplied(request) };
      }),
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
