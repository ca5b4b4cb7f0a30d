import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { type Audience, audienceOf, seesAsAnyone } from "../access/audience.ts";
import { requireScope } from "../access/authenticate.ts";
import { type CollectionName, collections, itemOf } from "../articles/itemRoutes.ts";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { type StoredArticle, loadArticle } from "../articles/workingCopy.ts";
import { sendAs, variantOf } from "../formats/answer.ts";
import { articleTypes, inEveryFormat } from "../formats/formats.ts";
import { formatOf } from "../formats/negotiate.ts";
import { answer, send, sendJson } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { sendBytes, textOf } from "../http/bytes.ts";
import { VARY_BY_FORM, publicCaching } from "../http/caching.ts";
import { precondition } from "../http/conditional.ts";
import { wholeList } from "../http/paging.ts";
import { isId } from "../http/scalars.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { purgedCaching } from "../purging/caching.ts";
import { type CachedArticle, type Found, readyToSend } from "./cache.ts";
import { choose, chosen } from "./chosen.ts";
import type { EditionDocument } from "./document.ts";
import { listRoute } from "./listRoute.ts";
import { expire } from "./due.ts";
import { publish, withdraw } from "./publish.ts";
import { readPast } from "./past.ts";
import { readPublication, readSlug } from "./read.ts";
import { rehearse } from "./rehearse.ts";
import {
  ArticleReading,
  PartReading,
  PublishInput,
  PublishReport,
  UnpublishInput,
  dryRun,
} from "./schema.ts";

const params = z.object({ article: z.string().describe("The article's id or slug.") });
const PublishAnswer = z.union([Article, PublishReport]).meta({ examples: Article.meta()?.examples });
const reading = {
  alsoFor: "drafts:read",
  cached: true,
  problems: ["not-found", "gone", "withdrawn"],
} as const;
const partReading = { ...reading, delivers: "json" } as const;
type ArticleRequest = FastifyRequest<{ Params: { article: string } }>;

/** Publishing, and reading what is published. With `version=draft`, reading working copies. */
export function editionRoutes(app: App, newsroom: Newsroom): void {
  listRoute(app, newsroom);
  articleRoute(app, newsroom);
  for (const name of Object.keys(collections) as CollectionName[]) collectionRoutes(app, newsroom, name);
  publishRoutes(app, newsroom);
}

function articleRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/articles/:article",
    {
      schema: {
        operationId: "getArticle",
        summary: "Fetch an article",
        description:
          "The published edition; with `version=draft` the working copy. A former slug answers 301. With `asOf` the " +
          "edition that the public saw at that moment, by any slug that the article had before or since; links show " +
          "the headlines and slugs of then.",
        tags: ["Articles"],
        params,
        querystring: ArticleReading,
        response: {
          200: inEveryFormat(
            Article.partial()
              .required({ id: true })
              .meta({ id: "ArticleRead", examples: Article.meta()?.examples }),
            "article",
          ),
        },
      },
      config: { ...reading, produces: articleTypes },
    },
    async (request, reply) => {
      const { query } = request;
      const format = formatOf(request, query, articleTypes);
      if (query.version === "draft") {
        const article = await readDraft(newsroom, request);
        const shown = presentArticle(article, newsroom.articleAddress);
        return answer(request, reply, { body: chosen(shown, query.fields), revision: article.row });
      }
      if (query.asOf !== undefined) {
        const { json, headers } = await readPast(newsroom, request, request.params.article, query.asOf);
        request.articlesGiven = 1;
        return sendJson(request, reply, choose(json, query.fields), headers);
      }
      const live = await readLive(newsroom, request, reply);
      if (live === undefined) return reply;
      request.articlesGiven = 1;
      const headers = {
        ...purgedCaching(request, newsroom, live.groups, live.changesAt, live.knownAt),
        vary: VARY_BY_FORM,
      };
      if (format !== undefined) {
        const variant = await variantOf(newsroom, request, live, format);
        return sendAs(request, reply, format, variant, headers);
      }
      if (query.fields === undefined) return sendBytes(request, reply, live, headers);
      return sendJson(request, reply, choose(textOf(live), query.fields), headers);
    },
  );
}

function collectionRoutes(app: App, newsroom: Newsroom, name: CollectionName): void {
  const { path, noun, title, schemas } = collections[name];
  const tags = [`${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`];
  const list = `/articles/:article/${path}`;
  const querystring = PartReading;
  const itemParams = params.extend({ id: z.string().describe(`The id of the ${noun}.`) });

  /** The items, from the edition or the working copy, and the headers that go with it. */
  const read = async (
    request: ArticleRequest & { query: z.output<typeof PartReading> },
    reply: FastifyReply,
  ) => {
    const { asOf } = request.query;
    if (request.query.version === "draft") {
      const article = await readDraft(newsroom, request);
      return {
        items: presentArticle(article, newsroom.articleAddress)[name],
        revision: article.row,
        headers: {},
      };
    }
    if (asOf !== undefined) {
      const { json, headers } = await readPast(newsroom, request, request.params.article, asOf);
      return { items: (JSON.parse(json) as EditionDocument)[name], headers };
    }
    const live = await readLive(newsroom, request, reply);
    if (live === undefined) return undefined;
    const document = JSON.parse(textOf(live)) as EditionDocument;
    const headers = purgedCaching(request, newsroom, live.groups, live.changesAt, live.knownAt);
    return { items: document[name], headers };
  };

  app.get(
    list,
    {
      schema: {
        operationId: `list${title}s`,
        summary: `List an article's ${noun}s`,
        tags,
        params,
        querystring,
        response: { 200: schemas.list },
      },
      config: partReading,
    },
    async (request, reply) => {
      const found = await read(request, reply);
      if (found === undefined) return reply;
      return answer(request, reply, { ...found, body: wholeList<unknown>(found.items) });
    },
  );

  app.get(
    `${list}/:id`,
    {
      schema: {
        operationId: `get${title}`,
        summary: `Fetch a ${noun}`,
        tags,
        params: itemParams,
        querystring,
        response: { 200: schemas.item },
      },
      config: partReading,
    },
    async (request, reply) => {
      const found = await read(request, reply);
      if (found === undefined) return reply;
      return answer(request, reply, {
        ...found,
        body: itemOf<{ id: string }>(name, found.items, request.params.id),
      });
    },
  );
}

