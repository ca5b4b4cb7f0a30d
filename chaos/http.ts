import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a request may take before it counts as hanging, in milliseconds. */
export const HANGING = 15_000;

export interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON, or as it is when it is text. */
  body?: object | string;
}

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Milliseconds. */
  took: number;
}

/** No answer came: the connection was refused or broke, so that it is not known whether it was done. */
export class Unanswered extends Error {}

/** What sends requests to one server, over connections that are kept. */
export interface Client {
  send: (sent: Sent) => Promise<Answered>;
  close: () => void;
}

/** The same client, of which somebody is told each answer, or why there was none. */
export function observed(
  { send, close }: Client,
  tell: (sent: Sent, answer: Answered | Unanswered) => void,
): Client {
  return {
    close,
    async send(sent) {
      try {
        const answer = await send(sent);
        tell(sent, answer);
        return answer;
      } catch (error) {
        if (error instanceof Unanswered) tell(sent, error);
        throw error;
      }
    },
  };
}

/** Asks until there is an answer other than 503, as a client that minds Retry-After does. */
export async function insist(sender: Client, sent: Sent): Promise<Answered> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sender.send(sent).catch((error: unknown) => {
      if (!(error instanceof Unanswered) || attempt === 50) throw error;
      return undefined;
    });
    if (answer !== undefined && (answer.status !== 503 || attempt === 50)) return answer;
    await sleep(200);
  }
}

/** @param base `http://host:port` */
export function client(base: string, common: Record<string, string> = {}): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  return {
    send: ({ method, path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const since = performance.now();
        const text = typeof body === "object" ? JSON.stringify(body) : body;
        const type = typeof body === "object" ? "application/json" : "text/plain";
        const sending = request(
          base + path,
          {
            method,
            agent,
            headers: {
              ...common,
              ...headers,
              ...(text === undefined
                ? {}
                : { "content-type": type, "content-length": String(Buffer.byteLength(text)) }),
            },
          },
          (response) => {
            let received = "";
            response.setEncoding("utf8");
            response.on("data", (part: string) => (received += part));
            response.on("error", (error) => reject(new Unanswered(error.message)));
            response.on("end", () => {
              const { statusCode: status = 0, headers: found } = response;
              resolve({ status, headers: found, text: received, took: performance.now() - since });
            });
          },
        );
        sending.setTimeout(HANGING, () => {
          sending.destroy(new Error(`${method} ${path} hangs`));
        });
        sending.on("error", (error) => reject(new Unanswered(error.message)));
        sending.end(text);
      }),
    close: () => {
      agent.destroy();
    },
  };
}
