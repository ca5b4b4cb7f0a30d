import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Transaction } from "../database/client.ts";
import { answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { publicCaching } from "../http/caching.ts";
import { checkTag, entityTag, precondition } from "../http/conditional.ts";
import { nextLink, pageParameters } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { type Kind, TermInput, TermPatch, kinds, termSchemasOf } from "./schema.ts";
import {
  type Term as TermRow,
  changeTerm,
  createTerm,
  deleteTerm,
  findTerm,
  lockTerm,
  tableOf,
} from "./store.ts";

/** Sections, tags and authors: what articles are filed under. */
export function taxonomyRoutes(app: App, newsroom: Newsroom): void {
  for (const kind of Object.keys(kinds) as Kind[]) termRoutes(app, newsroom, kind);
}

function termRoutes(app: App, newsroom: Newsroom, kind: Kind): void {
  const { plural, noun, title } = kinds[kind];
  const { Term, TermList } = termSchemasOf[kind];
  const tags = ["Taxonomy"];
  const params = z.object({ term: z.string().describe(`The id or slug of the ${noun}.`) });
  const access = "articles:write";

  app.get(
    `/${plural}`,
    {
      schema: {
        operationId: `list${title}s`,
        summary: `List ${plural} by slug`,
        tags,
        querystring: z.strictObject(pageParameters),
        response: { 200: TermList },
      },
      config: { cached: true },
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const after = cursor === undefined ? undefined : newsroom.cursors.read(plural, cursor)[0];
      const table = tableOf(newsroom.database, kind);
      const rows = await table.findMany({
        ...(after === undefined ? {} : { where: { slug: { gt: after } } }),
        orderBy: { slug: "asc" },
        take: limit + 1,
      });
      const data = rows.slice(0, limit);
      const last = rows.length > limit ? data.at(-1) : undefined;
      const next = last === undefined ? null : newsroom.cursors.write(plural, [last.slug]);
      const total = count ? { total: await table.count() } : {};
      return answer(request, reply, {
        body: { data, page: { limit, next, ...total } },
        headers: { ...publicCaching(request, newsroom, [plural]), ...nextLink(request.url, next) },
      });
    },
  );

  app.get(
    `/${plural}/:term`,
    {
      schema: {
        operationId: `get${title}`,
        summary: `Fetch a ${noun}`,
        tags,
        params,
        response: { 200: Term },
      },
      config: { cached: true, problems: ["not-found"] },
    },
    async (request, reply) => {
      const term = await findTerm(newsroom.database, kind, request.params.term);
      return answer(request, reply, {
        body: term,
        headers: { ...publicCaching(request, newsroom, [term.id]), ...tagHeader(term) },
      });
    },
  );

  app.post(
    `/${plural}`,
    {
      schema: {
        operationId: `create${title}`,
        summary: `Create a ${noun}`,
        tags,
        body: TermInput,
        response: { 201: Term },
      },
      config: { access, problems: ["slug-taken"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const term = await createTerm(tx, kind, request.body);
        return {
          status: 201,
          body: term,
          headers: { location: `/v1/${plural}/${term.id}`, ...tagHeader(term) },
        };
      }),
  );

  app.patch(
    `/${plural}/:term`,
    {
      schema: {
        operationId: `update${title}`,
        summary: `Change a ${noun}`,
        tags,
        params,
        body: TermPatch,
        response: { 200: Term },
      },
      config: {
        access,
        precondition: "optional",
        consumes: mergePatch,
        problems: ["not-found", "slug-taken", "in-use"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const term = await termToChange(tx, kind, request);
        const changed = await changeTerm(tx, kind, term, request.body);
        await newsroom.news.changed(tx, [term.id]);
        return { body: changed, headers: tagHeader(changed) };
      }),
  );

  app.delete(
    `/${plural}/:term`,
    {
      schema: {
        operationId: `delete${title}`,
        summary: `Delete a ${noun} that no article uses`,
        tags,
        params,
        response: { 204: z.null() },
      },
      config: { access, precondition: "optional", problems: ["not-found", "in-use"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const term = await termToChange(tx, kind, request);
        await deleteTerm(tx, kind, term);
        await newsroom.news.changed(tx, [term.id]);
        return { status: 204 };
      }),
  );
}

/** The term that a request names, locked, after its If-Match was found to fit. */
async function termToChange(
  tx: Transaction,
  kind: Kind,
  request: FastifyRequest<{ Params: { term: string } }>,
): Promise<TermRow> {
  const term = await lockTerm(tx, kind, request.params.term);
  checkTag(precondition(request), tagHeader(term).etag);
  return term;
}

function tagHeader(term: TermRow): { etag: string } {
  return { etag: entityTag(JSON.stringify(term)) };
}
