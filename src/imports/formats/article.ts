import { createHash } from "node:crypto";
import { slugify } from "../../http/slugify.ts";
import { Language, Slug, Time } from "../../http/scalars.ts";
import type { DraftBlock, Entry, Image, ImportedArticle, TermEntry } from "../entry.ts";
import { type HtmlContent, htmlContent, htmlText } from "../reading/html.ts";
import { MAX_FIELD, believable } from "../reading/refuse.ts";

/** What sources give of an article, before it is brought into shape. */
interface Given {
  /** What it is known by at its source, the same at every import. */
  key: string | null;
  line: number;
  headline: string | null;
  content: HtmlContent;
  slug?: string | null | undefined;
  formerSlugs?: readonly string[];
  standfirst?: string | null;
  dateline?: string | null;
  language?: string | null | undefined;
  section?: ImportedArticle["section"];
  tags?: ImportedArticle["tags"];
  authors?: ImportedArticle["authors"];
  pictures?: readonly Image[];
  picture?: ImportedArticle["picture"];
  keyPoints?: readonly string[];
  publishedAt?: string | null | undefined;
  embargoedUntil?: string | null | undefined;
  expiresAt?: string | null | undefined;
  isPublished: boolean;
  remarks?: readonly string[];
}

/**
 * Brings what a source gives of an article into Dateline's terms, or says that it stays behind.
 *
 * @throws 422 when a field is longer than in any file that is whole
 */
export function articleEntry(given: Given): Entry {
  const { line, content } = given;
  const headline = believable(given.headline ?? "", "a title", line);
  if (given.key === null)
    return left(line, headline || null, "has nothing that it could be known by again: no id and no address");
  if (headline === "") return left(line, given.key, "has no title");
  const remarks = [...(given.remarks ?? []), ...content.remarks];
  const standfirst = standfirstOf(given, remarks);
  const slug = slugOf(given.slug, remarks);
  const shown = new Set(content.body.flatMap((block) => (block.type === "image" ? block.url : [])));
  const pictures = (given.pictures ?? []).filter(({ url }) => !shown.has(url));
  const article: ImportedArticle = {
    headline,
    slug,
    formerSlugs: (given.formerSlugs ?? []).flatMap((former) => slugOf(former, remarks) ?? []),
    standfirst,
    dateline: given.dateline ?? content.dateline,
    language: languageOf(given.language),
    section: given.section ?? null,
    tags: given.tags ?? [],
    authors: given.authors ?? [],
    body: [...pictures.map((image): DraftBlock => ({ type: "image", ...image })), ...content.body],
    picture: given.picture ?? null,
    keyPoints: [...(given.keyPoints?.length ? given.keyPoints : content.keyPoints)],
    relatedLinks: content.relatedLinks,
    publishedAt: timeOf(given.publishedAt),
    embargoedUntil: timeOf(given.embargoedUntil),
    expiresAt: timeOf(given.expiresAt),
    isPublished: given.isPublished,
  };
  return { kind: "article", line, key: shortKey(given.key), article, remarks };
}

/** A line beside an image, if it is not too long to be one. */
export function lineOf(text: string | null | undefined): string | null {
  return text == null || text === "" || text.length > 1000 ? null : text;
}

/** What stays behind, and why. */
export function left(line: number, item: string | null, reason: string): Entry {
  return { kind: "left", line, item: item?.slice(0, 200) ?? null, reason };
}

/** What stands above the text, unless it is nothing but the text's beginning. */
function standfirstOf({ standfirst, content }: Given, remarks: string[]): string | null {
  const written = content.standfirst ?? standfirst ?? "";
  const plain = (one: string) => one.replace(/\s+/g, " ").trim();
  const words = ({ body }: HtmlContent) =>
    plain(body.map((block) => ("text" in block ? block.text : "")).join(" "));
  const text = written.length > MAX_FIELD ? written : words(htmlContent(written));
  if (text === "") return null;
  const beginning = plain(text).replace(/\s*\[?(…|\.\.\.)\]?(\s*(continue reading|read more).*)?$/i, "");
  const opening = words({ ...content, body: content.body.slice(0, 5) });
  if (opening.startsWith(beginning)) return null;
  if (text.length <= 2000) return text;
  remarks.push("the summary was left out, for it is longer than the 2000 characters of a standfirst");
  return null;
}

/** The slug that readers know it by, as Dateline can have it. */
export function slugOf(slug: string | null | undefined, remarks: string[] = []): string | null {
  const written = decoded(slug ?? "").toLowerCase();
  if (written === "") return null;
  if (Slug.safeParse(written).success) return written;
  const made = slugify(written, "");
  remarks.push(
    made === ""
      ? `the slug ${written.slice(0, 200)} was left out, for slugs are lower-case letters and digits parted by hyphens`
      : `the slug ${written.slice(0, 200)} became ${made}`,
  );
  return made === "" ? null : made;
}

function decoded(slug: string): string {
  try {
    return decodeURIComponent(slug);
  } catch {
    return slug;
  }
}

/** The last part of an address's path that is words and no id, without what stands for the kind of file. */
export function slugIn(address: string | null | undefined): string | null {
  if (address == null || !URL.canParse(address, "https://x.invalid")) return null;
  const parts = new URL(address, "https://x.invalid").pathname.split("/");
  const last = parts.findLast(
    (part) => /[a-z]{3}|%[0-9a-f]{2}/i.test(part) && !/[0-9a-f]{8}-[0-9a-f]{4}-/i.test(part),
  );
  return last?.replace(/\.[a-z]{2,5}$/i, "") ?? null;
}

function languageOf(language: string | null | undefined): string | null {
  const found = Language.safeParse(language?.replaceAll("_", "-"));
  return found.success ? found.data : null;
}

/** A moment in any of the forms that feeds and exports have; without a zone it is UTC. */
export function timeOf(text: string | null | undefined): string | null {
  const written = text?.trim() ?? "";
  if (!/\d{4}/.test(written) || written.startsWith("0000")) return null;
  const plain = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/.exec(written);
  const moment = new Date(plain === null ? written : `${plain[1]}T${plain[2]}Z`);
  if (Number.isNaN(moment.getTime())) return null;
  const found = Time.safeParse(moment.toISOString());
  return found.success ? found.data : null;
}

/** A term by its name; none when it has no name that can be kept. */
export function termOf(
  name: string | null | undefined,
  slug?: string | null,
  description?: string | null,
): TermEntry[] {
  const written = htmlText(name ?? "");
  if (written === "" || written.length > 200) return [];
  const known = Slug.safeParse(slug ?? "");
  const told = htmlText(description ?? "");
  return [
    {
      name: written,
      ...(known.success ? { slug: known.data } : {}),
      ...(told === "" || told.length > 2000 ? {} : { description: told }),
    },
  ];
}

/** An id that is known everywhere when it is an address, and by its site when it is not. */
export function keyOf(id: string | null | undefined, site: string | null | undefined): string | null {
  const written = id?.trim() ?? "";
  if (written === "") return null;
  const key = /^[a-z][a-z0-9+.-]*:\S/i.test(written) ? written : `${site ?? ""}#${written}`;
  return key;
}

/** How long what an item is known by may be as it is, in characters; PostgreSQL's indexes hold no more. */
const MAX_KEY = 500;

function shortKey(key: string): string {
  return key.length <= MAX_KEY ? key : `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
