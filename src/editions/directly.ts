import type { IncomingMessage, ServerResponse } from "node:http";
import { Counter } from "prom-client";
import type { App } from "../http/app.ts";
import { articleTypes, listTypes } from "../formats/formats.ts";
import { codingOf } from "../http/bytes.ts";
import { VARY_BY_FORM, horizon } from "../http/caching.ts";
import { isNotModified } from "../http/conditional.ts";
import { preferredType } from "../http/content.ts";
import { exposedHeaders } from "../http/cors.ts";
import { guards } from "../http/guard.ts";
import { requestId } from "../http/logging.ts";
import { isId } from "../http/scalars.ts";
import type { Newsroom } from "../newsroom.ts";
import { CDN_CACHE_CONTROL, KEPT_NOT_AT_ALL, keptInFront, purgedCaching } from "../purging/caching.ts";
import { isTracing } from "../tracing/tracing.ts";
import type { CachedArticle, CachedList } from "./cache.ts";

const LIST = "/v1/articles";
const ARTICLE = `${LIST}/`;

/**
 * Answers the requests that are made thousands of times for each other one, for a live article or a
 * first page that is in memory, or an article read by its id, with the bytes and headers that the route would send, before the
 * framework sees them. Whatever else a reader could ask for (a key, another method or type) goes the
 * common way, and so does everything while rates are limited, or requests logged or traced.
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
  app.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const since = newsroom.purging.heard();
    const answer = (found: Ready | undefined) => {
      if (found === undefined || changesSoon(found) || !sent(request, response, found, since))
        Reflect.apply(handle, app.server, [request, response]);
    };
    const found = stopping ? undefined : asked(request);
    if (!(found instanceof Promise)) answer(found);
    // What cannot be had this way has its reason told by the route.
    else found.then(answer).catch(() => answer(undefined));
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

  const fixed = [
    ...Object.entries(guards(config)).flat(),
    "access-control-allow-origin",
    "*",
    "access-control-expose-headers",
    exposedHeaders.join(", "),
  ];
  const headersOf = new WeakMap<Ready, string[]>();

  const counted = countAnswers(newsroom);

  const sent = (request: IncomingMessage, response: ServerResponse, found: Ready, since: number): boolean => {
    const coding = codingOf(found, request.headers["accept-encoding"]);
    const coded = coding === undefined ? found.identity : found.coded[coding];
    if (coded === undefined || coded instanceof Promise) return false;
    let common = headersOf.get(found);
    if (common === undefined) {
      // What caches in front may do is said anew each time.
      const { [CDN_CACHE_CONTROL]: _, ...caching } = purgedCaching({ caller: null }, newsroom, found.groups);
      const own = { ...caching, vary: VARY_BY_FORM, ...("headers" in found ? found.headers : {}) };
      common = [...fixed, ...Object.entries(own).flat()];
      headersOf.set(found, common);
    }
    const headers = ["x-request-id", requestId(request), ...common, "etag", coded.etag];
    const leave = keptInFront(newsroom, found.groups, changeOf(found));
    const inFront = leave !== undefined && since !== newsroom.purging.heard() ? KEPT_NOT_AT_ALL : leave;
    if (inFront !== undefined) headers.push(CDN_CACHE_CONTROL, inFront);
    if (isNotModified(request, coded.etag)) {
      response.writeHead(304, headers).end();
      counted(found, 304);
      return true;
    }
    if (coding !== undefined) headers.push("content-encoding", coding);
    headers.push(
      "content-type",
      "application/json; charset=utf-8",
      "content-length",
      String(coded.bytes.length),
    );
    response.writeHead(200, headers).end(coded.bytes);
    counted(found, 200);
    return true;
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
