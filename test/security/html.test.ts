import { HtmlRenderer, Parser } from "commonmark";
import { XMLParser } from "fast-xml-parser";
import { beforeAll, describe, expect, it } from "vitest";
import { live, publish } from "../support/articles.ts";
import { lacksBrowser, useBrowser } from "../support/browser.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { linkTo } from "../previews/samples.ts";

/** Breaks out of attributes, texts, comments, scripts, styles, titles, CDATA and templates, where any of them lets it. */
const hostile = `"'\`><img src=x onerror=alert(1)><script>alert(2)</script><!--<svg/onload=alert(3)>--></title></style></textarea>]]>&lt;b&gt;&#60;i&#62;{{1337*1337}}\${1337*1337}<%=1337*1337%>[a](javascript:alert(4))`;
const led = `https://e.example/?q=%22&'=%3Cscript%3E(alert)&onerror=alert(5)`;

const newsroom = useNewsroom({ DATELINE_NAME: hostile.slice(0, 200) });
const paths: Record<string, string> = {};

beforeAll(async () => {
  const { id, slug } = await live(newsroom, {
    headline: hostile,
    slug: "hostile",
    standfirst: hostile,
    dateline: hostile,
    section: { name: hostile.slice(0, 80), slug: "hostile" },
    tags: [{ name: hostile.slice(0, 90), slug: "hostile" }],
    authors: [{ name: hostile.slice(0, 90) }],
    keyPoints: [hostile, { text: hostile, blockId: "a" }],
    relatedLinks: [
      { kind: "source", title: hostile, url: led },
      { kind: "alsoRead", title: hostile },
      { kind: "external", url: led },
    ],
    body: [
      { id: "a", type: "paragraph", text: hostile, marks: [{ type: "link", start: 2, end: 20, url: led }] },
      { type: "heading", level: 2, text: hostile },
      { type: "quote", text: hostile, attribution: hostile },
      { type: "list", items: [hostile, { text: hostile, marks: [{ type: "code", start: 0, end: 9 }] }] },
      { type: "image", url: led, alt: hostile, caption: hostile, credit: hostile },
      { type: "embed", url: led },
    ],
  });
  await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: hostile });
  const killed = await live(newsroom, { headline: "Withdrawn" });
  await newsroom.editor
    .post(`/v1/articles/${killed.id}/kill`)
    .send({ reason: "An injunction", publicReason: hostile.slice(0, 200) });
  const { token } = await linkTo(newsroom.editor, id);
  Object.assign(paths, {
    "the page": `/a/${slug}`,
    "the preview": `/preview/${token}`,
    "the fragment": `/v1/articles/${id}?format=html`,
    "the page of what was withdrawn": `/a/${killed.slug}`,
    "the page of what there is not": `/a/${encodeURIComponent(hostile)}`,
  });
});

const elements = new Set(
  "a article b bdi blockquote body br code div em figcaption figure footer h1 h2 h3 h4 head header hr html img li link main meta nav ol p path script section small span strong svg time title ul".split(
    " ",
  ),
);

/**
 * Holds HTML to be what our templates write: every `<` begins a tag whose name they know, whose
 * attributes are quoted and do nothing, and whose addresses lead to http, https, mailto or here.
 */
