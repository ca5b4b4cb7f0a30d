import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { requireScope } from "../access/authenticate.ts";
import { type CollectionName, collections, itemOf } from "../articles/itemRoutes.ts";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { type StoredArticle, loadArticle } from "../articles/workingCopy.ts";
import { answer, send, sendJson } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { sendBytes, sendable } from "../http/bytes.ts";
import { publicCaching } from "../http/caching.ts";
import { precondition } from "../http/conditional.ts";
import { MAX_LIMIT, nextLink, wholeList } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { listFound } from "../search/list.ts";
import type { EditionDocument } from "./document.ts";
import { listMostShared } from "../shares/mostShared.ts";
import { type ListedPage, listDrafts, listDraftsByIds, listLive, listLiveByIds } from "./list.ts";
import { publish, withdraw } from "./publish.ts";
import type { CachedArticle } from "./cache.ts";
import { ArticleList, ArticleQuery, fields, version } from "./schema.ts";

const params = z.object({ article: z.string().describe("The article's id or slug.") });
const reading = { alsoFor: "drafts:read", cached: true, problems: ["not-found", "gone"] } as const;
type ArticleRequest = FastifyRequest<{ Params: { article: string } }>;

/** Publishing, and reading what is published. With `version=draft`, reading working copies. */
export function editionRoutes(app: App, newsroom: Newsroom): void {
  listRoute(app, newsroom);
  articleRoute(app, newsroom);
  for (const name of Object.keys(collections) as CollectionName[]) collectionRoutes(app, newsroom, name);
  publishRoutes(app, newsroom);
}

function listRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/articles",
    {
      schema: {
        operationId: "listArticles",
        summary: "List articles without their bodies",
        description:
          "Published editions, newest first; with `q` those that have its words, by relevance; with `version=draft` working copies.",
        tags: ["Articles"],
        querystring: ArticleQuery,
        response: { 200: ArticleList },
      },
      config: { alsoFor: "drafts:read", cached: true },
    },
    async (request, reply) => {
      const { query } = request;
      const { database, cursors } = newsroom;
      if (query.version === "draft") {
        requireScope(request, "drafts:read");
        const { ids } = query;
        const found =
          ids === undefined
            ? await listDrafts(database, cursors, query)
            : await listDraftsByIds(database, { ...query, ids });
        const items = found.articles.map((article) => {
          const { body: _, ...summary } = presentArticle(article, newsroom.articleAddress);
          return JSON.stringify(chosen(summary, query.fields));
        });
        return sendList(request, reply, query, { ...found, items });
      }
      const headers = publicCaching(request, newsroom, ["articles"]);
      const { ids } = query;
      const items = (found: { items: string[] }) =>
        query.fields === undefined ? found.items : found.items.map((item) => choose(item, query.fields));
      if (ids !== undefined) {
        const found = await listLiveByIds(database, { ...query, ids });
        return sendList(request, reply, query, { ...found, items: items(found) }, headers);
      }
      if (query.cursor !== undefined) {
        const found = await listPublished(newsroom, query);
        return sendList(request, reply, query, { ...found, items: items(found) }, headers);
      }
      const page = await newsroom.live.list(request.url, async () => {
        const found = await listPublished(newsroom, query);
        const json = listJson(query, { ...found, items: items(found) });
        return { ...sendable(json), groups: ["articles"], link: nextLink(request.url, found.next) };
      });
      return sendBytes(request, reply, page, { ...headers, ...page.link });
    },
  );
}

function listPublished({ database, cursors }: Newsroom, query: ArticleQuery): Promise<ListedPage> {
  if (query.q !== undefined) return listFound(database, cursors, query);
  const { sort } = query;
  if (sort === "mostShared") return listMostShared(database, cursors, query);
  return listLive(database, cursors, { ...query, sort });
}

/** Sends a list whose items are JSON already. */
function sendList(
  request: FastifyRequest,
  reply: FastifyReply,
  query: { limit: number },
  found: FoundList,
  headers: Record<string, string> = {},
): FastifyReply {
  return sendJson(request, reply, listJson(query, found), {
    ...headers,
    ...nextLink(request.url, found.next ?? null),
  });
}

interface FoundList {
  items: string[];
  next?: string | null;
  total?: number | undefined;
  missing?: unknown;
}

function listJson(query: { limit: number }, { items, next = null, total, missing }: FoundList): string {
  const limit = missing === undefined ? query.limit : MAX_LIMIT;
  const page = JSON.stringify({ limit, next, total });
  const rest = missing === undefined ? "" : `"missing":${JSON.stringify(missing)},`;
  return `{"data":[${items.join(",")}],${rest}"page":${page}}`;
}

