import type { IncomingMessage, ServerResponse } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyRequest } from "fastify";
import { Counter, Gauge } from "prom-client";
import { isWithin } from "../access/authenticate.ts";
import type { Newsroom } from "../newsroom.ts";
import type { App } from "./app.ts";
import { exposedHeaders } from "./cors.ts";
import { guards } from "./guard.ts";
import { requestId } from "./logging.ts";
import { OVERLOADED, type Places, places } from "./places.ts";
import { problemTitle } from "./problems.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Gives back its place among those that work on the database, if it has one. */
    leave: (() => void) | null;
  }
}

/**
 * How late the event loop may be on the average, in milliseconds, how often it is looked at, and how often in
 * a row it must have been too late before no more work is begun: one long piece of work is no overload.
 */
const LATEST = 500;
const LOOK_EVERY = 500;
const IN_A_ROW = 3;
/** How often it is logged how many were refused, in milliseconds. */
const LOG_EVERY = 10_000;

/** Places for all who work on the database: as many as there are connections to it. */
export function placesFor({ config, metrics }: Newsroom): Places {
  const all = places(config.DATABASE_POOL);
  for (const name of ["taken", "waiting"] as const) {
    const gauge = new Gauge({
      name: `dateline_places_${name}`,
      help: `Places of requests that work on the database: ${name}`,
      registers: [metrics],
      collect: () => {
        gauge.set(all.figures()[name]);
      },
    });
  }
  return all;
}

/**
 * Has requests that will work on the database wait for a place. They ask for it once their body is there,
 * so that a slow client holds none, and give it back once the answer is ready. What anyone may read comes
 * from memory, or is read by one statement for all who ask, and needs none; neither do requests within
 * others.
 */
export function holdPlaces(app: App, all: Places): void {
  app.decorateRequest("leave", null);
  const needsPlace = ({ method, caller, routeOptions }: FastifyRequest) =>
    routeOptions.config.needsPlace !== false &&
    (caller !== null || (method !== "GET" && method !== "HEAD")) &&
    !isWithin();
  app.addHook("preHandler", async (request) => {
    if (needsPlace(request)) request.leave = await all.take();
  });
  const leave = (request: FastifyRequest, done: () => void) => {
    request.leave?.();
    done();
  };
  app.addHook("onSend", (request, _reply, _payload, done) => {
    leave(request, done);
  });
  // What is sent by other ways, or to nobody any more.
  app.addHook("onResponse", (request, _reply, done) => {
    leave(request, done);
  });
}

/**
 * Refuses requests that would work on the database while no place will be free for them soon, or the process
 * cannot keep up with its events. That is done before the framework sees them, at a tenth of the cost, so
 * that refusing many leaves time for those who have a place. Who operates Dateline, and who reads without
 * a key, is heard in any case.
 */
export function refuseExcess(app: App, { config, metrics }: Newsroom, all: Places): void {
  const [handle] = app.server.listeners("request");
  if (handle === undefined) return;
  const refused = new Counter({
    name: "dateline_refused_total",
    help: "Requests that were refused because of overload before anything was done about them",
    registers: [metrics],
  });
  const isLate = lateness(app);
  let sinceLogged = 0;
  let logging: NodeJS.Timeout | undefined;
  const note = () => {
    refused.inc();
    sinceLogged += 1;
    logging ??= setTimeout(() => {
      app.log.warn(`${sinceLogged} requests were refused in ${LOG_EVERY / 1000} s because of overload`);
      sinceLogged = 0;
      logging = undefined;
    }, LOG_EVERY).unref();
  };

  const origins = config.DATELINE_CORS_ORIGINS;
  const allowed = (origin: string | undefined): string[] => {
    if (origins === "*") return ["access-control-allow-origin", "*"];
    const isAllowed = origin !== undefined && origins.split(",").includes(origin);
    return ["vary", "Origin", ...(isAllowed ? ["access-control-allow-origin", origin] : [])];
  };
  const refuse = (request: IncomingMessage, response: ServerResponse) => {
    note();
    const id = requestId(request);
    const body = JSON.stringify({
      type: "/problems/unavailable",
      title: problemTitle("unavailable"),
      status: 503,
      detail: OVERLOADED,
      instance: request.url?.split("?", 1)[0] ?? "",
      requestId: id,
    });
    response
      .writeHead(503, [
        ...Object.entries({
          "x-request-id": id,
          "retry-after": "1",
          "cache-control": "no-store",
          "content-type": "application/problem+json",
          "content-length": String(Buffer.byteLength(body)),
          "access-control-expose-headers": exposedHeaders.join(", "),
          ...guards(config),
        }).flat(),
        ...allowed(request.headers.origin),
      ])
      .end(body);
  };

  app.server.removeAllListeners("request");
  app.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if ((all.isFull() || isLate()) && needsDatabase(request)) refuse(request, response);
    else Reflect.apply(handle, app.server, [request, response]);
  });
}

/** Whether a request will want a place, as far as can be seen from outside. */
function needsDatabase({ method, url, headers }: IncomingMessage): boolean {
  if (method === "OPTIONS" || url?.startsWith("/v1/") !== true) return false;
  return headers.authorization !== undefined || (method !== "GET" && method !== "HEAD");
}

/** Looks how late the event loop is, which is how late everything is. */
function lateness(app: App): () => boolean {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let late = 0;
  const looking = setInterval(() => {
    late = delays.mean / 1e6 > LATEST ? late + 1 : 0;
    delays.reset();
  }, LOOK_EVERY).unref();
  app.addHook("onClose", async () => {
    clearInterval(looking);
    delays.disable();
  });
  return () => late >= IN_A_ROW;
}
