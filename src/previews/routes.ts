import { z } from "zod";
import { Article } from "../articles/schema.ts";
import { type StoredArticle, loadArticle } from "../articles/workingCopy.ts";
import { refuseWithdrawn } from "../desk/withdrawals.ts";
import type { App } from "../http/app.ts";
import { absoluteAddress } from "../http/origin.ts";
import { Problem, problem } from "../http/problems.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { pageHeaders } from "../pages/page.ts";
import { DEFAULT_SECONDS, Preview, PreviewInput } from "./schema.ts";
import { asReadersWouldGetIt, previewPage } from "./show.ts";
import { type Grant, openPreview, previewToken } from "./token.ts";

const tags = ["Previews"];
const secret = {
  "cache-control": "private, no-store",
  "x-robots-tag": "noindex, nofollow, noarchive",
  vary: "Accept",
};

/** Making a link to a preview, for those who may read drafts. */
export function previewLinkRoutes(app: App, newsroom: Newsroom): void {
  app.post(
    "/articles/:article/previews",
    {
      schema: {
        operationId: "createPreview",
        summary: "Make a link to a preview",
        description:
          "Whoever has the link sees the working copy as readers will, without a key, until the link expires or " +
          "the article is deleted or withdrawn for good. It always shows the working copy as it is then. Nothing is stored of a link, " +
          "so it cannot be taken back: let it expire soon.",
        tags,
        params: z.object({ article: z.string().describe("The article's id or slug.") }),
        body: PreviewInput,
        response: { 201: Preview },
      },
      config: { access: "drafts:read", problems: ["not-found", "withdrawn"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { row } = await loadArticle(tx, request.params.article);
        await refuseWithdrawn(tx, row.id);
        const expiresAt = new Date(Date.now() + (request.body?.expiresIn ?? DEFAULT_SECONDS) * 1000);
        const token = previewToken(newsroom.signing, { articleId: row.id, expiresAt });
        const path = `/preview/${token}`;
        const body = { url: absoluteAddress(request, path), token, expiresAt: expiresAt.toISOString() };
        return { status: 201, body, headers: { location: path } };
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
          "what is not published are left out. A token that is forged, cut or expired is answered like one whose " +
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
      config: { produces: ["text/html", "application/json"], problems: ["not-found"] },
    },
    async (request, reply) => {
      const { grant, article } = await previewed(newsroom, request.params.token);
      const shown = await asReadersWouldGetIt(newsroom, article);
      reply.headers({ ...pageHeaders, ...secret });
      if (request.accepts().type(["text/html", "application/json"]) === "application/json") {
        return reply.type("application/json; charset=utf-8").serializer(JSON.stringify).send(shown);
      }
      const address = absoluteAddress(request, newsroom.articleAddress(shown.slug));
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
  const grant = openPreview(newsroom.signing, token);
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
