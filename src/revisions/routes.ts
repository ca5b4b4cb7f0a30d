import { z } from "zod";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { existingArticleId } from "../articles/workingCopy.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { precondition } from "../http/conditional.ts";
import { nextLink, pageParameters } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { diffRevisions } from "./diff.ts";
import { presentContent, presentRevision, readRevision } from "./read.ts";
import { restoreRevision } from "./restore.ts";
import { RevisionDetail, RevisionDiff, RevisionList } from "./schema.ts";

const tags = ["Revisions"];
const reading = { access: "drafts:read", problems: ["not-found"] } as const;
const articleParams = z.object({ article: z.string().describe("The article's id or slug.") });
const params = articleParams.extend({ revision: z.string().describe("The revision's number.") });

/** What became of a working copy, write by write. */
export function revisionRoutes(app: App, newsroom: Newsroom): void {
  const { database } = newsroom;

  app.get(
    "/articles/:article/revisions",
    {
      schema: {
        operationId: "listRevisions",
        summary: "List the revisions of an article",
        description:
          "Every accepted write to the working copy leaves one: who, when and what. The newest comes first. An article that is older than revisions has them from how it stood before its next change.",
        tags,
        params: articleParams,
        querystring: z.strictObject(pageParameters),
        response: { 200: RevisionList },
      },
      config: reading,
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const articleId = await existingArticleId(database, request.params.article);
      const list = `revisions ${articleId}`;
      const after = cursor === undefined ? undefined : Number(newsroom.cursors.read(list, cursor)[0]);
      const rows = await database.revision.findMany({
        where: { articleId, ...(after === undefined ? {} : { number: { lt: after } }) },
        omit: { content: true },
        orderBy: { number: "desc" },
        take: limit + 1,
      });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : newsroom.cursors.write(list, [String(last.number)]);
      const total = count ? { total: await database.revision.count({ where: { articleId } }) } : {};
      return answer(request, reply, {
        body: { data: page.map(presentRevision), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    "/articles/:article/revisions/:revision",
    {
      schema: {
        operationId: "getRevision",
        summary: "Fetch a revision with the working copy as it was",
        tags,
        params,
        response: { 200: RevisionDetail },
      },
      config: reading,
    },
    async (request, reply) => {
      const { article, revision } = request.params;
      const found = await readRevision(database, await existingArticleId(database, article), revision);
      return answer(request, reply, {
        body: { ...presentRevision(found.about), article: presentContent(found.copy) },
      });
    },
  );

  app.get(
    "/articles/:article/revisions/:revision/diff/:other",
    {
      schema: {
        operationId: "diffRevisions",
        summary: "Compare two revisions",
        description:
          "By field; the body, key points, related links, tags and authors item by item; text word by word, as words are told apart in the article's language. Text that differs in very much is shown as taken out and put in whole.",
        tags,
        params: params.extend({ other: z.string().describe("The number of the revision to compare with.") }),
        response: { 200: RevisionDiff },
      },
      config: reading,
    },
    async (request, reply) => {
      const { article, revision, other } = request.params;
      const articleId = await existingArticleId(database, article);
      const from = await readRevision(database, articleId, revision);
      return answer(request, reply, {
        body: diffRevisions(from, await readRevision(database, articleId, other)),
      });
    },
  );

  app.post(
    "/articles/:article/revisions/:revision/restore",
    {
      schema: {
        operationId: "restoreRevision",
        summary: "Restore a revision",
        description:
          "Makes a new revision with the content of an old one, the ids of its blocks, key points and links included. Readers see nothing of it until it is published. The slug stays what it is now, and so does `publishedAt` once there has been an edition. When the revision names a section, tag, author or article that has been deleted since, the answer is 422 and nothing changes.",
        tags,
        params,
        querystring: z.strictObject({}),
        body: z
          .strictObject({})
          .nullish()
          .meta({ id: "RestoreWrite", examples: [{}] }),
        response: { 200: Article },
      },
      config: { access: "articles:write", precondition: "optional", problems: ["not-found", "conflict"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { article, revision } = request.params;
        const restored = await restoreRevision(tx, article, revision, precondition(request));
        return {
          body: presentArticle(restored, newsroom.articleAddress),
          revision: restored.row,
        };
      }),
  );
}
