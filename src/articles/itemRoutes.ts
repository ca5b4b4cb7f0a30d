import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Transaction } from "../database/client.ts";
import { type App, mergePatch } from "../http/app.ts";
import { precondition, preferenceApplied, requiredPrecondition } from "../http/conditional.ts";
import { wholeList } from "../http/paging.ts";
import { Problem, invalidContent, problem } from "../http/problems.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { articleToChange, merging } from "../revisions/conflicts.ts";
import { patchArticle } from "./edit.ts";
import { presentArticle } from "./present.ts";
import {
  KeyPoint,
  KeyPointInput,
  KeyPointList,
  KeyPointListInput,
  KeyPointPatch,
  MAX_ITEMS,
  RelatedLink,
  RelatedLinkInput,
  RelatedLinkList,
  RelatedLinkListInput,
  RelatedLinkPatch,
} from "./schema.ts";
import { type StoredArticle, newId } from "./workingCopy.ts";

/** The ordered lists inside an article whose items have addresses of their own. */
export const collections = {
  keyPoints: {
    path: "key-points",
    noun: "key point",
    title: "KeyPoint",
    schemas: {
      item: KeyPoint,
      list: KeyPointList,
      input: KeyPointInput,
      listInput: KeyPointListInput,
      patch: KeyPointPatch,
    },
  },
  relatedLinks: {
    path: "related-links",
    noun: "related link",
    title: "RelatedLink",
    schemas: {
      item: RelatedLink,
      list: RelatedLinkList,
      input: RelatedLinkInput,
      listInput: RelatedLinkListInput,
      patch: RelatedLinkPatch,
    },
  },
} as const;

export type CollectionName = keyof typeof collections;
/** What a request says of one item; the schema of its route has checked it. */
type SentItem = { id?: string | undefined; position?: number | undefined } & Record<string, unknown>;

/** @throws 404 when the list has no item with this id */
export function itemOf<Item extends { id: string }>(
  name: CollectionName,
  list: readonly Item[],
  id: string,
): Item {
  const item = list.find((one) => one.id === id.toLowerCase());
  if (item === undefined) throw problem("not-found", `The article has no ${collections[name].noun} ${id}.`);
  return item;
}

/** Writing key points and related links one by one, or as a list. Each is a patch of its article. */
export function itemRoutes(app: App, newsroom: Newsroom): void {
  for (const name of Object.keys(collections) as CollectionName[]) collectionRoutes(app, newsroom, name);
}

