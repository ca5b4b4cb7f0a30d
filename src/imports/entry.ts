import type { Block } from "../articles/body.ts";
import type { LinkKind } from "../database/generated/client.ts";

// The shape that every source brings what it holds into.

type Without<One, Key extends PropertyKey> = One extends unknown ? Omit<One, Key> : never;

/** A block without an id; one that places a link names it by its place among the links. */
export type DraftBlock =
  Without<Exclude<Block, { type: "relatedLink" }>, "id"> | { type: "relatedLink"; link: number };

/** A link out of an article: with an address, or a title alone. */
export interface DraftLink {
  kind: LinkKind;
  title: string | null;
  url: string | null;
}

export type Image = Omit<Extract<DraftBlock, { type: "image" }>, "type">;

/** A section, tag or author. */
export interface TermEntry {
  name: string;
  slug?: string | undefined;
  description?: string | null | undefined;
}

/** What stands here, or elsewhere in the file under a key; then what stands here is for a file that has it not. */
export type Reference<Value> = Value | (Partial<Value> & { key: string });

/** What a file says of one article. */
export interface ImportedArticle {
  headline: string;
  slug: string | null;
  formerSlugs: string[];
  standfirst: string | null;
  dateline: string | null;
  language: string | null;
  section: Reference<TermEntry> | null;
  tags: Reference<TermEntry>[];
  authors: Reference<TermEntry>[];
  body: DraftBlock[];
  /** A picture that stands before the body, unless the body shows it too. */
  picture: Reference<Image> | null;
  keyPoints: string[];
  relatedLinks: DraftLink[];
  publishedAt: string | null;
  embargoedUntil: string | null;
  expiresAt: string | null;
  /** Whether readers see it where it comes from. */
  isPublished: boolean;
}

/** What others refer to by its key. */
interface Looked {
  section: TermEntry;
  tag: TermEntry;
  author: TermEntry;
  image: Image;
}
export type LookedKind = keyof Looked;

/** What is told of an item that could not be carried over, or not in whole. */
export interface Remark {
  /** The line that the item begins in; in a JSON document which item it is. */
  line: number;
  /** The item's title, or what it is known by. */
  item: string | null;
  reason: string;
}

/** A piece of a file in Dateline's terms. */
export type Entry =
  | { kind: "article"; line: number; key: string; article: ImportedArticle; remarks: string[] }
  | { [Kind in LookedKind]: { kind: Kind; line: number; key: string; value: Looked[Kind] } }[LookedKind]
  /** Of the tags or authors of an article, where those stand apart from it. */
  | { kind: "filing"; line: number; key: string; as: "tag" | "author"; term: string; position: number }
  /** Is no article, so it stays behind. */
  | ({ kind: "left" } & Remark);
