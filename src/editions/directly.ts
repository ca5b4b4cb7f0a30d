import type { IncomingMessage } from "node:http";
import { articleTypes, listTypes } from "../formats/formats.ts";
import { type Coded, type ReadyAnswer, inCoding } from "../http/bytes.ts";
import { VARY_BY_FORM, horizon } from "../http/caching.ts";
import { isNotModified } from "../http/conditional.ts";
import { preferredType } from "../http/content.ts";
import { type Asked, type Directly, type Way, soon } from "../http/directly.ts";
import { readsLimit } from "../http/rateLimit.ts";
import { headerLines } from "../http/response.ts";
import { isId } from "../http/scalars.ts";
import type { Newsroom } from "../newsroom.ts";
import { CDN_CACHE_CONTROL, KEPT_NOT_AT_ALL, keptInFront, purgedCaching } from "../purging/caching.ts";
import type { CachedArticle, CachedList } from "./cache.ts";

const LIST = "/v1/articles";
const ARTICLE = `${LIST}/`;

/**
 * Answers who reads a live article or a first page that is in memory, or an article by its id, with the bytes and
 * headers that the route would send.
 */
export function readDirectly(newsroom: Newsroom, directly: Directly): Way {
  const { live, news, purging } = newsroom;

  /** What is in memory, and an article by its id that is read into it. */
  const find = (request: IncomingMessage): Ready | Promise<Ready> | undefined => {
    const { url } = request;
    if (url === undefined || !url.startsWith(LIST) || !isPlain(request)) return undefined;
    const isArticle = url.startsWith(ARTICLE);
    if (!takesJson(request, isArticle ? articleTypes : listTypes)) return undefined;
    if (!isArticle) return live.keptList(url);
    const reference = url.slice(ARTICLE.length);
    return live.kept(reference) ?? (isId(reference) ? live.read(reference) : undefined);
  };

  // What changes soon, or was known to be true but before, bears headers of its own moment.
  const reach = horizon(newsroom);
  const changeOf = (found: Ready) => ("changesAt" in found ? found.changesAt : news.agenda.next());
  const changesSoon = (found: Ready): boolean => {
    if (found.knownAt !== undefined) return true;
    const changesAt = changeOf(found);
    return changesAt != null && changesAt - Date.now() <= reach;
  };

  const prepare = (found: Ready, coded: Coded): ReadyAnswer => {
    // What caches in front may do is said anew each time.
    const { [CDN_CACHE_CONTROL]: _, ...caching } = purgedCaching({ caller: null }, newsroom, found.groups);
    const { content, etag, coding } = coded;
    const own = { ...caching, vary: VARY_BY_FORM, ...("headers" in found ? found.headers : {}), etag };
    const common = headerLines(own);
    const ofContent = headerLines({
      ...(coding !== undefined && { "content-encoding": coding }),
      "content-type": "application/json; charset=utf-8",
    });
    return { common, whole: common + ofContent, length: String(content.length) };
  };

  const send = (asked: Asked, found: Ready, coded: Coded, since: number, more: string) => {
    const { common, whole, length } = (coded.answer ??= prepare(found, coded));
    const route = "headers" in found ? LIST : `${ARTICLE}:article`;
    const leave = keptInFront(newsroom, found.groups, changeOf(found));
    const inFront = leave !== undefined && since !== purging.heard() ? KEPT_NOT_AT_ALL : leave;
    const headers = inFront === undefined ? [] : [CDN_CACHE_CONTROL, inFront];
    if (isNotModified(asked.request, coded.etag)) {
      directly.send(asked, { route, status: 304, lines: more + common, headers });
      return;
    }
    headers.push("content-length", length);
    directly.send(asked, { route, status: 200, lines: more + whole, headers, content: coded.content });
  };

  // What cannot be had this way has its reason told by the route.
  const answer = (asked: Asked, found: Ready, since: number) => {
    if (changesSoon(found)) return asked.otherwise();
    return soon(inCoding(found, asked.request.headers["accept-encoding"]), (coded) =>
      soon(directly.within(asked, readsLimit), (more) => {
        if (more === undefined) asked.otherwise();
        else send(asked, found, coded, since, more);
      }),
    );
  };

  return (asked) => {
    const since = purging.heard();
    const found = find(asked.request);
    if (found === undefined) return false;
    const answered = soon(found, (ready) => answer(asked, ready, since));
    if (answered instanceof Promise) answered.catch(asked.otherwise);
    return true;
  };
}

/** What is in memory with its bytes and headers. */
type Ready = CachedArticle | CachedList;

/** Whether a request reads and has nothing that its route would look at. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" && headers["content-length"] === undefined && headers["transfer-encoding"] === undefined
  );
}

/** Whether it is our JSON that a request asks for, of all forms that there are. */
function takesJson({ headers: { accept } }: IncomingMessage, offered: readonly string[]): boolean {
  return accept === "application/json" || preferredType(accept, offered) === "application/json";
}
