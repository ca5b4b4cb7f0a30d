import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw } from "node:zlib";
import type { Block } from "../articles/body.ts";
import type { KeyPoint, RelatedLink, WorkingCopy } from "../articles/workingCopy.ts";
import type { Term } from "../taxonomy/store.ts";

type KeptTerm = Pick<Term, "id" | "slug" | "name">;
type KeptLink = Omit<RelatedLink, "target"> & { articleId: string | null };

/** The moments of a working copy, which are kept as text. */
type Moment = "publishedAt" | "embargoedUntil" | "expiresAt";

/**
 * A working copy as a revision keeps it: by itself, so that it can be read when what it names has
 * changed or is gone. Related links stand as they were written.
 */
export type KeptCopy = Omit<
  WorkingCopy,
  Moment | "section" | "tags" | "authors" | "body" | "keyPoints" | "relatedLinks"
> & {
  [Name in Moment]: string | null;
} & {
  section: KeptTerm | null;
  tags: KeptTerm[];
  authors: KeptTerm[];
  body: Block[];
  keyPoints: KeyPoint[];
  relatedLinks: KeptLink[];
};

/** What a revision keeps of a working copy. */
export function keptCopy(copy: WorkingCopy): KeptCopy {
  const { publishedAt, embargoedUntil, expiresAt, section, tags, authors, relatedLinks, ...rest } = copy;
  return {
    ...rest,
    publishedAt: publishedAt?.toISOString() ?? null,
    embargoedUntil: embargoedUntil?.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
    section: section === null ? null : keptTerm(section),
    tags: tags.map(keptTerm),
    authors: authors.map(keptTerm),
    relatedLinks: relatedLinks.map(({ target, ...link }) => ({ ...link, articleId: target?.id ?? null })),
  };
}

function keptTerm({ id, slug, name }: Term): KeptTerm {
  return { id, slug, name };
}

/** The lists whose items are told apart by id, which revisions share item by item. */
export const itemLists = ["body", "keyPoints", "relatedLinks"] as const;

/** A working copy as text: a line of JSON for each field, and for each item of those lists. */
function textOf(copy: KeptCopy): string {
  const { body, keyPoints, relatedLinks, ...fields } = copy;
  const lists = { body, keyPoints, relatedLinks };
  return [
    ...Object.entries(fields).map(([name, value]) => ({ [name]: value })),
    ...itemLists.flatMap((name) => lists[name].map((item) => ({ [name]: item }))),
  ]
    .map((line) => JSON.stringify(line))
    .join("\n");
}

function copyOf(text: string): KeptCopy {
  const copy: Record<string, unknown> = {};
  const lists: Record<string, unknown[]> = Object.fromEntries(itemLists.map((name) => [name, []]));
  for (const line of text.split("\n")) {
    for (const [name, value] of Object.entries(JSON.parse(line) as object)) {
      if (name in lists) lists[name]?.push(value);
      else copy[name] = value;
    }
  }
  return { ...copy, ...lists } as KeptCopy;
}

const deflate = promisify(deflateRaw) as (data: Buffer, options: object) => Promise<Buffer>;
const inflate = promisify(inflateRaw) as (data: Uint8Array, options: object) => Promise<Buffer>;

/** Below this many bytes a thread of its own costs more than it saves. */
const SMALL = 8_192;
/** The farthest that deflate looks back, in bytes (RFC 1951, section 2). */
const WINDOW = 32_768;

/** A part of a keyframe's text to have again (its first line, and how many), or a line that it lacks. */
type Part = [number, number] | string;

/** A revision that is stored whole, which others are stored by their difference from. */
export interface Keyframe {
  number: number;
  content: Uint8Array;
}

/** Makes the content of a revision that is stored whole. */
export async function whole(copy: KeptCopy): Promise<Uint8Array<ArrayBuffer>> {
  const text = Buffer.from(textOf(copy));
  const options = { level: 9 };
  return new Uint8Array(text.length < SMALL ? deflateRawSync(text, options) : await deflate(text, options));
}

/**
 * Makes the content of a revision as its difference from a keyframe: which lines it shares, in
 * runs, and those that it has of its own, for which deflate finds the words in the keyframe. So an
 * article of any size costs what was changed.
 *
 * @returns undefined when so much has changed since the keyframe that a new one is due
 */
export async function difference(
  copy: KeptCopy,
  keyframe: Keyframe,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const base = await inflate(keyframe.content, {});
  const places = new Map(
    base
      .toString()
      .split("\n")
      .map((line, place) => [line, place]),
  );
  const parts: Part[] = [];
  for (const line of textOf(copy).split("\n")) {
    const place = places.get(line);
    const last = parts.at(-1);
    if (place === undefined) parts.push(line);
    else if (typeof last === "object" && last[0] + last[1] === place) last[1] += 1;
    else parts.push([place, 1]);
  }
  const content = await deflate(Buffer.from(JSON.stringify(parts)), {
    level: 9,
    dictionary: base.subarray(-WINDOW),
  });
  // With a keyframe of k bytes and d bytes more in each revision after it, the whole is least when a
  // new one comes after √(2k/d), at √(2kd) bytes: for d from k/200 to k/50 that is about here.
  return content.length > keyframe.content.length / 8 ? undefined : new Uint8Array(content);
}

/** Reads the content of a revision, with the keyframe that it differs from unless it is one. */
export async function readContent(content: Uint8Array, keyframe: Keyframe | undefined): Promise<KeptCopy> {
  if (keyframe === undefined) return copyOf((await inflate(content, {})).toString());
  const base = await inflate(keyframe.content, {});
  const lines = base.toString().split("\n");
  const text = await inflate(content, { dictionary: base.subarray(-WINDOW) });
  const parts = JSON.parse(text.toString()) as Part[];
  return copyOf(
    parts
      .flatMap((part) => (typeof part === "string" ? part : lines.slice(part[0], part[0] + part[1])))
      .join("\n"),
  );
}
