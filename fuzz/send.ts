import { Agent, type IncomingHttpHeaders, request as ask } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendBytes } from "../test/support/socket.ts";
import type { Caller } from "./callers.ts";
import type { Operation } from "./contract.ts";

/** How long an answer may take, in milliseconds: the test of a webhook waits 15 seconds for the receiver. */
const DEADLINE = 20_000;

/** A request as it goes out. */
export interface Request {
  caller: Caller;
  method: string;
  /** Path and query. */
  target: string;
  headers: [name: string, value: string][];
  body: Buffer | undefined;
  /** All of it as bytes, when it is no well-formed HTTP. */
  wire?: string;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** A request, what it was meant for, and what came back. */
export interface Exchange {
  request: Request;
  operation: Operation | undefined;
  answer: Answered;
}

/** The server did not answer, or not in time. */
export class NoAnswer extends Error {}

const agent = new Agent({ keepAlive: true });

/**
 * Sends a request and reads its answer to the end; of a stream of events the head.
 *
 * @throws NoAnswer when there is none before the deadline
 */
export async function send(url: string, request: Request, deadline = DEADLINE): Promise<Answered> {
  return request.wire === undefined
    ? sendHttp(url, request, deadline)
    : sendWire(url, request.wire, deadline);
}

function sendHttp(url: string, request: Request, ms: number): Promise<Answered> {
  const { hostname, port } = new URL(url);
  const { method, target, headers, body } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const hasHost = headers.some(([name]) => name.toLowerCase() === "host");
  const outgoing = ask({
    agent,
    hostname,
    port,
    method,
    path: target,
    headers: [
      ...(hasHost ? [] : ["Host", `${hostname}:${port}`]),
      ...headers.flat(),
      ...(body === undefined && (method === "GET" || method === "HEAD")
        ? []
        : ["Content-Length", String(body?.length ?? 0)]),
    ],
  });
  let isAnswered = false;
  const deadline = setTimeout(() => outgoing.destroy(new NoAnswer(`no answer within ${ms} ms`)), ms);
  outgoing.on("response", (incoming) => {
    isAnswered = true;
    const { statusCode: status = 0, headers: found } = incoming;
    const chunks: Buffer[] = [];
    const finish = () => {
      clearTimeout(deadline);
      resolve({ status, headers: found, text: Buffer.concat(chunks).toString() });
    };
    if (String(found["content-type"]).startsWith("text/event-stream")) {
      incoming.on("error", () => undefined);
      outgoing.destroy();
      finish();
      return;
    }
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", finish);
    incoming.on("error", reject);
  });
  outgoing.on("error", (error: Error) => {
    clearTimeout(deadline);
    if (!isAnswered) reject(error instanceof NoAnswer ? error : new NoAnswer(`no answer: ${error.message}`));
  });
  outgoing.end(body);
  return promise;
}

async function sendWire(url: string, wire: string, ms: number): Promise<Answered> {
  const { signal, abort } = aborting();
  const late = sleep(ms, undefined, { signal }).then(
    () => {
      throw new NoAnswer(`the connection was not closed within ${ms} ms`);
    },
    () => undefined as never,
  );
  const { status, head, body } = await Promise.race([sendBytes(url, wire), late]).finally(abort);
  const headers = head
    .split("\r\n")
    .slice(1)
    .map((line): [string, string] => {
      const [name = "", ...rest] = line.split(":");
      return [name.toLowerCase(), rest.join(":").trim()];
    });
  return { status: status || 0, headers: Object.fromEntries(headers), text: body };
}

function aborting() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** A request as a command line for a terminal; the server's address and the caller's key are left to fill in. */
export function asCurl({ caller, method, target, headers, body, wire }: Request): string {
  if (wire !== undefined) return `printf %b ${quoted(wire.replaceAll("\\", "\\\\"))} | nc 127.0.0.1 3000`;
  const shown = headers.map(([name, value]) =>
    name === "Authorization" && caller.key !== undefined && value.includes(caller.key)
      ? ` -H "Authorization: Bearer $KEY_OF_${caller.name.toUpperCase().replaceAll(/\W/g, "_")}"`
      : ` -H ${quoted(`${name}${value === "" ? ";" : `: ${value}`}`)}`,
  );
  const data =
    body === undefined
      ? ""
      : body.length > 20_000
        ? ` --data-binary @- <<< ${quoted(body.toString().slice(0, 200))} # … ${body.length} bytes in all`
        : ` --data-binary ${quoted(body.toString("latin1"), true)}`;
  return `curl -i --path-as-is -X ${method} ${quoted(`http://127.0.0.1:3000${target}`)}${shown.join("")}${data}`;
}

/** A word for bash; what is not printable is escaped. */
function quoted(text: string, isBytes = false): string {
  if (/^[\x20-\x26\x28-\x7e]*$/.test(text)) return `'${text}'`;
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("'", "\\'")
    .replaceAll(/[^\x20-\x7e]/g, (found) =>
      Array.from(isBytes ? Buffer.from(found, "latin1") : Buffer.from(found))
        .map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`)
        .join(""),
    );
  return `$'${escaped}'`;
}