function articleRoute(app: App, newsroom: Newsroom): void {
  app.get(
    "/articles/:article",
    {
      schema: {
        operationId: "getArticle",
        summary: "Fetch an article",
        description:
          "The published edition; with `version=draft` the working copy. A former slug answers 301.",
        tags: ["Articles"],
        params,
        querystring: z.strictObject({ version, fields }),
        response: {
          200: Article.partial()
            .required({ id: true })
            .meta({ id: "ArticleRead", examples: Article.meta()?.examples }),
        },
      },
      config: reading,
    },
    async (request, reply) => {
      const { query } = request;
      if (query.version === "draft") {
        const article = await readDraft(newsroom, request);
        const shown = presentArticle(article, newsroom.articleAddress);
        return answer(request, reply, { body: chosen(shown, query.fields), revision: article.row.revision });
      }
      const live = await readLive(newsroom, request, reply);
      if (live === undefined) return reply;
      const headers = publicCaching(request, newsroom, live.groups);
      if (query.fields === undefined) return sendBytes(request, reply, live, headers);
      return sendJson(request, reply, choose(live.json, query.fields), headers);
    },
  );
}

function collectionRoutes(app: App, newsroom: Newsroom, name: CollectionName): void {
  const { path, noun, title, schemas } = collections[name];
  const tags = [`${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`];
  const list = `/articles/:article/${path}`;
  const querystring = z.strictObject({ version });
  const itemParams = params.extend({ id: z.string().describe(`The id of the ${noun}.`) });

  /** The items, from the edition or the working copy, and the headers that go with it. */
  const read = async (request: ArticleRequest & { query: { version: string } }, reply: FastifyReply) => {
    if (request.query.version === "draft") {
      const article = await readDraft(newsroom, request);
      return {
        items: presentArticle(article, newsroom.articleAddress)[name],
        revision: article.row.revision,
        headers: {},
      };
    }
    const live = await readLive(newsroom, request, reply);
    if (live === undefined) return undefined;
    const document = JSON.parse(live.json) as EditionDocument;
    return { items: document[name], headers: publicCaching(request, newsroom, live.groups) };
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
      config: reading,
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
      config: reading,
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
  const response = { 200: Article };
  const config = {
    access: "articles:publish",
    precondition: "optional",
    problems: ["not-found", "wrong-state"],
  } as const;
  const body = z
    .strictObject({})
    .nullish()
    .meta({ id: "PublishWrite", examples: [{}] });
  const querystring = z.strictObject({});
  const shown = (article: StoredArticle) => ({
    body: presentArticle(article, newsroom.articleAddress),
    revision: article.row.revision,
  });

  app.post(
    "/articles/:article/publish",
    {
      schema: {
        operationId: "publishArticle",
        summary: "Publish an article",
        description:
          "Compiles the working copy into an immutable edition. A live article without changes stays as it is.",
        tags,
        params,
        querystring,
        body,
        response,
      },
      config,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) =>
        shown(await publish(newsroom, tx, request.params.article, precondition(request))),
      ),
  );

  app.post(
    "/articles/:article/unpublish",
    {
      schema: {
        operationId: "unpublishArticle",
        summary: "Take an article from readers",
        description: "Readers get 410 from then on; the working copy and the editions stay.",
        tags,
        params,
        querystring,
        body,
        response,
      },
      config,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) =>
        shown(
          await withdraw(newsroom, tx, request.params.article, precondition(request), { toTrash: false }),
        ),
      ),
  );
}

async function readDraft(newsroom: Newsroom, request: ArticleRequest): Promise<StoredArticle> {
  requireScope(request, "drafts:read");
  return loadArticle(newsroom.database, request.params.article);
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
  const found = await newsroom.live.find(request.params.article);
  if (!("movedTo" in found)) return found;
  const location = request.url.replace(/\/articles\/[^/?]+/, `/articles/${found.movedTo}`);
  send(request, reply, {
    status: 301,
    headers: { ...publicCaching(request, newsroom, found.groups), location },
    body: "",
  });
  return undefined;
}

function choose(json: string, names: readonly string[] | undefined): string {
  return JSON.stringify(chosen(JSON.parse(json) as object, names));
}

function chosen(article: object, names: readonly string[] | undefined): object {
  if (names === undefined) return article;
  return Object.fromEntries(
    Object.entries(article).filter(([name]) => name === "id" || names.includes(name)),
  );
}
