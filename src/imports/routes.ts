import { z } from "zod";
import { requireScope } from "../access/authenticate.ts";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import type { App } from "../http/app.ts";
import { problem } from "../http/problems.ts";
import { Language } from "../http/scalars.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { MAX_PAGE, importNewsPage } from "./import.ts";

const page = `Talks conclude in Istanbul

Thu Apr 10 2025
icon-facebook icon-twitter icon-whatsapp

KEY POINTS

  • The talks lasted five hours

ISTANBUL, Turkey: The delegations met for five hours.

ALSO READ: Envoys meet again
`;

/** Making articles of what was saved elsewhere. */
export async function importRoutes(parent: App, newsroom: Newsroom): Promise<void> {
  // In a scope of its own, since no other operation reads text.
  await parent.register(async (app: App) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("text/plain", { parseAs: "buffer" }, (_request, body, done) => {
      done(null, body);
    });

    app.post(
      "/imports",
      {
        schema: {
          operationId: "importNewsPage",
          summary: "Make an article of a news page saved as text",
          description:
            "Reads a headline, a date line, share icons, KEY POINTS, a dateline, paragraphs and ALSO READ lines. Each but the headline may be missing; what cannot be told apart stays a paragraph.",
          tags: ["Imports"],
          querystring: z.strictObject({
            publish: z
              .enum(["true", "false"])
              .transform((value) => value === "true")
              .default(false)
              .meta({
                description: "`true` publishes it at once; needs `articles:publish`.",
                examples: ["false"],
              }),
            language: Language.optional().meta({
              description: "The text's language; `en` when absent.",
              examples: ["en"],
            }),
          }),
          body: z.unknown().meta({ id: "NewsPage", type: "string", maxLength: MAX_PAGE, examples: [page] }),
          response: { 201: Article },
        },
        config: {
          access: "articles:write",
          heedsReach: true,
          alsoFor: "articles:publish",
          consumes: ["text/plain"],
        },
        bodyLimit: MAX_PAGE,
      },
      async (request, reply) => {
        const { publish, language } = request.query;
        if (publish) requireScope(request, "articles:publish");
        const charset = charsetOf(request.headers["content-type"]);
        const bytes = request.body as Uint8Array;
        return write(newsroom, request, reply, async (tx) => {
          const article = await importNewsPage(newsroom, tx, bytes, { publish, language, charset });
          return {
            status: 201,
            body: presentArticle(article, newsroom.articleAddress),
            revision: article.row,
            headers: { location: `/v1/articles/${article.row.id}` },
          };
        });
      },
    );
  });
}

function charsetOf(contentType: string | undefined): string | undefined {
  const charset = /;\s*charset="?([^\s";]+)/i.exec(contentType ?? "")?.[1];
  if (charset === undefined) return undefined;
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    throw problem("unsupported-media-type", `The charset ${charset} is not known; send UTF-8.`);
  }
}
