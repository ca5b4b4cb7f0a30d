import { hash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { type Problem, type ProblemMembers, problem } from "./problems.ts";

/** What counts its changes, so that writes can be guarded: a working copy, a comment, a webhook. */
export interface Revised {
  id: string;
  revision: number;
}

/**
 * A strong entity tag for exactly these bytes. A working copy's tag begins with its revision and the
 * end of its id, the part that guards writes: `"7-6f1b8a3c2d4e-q1vT…"`. What moves beside it (share
 * counts, another article's headline) changes the rest of the tag, so caches notice and editors are
 * not told of a conflict.
 */
export function entityTag(bytes: string | Buffer, row?: Revised): string {
  const digest = hash("sha1", bytes, "base64url").slice(0, 22);
  return row === undefined ? `"${digest}"` : `"${row.revision}-${endOf(row.id)}-${digest}"`;
}

/** What of an id stands in tags: its last 48 bits, which are random. */
const endOf = (id: string) => id.slice(-12);

/**
 * What a write demands of the state that it meets: `tags` are those that If-Match names;
 * "any" is `*`; "none" is `If-None-Match: *`, which asks that there be nothing yet.
 */
export type Precondition = { tags: string[] } | "any" | "none";

/**
 * Reads the precondition of a write to an article or to anything inside it.
 *
 * @throws 428 when there is none, 400 when it is no entity tag (RFC 9110, section 13.1; RFC 6585, section 3)
 */
export function requiredPrecondition(request: FastifyRequest): Precondition {
  const found = precondition(request);
  if (found === undefined) {
    throw problem(
      "precondition-required",
      "Send If-Match with the ETag that you last saw, so that nobody's change is lost, or If-Match: * to change it as it is.",
    );
  }
  return found;
}

/** Reads the precondition of a write where one may be left out. */
export function precondition(request: FastifyRequest): Precondition | undefined {
  const match = request.headers["if-match"];
  if (match === undefined) return request.headers["if-none-match"] === "*" ? "none" : undefined;
  if (match.trim() === "*") return "any";
  // Weak tags never match in the strong comparison that If-Match asks for (RFC 9110, 8.8.3.2).
  return { tags: parseTags(match, "If-Match").filter((tag) => tag.startsWith('"')) };
}

/** The revisions that a write names of a resource; those of another's tags are none of them. */
export function revisionsNamed(wanted: Precondition | undefined, id: string): number[] {
  if (typeof wanted !== "object") return [];
  return wanted.tags.flatMap((tag) => {
    const [, revision, end] = /^"(\d+)-([^-]*)-/.exec(tag) ?? [];
    return end === endOf(id) ? [Number(revision)] : [];
  });
}

/** Whether the state that a resource is in is one that a write demands. */
export function isWanted(wanted: Precondition | undefined, { id, revision }: Revised): boolean {
  if (wanted === undefined || wanted === "any") return true;
  return revisionsNamed(wanted, id).includes(revision);
}

/**
 * Holds an article's revision against what a write demands.
 *
 * @throws 412 when it does not fit
 */
export function checkRevision(wanted: Precondition | undefined, row: Revised): void {
  if (!isWanted(wanted, row)) throw staleRevision(row.revision);
}

/**
 * The problem of a write that rests on another revision than there is.
 *
 * @param members what else is known of it
 */
export function staleRevision(revision: number, members: ProblemMembers = {}): Problem {
  return problem(
    "precondition-failed",
    `The article was changed since, or the tag is not that of its working copy, which is at revision ${revision}. Fetch it with version=draft and repeat the change on top.`,
    { members: { revision, ...members } },
  );
}

/** Whether a write is to be merged with what has changed since: `Prefer: merge` (RFC 7240, section 2). */
export function prefersMerge(request: Pick<FastifyRequest, "headers">): boolean {
  return [request.headers.prefer ?? []].flat().some((header) => /(^|,)\s*merge\s*($|[,;])/i.test(header));
}

/** Says of a write that succeeded that it was merged, or would have been, if it was so asked (RFC 7240, section 3). */
export function preferenceApplied(request: FastifyRequest): Record<string, string> {
  return prefersMerge(request) && typeof precondition(request) === "object"
    ? { "preference-applied": "merge" }
    : {};
}

/**
 * Holds a whole entity tag against what a write demands; `undefined` is a resource that is not there.
 *
 * @throws 412 when it does not fit
 */
export function checkTag(wanted: Precondition | undefined, tag: string | undefined): void {
  if (wanted === undefined) return;
  const fits =
    wanted === "any"
      ? tag !== undefined
      : wanted === "none"
        ? tag === undefined
        : tag !== undefined && wanted.tags.includes(tag);
  if (!fits) {
    throw problem(
      "precondition-failed",
      "It was changed since. Fetch it again and repeat the change on top.",
    );
  }
}

/** Whether If-None-Match names this tag, by weak comparison (RFC 9110, section 13.1.2). */
export function isNotModified(request: Pick<FastifyRequest, "headers">, tag: string): boolean {
  const header = request.headers["if-none-match"];
  if (header === undefined) return false;
  if (header === tag) return true;
  if (header.trim() === "*") return true;
  return header.split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

/**
 * Whether If-Modified-Since names this moment or a later one. It is not looked at beside
 * If-None-Match, and a date that is none is as good as absent (RFC 9110, section 13.1.3).
 *
 * @param lastModified as the header Last-Modified has it
 */
export function isUnmodifiedSince(
  request: Pick<FastifyRequest, "headers">,
  lastModified: string | undefined,
): boolean {
  const since = request.headers["if-modified-since"];
  if (since === undefined || lastModified === undefined) return false;
  if (request.headers["if-none-match"] !== undefined) return false;
  return Date.parse(since) >= Date.parse(lastModified);
}

/** Entity tags, whose quotes may hold commas (RFC 9110, section 8.8.3). */
const entityTags = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

function parseTags(header: string, name: string): string[] {
  if (!/^\s*""(\s*,\s*"")*\s*$/.test(header.replaceAll(entityTags, '""'))) {
    throw problem(
      "invalid-parameter",
      `${name} must be * or entity tags in double quotes, as ETag gave them.`,
      {
        errors: [{ pointer: name, detail: "must be * or entity tags in double quotes" }],
      },
    );
  }
  return header.match(entityTags) ?? [];
}
