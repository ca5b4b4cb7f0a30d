import type { IncomingMessage, ServerResponse } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter } from "prom-client";
import type { Newsroom } from "../newsroom.ts";
import type { App } from "./app.ts";
import { corsOf } from "./cors.ts";
import { problemAnswer } from "./errors.ts";
import { requestId } from "./logging.ts";
import { type Places, overloaded, worksOnDatabase } from "./places.ts";

/**
 * How late the event loop may be on the average, in milliseconds, how often it is looked at, and how often in
 * a row it must have been too late before no more work is begun: one long piece of work is no overload.
 */
const LATEST = 500;
const LOOK_EVERY = 500;
const IN_A_ROW = 3;
/**
 * Who is refused and asks again at once would take the time of those who are served. So there are but so many
 * refusals in so many milliseconds, and who is refused beyond that waits for it, no longer than for so long.
 */
const REFUSALS = 20;
const REFUSALS_EVERY = 10;
const REFUSED_WITHIN = 500;
/** How often it is logged how many were refused, in milliseconds. */
const LOG_EVERY = 10_000;

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

  const refuse = (request: IncomingMessage, response: ServerResponse) => {
    note();
    const id = requestId(request);
    const { status, headers, body } = problemAnswer(overloaded(), { url: request.url, id });
    response
      .writeHead(status, {
        ...headers,
        "content-length": Buffer.byteLength(body),
        "x-request-id": id,
        ...corsOf(config, request.headers.origin),
      })
      .end(body);
  };

  const parked: { request: IncomingMessage; response: ServerResponse; since: number }[] = [];
  let left = REFUSALS;
  let refusing: NodeJS.Timeout | undefined;
  const refuseSome = () => {
    const overdue = performance.now() - REFUSED_WITHIN;
    left = REFUSALS;
    let done = 0;
    for (const { request, response, since } of parked) {
      if (left === 0 && since > overdue) break;
      left = Math.max(0, left - 1);
      done += 1;
      if (!response.destroyed) refuse(request, response);
    }
    parked.splice(0, done);
    if (parked.length > 0 || left < REFUSALS) return;
    clearInterval(refusing);
    refusing = undefined;
  };
  const refuseInTurn = (request: IncomingMessage, response: ServerResponse) => {
    refusing ??= setInterval(refuseSome, REFUSALS_EVERY);
    if (left === 0) parked.push({ request, response, since: performance.now() });
    else {
      left -= 1;
      refuse(request, response);
    }
  };
  app.addHook("onClose", async () => clearInterval(refusing));

  app.server.removeAllListeners("request");
  app.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if ((all.isFull() || isLate()) && mayBeRefused(request)) refuseInTurn(request, response);
    else handle.call(app.server, request, response);
  });
}

/** Whether a request will want a place, as far as can be seen from outside. */
function mayBeRefused(request: IncomingMessage): boolean {
  return request.method !== "OPTIONS" && request.url?.startsWith("/v1/") === true && worksOnDatabase(request);
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
