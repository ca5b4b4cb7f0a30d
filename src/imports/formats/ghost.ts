import type { Entry, TermEntry } from "../entry.ts";
import { type HtmlContent, addressOf, htmlContent, htmlText } from "../reading/html.ts";
import { type Json, type JsonRecord, objectOf, objectsOf, stringOf } from "../reading/json.ts";
import { articleEntry, left, lineOf, termOf } from "./article.ts";
import { lexicalHtml } from "./lexical.ts";

/** An export has its tables in `db`, older ones in the document itself; the Admin API answers with posts alone. */
export const ghostPaths = ["$.db.*.data.*.*", "$.data.*.*", "$.posts.*"];

/** What stands for the site's own address in an export. */
const OWN_ADDRESS = /__GHOST_URL__/g;

/**
 * Ghost's export (ghost.org/docs/migration/content), and posts as its Admin API answers with them.
 *
 * @param site the address of the site, which exports leave out
 */
export async function* ghost(records: AsyncIterable<JsonRecord>, site: string | null): AsyncGenerator<Entry> {
  let language: string | null = null;
  let posts = 0;
  for await (const { path, value, number } of records) {
    const row = objectOf(value);
    const id = stringOf(row.id) ?? "";
    switch (path.at(-1)) {
      case "settings":
        if (row.key === "locale" || row.key === "lang") language ??= stringOf(row.value);
        break;
      case "tags":
        for (const term of tagOf(row)) yield { kind: "tag", line: number, key: id, value: term };
        break;
      case "users":
        for (const term of termOf(stringOf(row.name), stringOf(row.slug)))
          yield { kind: "author", line: number, key: id, value: term };
        break;
      case "posts_tags":
        yield filing(number, row, "tag", row.tag_id);
        break;
      case "posts_authors":
        yield filing(number, row, "author", row.author_id);
        break;
      case "posts_meta":
        break;
      case "posts":
        posts += 1;
        yield post(posts, row, site, language);
        break;
      default:
    }
  }
}

/** Tags whose name begins with # are the site's own business. */
function tagOf(row: Json): TermEntry[] {
  const name = stringOf(row.name);
  if (name?.startsWith("#") === true || row.visibility === "internal") return [];
  return termOf(name, stringOf(row.slug), stringOf(row.description));
}

function filing(line: number, row: Json, as: "tag" | "author", term: unknown): Entry {
  const position = Number(row.sort_order);
  return {
    kind: "filing",
    line,
    key: keyOfPost(stringOf(row.post_id) ?? ""),
    as,
    term: stringOf(term) ?? "",
    position: Number.isFinite(position) ? position : 0,
  };
}

function keyOfPost(id: string): string {
  return `ghost:${id}`;
}

function post(line: number, row: Json, site: string | null, language: string | null): Entry {
  const title = stringOf(row.title);
  const id = stringOf(row.id);
  const status = stringOf(row.status) ?? "draft";
  if (row.type === "page" || row.page === true || row.page === 1)
    return left(line, title ?? id, "is a page, and no post");
  const remarks: string[] = [];
  const base = addressOf(stringOf(row.url)) ?? addressOf(site);
  const own = (text: string) => text.replaceAll(OWN_ADDRESS, "");
  const picture = addressOf(own(stringOf(row.feature_image) ?? ""), base);
  if (picture === null && stringOf(row.feature_image) !== null)
    remarks.push("its picture was left out, for nothing says of which site it is: name the site's address");
  const visibility = stringOf(row.visibility) ?? "public";
  if (visibility !== "public") remarks.push(`is for ${visibility} alone there, so it stays a draft`);
  if (status === "scheduled")
    remarks.push(
      `is to be published there at ${stringOf(row.published_at) ?? "some time"}, which is not planned here`,
    );
  if (stringOf(row.codeinjection_head) !== null || stringOf(row.codeinjection_foot) !== null)
    remarks.push("the code that Ghost adds to its page was left out");
  const authors = objectsOf(row.authors);
  const writer = stringOf(row.author_id);
  return articleEntry({
    line,
    key: id === null ? null : keyOfPost(id),
    headline: title,
    content: contentOf(row, own, base, remarks),
    standfirst: stringOf(row.custom_excerpt),
    slug: /^untitled(-\d+)?$/.test(stringOf(row.slug) ?? "") ? null : stringOf(row.slug),
    language: stringOf(row.locale) ?? language,
    tags: objectsOf(row.tags).flatMap(tagOf),
    authors:
      authors.length > 0
        ? authors.flatMap((one) => termOf(stringOf(one.name), stringOf(one.slug)))
        : writer === null
          ? []
          : [{ key: writer }],
    pictures:
      picture === null
        ? []
        : [
            {
              url: picture,
              alt: lineOf(stringOf(row.feature_image_alt)),
              caption: lineOf(htmlText(stringOf(row.feature_image_caption) ?? "")),
              credit: null,
            },
          ],
    publishedAt: status === "published" ? stringOf(row.published_at) : null,
    isPublished: status === "published" && visibility === "public",
    remarks,
  });
}

function contentOf(
  row: Json,
  own: (text: string) => string,
  base: string | null,
  remarks: string[],
): HtmlContent {
  const html = stringOf(row.html);
  const lexical = stringOf(row.lexical);
  if (html !== null) return htmlContent(own(html), { base });
  if (lexical !== null) {
    try {
      return htmlContent(own(lexicalHtml(lexical)), { base });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      remarks.push("its text was left out, for its lexical is no JSON");
    }
  } else if (stringOf(row.mobiledoc) !== null) {
    remarks.push(
      "its text was left out, for it is there as mobiledoc alone: export it anew from Ghost 4 or later",
    );
  }
  return htmlContent("");
}
