import { STATUS_CODES, type Server } from "node:http";
import type { Socket } from "node:net";
import { type FastifyHttpOptions, LogController } from "fastify";
import { v7 as uuid } from "uuid";
import type { Config } from "../config.ts";
import type { Newsroom } from "../newsroom.ts";
import { problemAnswer, sendProblem } from "./errors.ts";
import { corsOfAll } from "./cors.ts";
import { guards } from "./guard.ts";
import { logRequest } from "./logging.ts";
import { type Problem, problem } from "./problems.ts";
import { trustedProxies } from "./rateLimit.ts";
import { responses } from "./response.ts";

/** How large a JSON body may be, in bytes: an article of the longest kind. */
const BODY_LIMIT = 8 * 1024 * 1024;

/** How long the headers of a request may take to arrive, in milliseconds; a body has longer. */
const HEADERS_TIMEOUT = 15_000;
/**
 * How long a client may leave what is sent to it lying, in milliseconds, before the connection is given up: no whole
 * seconds, which is how this timeout of a socket is told from that of a connection which is kept for another request.
 */
const STALLED = 60_500;
/** How often clients are looked for that leave something lying, in milliseconds. */
const LOOK_EVERY = 5_000;

/** How the server takes connections and requests, with answers of our own for those it cannot read. */
export function serverOptions({ config, service }: Newsroom): FastifyHttpOptions<Server> {
  return {
    bodyLimit: BODY_LIMIT,
    // A request without Host is refused like others that are not well-formed, with a problem.
    http: {
      requireHostHeader: false,
      ServerResponse: responses(service, { ...guards(config), ...corsOfAll(config) }),
      headersTimeout: HEADERS_TIMEOUT,
      connectionsCheckingInterval: 5_000,
    },
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 60_000,
    keepAliveTimeout: config.DATELINE_KEEP_ALIVE * 1000,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    trustProxy: trustedProxies(config),
    routerOptions: { maxParamLength: 400 },
    frameworkErrors: (error, request, reply) => {
      const found =
        error.code === "FST_ERR_MAX_PARAM_LENGTH"
          ? problem("not-found", "There is nothing at this address: a part of it is longer than any slug.")
          : problem("malformed-request", "The address is not a well-formed URL.");
      void sendProblem(request, reply, found);
      logRequest(request, reply);
    },
    clientErrorHandler: (error, socket) => {
      refuseConnection(error.code, socket, config);
    },
  };
}

/**
 * Gives up connections whose clients do not take what is sent to them, as well as those that were kept and on which
 * nothing was asked any more; those on which something is still to come are left.
 *
 * @param stalled how long a client may leave what is sent to it lying, in milliseconds and no whole seconds
 * @param every how often such clients are looked for, in milliseconds
 */
export function dropUnused(server: Server, stalled = STALLED, every = LOOK_EVERY): void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  // A timer for each request, as `server.timeout` makes it, would take a fortieth of the time of an answer.
  const looking = setInterval(() => {
    for (const socket of sockets)
      if (socket.writableLength > 0 && socket.timeout !== stalled) socket.setTimeout(stalled);
  }, every).unref();
  server.on("close", () => {
    clearInterval(looking);
  });
  server.on("timeout", (socket: Socket) => {
    if (socket.timeout === stalled && socket.writableLength === 0) socket.setTimeout(0);
    else socket.destroy();
  });
}

/** What is answered to what cannot be read, by the code of Node's error. */
const unreadable: Record<string, () => Problem> = {
  HPE_HEADER_OVERFLOW: () => problem("headers-too-large", "The headers are larger than 16 KiB."),
  ERR_HTTP_REQUEST_TIMEOUT: () => problem("request-timeout", "The request did not arrive in time."),
  HPE_INVALID_URL: () =>
    problem(
      "malformed-request",
      "The address has a sign that must be percent-encoded, as é is by %C3%A9 (RFC 3986, section 2.1).",
    ),
};

/** What the HTTP parser could not read never becomes a request, so it is answered on the socket. */
function refuseConnection(code: string | undefined, socket: Socket, config: Config): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const found =
    unreadable[code ?? ""]?.() ?? problem("malformed-request", "The request is not well-formed HTTP.");
  const id = uuid();
  // Which address was meant cannot be told.
  const { status, headers, body } = problemAnswer(found, { url: "/", id });
  const fields = {
    "x-request-id": id,
    ...headers,
    "content-length": Buffer.byteLength(body),
    connection: "close",
    ...guards(config),
  };
  const lines = Object.entries(fields).map((field) => field.join(": "));
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
