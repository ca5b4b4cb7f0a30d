import { readFileSync } from "node:fs";
import { join } from "node:path";
import { XmlDocument, XmlElement, XsdValidator } from "libxml2-wasm";
import { xmlRegisterFsInputProviders } from "libxml2-wasm/lib/nodejs.mjs";
import { parseAtomFeed, parseRssFeed } from "feedsmith";
import RssParser from "rss-parser";
import type { Agent } from "../support/newsroom.ts";

export { parseAtomFeed, parseRssFeed };

const schemas = join(import.meta.dirname, "schemas");
// Schemas import each other from files.
xmlRegisterFsInputProviders();

/** What every form of feed is asked for under. */
export const forms = ["rss.xml", "atom.xml", "feed.json"] as const;

/**
 * Parses XML as strictly as libxml2 does; throws where it is not well-formed.
 *
 * @param url where it is, for what it imports
 */
export function wellFormed(text: string, url = ""): XmlDocument {
  return XmlDocument.fromString(text, url === "" ? {} : { url });
}

/** As Atom and RSS readers do. */
export const readerOf = () => new RssParser();

/** The text of all elements that an XPath finds. */
export function textsOf(text: string, path: string, namespaces: Record<string, string> = {}): string[] {
  using document = wellFormed(text);
  return document.find(path, namespaces).map((node) => node.content);
}

/** An attribute of all elements that an XPath finds. */
export function attributesOf(
  text: string,
  path: string,
  name: string,
  namespaces: Record<string, string> = {},
): (string | undefined)[] {
  using document = wellFormed(text);
  return document
    .find(path, namespaces)
    .map((node) => (node instanceof XmlElement ? node.attr(name)?.value : undefined));
}

export const namespaces = {
  a: "http://www.w3.org/2005/Atom",
  content: "http://purl.org/rss/1.0/modules/content/",
  dc: "http://purl.org/dc/elements/1.1/",
  media: "http://search.yahoo.com/mrss/",
  s: "http://www.sitemaps.org/schemas/sitemap/0.9",
  news: "http://www.google.com/schemas/sitemap-news/0.9",
};

/** What is answered under an address, as text whatever its media type. */
export async function textAt(agent: Agent, address: string): Promise<string> {
  const answer = await agent
    .get(address)
    .buffer(true)
    .parse((response, done) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        done(null, Buffer.concat(chunks).toString());
      });
    });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${String(answer.body)}`);
  return answer.body as string;
}

/** Holds a document against an XML Schema of these tests; throws where it does not fit. */
export function fitsSchema(text: string, name: string): void {
  using schema = wellFormed(readFileSync(join(schemas, name), "utf8"), join(schemas, name));
  using validator = XsdValidator.fromDoc(schema);
  using document = wellFormed(text);
  validator.validate(document);
}
