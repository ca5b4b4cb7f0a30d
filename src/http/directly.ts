import type { IncomingMessage } from "node:http";
// The global of that name is a getter, which costs a hundredth of a request that takes 14 µs.
import { performance } from "node:perf_hooks";
import type { Newsroom } from "../newsroom.ts";
import { isTracing } from "../tracing/tracing.ts";
import type { Counted } from "../workers/together.ts";
import type { App } from "./app.ts";
import { asProblem, problemAnswer } from "./errors.ts";
import { FIELDS } from "./limits.ts";
import { logAnswer, logsRequests, requestId } from "./logging.ts";
import { type Limit, WINDOW, addressIn, rateHeaders } from "./rateLimit.ts";
import { type Response, headerLines } from "./response.ts";

/** A request that is answered before the framework sees it, or given to it after all. */
export interface Asked {
  request: IncomingMessage;
  response: Response;
  /** When it came, by the clock of `performance.now`. */
  since: number;
  otherwise: () => void;
}

/** Takes what it can answer, all of it or until it finds that it cannot; false of what is none of its own. */
export type Way = (asked: Asked) => boolean;

export interface DirectAnswer {
  /** The route that would have answered. */
  route: string;
  status: number;
  /** Header lines that are ready, but for those about the connection and the length of the content. */
  lines: string;
  content?: string | Buffer;
}

/** What all who answer directly do alike. */
export interface Directly {
  /**
   * Counts a request against a limit, when it is certain that it is answered here.
   *
   * @returns the header lines that tell of it; undefined beyond the limit, where the framework is to refuse it
   */
  within: (asked: Asked, limit: Limit) => string | undefined | Promise<string | undefined>;
  send: (asked: Asked, answer: DirectAnswer) => void;
  /** Sends the problem of an error, with header lines that are ready. */
  fail: (asked: Asked, route: string, error: unknown, lines: string) => void;
}

/**
 * Answers what is asked thousands of times for each other request as its route would, before the framework sees it,
 * which saves more than half of what a read costs and a third of a share. Whatever else could be asked for (a key,
 * another method or type) goes the common way, and so does everything while requests are traced, or where not all may
 * ask alike.
 */
export function answerDirectly(
  app: App,
  newsroom: Newsroom,
  ways: readonly ((newsroom: Newsroom, directly: Directly) => Way)[],
): void {
  const { config, durations, together } = newsroom;
  if (config.DATELINE_CORS_ORIGINS !== "*" || !config.DATELINE_PUBLIC_READING || isTracing()) return;
  const [handle] = app.server.listeners("request");
  if (handle === undefined) return;
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });

  const addressOf = addressIn(config);
  const isLogged = logsRequests(config);
  const send = ({ request, response, since }: Asked, id: string, answer: DirectAnswer) => {
    const { route, status, lines, content } = answer;
    response.lines = `x-request-id: ${id}\r\n${lines}`;
    response.statusCode = status;
    response.end(content, "latin1");
    const elapsed = performance.now() - since;
    durations(request.method ?? "", route, status, elapsed);
    if (isLogged) logAnswer(app.log, { reqId: id }, request, status, elapsed);
  };
  const directly: Directly = {
    within(asked, limit) {
      if (!config.DATELINE_RATE_LIMIT) return "";
      const { max, groupId = "" } = limit;
      const told = (used: Counted) =>
        used.current > max ? undefined : headerLines(rateHeaders(limit, used));
      const used = together.count(addressOf(asked.request) + groupId, WINDOW);
      // Whoever cannot be counted is served, as by the framework.
      return used instanceof Promise ? used.then(told, () => "") : told(used);
    },
    send(asked, answer) {
      send(asked, requestId(asked.request), answer);
    },
    fail(asked, route, error, lines) {
      const id = requestId(asked.request);
      const found = asProblem(error);
      const { status, headers, body } = problemAnswer(found, { url: asked.request.url, id });
      if (status >= 500) app.log.error({ err: error, reqId: id }, "request failed");
      send(asked, id, { route, status, lines: lines + headerLines(headers), content: Buffer.from(body) });
    },
  };
  const open = ways.map((way) => way(newsroom, directly));
  /** What a way throws, the framework finds out again, answers and logs. */
  const isTaken = (asked: Asked): boolean => {
    try {
      return open.some((way) => way(asked));
    } catch {
      return false;
    }
  };

  app.server.removeAllListeners("request");
  app.server.on("request", (request: IncomingMessage, response: Response) => {
    const since = performance.now();
    const otherwise = () => {
      handle.call(app.server, request, response);
    };
    const { host, authorization } = request.headers;
    const isOrdinary =
      host !== undefined && authorization === undefined && request.rawHeaders.length <= 2 * FIELDS;
    if (stopping || !isOrdinary) otherwise();
    else if (!isTaken({ request, response, since, otherwise })) otherwise();
  });
}

/** Goes on with a value at once if it is there. */
export function soon<T, Result>(
  value: T | Promise<T>,
  then: (value: T) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(then) : then(value);
}
