import type { Entry } from "../entry.ts";
import { addressOf, htmlContent, textContent } from "../reading/html.ts";
import { type Json, type JsonRecord, objectOf, objectsOf, stringOf } from "../reading/json.ts";
import { articleEntry, keyOf, slugIn, termOf } from "./article.ts";

export const jsonFeedPaths = ["$.items.*", "$.home_page_url", "$.language"];

/** JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1). */
export async function* jsonFeed(records: AsyncIterable<JsonRecord>): AsyncGenerator<Entry> {
  const about: { site: string | null; language: string | null } = { site: null, language: null };
  let number = 0;
  for await (const { path, value } of records) {
    if (path[0] === "home_page_url") about.site = stringOf(value);
    else if (path[0] === "language") about.language = stringOf(value);
    else {
      number += 1;
      yield itemEntry(number, objectOf(value), about);
    }
  }
}

function itemEntry(line: number, item: Json, about: { site: string | null; language: string | null }): Entry {
  const link = stringOf(item.url) ?? stringOf(item.external_url);
  const base = addressOf(link) ?? addressOf(about.site);
  const html = stringOf(item.content_html);
  const image = addressOf(stringOf(item.image) ?? stringOf(item.banner_image), base);
  const authors = [...objectsOf(item.authors), ...objectsOf([item.author])];
  return articleEntry({
    line,
    key: keyOf(stringOf(item.id) ?? link, about.site),
    headline: stringOf(item.title),
    content: html === null ? textContent(stringOf(item.content_text) ?? "") : htmlContent(html, { base }),
    standfirst: stringOf(item.summary),
    slug: slugIn(link),
    language: stringOf(item.language) ?? about.language,
    tags: (Array.isArray(item.tags) ? item.tags : []).flatMap((name) => termOf(stringOf(name))),
    authors: authors.slice(0, 50).flatMap(({ name }) => termOf(stringOf(name))),
    pictures: image === null ? [] : [{ url: image, alt: null, caption: null, credit: null }],
    publishedAt: stringOf(item.date_published) ?? stringOf(item.date_modified),
    isPublished: true,
    remarks: objectsOf(item.attachments).map(
      ({ mime_type: type }) => `an attachment (${stringOf(type)?.slice(0, 50) ?? "of no type"}) was left out`,
    ),
  });
}
