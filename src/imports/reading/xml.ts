import { type SaxesAttributeNS, SaxesParser } from "saxes";
import { MAX_DEPTH, MAX_ITEM, fileRefused } from "./refuse.ts";

/** An element with what is in it, in its order. */
export interface XmlElement {
  /** Its local name, behind the prefix that its namespace has here: `wp:post_id`. */
  name: string;
  attributes: ReadonlyMap<string, string>;
  content: (string | XmlElement)[];
}

/** A child of `channel`, `feed` or `RDF`: an item, or what is said of all items. */
export interface XmlRecord {
  /** The line that it begins in. */
  line: number;
  element: XmlElement;
}

/** Prefixes that namespaces go by here, whatever the file calls them. */
const namespaces: [RegExp, string][] = [
  [/^https?:\/\/wordpress\.org\/export\/\d+\.\d+\/$/, "wp:"],
  [/^https?:\/\/wordpress\.org\/export\/\d+\.\d+\/excerpt\/$/, "excerpt:"],
  [/^http:\/\/purl\.org\/rss\/1\.0\/modules\/content\/$/, "content:"],
  [/^http:\/\/purl\.org\/dc\/elements\/1\.1\/$/, "dc:"],
  [/^https?:\/\/search\.yahoo\.com\/mrss\/?$/, "media:"],
  [/^http:\/\/www\.w3\.org\/2005\/Atom$/, "atom:"],
  [/^http:\/\/www\.w3\.org\/1999\/02\/22-rdf-syntax-ns#$/, "rdf:"],
  [/^http:\/\/www\.w3\.org\/XML\/1998\/namespace$/, "xml:"],
  [/^http:\/\/www\.w3\.org\/1999\/xhtml$/, "html:"],
  [/^(http:\/\/purl\.org\/rss\/1\.0\/|http:\/\/my\.netscape\.com\/rdf\/simple\/0\.9\/|)$/, ""],
];

/**
 * Reads XML as it comes, one record in memory at a time. Nothing outside of the file is ever read, and
 * no entities are expanded but those five that XML has itself.
 *
 * @throws 422 when it is not well-formed, is cut off, declares a document type, or has what is too deep or too long
 */
export async function* xmlRecords(source: AsyncIterable<string>): AsyncGenerator<XmlRecord> {
  const parser = new SaxesParser({ xmlns: true });
  const prefixes = new Map<string, string>();
  const path: XmlElement[] = [];
  let found: XmlRecord[] = [];
  let line = 1;
  let recordDepth = 2;
  // What one record holds, and what was read since the parser last understood a piece of it.
  let held = 0;
  let waiting = 0;

  const at = () => `at line ${parser.line}, column ${parser.column + 1}`;
  const take = (text: string) => {
    waiting = 0;
    if (path.length < recordDepth) return;
    held += text.length;
    refuseLength(held, at);
    path.at(-1)?.content.push(text);
  };
  parser.on("error", (error) => {
    throw fileRefused(
      `is not well-formed XML ${at()}: ${error.message.replace(/^[\d:]+ */, "").replace(/\.$/, "")}`,
    );
  });
  parser.on("doctype", () => {
    throw fileRefused(
      `declares a document type ${at()}, which could define entities and names other files; take <!DOCTYPE …> out of it`,
    );
  });
  parser.on("opentag", (tag) => {
    waiting = 0;
    const element = {
      name: nameOf(prefixes, tag.uri, tag.local),
      attributes: attributesOf(prefixes, tag.attributes),
      content: [],
    };
    if (path.length === 0 && element.name === "rss") recordDepth = 3;
    if (path.length === 1 && recordDepth === 3 && element.name !== "channel")
      throw fileRefused(`has <${tag.name}> ${at()}, where RSS has <channel>`);
    path.push(element);
    if (path.length > MAX_DEPTH)
      throw fileRefused(`has elements that lie more than ${MAX_DEPTH} deep in each other ${at()}`);
    if (path.length === recordDepth) {
      held = 0;
      ({ line } = parser);
    } else if (path.length > recordDepth) {
      held += element.name.length;
      for (const value of element.attributes.values()) held += value.length;
      refuseLength(held, at);
      path.at(-2)?.content.push(element);
    }
  });
  parser.on("text", take);
  parser.on("cdata", take);
  parser.on("comment", () => (waiting = 0));
  parser.on("closetag", () => {
    waiting = 0;
    const element = path.pop();
    if (path.length === recordDepth - 1 && element !== undefined) found.push({ line, element });
  });

  for await (const piece of source) {
    waiting += piece.length;
    parser.write(piece);
    refuseLength(waiting, at);
    yield* found;
    found = [];
  }
  parser.close();
}

function refuseLength(length: number, at: () => string): void {
  if (length > MAX_ITEM)
    throw fileRefused(`has an item, or a piece of one, that is longer than ${MAX_ITEM} characters ${at()}`);
}

function nameOf(prefixes: Map<string, string>, uri: string, local: string): string {
  let prefix = prefixes.get(uri);
  if (prefix === undefined) {
    prefix = namespaces.find(([pattern]) => pattern.test(uri))?.[1] ?? `{${uri}}`;
    if (prefixes.size < 1000) prefixes.set(uri, prefix);
  }
  return prefix + local;
}

function attributesOf(
  prefixes: Map<string, string>,
  attributes: Record<string, SaxesAttributeNS>,
): Map<string, string> {
  return new Map(
    Object.values(attributes).map(({ uri, local, value }) => [nameOf(prefixes, uri, local), value]),
  );
}

/** The first child of a name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return childrenOf(element, name)[0];
}

/** The children of a name, in their order. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.content.filter((child) => typeof child !== "string" && child.name === name) as XmlElement[];
}

/** The text of an element and of all that is in it. */
export function textOf(element: XmlElement | undefined): string {
  if (element === undefined) return "";
  return element.content.map((part) => (typeof part === "string" ? part : textOf(part))).join("");
}

/** The text of the first child of a name, without white space around it; undefined where there is none. */
export function fieldOf(element: XmlElement, name: string): string | undefined {
  return textOf(childOf(element, name)).trim() || undefined;
}

/** What is in an element as HTML, for content that is written as elements and not as text. */
export function markupOf({ content }: XmlElement): string {
  return content
    .map((part) => {
      if (typeof part === "string") return escaped(part);
      const name = part.name.replace(/^.*[:}]/, "");
      const attributes = [...part.attributes].map(([key, value]) => ` ${key}="${escaped(value)}"`).join("");
      const inside = markupOf(part);
      return inside === "" && /^(img|br|hr|source|embed)$/.test(name)
        ? `<${name}${attributes}>`
        : `<${name}${attributes}>${inside}</${name}>`;
    })
    .join("");
}

/** Text as HTML says it. */
export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
