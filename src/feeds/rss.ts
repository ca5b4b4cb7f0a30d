import type { Feed, FeedItem, Image } from "./feed.ts";
import { type Xml, cdata, documentOf, xml } from "./xml.ts";

/**
 * RSS 2.0 (rssboard.org/rss-specification), with the modules that readers of news know: Content,
 * Dublin Core, Media RSS, and Atom's links. Authors stand in `dc:creator`, since RSS's own `author`
 * is an email address. Images have no `enclosure`, which must say how many bytes they have.
 */
export function rss(feed: Feed): string {
  const { addresses } = feed;
  return documentOf(xml`<rss version="2.0"
  xmlns:atom="http://www.w3.org/2005/Atom"
  xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:media="http://search.yahoo.com/mrss/">
<channel>
<title>${feed.title}</title>
<link>${addresses.home}</link>
<description>${feed.description}</description>
${feed.language !== undefined && xml`<language>${feed.language}</language>`}
<lastBuildDate>${inWords(feed.updatedAt)}</lastBuildDate>
<generator>Dateline</generator>
<docs>https://www.rssboard.org/rss-specification</docs>
<ttl>1</ttl>
<atom:link rel="self" type="application/rss+xml" href="${addresses.self}"/>
${addresses.hubs.map((hub) => xml`<atom:link rel="hub" href="${hub}"/>\n`)}
${addresses.next !== undefined && xml`<atom:link rel="next" type="application/rss+xml" href="${addresses.next}"/>`}
${feed.items.map((item) => itemOf(feed, item))}
</channel>
</rss>`);
}

function itemOf({ addresses: { origin } }: Feed, item: FeedItem): Xml {
  const { article } = item;
  return xml`<item>
<title>${article.headline}</title>
<link>${item.address}</link>
<guid isPermaLink="false">${item.id}</guid>
<pubDate>${inWords(article.publishedAt ?? article.updatedAt)}</pubDate>
<atom:updated>${article.updatedAt}</atom:updated>
<dc:language>${article.language}</dc:language>
${item.authors.map((name) => xml`<dc:creator>${name}</dc:creator>\n`)}
${item.categories.map(({ kind, name }) => xml`<category domain="${origin}/v1/${kind}">${name}</category>\n`)}
<description>${cdata(item.summary)}</description>
${item.content !== undefined && xml`<content:encoded>${cdata(item.content)}</content:encoded>`}
${item.images.map(mediaOf)}
</item>
`;
}

/** Media RSS 1.5.1 (rssboard.org/media-rss). */
function mediaOf({ address, type, alt, caption, credit }: Image): Xml {
  const description = caption ?? alt ?? "";
  return xml`<media:content url="${address}" medium="image"${type !== undefined && xml` type="${type}"`}>
${description !== "" && xml`<media:description type="plain">${description}</media:description>`}
${credit !== null && xml`<media:credit>${credit}</media:credit>`}
</media:content>
`;
}

/** RFC 822's date with four digits of the year, as RSS wants it. */
function inWords(time: string): string {
  return new Date(time).toUTCString();
}
