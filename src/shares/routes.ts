import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { type Audience, audienceOf } from "../access/audience.ts";
import { requireScope } from "../access/authenticate.ts";
import { loadArticle, lockArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { afterCommit, isJoined } from "../database/transactions.ts";
import { findLive, readLive } from "../editions/routes.ts";
import { answer, render, send } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { publicCaching } from "../http/caching.ts";
import { checkTag, entityTag, requiredPrecondition } from "../http/conditional.ts";
import { wholeList } from "../http/paging.ts";
import { invalidParameter, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { sharesLimit } from "../http/rateLimit.ts";
import { addShares, reasonFor } from "./record.ts";
import { removeCount, setCount, settle } from "./settle.ts";
import { MAX_NETWORKS, Network, ShareCount, ShareCountInput, ShareCountList, ShareInput } from "./schema.ts";

const tags = ["Shares"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });
const countParams = params.extend({ network: z.string().describe("A network, such as whatsapp.") });
const querystring = z.strictObject({
  version: z
    .enum(["published", "draft"])
    .default("published")
    .meta({
      description: "`draft` for an article that is not live; needs `drafts:read`.",
      examples: ["published"],
    }),
});
const reading = {
  alsoFor: "drafts:read",
  cached: true,
  delivers: "json",
  problems: ["not-found", "gone", "withdrawn"],
} as const;
const setting = {
  access: "shares:write",
  precondition: "required",
  problems: ["not-found", "gone", "withdrawn", "count-limit"],
} as const;

interface Count {
  network: string;
  count: bigint;
  updatedAt: Date;
}

/** How many bytes the body of a share may have. */
export const LONGEST_SHARE = 1024;

/** Counting how often an article was shared, per network. */
export function shareRoutes(app: App, newsroom: Newsroom): void {
  app.post(
    "/articles/:article/shares",
    {
      schema: {
        operationId: "recordShare",
        summary: "Record one share",
        description:
          "Anyone may, within a limit; keys with `shares:write` without one. Answered once it is durable.",
        tags,
        params,
        body: ShareInput,
        response: { 201: ShareCount },
      },
      config: {
        alsoFor: "shares:write",
        needsPlace: false,
        problems: ["not-found", "gone", "withdrawn", "count-limit", "too-many-requests"],
        ...sharesLimit,
      },
      bodyLimit: LONGEST_SHARE,
    },
    async (request, reply) => {
      const { network } = request.body;
      if (request.headers["idempotency-key"] === undefined && !isJoined()) {
        const articleId = await liveId(newsroom, audienceOf(request), request.params.article);
        const body = await newsroom.shares.record(articleId, network);
        return send(
          request,
          reply,
          render(reply, { status: 201, body, headers: { location: placeOf(articleId, network) } }),
        );
      }
      // With an Idempotency-Key the share and the key are one transaction, which no other can join.
      return write(newsroom, request, reply, async (tx) => {
        const articleId = await liveId(newsroom, audienceOf(request), request.params.article);
        const [row] = await addShares(tx, [{ articleId, network, shares: 1 }]);
        if (row === undefined) throw await reasonFor(tx, articleId);
        await settle(tx, [articleId]);
        tellOf(newsroom, tx, articleId);
        return {
          status: 201,
          body: present({ network, count: BigInt(row.count), updatedAt: row.updated_at }),
          headers: { location: placeOf(articleId, network) },
        };
      });
    },
  );

  app.get(
    "/articles/:article/share-counts",
    {
      schema: {
        operationId: "listShareCounts",
        summary: "List an article's share counts",
        tags,
        params,
        querystring,
        response: { 200: ShareCountList },
      },
      config: reading,
    },
    async (request, reply) => {
      const found = await readCounts(newsroom, request, reply);
      if (found === undefined) return reply;
      return answer(request, reply, { body: wholeList(found.counts.map(present)), headers: found.headers });
    },
  );

  app.get(
    "/articles/:article/share-counts/:network",
    {
      schema: {
        operationId: "getShareCount",
        summary: "Fetch a share count",
        tags,
        params: countParams,
        querystring,
        response: { 200: ShareCount },
      },
      config: reading,
    },
    async (request, reply) => {
      const found = await readCounts(newsroom, request, reply);
      if (found === undefined) return reply;
      const network = networkOf(request);
      const count = found.counts.find((one) => one.network === network);
      if (count === undefined) throw noCount(network);
      return answer(request, reply, {
        body: present(count),
        headers: { ...found.headers, etag: tagOf(count) },
      });
    },
  );

  app.put(
    "/articles/:article/share-counts/:network",
    {
      schema: {
        operationId: "setShareCount",
        summary: "Set a share count taken from the network itself",
        description:
          "`If-Match: *` sets it whether or not there is one; `If-None-Match: *` only if there is none.",
        tags,
        params: countParams,
        body: ShareCountInput,
        response: { 200: ShareCount, 201: ShareCount },
      },
      config: setting,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { articleId, network, existing } = await countToChange(newsroom, tx, request);
        if (existing === undefined && (await tx.shareCount.count({ where: { articleId } })) >= MAX_NETWORKS) {
          throw problem("count-limit", `The article has ${MAX_NETWORKS} networks already; remove one first.`);
        }
        const count = await setCount(tx, articleId, network, BigInt(request.body.count));
        tellOf(newsroom, tx, articleId);
        const etag = tagOf(count);
        const body = present(count);
        if (existing !== undefined) return { body, headers: { etag } };
        const location = `/v1/articles/${articleId}/share-counts/${network}`;
        return { status: 201, body, headers: { etag, location } };
      }),
  );

  app.delete(
    "/articles/:article/share-counts/:network",
    {
      schema: {
        operationId: "deleteShareCount",
        summary: "Remove a share count",
        tags,
        params: countParams,
        response: { 204: z.null() },
      },
      config: setting,
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { articleId, network, existing } = await countToChange(newsroom, tx, request);
        if (existing === undefined) throw noCount(network);
        await removeCount(tx, existing);
        tellOf(newsroom, tx, articleId);
        return { status: 204 };
      }),
  );
}