function expectHarmless(html: string): void {
  const text = html
    .replace(/^\s*<!doctype html>/i, "")
    .replaceAll(/(<script type="application\/ld\+json">)[^<]*(<\/script>)/g, "$1$2");
  const tags = text.match(/<[^]*?(?:>|$)/g) ?? [];
  for (const tag of tags) {
    expect(tag).toMatch(/^<\/?[a-z][a-z0-9]*(?:\s+[a-z:-]+(?:\s*=\s*"[^"<>]*")?)*\s*\/?>$/i);
    expect([tag, elements.has(/^<\/?(\w+)/.exec(tag)?.[1] ?? "")]).toEqual([tag, true]);
    for (const [, name = "", value = ""] of tag.matchAll(/\s([a-z:-]+)\s*=\s*"([^"]*)"/gi)) {
      expect(name).not.toMatch(/^(on|style$|srcdoc$|formaction$)/i);
      if (/^(href|src)$/i.test(name)) expect(value).toMatch(/^(https?:\/\/|mailto:|\/|#|data:,$)/);
    }
    if (tag.startsWith("<script")) expect(tag).toBe('<script type="application/ld+json">');
  }
  expect(text).not.toContain("1787569");
}

describe("hostile text in every field", () => {
  it.for([
    "the page",
    "the preview",
    "the fragment",
    "the page of what was withdrawn",
    "the page of what there is not",
  ])("stays text in %s", async (name) => {
    const answer = await newsroom.reader.get(paths[name] ?? "").set("accept", "text/html");
    expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
    expectHarmless(answer.text);
    if (["the page", "the preview", "the fragment"].includes(name))
      expect(answer.text).toContain("&lt;script&gt;alert(2)");
  });

  it("stays text in the content of each feed", async () => {
    const parser = new XMLParser({ ignoreAttributes: false, processEntities: true, htmlEntities: false });
    const { text: rss } = await newsroom.reader.get("/v1/feeds/rss.xml").buffer(true);
    const { text: atom } = await newsroom.reader.get("/v1/feeds/atom.xml").buffer(true);
    const { text: json } = await newsroom.reader.get("/v1/feeds/feed.json").buffer(true);
    const { items } = JSON.parse(json) as { items: { content_html: string; title: string }[] };
    expect(items[0]?.title).toBe(hostile);
    const contents = [
      (parser.parse(rss) as { rss: { channel: { item: Record<string, string> } } }).rss.channel.item[
        "content:encoded"
      ],
      (parser.parse(atom) as { feed: { entry: { content: Record<string, string> } } }).feed.entry.content[
        "#text"
      ],
      items[0]?.content_html,
    ];
    for (const content of contents) {
      expect(content).toContain("alert(2)");
      expectHarmless(content ?? "");
    }
  });

  it("stays text in Markdown, whoever renders it", async () => {
    const { text } = await newsroom.reader.get("/v1/articles/hostile?format=markdown").buffer(true);
    const rendered = new HtmlRenderer().render(new Parser().parse(text.replace(/^---[^]*?\n---\n/, "")));
    expect(rendered).toContain("alert(2)");
    expectHarmless(rendered.replaceAll(/<pre>|<\/pre>/g, ""));
  });

  it("is JSON where JSON is asked for, which no browser takes for a page", async () => {
    for (const form of ["json", "jsonld", "ninjs"]) {
      const { headers } = await newsroom.reader.get(`/v1/articles/hostile?format=${form}`);
      expect(headers["content-type"]).toMatch(/^application\/.*json/);
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  it("is quoted to nobody as HTML by a problem", async () => {
    const path = `/v1/articles/${encodeURIComponent(hostile)}?fields=${encodeURIComponent(hostile)}`;
    const answer = await newsroom.reader.get(path).set("accept", "text/html, */*");
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  });
});

describe("addresses that would do something", () => {
  it.for([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example",
    "https:evil.example",
    "/\\evil.example",
    "http://",
    "file:///etc/passwd",
  ])("are no links, whether they are refused or kept as text: %s", async (url) => {
    const contents = [
      { relatedLinks: [{ kind: "source", title: "x", url }] },
      { body: [{ type: "paragraph", text: "words", marks: [{ type: "link", start: 0, end: 5, url }] }] },
      { body: [{ type: "embed", url }] },
      { body: [{ type: "image", url, alt: "x" }] },
    ];
    for (const content of contents) {
      const made = await newsroom.editor.post("/v1/articles").send({ headline: "Led astray", ...content });
      if (made.status === 422) continue;
      expect(made.status, made.text).toBe(201);
      await publish(newsroom, made.body.id as string);
      const { text } = await newsroom.reader.get(`/a/${made.body.slug}`);
      expect(text).not.toMatch(/(href|src)="[^"]*(script:|data:text|file:|evil\.example)/i);
      expectHarmless(text);
    }
  });
});

describe.skipIf(lacksBrowser)("in a browser that heeds no policy", () => {
  const open = useBrowser();

  it("nothing of it runs", async () => {
    for (const name of ["the page", "the preview", "the fragment", "the page of what was withdrawn"]) {
      const context = { bypassCSP: true, extraHTTPHeaders: { accept: "text/html" } };
      await open(newsroom.url + (paths[name] ?? ""), context, async ({ page }) => {
        let dialogs = 0;
        page.on("dialog", (dialog) => {
          dialogs += 1;
          void dialog.dismiss();
        });
        await page.reload();
        expect([name, dialogs]).toEqual([name, 0]);
        expect(
          await page.locator("script:not([type='application/ld+json']), svg[onload], img[onerror]").count(),
        ).toBe(0);
      });
    }
  });
});
