import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { Article, articleExample } from "../articles/schema.ts";
import { existingArticleId } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import type { Edition as EditionRow } from "../database/generated/client.ts";
import { refuseWithdrawn } from "../desk/withdrawals.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { listOf, nextLink, pageParameters } from "../http/paging.ts";
import { problem } from "../http/problems.ts";
import { TimeOut } from "../http/scalars.ts";
import type { Newsroom } from "../newsroom.ts";
import { revisionsByNumber } from "../revisions/read.ts";
import { By } from "../revisions/schema.ts";

const editionShape = {
  version: z.int().min(1).describe("The edition's number."),
  createdAt: TimeOut.describe("When it was made."),
  liveFrom: TimeOut.describe("From when on readers saw it, or will."),
  liveUntil: TimeOut.nullable().describe(
    "When they saw it no more, or will; null while nothing is known of that.",
  ),
  by: By.nullable().describe("Who published it; null for editions older than revisions are kept."),
  revision: z.int().nullable().describe("The revision that it was made of; null as `by`."),
};
const example = {
  version: 1,
  createdAt: "2025-04-10T09:30:00.000Z",
  liveFrom: "2025-04-10T09:30:00.000Z",
  liveUntil: null,
  by: { id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", name: "Night desk" },
  revision: 8,
};
const EditionList = listOf(z.object(editionShape).meta({ id: "EditionAbout", examples: [example] })).meta({
  id: "EditionList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

const EditionDocument = Article.omit({ shareCounts: true, shareTotal: true }).meta({
  id: "EditionDocument",
  description:
    "The article as it was published. Related links stand as they were written: `title` and `url` do not follow `articleId`.",
});
const document = EditionDocument.parse(articleExample);
const Edition = z
  .object({ ...editionShape, document: EditionDocument })
  .meta({ id: "Edition", examples: [{ ...example, document }] });

const tags = ["Publishing"];
const config = {
  access: "drafts:read",
  alsoFor: "audit:read",
  problems: ["not-found", "withdrawn"],
} as const;
const params = z.object({ article: z.string().describe("The article's id or slug.") });

/** What was published of an article, edition by edition. */
export function editionHistoryRoutes(app: App, newsroom: Newsroom): void {
  const { database } = newsroom;

  app.get(
    "/articles/:article/editions",
    {
      schema: {
        operationId: "listEditions",
        summary: "List the editions of an article",
        description: "The newest comes first.",
        tags,
        params,
        querystring: z.strictObject(pageParameters),
        response: { 200: EditionList },
      },
      config,
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const articleId = await existingArticleId(database, request.params.article);
      await requireReadable(database, request, articleId);
      const list = `editions ${articleId}`;
      const after = cursor === undefined ? undefined : Number(newsroom.cursors.read(list, cursor)[0]);
      const rows = await database.edition.findMany({
        where: { articleId, ...(after === undefined ? {} : { version: { lt: after } }) },
        omit: { document: true },
        orderBy: { version: "desc" },
        take: limit + 1,
      });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : newsroom.cursors.write(list, [String(last.version)]);
      const total = count ? { total: await database.edition.count({ where: { articleId } }) } : {};
      return answer(request, reply, {
        body: {
          data: await presented(database, articleId, page),
          page: { limit, next, ...total },
        },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    "/articles/:article/editions/:edition",
    {
      schema: {
        operationId: "getEdition",
        summary: "Fetch an edition as it was published",
        tags,
        params: params.extend({ edition: z.string().describe("The edition's number.") }),
        response: { 200: Edition },
      },
      config,
    },
    async (request, reply) => {
      const { article, edition } = request.params;
      const articleId = await existingArticleId(database, article);
      await requireReadable(database, request, articleId);
      const version = /^[1-9]\d{0,8}$/.test(edition) ? Number(edition) : 0;
      const row = await database.edition.findUnique({ where: { articleId_version: { articleId, version } } });
      if (row === null) throw problem("not-found", `The article has no edition ${edition}.`);
      const [about] = await presented(database, articleId, [row]);
      return answer(request, reply, { body: { ...about, document: row.document } });
    },
  );
}

type Row = Omit<EditionRow, "document">;

async function presented(tx: Transaction, articleId: string, rows: readonly Row[]) {
  const numbers = rows.flatMap(({ revision }) => revision ?? []);
  const revisions = await revisionsByNumber(tx, articleId, numbers);
  return rows.map(({ version, createdAt, liveFrom, liveUntil, revision }) => ({
    version,
    createdAt: createdAt.toISOString(),
    liveFrom: liveFrom.toISOString(),
    liveUntil: liveUntil?.toISOString() ?? null,
    by: revisions.get(revision ?? 0)?.by ?? null,
    revision,
  }));
}

/** What was withdrawn for good is for those alone who may read the audit log. */
async function requireReadable(tx: Transaction, request: FastifyRequest, articleId: string): Promise<void> {
  if (request.caller?.scopes.has("audit:read") !== true) await refuseWithdrawn(tx, articleId);
}
