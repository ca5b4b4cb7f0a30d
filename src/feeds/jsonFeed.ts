import type { Feed, FeedItem, Image } from "./feed.ts";
import type { JsonFeed } from "./schema.ts";

/** JSON Feed 1.1 (jsonfeed.org/version/1.1). */
export function jsonFeed(feed: Feed): string {
  const { addresses, language, publication } = feed;
  const whole: JsonFeed = {
    version: "https://jsonfeed.org/version/1.1",
    title: feed.title,
    home_page_url: addresses.home,
    feed_url: addresses.self,
    ...(addresses.next !== undefined && { next_url: addresses.next }),
    description: feed.description,
    ...(language !== undefined && { language }),
    authors: [{ name: publication }],
    ...(addresses.hubs.length > 0 && { hubs: addresses.hubs.map((url) => ({ type: "WebSub", url })) }),
    items: feed.items.map((item) => itemOf(feed, item)),
  };
  return JSON.stringify(whole);
}

function itemOf({ addresses: { origin } }: Feed, item: FeedItem): JsonFeed["items"][number] {
  const { article, authors, categories, images, lead } = item;
  const { dateline } = article;
  const attachments = images.flatMap(attachmentOf);
  return {
    id: item.id,
    url: item.address,
    title: article.headline,
    content_html: item.content ?? item.summary,
    ...(lead !== undefined && { summary: lead }),
    ...(images[0] !== undefined && { image: images[0].address }),
    date_published: article.publishedAt ?? article.updatedAt,
    date_modified: article.updatedAt,
    ...(authors.length > 0 && { authors: authors.map((name) => ({ name })) }),
    ...(categories.length > 0 && { tags: categories.map(({ name }) => name) }),
    language: article.language,
    ...(attachments.length > 0 && { attachments }),
    _dateline: {
      about: `${origin}/docs`,
      ...(dateline !== null && { dateline }),
      key_points: article.keyPoints.map(({ text }) => text),
      corrections: article.corrections.map(({ text, publishedAt }) => ({
        text,
        date_published: publishedAt,
      })),
    },
  };
}

/** An attachment must say its type, so an image whose name does not tell it is none. */
function attachmentOf({ address, type, alt, caption }: Image) {
  const title = caption ?? alt ?? "";
  return type === undefined ? [] : [{ url: address, mime_type: type, ...(title !== "" && { title }) }];
}