/** Where a count is to be found. */
export function placeOf(articleId: string, network: string): string {
  return `/v1/articles/${articleId}/share-counts/${network}`;
}

/** An id is taken as it is where anyone may know of it: the statement that counts finds out whether it is live. */
async function liveId(newsroom: Newsroom, audience: Audience, reference: string): Promise<string> {
  if (isId(reference) && audience.entitlement === null) return reference.toLowerCase();
  return (await findLive(newsroom, audience, reference)).articleId;
}

/** Readers see the changed counts once the transaction is committed. */
function tellOf(newsroom: Newsroom, tx: Transaction, articleId: string): void {
  afterCommit(tx, () => {
    newsroom.news.shared(articleId);
  });
}

async function readCounts(
  newsroom: Newsroom,
  request: FastifyRequest<{ Params: { article: string } }> & { query: { version: string } },
  reply: FastifyReply,
): Promise<{ counts: Count[]; headers: Record<string, string> } | undefined> {
  const { database, replicas } = newsroom;
  if (request.query.version === "draft") {
    requireScope(request, "drafts:read");
    return { counts: (await loadArticle(database, request.params.article)).shareCounts, headers: {} };
  }
  const live = await readLive(newsroom, request, reply);
  if (live === undefined) return undefined;
  const { articleId } = live;
  const counts = await replicas.read(
    audienceOf(request),
    (on) => on.database.shareCount.findMany({ where: { articleId }, orderBy: { network: "asc" } }),
    articleId,
  );
  return { counts, headers: publicCaching(request, newsroom, live.groups, live.changesAt) };
}

/** The count that a request changes, after its precondition was found to fit. */
async function countToChange(
  newsroom: Newsroom,
  tx: Transaction,
  request: FastifyRequest<{ Params: { article: string; network: string } }>,
) {
  const wanted = requiredPrecondition(request);
  const network = networkOf(request);
  // Whoever may not read drafts does not learn of them here either.
  if (request.caller?.scopes.has("drafts:read") !== true)
    await findLive(newsroom, audienceOf(request), request.params.article);
  const { row } = await lockArticle(tx, request.params.article);
  // Readers may be counting up: the rows are held so that nothing comes between the check and the change.
  await tx.$queryRaw`SELECT count FROM share_counts WHERE article_id = ${row.id}::uuid ORDER BY network FOR UPDATE`;
  const existing =
    (await tx.shareCount.findUnique({ where: { articleId_network: { articleId: row.id, network } } })) ??
    undefined;
  // `*` asks that the article be there, not that the network have a count already.
  if (wanted !== "any") checkTag(wanted, existing && tagOf(existing));
  return { articleId: row.id, network, existing };
}

function networkOf(request: { params: { network: string } }): string {
  const result = Network.safeParse(request.params.network);
  if (result.success) return result.data;
  throw invalidParameter([
    { pointer: "network", detail: result.error.issues[0]?.message ?? "is not a network" },
  ]);
}

function present({ network, count, updatedAt }: Count) {
  return { network, count: Number(count), updatedAt: updatedAt.toISOString() };
}

function tagOf(count: Count): string {
  return entityTag(JSON.stringify(present(count)));
}

function noCount(network: string) {
  return problem("not-found", `The article has no share count for ${network}.`);
}