function publishRoutes(app: App, newsroom: Newsroom): void {
  const tags = ["Publishing"];
  const config = {
    access: "articles:publish",
    precondition: "optional",
    problems: ["not-found", "wrong-state", "withdrawn"],
  } as const;
  const shown = (article: StoredArticle) => ({
    body: presentArticle(article, newsroom.articleAddress),
    revision: article.row,
  });

  app.post(
    "/articles/:article/publish",
    {
      schema: {
        operationId: "publishArticle",
        summary: "Publish an article, now or at its time",
        description:
          "Compiles the working copy, as it is now, into an immutable edition. A live article without changes " +
          "stays as it is. With `at`, or under an embargo that has not ended, readers get the edition at that " +
          "moment; what is planned already is replaced. With `correction` the edition says what it puts right.",
        tags,
        params,
        querystring: z.strictObject({ dryRun }),
        body: PublishInput,
        response: { 200: PublishAnswer },
      },
      config,
    },
    async (request, reply) => {
      const { at, correction } = request.body ?? {};
      const publishing = { at: at === undefined ? undefined : new Date(at), correction };
      const wanted = precondition(request);
      const { article } = request.params;
      if (request.query.dryRun)
        return answer(request, reply, { body: await rehearse(newsroom, article, wanted, publishing) });
      return write(newsroom, request, reply, async (tx) =>
        shown(await publish(newsroom, tx, article, wanted, publishing)),
      );
    },
  );

  app.post(
    "/articles/:article/unpublish",
    {
      schema: {
        operationId: "unpublishArticle",
        summary: "Take an article from readers, now or at its time",
        description: "Readers get 410 from then on; the working copy and the editions stay.",
        tags,
        params,
        querystring: z.strictObject({}),
        body: UnpublishInput,
        response: { 200: Article },
      },
      config,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const at = request.body?.at;
        const { article } = request.params;
        const wanted = precondition(request);
        return shown(
          at === undefined
            ? await withdraw(newsroom, tx, article, wanted, { toTrash: false })
            : await expire(newsroom, tx, article, wanted, new Date(at)),
        );
      }),
  );
}

async function readDraft(newsroom: Newsroom, request: ArticleRequest): Promise<StoredArticle> {
  requireScope(request, "drafts:read");
  return loadArticle(newsroom.database, request.params.article, request.caller);
}

/**
 * Finds what an audience may read under an id or slug.
 *
 * @returns the article, or the slug that it has moved to
 * @throws 404 when there is nothing that it may know of, 410 when there was and is no more, 451 when
 *   that was withdrawn for good
 */
export function findLive(newsroom: Newsroom, audience: Audience, reference: string): Found | Promise<Found> {
  return seesAsAnyone(audience) ? newsroom.live.find(reference) : findFor(audience, newsroom, reference);
}

/** Few have such keys, so nothing is kept in memory for them. */
async function findFor(audience: Audience, { replicas }: Newsroom, reference: string): Promise<Found> {
  const holder = isId(reference)
    ? undefined
    : await replicas.read(audience, ({ database }) => readSlug(database, reference, audience));
  if (holder !== undefined && holder.slug !== reference)
    return { articleId: holder.articleId, movedTo: holder.slug, groups: [holder.articleId] };
  const id = holder?.articleId ?? reference.toLowerCase();
  const article = await replicas.read(
    audience,
    ({ statements, database }) => readPublication(statements, database, id, audience),
    id,
  );
  return readyToSend(article);
}

/**
 * What readers get of the article that a path names. A former slug is answered with the same path
 * under the present one, and nothing is returned.
 */
export async function readLive(
  newsroom: Newsroom,
  request: ArticleRequest,
  reply: FastifyReply,
): Promise<CachedArticle | undefined> {
  const { article } = request.params;
  const found = await findLive(newsroom, audienceOf(request), article);
  if (!("movedTo" in found)) return found;
  // Proxies may send the whole address (RFC 9112, section 3.2.2).
  const { pathname, search } = new URL(request.url, "http://dateline.invalid");
  const location = pathname.replace(/^(\/v1\/articles|\/a)\/[^/]+/, `$1/${found.movedTo}`) + search;
  send(request, reply, {
    status: 301,
    headers: {
      ...publicCaching(request, newsroom, found.groups, newsroom.news.agenda.next(), found.knownAt),
      location,
    },
    body: "",
  });
  return undefined;
}
