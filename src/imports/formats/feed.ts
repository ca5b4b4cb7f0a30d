import type { Entry, Image } from "../entry.ts";
import { addressOf, htmlContent, htmlText, textContent } from "../reading/html.ts";
import {
  type XmlElement,
  type XmlRecord,
  childOf,
  childrenOf,
  escaped,
  fieldOf,
  markupOf,
  textOf,
} from "../reading/xml.ts";
import { articleEntry, keyOf, lineOf, slugIn, termOf } from "./article.ts";

/** What a feed says of itself, which holds for its items. */
interface About {
  site: string | null;
  language: string | null;
}

/** RSS 0.9x to 2.0 (rssboard.org/rss-specification) and 1.0, with Content, Dublin Core and Media RSS. */
export async function* rss(records: AsyncIterable<XmlRecord>): AsyncGenerator<Entry> {
  const about: About = { site: null, language: null };
  for await (const { line, element } of records) {
    if (element.name === "link") about.site ??= textOf(element).trim() || null;
    else if (element.name === "language" || element.name === "dc:language")
      about.language ??= textOf(element).trim();
    else if (element.name === "channel") about.site ??= fieldOf(element, "link") ?? null;
    else if (element.name === "item") yield rssItem(line, element, about);
  }
}

function rssItem(line: number, item: XmlElement, about: About): Entry {
  const link = fieldOf(item, "link") ?? null;
  const guid = childOf(item, "guid");
  const base = addressOf(link) ?? addressOf(about.site);
  const whole = fieldOf(item, "content:encoded");
  const description = fieldOf(item, "description") ?? "";
  const categories = childrenOf(item, "category").map((category) => ({
    name: textOf(category),
    isSection: /\/sections\/?$/.test(category.attributes.get("domain") ?? ""),
  }));
  const sections = categories.filter(({ isSection }) => isSection);
  return articleEntry({
    line,
    key:
      keyOf(textOf(guid), about.site) ??
      keyOf(link, about.site) ??
      keyOf(item.attributes.get("rdf:about"), about.site),
    headline: htmlText(fieldOf(item, "title") ?? ""),
    content: htmlContent(whole ?? description, { base }),
    standfirst: whole === undefined ? null : description,
    slug: slugIn(link),
    language: fieldOf(item, "dc:language") ?? about.language,
    section: sections.flatMap(({ name }) => termOf(name))[0] ?? null,
    tags: [
      ...categories.filter(({ isSection }) => !isSection).map(({ name }) => name),
      ...childrenOf(item, "dc:subject").map(textOf),
    ].flatMap((name) => termOf(name)),
    authors: [...childrenOf(item, "dc:creator"), ...childrenOf(item, "author")].flatMap((author) =>
      termOf(nameIn(textOf(author))),
    ),
    pictures: picturesOf(item, base),
    publishedAt: fieldOf(item, "pubDate") ?? fieldOf(item, "dc:date"),
    isPublished: true,
    remarks: mediaRemarks(item),
  });
}

/** RSS's author is an address with the name behind it: `desk@example.com (Ana Lima)`. */
function nameIn(author: string): string {
  return /^\S+@\S+\s*\((.+)\)\s*$/.exec(author.trim())?.[1] ?? author.replace(/^\s*\S+@\S+\s*$/, "");
}

function picturesOf(item: XmlElement, base: string | null): Image[] {
  const media = [item, ...childrenOf(item, "media:group")].flatMap((one) => childrenOf(one, "media:content"));
  const pictures = media.flatMap((one) => {
    const url = addressOf(one.attributes.get("url"), base);
    const isImage =
      one.attributes.get("medium") === "image" || (one.attributes.get("type") ?? "").startsWith("image/");
    if (url === null || !isImage) return [];
    const caption = htmlText(fieldOf(one, "media:description") ?? fieldOf(item, "media:description") ?? "");
    return [
      {
        url,
        alt: null,
        caption: lineOf(caption),
        credit: lineOf(fieldOf(one, "media:credit") ?? fieldOf(item, "media:credit") ?? ""),
      },
    ];
  });
  const enclosed = childrenOf(item, "enclosure").flatMap((one) => {
    const url = addressOf(one.attributes.get("url"), base);
    return url !== null && (one.attributes.get("type") ?? "").startsWith("image/")
      ? [{ url, alt: null, caption: null, credit: null }]
      : [];
  });
  return [...new Map([...pictures, ...enclosed].map((image) => [image.url, image])).values()];
}

