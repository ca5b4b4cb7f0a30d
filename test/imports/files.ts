import { expect } from "vitest";
import type { TestNewsroom } from "../support/newsroom.ts";

/** A report as it is answered. */
export interface Report {
  format: string;
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
  failures: { line: number; item: string | null; reason: string }[];
  left: number;
  remarkCount: number;
  remarks: { line: number; item: string | null; reason: string }[];
}

/** An article as tests of imports look at it. */
export interface Shown {
  id: string;
  slug: string;
  status: string;
  headline: string;
  standfirst: string | null;
  dateline: string | null;
  language: string;
  section: string | null;
  tags: string[];
  authors: { name: string; slug: string }[];
  body: Record<string, unknown>[];
  keyPoints: { id: string; text: string }[];
  relatedLinks: { kind: string; title: string | null; url: string | null }[];
  publishedAt: string | null;
  embargoedUntil: string | null;
}

export function send(
  newsroom: Pick<TestNewsroom, "editor">,
  file: string | Buffer,
  query = "",
  type = "application/xml",
) {
  return newsroom.editor
    .post(`/v1/imports${query}`)
    .set("content-type", type)
    .send(file as string);
}

/** Imports a file that is as it should be. */
export async function imported(
  newsroom: Pick<TestNewsroom, "editor">,
  file: string | object,
  query = "",
): Promise<Report> {
  const isText = typeof file === "string";
  const type = isText && file.trimStart().startsWith("<") ? "application/xml" : "application/json";
  const answer = await send(newsroom, isText ? file : JSON.stringify(file), query, type);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Report;
}

/** The working copy under a slug. */
export async function copyOf({ editor }: Pick<TestNewsroom, "editor">, slug: string): Promise<Shown> {
  const answer = await editor.get(`/v1/articles/${slug}?version=draft`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Shown;
}

/** A body without ids, as it reads. */
export function blocksOf({ body }: Shown): Record<string, unknown>[] {
  return body.map((block) => Object.fromEntries(Object.entries(block).filter(([key]) => key !== "id")));
}

/** A post of WordPress; what is not said is as WordPress has it by default. */
export function post(id: number, fields: Record<string, string | undefined>, further = ""): string {
  const {
    title = `Post ${id}`,
    content = "",
    excerpt = "",
    name = "",
    status = "publish",
    type = "post",
  } = fields;
  const { date = "2019-05-04 08:30:00", creator = "mira", password = "" } = fields;
  return `<item>
    <title><![CDATA[${title}]]></title>
    <link>https://harbour.example/2019/05/${name || id}/</link>
    <pubDate>Sat, 04 May 2019 08:30:00 +0000</pubDate>
    <dc:creator><![CDATA[${creator}]]></dc:creator>
    <guid isPermaLink="false">https://harbour.example/?p=${id}</guid>
    <description></description>
    <content:encoded><![CDATA[${content}]]></content:encoded>
    <excerpt:encoded><![CDATA[${excerpt}]]></excerpt:encoded>
    <wp:post_id>${id}</wp:post_id>
    <wp:post_date><![CDATA[${date}]]></wp:post_date>
    <wp:post_date_gmt><![CDATA[${date}]]></wp:post_date_gmt>
    <wp:post_name><![CDATA[${name}]]></wp:post_name>
    <wp:status><![CDATA[${status}]]></wp:status>
    <wp:post_type><![CDATA[${type}]]></wp:post_type>
    <wp:post_password><![CDATA[${password}]]></wp:post_password>
    ${further}
  </item>`;
}

/** An export of WordPress with these items. */
export function wxr(...items: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress/6.5" -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
  <title>The Harbour Gazette</title>
  <link>https://harbour.example</link>
  <language>en-GB</language>
  <wp:wxr_version>1.2</wp:wxr_version>
  <wp:base_site_url>https://harbour.example</wp:base_site_url>
  <wp:base_blog_url>https://harbour.example</wp:base_blog_url>
  <wp:author><wp:author_id>3</wp:author_id><wp:author_login><![CDATA[mira]]></wp:author_login>
    <wp:author_display_name><![CDATA[Mira Stahl]]></wp:author_display_name></wp:author>
  <wp:category><wp:term_id>4</wp:term_id><wp:category_nicename>shipping</wp:category_nicename>
    <wp:category_parent></wp:category_parent><wp:cat_name><![CDATA[Shipping]]></wp:cat_name>
    <wp:category_description><![CDATA[What comes and goes by sea]]></wp:category_description></wp:category>
  <wp:tag><wp:term_id>9</wp:term_id><wp:tag_slug>ferries</wp:tag_slug><wp:tag_name><![CDATA[Ferries]]></wp:tag_name></wp:tag>
  ${items.join("\n")}
</channel>
</rss>
`;
}

export function meta(key: string, value: string): string {
  return `<wp:postmeta><wp:meta_key><![CDATA[${key}]]></wp:meta_key><wp:meta_value><![CDATA[${value}]]></wp:meta_value></wp:postmeta>`;
}
