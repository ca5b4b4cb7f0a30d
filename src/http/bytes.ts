import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import { entityTag, isNotModified, isUnmodifiedSince } from "./conditional.ts";

export type Coding = "br" | "gzip";

export interface Coded {
  /**
   * A few bytes are a string of one character each, latin1 as Node calls it: a Buffer has its memory beside V8's
   * heap, which costs more than reading an article does where most are thrown away soon; and Node sends a string
   * in one piece with its head.
   */
  content: string | Buffer;
  etag: string;
  /** None for those of the text itself. */
  coding?: Coding;
  /** What is ready of an answer with them, once there was one. */
  answer?: ReadyAnswer;
}

/** What is the same in all answers with the same bytes. */
export interface ReadyAnswer {
  /** The lines of their head, without and with those about the content. */
  common: string;
  whole: string;
}

/** A text as it is sent: its bytes, and those in each coding that somebody asked for. */
export interface Sendable {
  identity: Coded;
  coded: Partial<Record<Coding, Coded | Promise<Coded>>>;
  compressors: Compressors;
}

type Compressors = Record<Coding, (bytes: Buffer) => Promise<Buffer>>;

function compressors(gzipLevel: number, brotliQuality: number): Compressors {
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliQuality };
  return {
    gzip: (bytes) => promisify(gzip)(bytes, { level: gzipLevel }),
    br: (bytes) => promisify(brotliCompress)(bytes, { params }),
  };
}

/** For what is kept, and coded once. */
const thorough = compressors(6, 5);
/** For what is sent but once: of a list of 46 kB, a twentieth more bytes in a fifth (Brotli: 0.09 ms) to a half of the time. */
export const quick = compressors(1, 1);

/** How many bytes are few: with its head, Node sends a string of up to 16,384 in one piece (StreamBase's WriteString). */
const FEW = 14_000;
/** Where short texts become bytes, one after the other: UTF-8 has three at the most for each of UTF-16's units. */
const scratch = Buffer.allocUnsafeSlow(3 * FEW);

/** Makes a text into bytes, which are coded as soon as somebody asks for that. */
export function sendable(text: string, how = thorough): Sendable {
  const bytes = text.length > FEW ? Buffer.from(text) : scratch.subarray(0, scratch.write(text));
  return { identity: { content: contentOf(bytes), etag: entityTag(bytes) }, coded: {}, compressors: how };
}

function contentOf(bytes: Buffer): string | Buffer {
  if (bytes.length <= FEW) return bytes.toString("latin1");
  return bytes.buffer === scratch.buffer ? Buffer.from(bytes) : bytes;
}

/** Bytes by themselves. */
function bytesOf({ content }: Coded): Buffer {
  return typeof content === "string" ? Buffer.from(content, "latin1") : content;
}

/** The text that bytes were made of. */
export function textOf({ identity }: Sendable): string {
  return bytesOf(identity).toString();
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
  const coded = await inCoding(found, request.headers["accept-encoding"]);
  const { etag } = coded;
  reply.headers(headers).header("etag", etag);
  if (isNotModified(request, etag) || isUnmodifiedSince(request, headers["last-modified"]))
    return reply.code(304).removeHeader("content-type").send();
  if (coded.coding !== undefined) reply.header("content-encoding", coded.coding);
  return reply
    .header("content-type", headers["content-type"] ?? "application/json; charset=utf-8")
    .send(bytesOf(coded));
}

/** What to send of something; as it is where it is too small to gain by a coding. */
export function inCoding(
  found: Sendable,
  acceptEncoding: string | string[] | undefined,
): Coded | Promise<Coded> {
  const coding = found.identity.content.length < WORTHWHILE ? undefined : codingFor(acceptEncoding);
  return coding === undefined ? found.identity : codedAs(found, coding);
}

/** Below this many bytes a coding saves nothing. */
const WORTHWHILE = 1_000;

/** Made at the first request for it. A coding has an entity tag of its own (RFC 9110, section 8.8.3). */
function codedAs(found: Sendable, coding: Coding): Coded | Promise<Coded> {
  const { etag } = found.identity;
  found.coded[coding] ??= found.compressors[coding](bytesOf(found.identity)).then((bytes) => {
    const ready = { coding, content: contentOf(bytes), etag: etag.replace(/"$/, `-${coding}"`) };
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
      return [name, weight === undefined ? 1 : Number(weight.slice(2)) || 0] as const;
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
