import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { requireScope } from "../access/authenticate.ts";
import { isKept, outOfReach } from "../access/reach.ts";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { audit, auditRequest, originOf } from "../audit/record.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { invalidParameter, problem } from "../http/problems.ts";
import { Language, WebAddress } from "../http/scalars.ts";
import { actorFor, write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { type ArticleFile, fileIn } from "./file.ts";
import { importNewsPage } from "./import.ts";
import { ImportReport } from "./report.ts";

const page = `Talks conclude in Istanbul

Thu Apr 10 2025
icon-facebook icon-twitter icon-whatsapp

KEY POINTS

  • The talks lasted five hours

ISTANBUL, Turkey: The delegations met for five hours.

ALSO READ: Envoys meet again
`;

/** What files come as. What they are is seen from how they begin. */
const mediaTypes = [
  "text/plain",
  "application/xml",
  "text/xml",
  "application/rss+xml",
  "application/atom+xml",
  "application/rdf+xml",
  "application/json",
  "application/feed+json",
  "application/vnd.iptc.ninjs+json",
  "application/x-ndjson",
  "application/octet-stream",
];

const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const Query = z.strictObject({
  publish: flag.default(false).meta({
    description:
      "`true` publishes it at once, of a file what is published where it comes from; needs `articles:publish`.",
    examples: ["false"],
  }),
  language: Language.optional().meta({
    description: "The language of what does not name its own; `en` when absent.",
    examples: ["en"],
  }),
  dryRun: flag.default(false).meta({
    description: "Of a file with `true`: says what would be done, and does nothing.",
    examples: ["false"],
  }),
  site: WebAddress.optional().meta({
    description: "The address of the site that the file's relative addresses are of.",
    examples: ["https://news.example"],
  }),
});

/** Making articles of what was saved elsewhere. */
export async function importRoutes(parent: App, newsroom: Newsroom): Promise<void> {
  // In a scope of its own, since no other operation reads files as they come.
  await parent.register(async (app: App) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(mediaTypes, (request: FastifyRequest, payload: IncomingMessage) => {
      const type = request.headers["content-type"] ?? "";
      // Not checked yet: what is no address is refused with the other parameters.
      const { site } = request.query as { site?: unknown };
      const isPage = /^\s*text\/plain/i.test(type);
      return fileIn(payload, {
        charset: charsetOf(type),
        isPage,
        site: typeof site === "string" ? site : undefined,
      });
    });

    app.post(
      "/imports",
      {
        schema: {
          operationId: "importFile",
          summary: "Make articles of a news page saved as text, or of another system's export",
          description: `What comes is told by how it begins, whatever its media type.

**A news page saved as text** becomes an article, and the answer is 201 with it. Reads a headline, a date line, share icons, KEY POINTS, a dateline, paragraphs and ALSO READ lines. Each but the headline may be missing; what cannot be told apart stays a paragraph.

**RSS, Atom, JSON Feed, WordPress's WXR, Ghost's export, IPTC ninjs (1 to 3) and Arc XP's ANS**, the last two as one object, an array or JSON Lines, become articles, and the answer is 200 with a report. Posts are articles; pages, attachments and the like stay behind, which \`remarks\` tells of, as of all that could not be carried over. Articles are drafts, unless \`publish\` is asked for: then those come before readers that are before readers where they come from. All of a file is read before anything is written, so that of one that is broken nothing is kept; then articles are written a few at a time, and one that cannot be written is left out and told of. Each is known by its id at its source: imported again it is left as it is unless its source has changed it, and a change is merged with what was written here. So an import that was broken off is repeated, and goes on.

**Dateline's own export** is imported as \`POST /v1/import\` does, for which the key needs \`transfer\`: all of it or nothing.`,
          tags: ["Imports"],
          querystring: Query,
          body: z.unknown().meta({ id: "ImportedFile", type: "string", examples: [page] }),
          response: { 200: ImportReport, 201: Article },
        },
        config: {
          access: "articles:write",
          heedsReach: true,
          alsoFor: "articles:publish",
          consumes: mediaTypes,
          problems: ["import-failed"],
        },
      },
      async (request, reply) => {
        const { publish, language } = request.query;
        if (publish) requireScope(request, "articles:publish");
        const file = (request.body ?? Buffer.alloc(0)) as ArticleFile | Buffer;
        if (!Buffer.isBuffer(file))
          return answer(request, reply, { body: await importArticles(newsroom, request, file) });
        if (request.query.dryRun)
          throw invalidParameter([
            { pointer: "dryRun", detail: "is for files of many articles, and this is a news page" },
          ]);
        const charset = charsetOf(request.headers["content-type"]);
        return write(newsroom, request, reply, async (tx) => {
          const article = await importNewsPage(newsroom, tx, file, { publish, language, charset });
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

function importArticles(
  newsroom: Newsroom,
  request: FastifyRequest<{ Querystring: z.output<typeof Query> }>,
  file: ArticleFile,
): Promise<ImportReport> {
  const actor = actorFor(request);
  if (file.format === "dateline") {
    requireScope(request, "transfer");
    if (isKept(actor)) throw outOfReach(actor, "An export holds what is beyond the key's reach");
  }
  const { publish, language, dryRun } = request.query;
  return file.run(newsroom, {
    publish,
    language,
    dryRun,
    actor,
    note: (tx, articleId) =>
      audit(tx, {
        ...originOf(request),
        resourceKind: "articles",
        resourceId: articleId,
        articleId,
        requestId: request.id,
      }),
    noteFile: (tx) => auditRequest(tx, request, {}),
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
