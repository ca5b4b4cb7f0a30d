import type { IncomingMessage } from "node:http";
import { Counter } from "prom-client";
import type { App } from "../http/app.ts";
import { articleTypes, listTypes } from "../formats/formats.ts";
import { type Coded, type ReadyAnswer, inCoding } from "../http/bytes.ts";
import { VARY_BY_FORM, horizon } from "../http/caching.ts";
import { isNotModified } from "../http/conditional.ts";
import { preferredType } from "../http/content.ts";
import { requestId } from "../http/logging.ts";
import { type Response, headerLines } from "../http/response.ts";
import { isId } from "../http/scalars.ts";
import type { Newsroom } from "../newsroom.ts";
import { CDN_CACHE_CONTROL, KEPT_NOT_AT_ALL, keptInFront, purgedCaching } from "../purging/caching.ts";
import { isTracing } from "../tracing/tracing.ts";
import type { CachedArticle, CachedList } from "./cache.ts";

const LIST = "/v1/articles";
const ARTICLE = `${LIST}/`;

/**
 * Answers the requests that are made thousands of times for each other one, for a live article or a first page
 * that is in memory, or an article read by its id, with the bytes and headers that the route would send, before
 * the framework sees them. Whatever else a reader could ask for (a key, another method or type) goes the common
 * way, and so does everything while rates are limited, or requests logged or traced.
 */
export function serveDirectly(app: App, newsroom: Newsroom): void {
  const { config, live } = newsroom;
  const logsRequests = ["trace", "debug", "info"].includes(config.LOG_LEVEL);
  if (config.DATELINE_RATE_LIMIT || config.DATELINE_CORS_ORIGINS !== "*") return;
  if (logsRequests || isTracing()) return;
  // Where nobody reads without a key there is nothing to be answered so.
  if (!config.DATELINE_PUBLIC_READING) return;
  const [handle] = app.server.listeners("request");
  if (handle === undefined) return;
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });

  app.server.removeAllListeners("request");
  app.server.on("request", (request: IncomingMessage, response: Response) => {
    const since = newsroom.purging.heard();
    const otherwise = () => {
      Reflect.apply(handle, app.server, [request, response]);
    };
    // What cannot be had this way has its reason told by the route.
    const soon = <T>(value: T | Promise<T>, then: (value: T) => void) => {
      if (value instanceof Promise) value.then(then).catch(otherwise);
      else then(value);
    };
    soon(stopping ? undefined : asked(request), (found) => {
      if (found === undefined || changesSoon(found)) otherwise();
      else
        soon(inCoding(found, request.headers["accept-encoding"]), (coded) => {
          send(request, response, found, coded, since);
        });
    });
  });

  /** What is in memory, and an article by its id that is read into it. */
  const asked = (request: IncomingMessage): Ready | Promise<Ready> | undefined => {
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
  const changeOf = (found: Ready) => ("changesAt" in found ? found.changesAt : newsroom.news.agenda.next());
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

  const counted = countAnswers(newsroom);

  const send = (request: IncomingMessage, response: Response, found: Ready, coded: Coded, since: number) => {
    const { common, whole, length } = (coded.answer ??= prepare(found, coded));
    const id = `x-request-id: ${requestId(request)}\r\n`;
    const headers: string[] = [];
    const leave = keptInFront(newsroom, found.groups, changeOf(found));
    const inFront = leave !== undefined && since !== newsroom.purging.heard() ? KEPT_NOT_AT_ALL : leave;
    if (inFront !== undefined) headers.push(CDN_CACHE_CONTROL, inFront);
    if (isNotModified(request, coded.etag)) {
      response.lines = id + common;
      response.writeHead(304, headers).end();
      counted(found, 304);
      return;
    }
    response.lines = id + whole;
    headers.push("content-length", length);
    response.writeHead(200, headers).end(coded.content, "latin1");
    counted(found, 200);
  };
}

/** What is in memory with its bytes and headers. */
type Ready = CachedArticle | CachedList;

/** Counts what is answered here, which the framework's figures do not tell of, and does not time it: that would cost more. */
function countAnswers({ metrics }: Newsroom): (found: Ready, status: 200 | 304) => void {
  const article = { 200: 0, 304: 0 };
  const list = { 200: 0, 304: 0 };
  const routes = { "/v1/articles/:article": article, "/v1/articles": list };
  const total = new Counter({
    name: "dateline_http_direct_answers_total",
    help: "How many requests were answered from memory before they were timed, by route and status",
    labelNames: ["route", "status"],
    registers: [metrics],
    collect() {
      total.reset();
      for (const [route, counts] of Object.entries(routes))
        for (const [status, count] of Object.entries(counts)) total.inc({ route, status }, count);
    },
  });
  return (found, status) => {
    ("headers" in found ? list : article)[status] += 1;
  };
}

/** Whether a request reads, without a key and without anything that its route would look at. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  if (method !== "GET" || headers.host === undefined) return false;
  if (headers.authorization !== undefined || headers["content-length"] !== undefined) return false;
  return headers["transfer-encoding"] === undefined;
}

/** Whether it is our JSON that a request asks for, of all forms that there are. */
function takesJson({ headers: { accept } }: IncomingMessage, offered: readonly string[]): boolean {
  return accept === "application/json" || preferredType(accept, offered) === "application/json";
}
