import type { Feed, FeedItem, Image } from "./feed.ts";
import { type Xml, documentOf, xml } from "./xml.ts";

/** Atom (RFC 4287), with the pages of RFC 5005. The publication is the author of what names none. */
export function atom(feed: Feed): string {
  const { addresses, language } = feed;
  return documentOf(xml`<feed xmlns="http://www.w3.org/2005/Atom"${language !== undefined && xml` xml:lang="${language}"`}>
<id>${addresses.first}</id>
<title>${feed.title}</title>
<subtitle>${feed.description}</subtitle>
<updated>${feed.updatedAt}</updated>
<author><name>${feed.publication}</name></author>
<generator>Dateline</generator>
<link rel="self" type="application/atom+xml" href="${addresses.self}"/>
<link rel="alternate" type="text/html" href="${addresses.home}"/>
${addresses.hubs.map((hub) => xml`<link rel="hub" href="${hub}"/>\n`)}
${addresses.next !== undefined && xml`<link rel="next" type="application/atom+xml" href="${addresses.next}"/>`}
${feed.items.map((item) => entryOf(feed, item))}
</feed>`);
}

function entryOf({ addresses: { origin } }: Feed, item: FeedItem): Xml {
  const { article } = item;
  return xml`<entry xml:lang="${article.language}">
<id>${item.id}</id>
<title>${article.headline}</title>
<link rel="alternate" href="${item.address}"/>
<published>${article.publishedAt ?? article.updatedAt}</published>
<updated>${article.updatedAt}</updated>
${item.authors.map((name) => xml`<author><name>${name}</name></author>\n`)}
${item.categories.map(
  ({ kind, slug, name }) => xml`<category term="${slug}" scheme="${origin}/v1/${kind}" label="${name}"/>\n`,
)}
${item.images.map(enclosureOf)}
<summary type="html">${item.summary}</summary>
${item.content !== undefined && xml`<content type="html">${item.content}</content>`}
</entry>
`;
}

function enclosureOf({ address, type, alt, caption }: Image): Xml {
  const title = caption ?? alt ?? "";
  return xml`<link rel="enclosure" href="${address}"${type !== undefined && xml` type="${type}"`}${
    title !== "" && xml` title="${title}"`
  }/>
`;
}