function collectionRoutes(app: App, newsroom: Newsroom, name: CollectionName): void {
  const { path, noun, title, schemas } = collections[name];
  const list = `/articles/:article/${path}`;
  const tags = [`${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`];
  const listParams = z.object({ article: z.string().describe("The article's id or slug.") });
  const itemParams = listParams.extend({ id: z.string().describe(`The id of the ${noun}.`) });
  const config = { access: "articles:write", merges: true, problems: ["not-found", "conflict"] } as const;
  const itemToChange = (
    tx: Transaction,
    request: FastifyRequest<{ Params: { article: string; id: string } }>,
  ) =>
    articleToChange(newsroom, tx, request, requiredPrecondition(request), [
      `/${name}/${request.params.id.toLowerCase()}`,
    ]);
  const itemsOf = (article: StoredArticle) => presentArticle(article, newsroom.articleAddress)[name];

  app.post(
    list,
    {
      schema: {
        operationId: `create${title}`,
        summary: `Add a ${noun}`,
        description: merging,
        tags,
        params: listParams,
        body: schemas.input,
        response: { 201: schemas.item },
      },
      config: { ...config, precondition: "optional" },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { position, ...item } = request.body as SentItem;
        const article = await articleToChange(newsroom, tx, request, precondition(request), [`/${name}`]);
        const known = new Set(article.copy[name].map(({ id }) => id));
        if (item.id !== undefined && known.has(item.id)) {
          throw invalidContent([
            { pointer: "#/id", detail: `is the id of a ${noun} that the article has already` },
          ]);
        }
        const id = item.id ?? newId();
        const saved = await patchOne(tx, article, name, { ...item, id }, position);
        const location = `/v1/articles/${article.row.id}/${path}/${id}`;
        return {
          status: 201,
          body: itemOf<{ id: string }>(name, itemsOf(saved), id),
          revision: saved.row,
          headers: { location, ...preferenceApplied(request) },
        };
      }),
  );

  app.put(
    list,
    {
      schema: {
        operationId: `replace${title}s`,
        summary: `Replace or reorder the ${noun}s`,
        description: `An item that names the id of an existing ${noun} keeps what it leaves out.\n\n${merging}`,
        tags,
        params: listParams,
        body: schemas.listInput,
        response: { 200: schemas.list },
      },
      config: { ...config, precondition: "required" },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const article = await articleToChange(newsroom, tx, request, requiredPrecondition(request), [
          `/${name}`,
        ]);
        const { data, place } = request.body as { data: SentItem[]; place: string };
        const saved = await patchList(tx, article, name, data, { within: /^#\/\w+/, place });
        return {
          body: wholeList<unknown>(itemsOf(saved)),
          revision: saved.row,
          headers: preferenceApplied(request),
        };
      }),
  );

  app.patch(
    `${list}/:id`,
    {
      schema: {
        operationId: `update${title}`,
        summary: `Change or move a ${noun}`,
        description: merging,
        tags,
        params: itemParams,
        body: schemas.patch,
        response: { 200: schemas.item },
      },
      config: { ...config, precondition: "required", consumes: mergePatch },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { position, ...change } = request.body as SentItem;
        const article = await itemToChange(tx, request);
        const { id } = itemOf<{ id: string }>(name, article.copy[name], request.params.id);
        const saved = await patchOne(tx, article, name, { ...change, id }, position);
        return {
          body: itemOf<{ id: string }>(name, itemsOf(saved), id),
          revision: saved.row,
          headers: preferenceApplied(request),
        };
      }),
  );

  app.delete(
    `${list}/:id`,
    {
      schema: {
        operationId: `delete${title}`,
        summary: `Remove a ${noun}`,
        description: merging,
        tags,
        params: itemParams,
        response: { 204: z.null() },
      },
      config: { ...config, precondition: "required" },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const article = await itemToChange(tx, request);
        const gone = itemOf<{ id: string }>(name, article.copy[name], request.params.id);
        const kept = article.copy[name].map(({ id }) => ({ id })).filter(({ id }) => id !== gone.id);
        await patchList(tx, article, name, kept);
        return { status: 204, headers: preferenceApplied(request) };
      }),
  );
}

/** Adds an item, or changes the one whose id it names; at `position` if that is given. */
function patchOne(
  tx: Transaction,
  article: StoredArticle,
  name: CollectionName,
  item: SentItem,
  position: number | undefined,
) {
  const items: SentItem[] = article.copy[name].map(({ id }) => ({ id }));
  const found = items.findIndex(({ id }) => id === item.id);
  const others = found === -1 ? items : items.toSpliced(found, 1);
  const at = position ?? (found === -1 ? items.length : found);
  return patchList(tx, article, name, others.toSpliced(at, 0, item), { within: /^#\/\w+\/\d+/, place: "#" });
}

/**
 * Patches an article with a list. Errors point into the article; `sent` says which part of a pointer
 * stands for what was sent, the list or one of its items, and where in the body that is.
 */
async function patchList(
  tx: Transaction,
  article: StoredArticle,
  name: CollectionName,
  items: SentItem[],
  sent = { within: /^#/, place: "#" },
): Promise<StoredArticle> {
  if (items.length > MAX_ITEMS) {
    throw invalidContent([
      {
        pointer: "#",
        detail: `would be one ${collections[name].noun} more than the ${MAX_ITEMS} that an article can have`,
      },
    ]);
  }
  try {
    return await patchArticle(tx, article, { [name]: items });
  } catch (error) {
    if (!(error instanceof Problem) || error.errors === undefined) throw error;
    throw invalidContent(
      error.errors.map(({ pointer, detail }) => ({
        pointer: pointer.replace(sent.within, sent.place),
        detail,
      })),
    );
  }
}