function mediaRemarks(item: XmlElement): string[] {
  const kinds = [...childrenOf(item, "enclosure"), ...childrenOf(item, "media:content")]
    .map((one) => one.attributes.get("type") ?? one.attributes.get("medium") ?? "")
    .filter((type) => /^(audio|video)/.test(type));
  return [...new Set(kinds)].map((type) => `an enclosure (${type.slice(0, 50)}) was left out`);
}

/** Atom (RFC 4287). */
export async function* atom(records: AsyncIterable<XmlRecord>): AsyncGenerator<Entry> {
  const about: About = { site: null, language: null };
  for await (const { line: at, element } of records) {
    if (element.name === "atom:id") about.site ??= textOf(element).trim();
    else if (element.name === "atom:entry") yield atomEntry(at, element, about);
  }
}

function atomEntry(at: number, entry: XmlElement, about: About): Entry {
  const links = childrenOf(entry, "atom:link").map(({ attributes }) => ({
    rel: attributes.get("rel") ?? "alternate",
    href: attributes.get("href") ?? "",
    type: attributes.get("type") ?? "",
    title: attributes.get("title") ?? "",
  }));
  const link = links.find(({ rel }) => rel === "alternate")?.href ?? null;
  const base = addressOf(entry.attributes.get("xml:base")) ?? addressOf(link) ?? addressOf(about.site);
  const content = childOf(entry, "atom:content");
  const summary = childOf(entry, "atom:summary");
  const body = content ?? summary;
  const isText = body !== undefined && /^(text|text\/plain)?$/.test(body.attributes.get("type") ?? "text");
  const categories = childrenOf(entry, "atom:category").map(({ attributes }) => ({
    name: attributes.get("label") ?? attributes.get("term"),
    slug: attributes.get("label") === undefined ? null : attributes.get("term"),
    isSection: /\/sections\/?$/.test(attributes.get("scheme") ?? ""),
  }));
  const terms = (isSection: boolean) =>
    categories.filter((one) => one.isSection === isSection).flatMap(({ name, slug }) => termOf(name, slug));
  const remote = content?.attributes.get("src");
  return articleEntry({
    line: at,
    key: keyOf(fieldOf(entry, "atom:id"), about.site) ?? keyOf(link, about.site),
    headline: htmlText(htmlOf(childOf(entry, "atom:title"))),
    content: isText ? textContent(textOf(body)) : htmlContent(htmlOf(body), { base }),
    standfirst: content === undefined ? null : htmlText(htmlOf(summary)),
    slug: slugIn(link),
    language: entry.attributes.get("xml:lang") ?? null,
    section: terms(true)[0] ?? null,
    tags: terms(false),
    authors: childrenOf(entry, "atom:author").flatMap((author) => termOf(fieldOf(author, "atom:name"))),
    pictures: links.flatMap(({ rel, href, type, title }) => {
      const url = rel === "enclosure" && type.startsWith("image/") ? addressOf(href, base) : null;
      return url === null ? [] : [{ url, alt: null, caption: lineOf(title), credit: null }];
    }),
    publishedAt: fieldOf(entry, "atom:published") ?? fieldOf(entry, "atom:updated"),
    isPublished: true,
    remarks:
      remote === undefined ? [] : [`the text was left out, for it lies elsewhere: ${remote.slice(0, 500)}`],
  });
}

/** A text construct of Atom (RFC 4287, section 3.1) as HTML. */
function htmlOf(element: XmlElement | undefined): string {
  if (element === undefined) return "";
  switch (element.attributes.get("type") ?? "text") {
    case "xhtml":
    case "application/xhtml+xml":
      return markupOf(element);
    case "html":
    case "text/html":
      return textOf(element);
    default:
      return escaped(textOf(element));
  }
}
