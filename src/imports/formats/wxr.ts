import type { Entry, Reference, TermEntry } from "../entry.ts";
import { addressOf, htmlContent, htmlText } from "../reading/html.ts";
import { believable, fileRefused } from "../reading/refuse.ts";
import { withoutShortcodes } from "../reading/shortcodes.ts";
import { type XmlElement, type XmlRecord, childrenOf, fieldOf, textOf } from "../reading/xml.ts";
import { articleEntry, left, lineOf, slugIn, termOf } from "./article.ts";

/** What the channel says before its items. */
interface About {
  site: string;
  language: string | null;
}

/**
 * WordPress's eXtended RSS, 1.0 to 1.2 (wp-admin/includes/export.php). Posts become articles: the first
 * category is the section, other categories and the tags are tags.
 */
export async function* wxr(records: AsyncIterable<XmlRecord>): AsyncGenerator<Entry> {
  const about: About = { site: "", language: null };
  for await (const { line, element } of records) {
    switch (element.name) {
      case "wp:wxr_version":
        if (!/^1\.\d+$/.test(textOf(element).trim()))
          throw fileRefused(
            `says at line ${line} that it is WXR ${textOf(element).trim().slice(0, 20)}; 1.0 to 1.2 are known`,
          );
        break;
      case "link":
      case "wp:base_blog_url":
        about.site = textOf(element).trim().replace(/\/+$/, "") || about.site;
        break;
      case "language":
        about.language = textOf(element).trim();
        break;
      case "wp:author":
        for (const value of termOf(
          fieldOf(element, "wp:author_display_name") ?? fieldOf(element, "wp:author_login"),
        ))
          yield { kind: "author", line, key: fieldOf(element, "wp:author_login") ?? value.name, value };
        break;
      case "item":
        yield* item(line, element, about);
        break;
      default:
        yield* category(line, element);
    }
  }
}

/** Categories and tags are known to posts by their slugs; here they are described. */
function* category(line: number, element: XmlElement): Generator<Entry> {
  const isTag = element.name === "wp:tag";
  if (!isTag && element.name !== "wp:category") return;
  const slug = fieldOf(element, isTag ? "wp:tag_slug" : "wp:category_nicename");
  const name = fieldOf(element, isTag ? "wp:tag_name" : "wp:cat_name");
  const description = fieldOf(element, isTag ? "wp:tag_description" : "wp:category_description");
  for (const value of termOf(name, slug, description)) {
    if (slug === undefined) continue;
    if (!isTag) yield { kind: "section", line, key: slug, value };
    yield { kind: "tag", line, key: isTag ? slug : `category ${slug}`, value };
  }
}

function* item(line: number, post: XmlElement, about: About): Generator<Entry> {
  const field = (name: string) => fieldOf(post, name);
  const title = believable(htmlText(field("title") ?? ""), "a title", line);
  const id = field("wp:post_id");
  const type = field("wp:post_type") ?? "post";
  const status = field("wp:status") ?? "publish";
  const meta = childrenOf(post, "wp:postmeta").map((one) => ({
    key: fieldOf(one, "wp:meta_key") ?? "",
    value: fieldOf(one, "wp:meta_value") ?? "",
  }));
  const metaOf = (name: string) => meta.filter(({ key }) => key === name).map(({ value }) => value);
  const known = title || (id === undefined ? null : `post ${id}`);
  if (type === "attachment") {
    const url = addressOf(field("wp:attachment_url") ?? field("guid"));
    const value = {
      url: url ?? "",
      alt: lineOf(metaOf("_wp_attachment_image_alt")[0]),
      caption: lineOf(htmlText(field("excerpt:encoded") ?? "")),
      credit: null,
    };
    if (
      url !== null &&
      id !== undefined &&
      /\.(jpe?g|png|gif|webp|avif|svg|tiff?|bmp|heic)$/i.test(new URL(url).pathname)
    )
      yield { kind: "image", line, key: id, value };
  }
  if (type !== "post") {
    yield left(
      line,
      known,
      `is ${type === "page" ? "a page" : type === "attachment" ? "an attachment" : `of the type ${type.slice(0, 50)}`}, and no post`,
    );
    return;
  }
  if (/^(trash|auto-draft|inherit)$/.test(status)) {
    yield left(
      line,
      known,
      status === "trash" ? "is in the trash there" : `is no post of its own (${status})`,
    );
    return;
  }
  const link = field("link");
  const { html, remarks } = withoutShortcodes(field("content:encoded") ?? "");
  const hasBlocks = html.includes("<!-- wp:");
  const published = field("wp:post_date_gmt");
  const publishedAt =
    published === undefined || published.startsWith("0000")
      ? (field("wp:post_date") ?? field("pubDate"))
      : published;
  const isLocked = field("wp:post_password") !== undefined;
  const categories = childrenOf(post, "category").map(({ attributes, content }) => ({
    domain: attributes.get("domain") ?? "category",
    nicename: attributes.get("nicename"),
    name: content.filter((part) => typeof part === "string").join(""),
  }));
  const filed = categories.filter(
    ({ domain, nicename }) => domain === "category" && nicename !== "uncategorized",
  );
  const tags = categories.filter(({ domain }) => domain === "post_tag" || domain === "tag");
  const others = categories.filter(({ domain }) => !/^(category|post_tag|tag|post_format)$/.test(domain));
  const comments = childrenOf(post, "wp:comment").length;
  const [section, ...further] = filed;
  const creator = field("dc:creator");
  yield articleEntry({
    line,
    key: id === undefined ? (field("guid") ?? null) : `${about.site}/?p=${id}`,
    headline: title,
    content: htmlContent(html, { base: addressOf(link) ?? addressOf(about.site), hasLines: !hasBlocks }),
    slug: field("wp:post_name") ?? (status === "publish" ? slugIn(link) : null),
    formerSlugs: metaOf("_wp_old_slug"),
    standfirst: field("excerpt:encoded") ?? null,
    language: about.language,
    section: section === undefined ? null : referenceTo(section.nicename, section.name),
    tags: [
      ...tags.flatMap(({ nicename, name }) => referenceTo(nicename, name) ?? []),
      ...further.flatMap(
        ({ nicename, name }) => referenceTo(nicename && `category ${nicename}`, name, nicename) ?? [],
      ),
    ],
    authors: termOf(creator).map((term) => ({ ...term, key: creator ?? "" })),
    picture: metaOf("_thumbnail_id").map((key) => ({ key }))[0] ?? null,
    publishedAt: status === "future" ? null : publishedAt,
    isPublished: status === "publish" && !isLocked,
    remarks: [
      ...new Set(remarks),
      ...(comments === 0
        ? []
        : [`${comments === 1 ? "a comment was" : `${comments} comments were`} left out`]),
      ...(status === "future"
        ? [`is to be published there at ${publishedAt}, which is not planned here`]
        : []),
      ...(status === "private" ? ["is private there, so it stays a draft"] : []),
      ...(isLocked ? ["is protected by a password there, so it stays a draft"] : []),
      ...[...new Set(others.map(({ domain }) => domain))].map(
        (domain) => `what it is filed under in ${domain.slice(0, 50)} was left out`,
      ),
    ],
  });
}

/** A term by the key that the file may describe it under, with its name for a file that does not. */
function referenceTo(key: string | undefined, name: string, slug = key): Reference<TermEntry> | null {
  const [term] = termOf(name, slug);
  return term === undefined ? null : { ...term, key: key ?? "" };
}
