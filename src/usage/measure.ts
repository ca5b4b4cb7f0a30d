import { Readable } from "node:stream";
import { isWithin } from "../access/authenticate.ts";
import type { App } from "../http/app.ts";
import type { Newsroom } from "../newsroom.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** How many articles the answer gives away; what gives any says so. */
    articlesGiven: number;
  }
}

/** Counts, for each key, the requests of an application, and the bytes and articles that it answers with. */
export function measureUsage(app: App, { usage }: Newsroom): void {
  app.decorateRequest("articlesGiven", 0);
  app.addHook("onSend", (request, reply, payload, done) => {
    const { caller, method, articlesGiven } = request;
    // What is done from within a request is a part of that one.
    if (caller === null || isWithin()) {
      done(null, payload);
      return;
    }
    const { id } = caller;
    const hasBody = method !== "HEAD";
    const bytes =
      hasBody && (typeof payload === "string" || payload instanceof Uint8Array) ? sizeOf(payload) : 0;
    const articles = hasBody && reply.statusCode === 200 ? articlesGiven : 0;
    usage.count(id, { requests: 1, bytes, articles });
    done(
      null,
      payload instanceof Readable ? measured(payload, (more) => usage.count(id, { bytes: more })) : payload,
    );
  });
}

const sizeOf = (payload: string | Uint8Array) =>
  typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;

/** A stream that tells of its bytes as they pass. */
function measured(source: Readable, tell: (bytes: number) => void): Readable {
  async function* passing() {
    for await (const chunk of source as AsyncIterable<string | Uint8Array>) {
      tell(sizeOf(chunk));
      yield chunk;
    }
  }
  return Readable.from(passing(), { objectMode: false });
}
