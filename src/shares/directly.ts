import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import { entityTag } from "../http/conditional.ts";
import { jsonTypes, preferredType, readJson } from "../http/content.ts";
import { type Directly, type Way, soon } from "../http/directly.ts";
import { publicSharesLimit } from "../http/rateLimit.ts";
import { headerLines } from "../http/response.ts";
import { isId } from "../http/scalars.ts";
import { serialise } from "../http/serialise.ts";
import { validContent } from "../http/validation.ts";
import type { Newsroom } from "../newsroom.ts";
import { LONGEST_SHARE, placeOf } from "./routes.ts";
import { ShareCount, ShareInput } from "./schema.ts";

const [BEFORE, AFTER] = ["/v1/articles/", "/shares"];
const ROUTE = `${BEFORE}:article${AFTER}`;

/** The networks that bodies name, by their bytes: nearly all bodies are one of a few, and are read and checked once. */
const networks = new LRUCache<string, string>({
  max: 500,
  memoMethod: (body) =>
    validContent(ShareInput, (readJson(Buffer.from(body, "latin1")) ?? null) as never).network,
});

/** Counts the share of an article that is named by its id, and answers as the route would. */
export function shareDirectly({ shares }: Newsroom, directly: Directly): Way {
  const common = headerLines({
    "cache-control": "private, no-store",
    "content-type": "application/json; charset=utf-8",
  });

  return (asked) => {
    const { request } = asked;
    const articleId = sharedArticle(request);
    if (articleId === undefined) return false;
    const count = async (more: string) => {
      const network = networks.memo((await whole(request)).toString("latin1"));
      const content = serialise(ShareCount, await shares.record(articleId, network));
      const own = headerLines({ location: placeOf(articleId, network), etag: entityTag(content) });
      directly.send(asked, { route: ROUTE, status: 201, lines: more + common + own, content });
    };
    const counted = soon(directly.within(asked, publicSharesLimit), (more) => {
      if (more === undefined) asked.otherwise();
      else
        count(more).catch((error: unknown) => {
          directly.fail(asked, ROUTE, error, more);
        });
    });
    if (counted instanceof Promise) counted.catch(asked.otherwise);
    return true;
  };
}

/** The article that a request is about, if it shares one and has nothing else that its route would look at. */
function sharedArticle({ method, url = "", headers }: IncomingMessage): string | undefined {
  if (method !== "POST" || !url.startsWith(BEFORE) || !url.endsWith(AFTER)) return undefined;
  const id = url.slice(BEFORE.length, -AFTER.length);
  const length = Number(headers["content-length"]);
  return isId(id) &&
    length > 0 &&
    length <= LONGEST_SHARE &&
    headers["content-type"] === "application/json" &&
    headers["content-encoding"] === undefined &&
    headers["idempotency-key"] === undefined &&
    preferredType(headers.accept, jsonTypes) !== undefined
    ? id.toLowerCase()
    : undefined;
}

/** A body when all of it is there, which it may never be. */
async function whole(request: IncomingMessage): Promise<Buffer> {
  // What came along with the headers has been read by then, and to listen for it would cost more than to take it.
  await Promise.resolve();
  if (request.complete) return (request.read() as Buffer | null) ?? Buffer.alloc(0);
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    request.on("end", () => {
      resolve(Buffer.concat(chunks));
    });
  });
}
