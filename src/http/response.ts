import {
  IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import { Socket } from "node:net";

declare module "node:http" {
  interface OutgoingMessage {
    /** What `writeHead` ends in. Node does not document it. */
    _storeHeader(firstLine: string, headers: unknown): void;
  }
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** How a process is there for those who call it. It changes when the process takes its leave. */
export interface Service {
  /** Whether load balancers are told that it can serve. */
  isReady: boolean;
  /** Whether connections are kept for the next request. */
  keepsConnections: boolean;
}

export function service(): Service {
  return { isReady: true, keepsConnections: true };
}

/** An answer of which a part of the head may be ready. */
export interface Response extends ServerResponse {
  /** Header lines that are sent as they are, before those that `writeHead` gets. */
  lines: string;
}

/**
 * Answers that take header lines which are ready; and that ask for their connection to be closed once
 * connections are not kept any more, also those to requests that came before: the next request then goes
 * to who stays, while one on a connection that is closed under it would fail.
 *
 * @param common headers, by their names in lower case, of every answer that does not say them itself; whoever gives
 *   `writeHead` an array says none of them
 * @throws Error where Node does not let answers have lines that are ready
 */
export function responses(state: Service, common: Record<string, string>): typeof ServerResponse {
  if (!takesLines())
    throw new Error(`Node ${process.version} sends answers in a way that is not known; use 26.`);
  const lines = new Map(
    Object.entries(common).map(([name, value]) => [name, headerLines({ [name]: value })]),
  );
  const all = [...lines.values()].join("");
  const names = [...lines.keys()];
  /** Without those that an answer says itself, as a document does of what may be loaded. */
  const linesBeside = (headers: unknown) => {
    if (headers === undefined || Array.isArray(headers) || !names.some((name) => says(headers, name)))
      return all;
    return names.map((name) => (says(headers, name) ? "" : lines.get(name))).join("");
  };
  const Answer = class<Request extends IncomingMessage = IncomingMessage>
    extends ServerResponse<Request>
    implements Response
  {
    declare lines: string;

    override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
      if (!state.keepsConnections) this.shouldKeepAlive = false;
      return super.writeHead(status, reason as string, headers);
    }

    override _storeHeader(firstLine: string, headers: unknown): void {
      super._storeHeader(firstLine + linesBeside(headers) + this.lines, headers);
    }
  };
  // As a field it would be set for each answer.
  Answer.prototype.lines = "";
  return Answer;
}

/** Whether headers have one with this name in lower case. */
function says(headers: unknown, name: string): boolean {
  return typeof headers === "object" && headers !== null && name in headers;
}

/**
 * Header lines to be sent many times. Node checks and joins the headers of each answer anew, which for 14 of
 * them takes a tenth of the time of an answer of 6 kB.
 *
 * @throws TypeError when one of them is none (RFC 9110, section 5)
 */
export function headerLines(headers: Record<string, string>): string {
  let lines = "";
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** Whether this Node lets answers have header lines that are ready. */
function takesLines(): boolean {
  let isAsked = false;
  const Answer = class extends ServerResponse {
    override _storeHeader(): void {
      isAsked = true;
    }
  };
  new Answer(new IncomingMessage(new Socket())).writeHead(200);
  return isAsked;
}
