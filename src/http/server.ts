import type { Server } from "node:http";
import type { Socket } from "node:net";
import { type FastifyHttpOptions, LogController } from "fastify";
import type { Config } from "../config.ts";
import { problem, sendProblem } from "./problems.ts";

/** How large a JSON body may be, in bytes: an article of the longest kind. */
const BODY_LIMIT = 8 * 1024 * 1024;

/** How the server takes connections and requests, with answers of our own for those it cannot read. */
export function serverOptions(config: Config): FastifyHttpOptions<Server> {
  const proxies = config.DATELINE_TRUST_PROXY;
  return {
    bodyLimit: BODY_LIMIT,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    trustProxy: proxies === "off" ? false : proxies.split(","),
    routerOptions: { maxParamLength: 400 },
    frameworkErrors: (error, request, reply) => {
      const isUrl = error.code === "FST_ERR_BAD_URL" || error.code === "FST_ERR_ASYNC_CONSTRAINT";
      void sendProblem(request, reply, problem(isUrl ? "malformed-request" : "not-found", "The address is not a well-formed URL."));
    },
    clientErrorHandler: (error, socket) => {
      refuseConnection(error.code, socket);
    },
  };
}

/** What the HTTP parser could not read never becomes a request, so it is answered on the socket. */
function refuseConnection(code: string | undefined, socket: Socket): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title, detail] =
    code === "HPE_HEADER_OVERFLOW"
      ? [431, "Request Header Fields Too Large", "The headers are larger than 16 KiB."]
      : code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? [408, "Request Timeout", "The request did not arrive in time."]
        : [400, "Bad Request", "The request is not well-formed HTTP."];
  const body = JSON.stringify({ type: "about:blank", title, status, detail });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
