import { z } from "zod";
import { requireArticle } from "../articles/workingCopy.ts";
import { type Answer, answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { requiredPrecondition } from "../http/conditional.ts";
import { nextLink } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { Comment, CommentInput, CommentList, CommentPatch, CommentQuery } from "./schema.ts";
import {
  type FoundComment,
  addComment,
  changeComment,
  deleteComment,
  findComment,
  listComments,
  lockComment,
} from "./store.ts";

const tags = ["Desk"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });
const itemParams = params.extend({ id: z.string().describe("The id of the comment.") });
const reading = { access: "drafts:read", problems: ["not-found"] } as const;
const writing = { access: "comments:write", problems: ["not-found", "in-use"] } as const;
const list = "/articles/:article/comments";

/** What the desk says of an article or of a block in it. It is no part of the article: no edition has it. */
export function commentRoutes(app: App, newsroom: Newsroom): void {
  const { database, cursors } = newsroom;

  app.get(
    list,
    {
      schema: {
        operationId: "listComments",
        summary: "List an article's comments, the oldest first",
        tags,
        params,
        querystring: CommentQuery,
        response: { 200: CommentList },
      },
      config: reading,
    },
    async (request, reply) => {
      const { query } = request;
      const articleId = await requireArticle(database, request.params.article);
      const { data, next, total } = await listComments(database, cursors, articleId, query);
      return answer(request, reply, {
        body: { data, page: { limit: query.limit, next, ...(total === undefined ? {} : { total }) } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    `${list}/:id`,
    {
      schema: {
        operationId: "getComment",
        summary: "Fetch a comment",
        tags,
        params: itemParams,
        response: { 200: Comment },
      },
      config: reading,
    },
    async (request, reply) => {
      const articleId = await requireArticle(database, request.params.article);
      return answer(request, reply, answerOf(await findComment(database, articleId, request.params.id)));
    },
  );

  app.post(
    list,
    {
      schema: {
        operationId: "createComment",
        summary: "Comment on an article or on a block in it",
        description:
          "For the desk alone: readers never get it. It stays when its block goes, and then says so.",
        tags,
        params,
        body: CommentInput,
        response: { 201: Comment },
      },
      config: writing,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const articleId = await requireArticle(tx, request.params.article);
        const added = await addComment(tx, articleId, request.body);
        const location = `/v1/articles/${articleId}/comments/${added.row.id}`;
        return { ...answerOf(added), status: 201, headers: { location } };
      }),
  );

  app.patch(
    `${list}/:id`,
    {
      schema: {
        operationId: "updateComment",
        summary: "Resolve or reopen a comment, or change its text",
        tags,
        params: itemParams,
        body: CommentPatch,
        response: { 200: Comment },
      },
      config: { ...writing, precondition: "required", consumes: mergePatch },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const wanted = requiredPrecondition(request);
        const articleId = await requireArticle(tx, request.params.article);
        const found = await lockComment(tx, articleId, request.params.id, wanted);
        return answerOf(await changeComment(tx, found, request.body));
      }),
  );

  app.delete(
    `${list}/:id`,
    {
      schema: {
        operationId: "deleteComment",
        summary: "Delete a comment of one's own that nobody has answered",
        tags,
        params: itemParams,
        response: { 204: z.null() },
      },
      config: { ...writing, precondition: "required" },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const wanted = requiredPrecondition(request);
        const articleId = await requireArticle(tx, request.params.article);
        await deleteComment(tx, await lockComment(tx, articleId, request.params.id, wanted));
        return { status: 204 };
      }),
  );
}

function answerOf({ row, shown }: FoundComment): Answer {
  return { body: shown, revision: row };
}
