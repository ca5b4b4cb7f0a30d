import { z } from "zod";
import { requireKey, requireScope } from "../access/authenticate.ts";
import { Article } from "../articles/schema.ts";
import { type StoredArticle, loadArticle, requireArticle } from "../articles/workingCopy.ts";
import { refuseWithdrawn } from "../desk/withdrawals.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { preferredType } from "../http/content.ts";
import { absoluteAddress } from "../http/origin.ts";
import { wholeList } from "../http/paging.ts";
import { Problem, problem } from "../http/problems.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { pageHeaders } from "../pages/page.ts";
import { type Grant, findLink, makeLink, openLink, presentLink, takeBack, workingLinks } from "./links.ts";
import { DEFAULT_SECONDS, Preview, PreviewInput, PreviewList } from "./schema.ts";
import { asReadersWouldGetIt, previewPage } from "./show.ts";
import { previewIdOf, previewToken } from "./token.ts";

const tags = ["Previews"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });
const list = "/articles/:article/previews";
const previewTypes = ["text/html", "application/json"];
const secret = {
  "cache-control": "private, no-store",
  "x-robots-tag": "noindex, nofollow, noarchive",
  vary: "Accept",
};

/** Links to previews, for those who may read drafts: making them, and taking them back. */
export function previewLinkRoutes(app: App, newsroom: Newsroom): void {
  app.post(
    list,
    {
      schema: {
        operationId: "createPreview",
        summary: "Make a link to a preview",
        description:
          "Whoever has the link sees the working copy as readers will, without a key, until the link expires or is " +
          "taken back, the key that made it expires, is revoked or may not see the article any more, or the article is deleted or withdrawn for good. " +
          "It always shows the working copy as it is then. Its address is told this once.",
        tags,
        params,
        body: PreviewInput,
        response: { 201: Preview },
      },
      config: { access: "drafts:read", problems: ["not-found", "withdrawn", "count-limit"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { row } = await loadArticle(tx, request.params.article);
        await refuseWithdrawn(tx, row.id);
        const expiresAt = new Date(Date.now() + (request.body?.expiresIn ?? DEFAULT_SECONDS) * 1000);
        const made = await makeLink(tx, row.id, requireKey(request, "a key").id, expiresAt);
        const token = previewToken(newsroom.signing, made.id);
        const path = `/preview/${token}`;
        const body = { ...presentLink(made), url: absoluteAddress(newsroom, request, path), token };
        return { status: 201, body, headers: { location: path } };
      }),
  );

  app.get(
    list,
    {
      schema: {
        operationId: "listPreviews",
        summary: "List the links to an article's previews that work",
        tags,
        params,
        response: { 200: PreviewList },
      },
      config: { access: "drafts:read", problems: ["not-found"] },
    },
    async (request, reply) => {
      const articleId = await requireArticle(newsroom.database, request.params.article);
      const links = await workingLinks(newsroom.database, articleId);
      return answer(request, reply, { body: wholeList(links.map(presentLink)) });
    },
  );

  app.delete(
    `${list}/:id`,
    {
      schema: {
        operationId: "deletePreview",
        summary: "Take back a link to a preview",
        description:
          "It works no more from then on. The key that made it may do so, and any with `articles:write`. Needs no " +
          "`If-Match`: a link never changes.",
        tags,
        params: params.extend({ id: z.string().describe("The link's id.") }),
        response: { 204: z.null() },
      },
      config: { access: "drafts:read", alsoFor: "articles:write", problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const articleId = await requireArticle(tx, request.params.article);
        const found = await findLink(tx, articleId, request.params.id);
        if (found.keyId !== request.caller?.id) requireScope(request, "articles:write");
        await takeBack(tx, found);
        return { status: 204 };
      }),
  );
}

/** Where the links lead: outside of the API proper, and without a key. */
export function previewRoutes(app: App, newsroom: Newsroom): void {
  app.get(
    "/preview/:token",
    {
      schema: {
        operationId: "showPreview",
        summary: "The preview of an article",
        description:
          "The working copy as readers will see it: a page, or with `Accept: application/json` its JSON. Links to " +
          "what is not published are left out. A token that is forged, cut, expired or taken back is answered like one whose " +
          "article is no more.",
        tags,
        params: z.object({ token: z.string().describe("As `POST …/previews` gave it.") }),
        response: {
          200: {
            description: "The preview.",
            content: {
              "text/html": { schema: z.string().meta({ examples: ["<!doctype html>"] }) },
              "application/json": { schema: Article },
            },
          },
        },
      },
      config: { produces: previewTypes, problems: ["not-found"] },
    },
    async (request, reply) => {
      const { grant, article } = await previewed(newsroom, request.params.token);
      const shown = await asReadersWouldGetIt(newsroom, article);
      reply.headers({ ...pageHeaders, ...secret });
      if (preferredType(request.headers.accept, previewTypes) === "application/json") {
        return reply.type("application/json; charset=utf-8").serializer(JSON.stringify).send(shown);
      }
      const address = absoluteAddress(newsroom, request, newsroom.articleAddress(shown.slug));
      return reply.serializer(String).send(await previewPage(article, shown, address, grant));
    },
  );
}

/**
 * What a token opens.
 *
 * @throws 404, always the same, so that nobody learns what was wrong with a token
 */
async function previewed(
  newsroom: Newsroom,
  token: string,
): Promise<{ grant: Grant; article: StoredArticle }> {
  const id = previewIdOf(newsroom.signing, token);
  const grant = id === undefined ? undefined : await openLink(newsroom.database, id);
  if (grant === undefined) throw noPreview();
  try {
    const article = await loadArticle(newsroom.database, grant.articleId);
    await refuseWithdrawn(newsroom.database, article.row.id);
    return { grant, article };
  } catch (error) {
    throw error instanceof Problem ? noPreview() : error;
  }
}

function noPreview() {
  return problem("not-found", "There is no preview at this address, or it works no more.");
}
