import type { IncomingMessage } from "node:http";
import { articleTypes, listTypes } from "../formats/formats.ts";
import { type Coded, type ReadyAnswer, inCoding } from "../http/bytes.ts";
import { VARY_BY_FORM, horizon, publicCaching } from "../http/caching.ts";
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
const ONE = `${ARTICLE}:article`;
const CHANGES = "/v1/changes";

/**
 * Answers who reads a live article, a first page or a page of changes that is in memory, or an article by its id, with
 * the bytes and headers that the route would send.
 */
export function readDirectly(newsroom: Newsroom, directly: Directly): Way {
  const { live, news, purging } = newsroom;

  // What changes soon, or was known to be true but before, bears headers of its own moment.
  const reach = horizon(newsroom);
  const changeOf = (found: Ready) => ("changesAt" in found ? found.changesAt : news.agenda.next());
  const changesSoon = (changesAt: number | null | undefined): boolean =>
    changesAt != null && changesAt - Date.now() <= reach;

  const prepare = (found: Ready, coded: Coded): ReadyAnswer => {
    const cachingOf = isPurged(found) ? purgedCaching : publicCaching;
    // What caches in front may do is said anew each time.
    const { [CDN_CACHE_CONTROL]: _, ...caching } = cachingOf(
      { caller: null },
      newsroom,
      found.groups,
      changeOf(found),
      found.knownAt,
    );
    const { etag, coding } = coded;
    const own = { ...caching, ...("headers" in found ? found.headers : { vary: VARY_BY_FORM }), etag };
    const common = headerLines(own);
    const ofContent = headerLines({
      ...(coding !== undefined && { "content-encoding": coding }),
      "content-type": "application/json; charset=utf-8",
    });
    return { common, whole: common + ofContent };
  };

  const send = (asked: Asked, route: string, found: Ready, coded: Coded, since: number, more: string) => {
    const changesAt = changeOf(found);
    const isOfItsMoment = found.knownAt !== undefined || changesSoon(changesAt);
    const { common, whole } = isOfItsMoment
      ? prepare(found, coded)
      : (coded.answer ??= prepare(found, coded));
    const mayLeave = found.knownAt === undefined && isPurged(found);
    const leave = mayLeave ? keptInFront(newsroom, found.groups, changesAt) : undefined;
    const inFront = leave !== undefined && since !== purging.heard() ? KEPT_NOT_AT_ALL : leave;
    const own = inFront === undefined ? more : more + headerLines({ [CDN_CACHE_CONTROL]: inFront });
    if (isNotModified(asked.request, coded.etag))
      directly.send(asked, { route, status: 304, lines: own + common });
    else directly.send(asked, { route, status: 200, lines: own + whole, content: coded.content });
  };

  const inItsCoding = ({ request }: Asked, found: Ready) =>
    inCoding(found, request.headers["accept-encoding"]);

  const answerKept = (asked: Asked, route: string, found: Ready, since: number) =>
    soon(inItsCoding(asked, found), (coded) =>
      soon(directly.within(asked, readsLimit), (more) => {
        if (more === undefined) asked.otherwise();
        else send(asked, route, found, coded, since, more);
      }),
    );

  /** Whoever is beyond the limit has nothing read for it. */
  const answerRead = async (asked: Asked, id: string, since: number) => {
    const more = await directly.within(asked, readsLimit);
    if (more === undefined) {
      asked.otherwise();
      return;
    }
    try {
      const found = (await live.find(id)) as CachedArticle;
      send(asked, ONE, found, await inItsCoding(asked, found), since, more);
    } catch (error) {
      directly.fail(asked, ONE, error, more);
    }
  };

  return (asked) => {
    const { request } = asked;
    const { url } = request;
    const route = url === undefined ? undefined : routeOf(url);
    if (url === undefined || route === undefined || !isPlain(request)) return false;
    const since = purging.heard();
    const isArticle = route === ONE;
    if (!takesJson(request, isArticle ? articleTypes : listTypes)) return false;
    const reference = url.slice(ARTICLE.length);
    const kept = isArticle ? live.kept(reference) : live.keptList(url);
    if (kept === undefined && !(isArticle && isId(reference))) return false;
    const answered =
      kept === undefined
        ? answerRead(asked, reference, since)
        : soon(kept, (ready) => answerKept(asked, route, ready, since));
    if (answered instanceof Promise) answered.catch(asked.otherwise);
    return true;
  };
}

/** The route of an address, of those whose answers are kept. */
function routeOf(url: string): string | undefined {
  if (url.startsWith(ARTICLE)) return ONE;
  if (url.startsWith(LIST)) return LIST;
  return url.startsWith(CHANGES) ? CHANGES : undefined;
}

/** What is in memory with its bytes and headers. */
type Ready = CachedArticle | CachedList;

/** Whether caches in front are told when it changes. */
function isPurged(found: Ready): boolean {
  return !("headers" in found) || found.isPurged !== false;
}

/** Whether a request reads and has nothing that its route would look at. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined &&
    headers["content-encoding"] === undefined
  );
}

/** Whether it is our JSON that a request asks for, of all forms that there are. */
function takesJson({ headers: { accept } }: IncomingMessage, offered: readonly string[]): boolean {
  return accept === "application/json" || preferredType(accept, offered) === "application/json";
}
