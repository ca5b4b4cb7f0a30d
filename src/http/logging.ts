import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from "fastify";
import type { Config } from "../config.ts";
import { atOnce } from "./hooks.ts";
import { withoutSecrets } from "./secrets.ts";

/** Logs for people on a terminal, as JSON lines otherwise. Headers and bodies never get in. */
export function logger(config: Config): NonNullable<FastifyServerOptions["logger"]> {
  const options = { level: config.LOG_LEVEL };
  if (!process.stdout.isTTY) return options;
  return {
    ...options,
    transport: { target: "pino-pretty", options: { ignore: "pid,hostname", translateTime: "HH:MM:ss.l" } },
  };
}

/** The log of a process that serves nothing itself. */
export function logAlone(config: Config): FastifyBaseLogger {
  return Fastify({ logger: logger(config) }).log;
}

const processPart = randomBytes(8).toString("hex");
let requests = 0;

/** The id that a caller gave to its request if it is a sane one, or a new one: the process's, and a number. */
export function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{1,100}$/.test(given)
    ? given
    : `${processPart}-${(requests += 1).toString(36)}`;
}

/** One line a request, and its id in the answer's headers. */
export function logRequests(app: FastifyInstance): void {
  app.addHook(
    "onRequest",
    atOnce((request, reply) => {
      reply.header("x-request-id", request.id);
    }),
  );
  app.addHook("onResponse", atOnce(logRequest));
}

export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  logAnswer(request.log, {}, request, reply.statusCode, reply.elapsedTime);
}

/**
 * One line about an answer, which took so many milliseconds.
 *
 * @param bindings what the log does not say of the request by itself
 */
export function logAnswer(
  log: FastifyBaseLogger,
  bindings: { reqId?: string },
  request: Pick<IncomingMessage, "method" | "url" | "headers">,
  status: number,
  elapsed: number,
): void {
  const { method = "" } = request;
  const url = withoutSecrets(request.url ?? "");
  const milliseconds = Math.round(elapsed * 10) / 10;
  log.info(
    { ...bindings, method, url, status, milliseconds, ...traceOfCaller(request) },
    `${method} ${url} ${status}`,
  );
}

/** Whether answers are logged. */
export function logsRequests(config: Config): boolean {
  return ["trace", "debug", "info"].includes(config.LOG_LEVEL);
}

/** Of which trace the caller says that its request is a part (W3C Trace Context, `traceparent`). */
function traceOfCaller({ headers }: Pick<IncomingMessage, "headers">): { caller_trace_id?: string } {
  const [, id] =
    /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-/.exec(String(headers["traceparent"] ?? "")) ?? [];
  return id === undefined ? {} : { caller_trace_id: id };
}
