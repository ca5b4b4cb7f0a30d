import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import { entityTag, isNotModified, isUnmodifiedSince } from "./conditional.ts";

export type Coding = "br" | "gzip";

export interface Coded {
  bytes: Buffer;
  etag: string;
}

/** A text as it is sent: its bytes, and those in each coding that somebody asked for. */
export interface Sendable {
  identity: Coded;
  coded: Partial<Record<Coding, Coded | Promise<Coded>>>;
}

export function sendable(text: string): Sendable {
  const bytes = Buffer.from(text);
  return { identity: { bytes, etag: entityTag(bytes) }, coded: {} };
}

/**
 * Sends bytes that are ready, in a coding that the caller takes; or 304 when it has them.
 *
 * @param headers with the `content-type` of what is not JSON, and `last-modified` if it is known
 */
export async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  found: Sendable,
  headers: Record<string, string>,
): Promise<FastifyReply> {
  const coding = codingOf(found, request.headers["accept-encoding"]);
  const { bytes, etag } = coding === undefined ? found.identity : await codedAs(found, coding);
  reply.headers(headers).header("etag", etag);
  if (isNotModified(request, etag) || isUnmodifiedSince(request, headers["last-modified"]))
    return reply.code(304).removeHeader("content-type").send();
  if (coding !== undefined) reply.header("content-encoding", coding);
  return reply
    .header("content-type", headers["content-type"] ?? "application/json; charset=utf-8")
    .send(bytes);
}

/** The coding to send something in; none for what is too small to gain by it. */
export function codingOf(found: Sendable, acceptEncoding: string | string[] | undefined): Coding | undefined {
  return found.identity.bytes.length < WORTHWHILE ? undefined : codingFor(acceptEncoding);
}

/** Below this many bytes a coding saves nothing. */
const WORTHWHILE = 1_000;

const compressors: Record<Coding, (bytes: Buffer) => Promise<Buffer>> = {
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
};

/** Made at the first request for it. A coding has an entity tag of its own (RFC 9110, section 8.8.3). */
function codedAs(found: Sendable, coding: Coding): Coded | Promise<Coded> {
  const { bytes, etag } = found.identity;
  found.coded[coding] ??= compressors[coding](bytes).then((coded) => {
    const ready = { bytes: coded, etag: etag.replace(/"$/, `-${coding}"`) };
    found.coded[coding] = ready;
    return ready;
  });
  return found.coded[coding];
}

const choices = new LRUCache<string, { coding: Coding | undefined }>({ max: 500 });

/** The best coding that Accept-Encoding allows (RFC 9110, section 12.5.3); Brotli where the caller is indifferent. */
function codingFor(header: string | string[] | undefined): Coding | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  const known = choices.get(header);
  if (known !== undefined) return known.coding;
  const weights = new Map(
    header.split(",").map((part) => {
      const [name = "", ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [name, weight === undefined ? 1 : Number(weight.slice(2))] as const;
    }),
  );
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get("*") ?? 0;
  const best = (["br", "gzip"] as const).toSorted((a, b) => weightOf(b) - weightOf(a))[0];
  const coding =
    best !== undefined && weightOf(best) > 0 && weightOf(best) >= (weights.get("identity") ?? 0)
      ? best
      : undefined;
  choices.set(header, { coding });
  return coding;
}
