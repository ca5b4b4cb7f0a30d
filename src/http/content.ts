import type { FastifyInstance, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import Negotiator from "negotiator";
import { atOnce } from "./hooks.ts";
import { parseJson } from "./limits.ts";
import { consumed } from "./errors.ts";
import { Problem, invalidParameter, problem } from "./problems.ts";
import { parametersOf } from "./secrets.ts";

/** Reads bodies as the routes declare them, and refuses what neither side could read. */
export function negotiateContent(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ["application/json", "application/merge-patch+json"],
    { parseAs: "buffer" },
    async (_request: FastifyRequest, body: Buffer) => readJson(body),
  );

  app.addHook(
    "onRequest",
    atOnce((request) => {
      refuseAddress(request);
      refuseType(request);
      refuseAccept(request);
    }),
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a body of JSON; of none there is nothing.
 *
 * @throws 400 when it is neither
 */
export function readJson(body: Buffer): unknown {
  const text = read(() => utf8.decode(body), "The body is not well-formed UTF-8.");
  // A name such as __proto__ becomes a property like any other, which no schema knows.
  return text === "" ? undefined : read(() => parseJson(text), "The body is not well-formed JSON.");
}

function read<T>(work: () => T, fault: string): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Problem ? error : problem("malformed-request", fault);
  }
}

/** HTTP/1.1 demands a Host (RFC 9112, section 3.2); PostgreSQL has no text with NUL, so nothing can have such a name. */
function refuseAddress(request: FastifyRequest): void {
  if (request.headers.host === undefined && request.raw.httpVersion === "1.1")
    throw problem("malformed-request", "The header Host is missing.");
  if (!request.url.includes("%")) return;
  refuseParameters(request);
  if (request.url.includes("%00"))
    throw problem("malformed-request", "The address contains NUL (%00), which no text does.");
}

/** Operations that have parameters take those alone that are text. */
function refuseParameters({ url, routeOptions }: FastifyRequest): void {
  if (routeOptions.schema?.querystring === undefined) return;
  const broken = parametersOf(url).filter(({ written }) => !isText(written));
  if (broken.length === 0) return;
  const detail = "must be UTF-8 with each byte percent-encoded as %XX, and without NUL (%00)";
  throw invalidParameter(broken.map(({ name }) => ({ pointer: name, detail })));
}

/** Whether a query parameter, as it is written, can be read as text. */
function isText(written: string): boolean {
  try {
    return !decodeURIComponent(written).includes("\0");
  } catch {
    return false;
  }
}

function refuseType(request: FastifyRequest): void {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw problem("unsupported-media-type", `Content-Encoding is ${encoding}; send the body as it is.`, {
      headers: { "accept-encoding": "identity" },
    });
  }
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (!hasBody || request.is404 || type === undefined || consumed(request).includes(type)) return;
  throw problem(
    "unsupported-media-type",
    `Content-Type is ${type}; this operation takes ${consumed(request).join(" or ")}.`,
  );
}

/** What most operations answer with, and problems beside. */
export const jsonTypes = ["application/json"];
/** The charset of all that is text here, which some clients name though no media type that is offered does. */
const OUR_CHARSET = /;\s*charset\s*=\s*"?utf-?8"?(?=\s*(?:[;,]|$))/gi;

type Preferences = LRUCache<string, { type: string | undefined }>;
/** By what is offered, which is the same list at each request. */
const preferences = new WeakMap<readonly string[], Preferences>();

/**
 * The media type that Accept likes best of those offered (RFC 9110, section 12.5.1), the first of
 * them where it is indifferent.
 */
export function preferredType(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (accept === undefined || accept === "" || accept === "*/*") return offered[0];
  const known: Preferences = preferences.get(offered) ?? new LRUCache({ max: 500 });
  preferences.set(offered, known);
  const found = known.get(accept) ?? {
    type: new Negotiator({ headers: { accept: accept.replace(OUR_CHARSET, "") } }).mediaType([...offered]),
  };
  known.set(accept, found);
  return found.type;
}

function refuseAccept(request: FastifyRequest): void {
  const { accept } = request.headers;
  const offered = request.routeOptions.config.produces ?? jsonTypes;
  // What is not described has parts of many types, as the page of the documentation.
  if (
    request.is404 ||
    request.routeOptions.schema?.hide === true ||
    preferredType(accept, offered) !== undefined
  )
    return;
  throw problem(
    "not-acceptable",
    `Accept is ${accept}; this operation answers with ${offered.join(" or ")}.`,
  );
}
