import Tokenizer from "@streamparser/json/tokenizer.js";
import TokenType from "@streamparser/json/utils/types/tokenType.js";
import type { Entry } from "./entry.ts";
import { ans } from "./formats/ans.ts";
import { atom, rss } from "./formats/feed.ts";
import { ghost, ghostPaths } from "./formats/ghost.ts";
import { jsonFeed, jsonFeedPaths } from "./formats/jsonFeed.ts";
import { ninjs } from "./formats/ninjs.ts";
import { wxr } from "./formats/wxr.ts";
import { type Opened, decoded, encodingOf } from "./reading/bytes.ts";
import { jsonRecords } from "./reading/json.ts";
import type { FormatName } from "./report.ts";
import { xmlRecords } from "./reading/xml.ts";

/** What the beginning of a file shows. */
interface Look {
  /** The tag that an XML document opens with, with its attributes; "" where it is no XML. */
  root: string;
  /** The keys of the first JSON object, as far as they were seen, with those values that are text. */
  keys: ReadonlyMap<string, string | null>;
  /** Whether that object lies in an array. */
  isListed: boolean;
}

interface ReadOptions {
  charset?: string | undefined;
  /** The address of the site that relative addresses are of. */
  site?: string | undefined;
}

/** A kind of file that articles can be read from. */
export interface Format {
  name: Exclude<FormatName, "dateline">;
  /** As people call it. */
  title: string;
  isSeen: (look: Look) => boolean;
  read: (file: Opened, options: ReadOptions, look: Look) => AsyncGenerator<Entry>;
}

const xml = (file: Opened, { charset }: ReadOptions) =>
  xmlRecords(decoded(file.pieces, encodingOf(file.head, charset)));
/** Records that are a document each, behind each other, or lie in one array. */
const listed = (file: Opened, { isListed }: Look) => jsonRecords(file.pieces, [isListed ? "$.*" : "$"]);
const has = ({ keys }: Look, ...names: string[]) => names.some((name) => keys.has(name));

/** Every kind of file, in the order in which they are tried. A new one is a line here and a function. */
const formats: readonly Format[] = [
  {
    name: "wxr",
    title: "WordPress's WXR",
    isSeen: ({ root }) => /^rss\b/i.test(root) && /wordpress\.org\/export\//.test(root),
    read: (file, options) => wxr(xml(file, options)),
  },
  {
    name: "rss",
    title: "RSS",
    isSeen: ({ root }) => /^(rss|[\w.-]+:RDF|RDF)\b/.test(root),
    read: (file, options) => rss(xml(file, options)),
  },
  {
    name: "atom",
    title: "Atom",
    isSeen: ({ root }) => /^([\w.-]+:)?feed\b/.test(root),
    read: (file, options) => atom(xml(file, options)),
  },
  {
    name: "jsonfeed",
    title: "JSON Feed",
    isSeen: ({ keys }) => /^https?:\/\/jsonfeed\.org\/version\//.test(keys.get("version") ?? ""),
    read: (file) => jsonFeed(jsonRecords(file.pieces, jsonFeedPaths)),
  },
  {
    name: "ghost",
    title: "Ghost's export",
    isSeen: (look) =>
      !look.isListed && (has(look, "db", "posts") || (has(look, "data") && has(look, "meta"))),
    read: (file, { site }) => ghost(jsonRecords(file.pieces, ghostPaths), site ?? null),
  },
  {
    name: "ans",
    title: "Arc XP's ANS",
    isSeen: (look) =>
      /^0\.\d+(\.\d+)?$/.test(look.keys.get("version") ?? "") ||
      /^story(_operation)?$/.test(look.keys.get("type") ?? "") ||
      has(look, "content_elements"),
    read: (file, _options, look) => ans(listed(file, look)),
  },
  {
    name: "ninjs",
    title: "IPTC ninjs",
    isSeen: (look) =>
      has(look, "uri", "bodies", "headlines", "versioncreated", "versionCreated", "pubstatus", "pubStatus") ||
      has(look, "body_html", "body_xhtml", "body_text"),
    read: (file, _options, look) => ninjs(listed(file, look)),
  },
];

/** All kinds that are known, in words. */
export const known = [...formats.map(({ title }) => title), "Dateline's own export"].join(", ");

/**
 * Tells what a file is by how it begins.
 *
 * @returns `dateline` for Dateline's own export, undefined when it is none that is known
 */
export function recognise(
  file: Opened,
  options: ReadOptions,
): { name: "dateline" } | { name: Format["name"]; entries: AsyncGenerator<Entry> } | undefined {
  const text = new TextDecoder(encodingOf(file.head, options.charset)).decode(file.head).trimStart();
  const look: Look = { root: rootIn(text), ...firstObject(text) };
  if (look.keys.get("kind") === "dateline") return { name: "dateline" };
  const format = formats.find(({ isSeen }) => isSeen(look));
  return format && { name: format.name, entries: format.read(file, options, look) };
}

/** The first tag of XML, behind its declaration, comments, instructions and document type. */
function rootIn(text: string): string {
  let at = 0;
  while (text.startsWith("<", at)) {
    const end = text.startsWith("<!--", at)
      ? endOf(text, "-->", at)
      : text.startsWith("<?", at)
        ? endOf(text, "?>", at)
        : text.startsWith("<!", at)
          ? endOf(text, /^[^>]*\[/.test(text.slice(at, at + 2000)) ? "]>" : ">", at)
          : undefined;
    if (end === undefined) return text.slice(at + 1, endOf(text, ">", at) - 1);
    at = end;
    while (/\s/.test(text.charAt(at))) at += 1;
  }
  return "";
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}

function firstObject(text: string): Pick<Look, "keys" | "isListed"> {
  const keys = new Map<string, string | null>();
  const isListed = text.startsWith("[");
  if (!isListed && !text.startsWith("{")) return { keys, isListed };
  const own = isListed ? 2 : 1;
  let depth = 0;
  let isOver = false;
  let key = "";
  let isKey = false;
  const tokenizer = new Tokenizer();
  tokenizer.onError = () => {
    isOver = true;
  };
  tokenizer.onToken = ({ token, value }) => {
    if (isOver) return;
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) depth += 1;
    if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) {
      isOver ||= depth === own;
      depth -= 1;
    }
    if (depth !== own) return;
    if (token === TokenType.LEFT_BRACE || token === TokenType.COMMA) isKey = true;
    else if (typeof value === "string" && token === TokenType.STRING) {
      if (isKey) key = value;
      keys.set(key, isKey ? null : value);
      isKey = false;
    }
  };
  tokenizer.write(text);
  return { keys, isListed };
}
