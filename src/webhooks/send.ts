import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { forbidden, hostOf, isForbiddenLiteral, publicLookup } from "./addresses.ts";
import { signedHeaders } from "./signature.ts";

/** How long an attempt may take from the look-up of the name to the answer's end, in milliseconds. */
const TIMEOUT = 15_000;
/** How much of an answer is kept, and how much is read before the connection is cut, in bytes. */
const KEPT = 4096;
const READ = 65_536;
/** The longest wait that a receiver can ask for, in milliseconds: a day. */
const LONGEST_WAIT = 86_400_000;

const STALE = "the connection was closed before it was used again";

/** A message for a receiver. */
export interface Message {
  url: string;
  /** The same however often it is sent. */
  id: string;
  body: string;
  /** Those that are good now. */
  secrets: readonly string[];
}

/** What came of sending a message once. */
export interface Outcome {
  at: Date;
  /** In milliseconds. */
  duration: number;
  /** Null when there was no answer. */
  status: number | null;
  /** The beginning of the answer's body. */
  body: string | null;
  /** Why it failed, in words; null when the receiver took it. */
  error: string | null;
  /** How long the receiver asks to wait, in milliseconds. */
  retryAfter: number;
}

export interface Sender {
  /** Sends once, signed for this moment; what goes wrong is an outcome, and no error. */
  send: (message: Message, signal?: AbortSignal) => Promise<Outcome>;
  /** Whether messages may go to an address at all, as far as it shows; if not, why. */
  refusal: (url: string) => string | undefined;
  close: () => void;
}

/**
 * Sends to receivers on the public internet by https alone, and to the named hosts in whatever way.
 * Redirects are not followed.
 */
export function sender(
  allowedHosts: readonly string[],
  { timeout = TIMEOUT, lookup = publicLookup() }: { timeout?: number; lookup?: LookupFunction } = {},
): Sender {
  const agents = {
    "http:": new HttpAgent({ keepAlive: true }),
    "https:": new HttpsAgent({ keepAlive: true }),
  };

  const refusal = (address: string) => {
    const url = new URL(address);
    if (allowedHosts.includes(hostOf(url))) return undefined;
    if (url.protocol !== "https:") return "must be an https address";
    return isForbiddenLiteral(hostOf(url)) ? "must lead to an address of the public internet" : undefined;
  };

  const post = (message: Message, at: Date, signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const url = new URL(message.url);
      if (refusal(message.url) !== undefined) throw forbidden(hostOf(url));
      const isSecure = url.protocol === "https:";
      const options = {
        method: "POST",
        agent: agents[isSecure ? "https:" : "http:"],
        signal,
        ...(allowedHosts.includes(hostOf(url)) ? {} : { lookup }),
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(message.body),
          "user-agent": "Dateline",
          ...signedHeaders(message.id, at, message.body, message.secrets),
        },
      };
      const request = (isSecure ? httpsRequest : httpRequest)(url, options, resolve);
      request.on("error", (error: NodeJS.ErrnoException) => {
        const isBroken = error.code === "ECONNRESET" || error.code === "EPIPE";
        reject(request.reusedSocket && isBroken ? new Error(STALE) : error);
      });
      request.end(message.body);
    });

  const exchange = async (message: Message, at: Date, signal: AbortSignal): Promise<IncomingMessage> => {
    try {
      return await post(message, at, signal);
    } catch (error) {
      // A connection that was kept may be closed by its other end just when it is used again.
      if (error instanceof Error && error.message === STALE) return exchange(message, at, signal);
      throw error;
    }
  };

  return {
    refusal,
    async send(message, signal) {
      const at = new Date();
      const began = performance.now();
      const late = AbortSignal.timeout(timeout);
      const told = (rest: Omit<Outcome, "at" | "duration">): Outcome => ({
        at,
        duration: Math.round(performance.now() - began),
        ...rest,
      });
      try {
        const response = await exchange(
          message,
          at,
          signal === undefined ? late : AbortSignal.any([late, signal]),
        );
        const status = response.statusCode ?? 0;
        const retryAfter = waitOf(response.headers["retry-after"]);
        return told({ status, body: await beginningOf(response), error: faultOf(status), retryAfter });
      } catch (error) {
        const reason = late.aborted
          ? `there was no whole answer within ${timeout / 1000} seconds`
          : reasonOf(error);
        return told({ status: null, body: null, error: reason, retryAfter: 0 });
      }
    },
    close() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}

/** What is wrong with a status, by Standard Webhooks 1.0.0: all but 2xx is failure, redirects too. */
function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `answered ${status}; redirects are not followed`;
  return `answered ${status}`;
}

/** Several addresses tried in vain are one error whose message is empty. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return first instanceof Error ? first.message : String(first);
}

/** The beginning of a body as text that PostgreSQL can hold. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const kept: Buffer[] = [];
  let read = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (read < KEPT) kept.push(chunk.subarray(0, KEPT - read));
    read += chunk.length;
    // Whoever stops here destroys the response and its connection.
    if (read >= READ) break;
  }
  return Buffer.concat(kept).toString().replaceAll("\0", "\u{fffd}");
}

/** What Retry-After asks for, in seconds or as a date (RFC 9110, section 10.2.3), in milliseconds. */
function waitOf(header: string | undefined): number {
  if (header === undefined) return 0;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), LONGEST_WAIT);
}
