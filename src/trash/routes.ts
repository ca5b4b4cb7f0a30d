import { z } from "zod";
import { withinReach } from "../access/reach.ts";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { precondition, requiredPrecondition } from "../http/conditional.ts";
import { nextLink } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { purge } from "./purge.ts";
import { TRASH_DAYS, TrashList, TrashQuery, TrashedArticle } from "./schema.ts";
import { type Trashed, countTrash, findTrashed, listTrash, restore } from "./trash.ts";

const tags = ["Trash"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });

/** What was deleted: looking at it, taking it back, and purging it. */
export function trashRoutes(app: App, newsroom: Newsroom): void {
  const shown = ({ article, deletedAt }: Trashed) => {
    const { body: _, ...summary } = presentArticle(article, newsroom.articleAddress);
    const purgeAt = new Date(deletedAt.getTime() + TRASH_DAYS * 86_400_000);
    return { ...summary, deletedAt: deletedAt.toISOString(), purgeAt: purgeAt.toISOString() };
  };

  app.get(
    "/trash",
    {
      schema: {
        operationId: "listTrash",
        summary: "List what is in the trash",
        description: "What was put there last comes first.",
        tags,
        querystring: TrashQuery,
        response: { 200: TrashList },
      },
      config: { access: "drafts:read", heedsReach: true },
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const { database, cursors } = newsroom;
      const within = withinReach(request.caller);
      const [deletedAt, id] = cursor === undefined ? [] : cursors.read("trash", cursor);
      const after = deletedAt === undefined || id === undefined ? undefined : { deletedAt, id };
      const found = await listTrash(database, { limit: limit + 1, after }, within);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next =
        last === undefined
          ? null
          : cursors.write("trash", [last.deletedAt.toISOString(), last.article.row.id]);
      const total = count ? await countTrash(database, within) : {};
      return answer(request, reply, {
        body: { data: page.map(shown), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    "/trash/:article",
    {
      schema: {
        operationId: "getTrashed",
        summary: "Fetch an article that is in the trash",
        tags,
        params,
        response: { 200: TrashedArticle },
      },
      config: { access: "drafts:read", problems: ["not-found"] },
    },
    async (request, reply) => {
      const found = await findTrashed(newsroom.database, request.params.article);
      return answer(request, reply, { body: shown(found), revision: found.article.row });
    },
  );

  app.post(
    "/articles/:article/restore",
    {
      schema: {
        operationId: "restoreArticle",
        summary: "Take an article out of the trash",
        description:
          "It comes back under its slug, in the state that it was put there; what was live is unpublished, and what was planned for it has been given up.",
        tags,
        params,
        body: z
          .strictObject({})
          .nullish()
          .meta({ id: "RestoreWrite", examples: [{}] }),
        response: { 200: Article },
      },
      config: {
        access: "articles:write",
        precondition: "optional",
        problems: ["not-found", "wrong-state"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const article = await restore(tx, request.params.article, precondition(request));
        return {
          body: presentArticle(article, newsroom.articleAddress),
          revision: article.row,
        };
      }),
  );

  app.delete(
    "/trash/:article",
    {
      schema: {
        operationId: "purgeArticle",
        summary: "Delete an article that is in the trash for good",
        description:
          "Its revisions and editions go with it. Where readers knew it, its id and slugs answer 410 from then on.",
        tags,
        params,
        response: { 204: z.null() },
      },
      config: { access: "articles:purge", precondition: "required", problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        await purge(tx, request.params.article, requiredPrecondition(request));
        return { status: 204 };
      }),
  );
}
