import { describe, expect, it } from "vitest";
import { labelsFor } from "../../src/pages/labels.ts";
import { linkAddress } from "../../src/pages/html.ts";
import { inline } from "../../src/pages/inline.ts";
import { times } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { previewOf, sample, sampleInUrdu } from "./samples.ts";

const newsroom = useNewsroom({ DATELINE_ARTICLE_URL: "https://news.example/{slug}" });

/** The page of a new article, on one line. */
async function pageOf(content: object): Promise<string> {
  return pageAt((await previewOf(newsroom, content)).token);
}

async function pageAt(token: string): Promise<string> {
  const answer = await newsroom.reader.get(`/preview/${token}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.text.replaceAll(/\s+/g, " ").replaceAll(/ ?(<[^>]*?) ?> ?/g, "$1>");
}

/** The page of one paragraph. */
const paragraph = (text: string, marks: object[] = []) =>
  pageOf({ body: [{ id: "p", type: "paragraph", text, marks }] });

describe("the page of a preview", () => {
  it("allows itself nothing but images and our stylesheet, and is kept and found by nobody", async () => {
    const { token } = await previewOf(newsroom, {});
    const { headers } = await newsroom.reader.get(`/preview/${token}`);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'self'; img-src https: http: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex, nofollow, noarchive",
    });
    expect(headers.vary).toContain("Accept");
    const page = await pageAt(token);
    expect(page).toContain('<meta name="robots" content="noindex, nofollow, noarchive" />');
    expect(page).not.toMatch(/<script|<iframe|<form|<style| style=|\son\w+=/i);
  });

  it("says that it is a preview, of which revision and until when", async () => {
    const { token, id, expiresAt } = await previewOf(newsroom, {});
    expect(await pageAt(token)).toContain("<strong>Preview</strong>of revision 1, not for publication.");
    await newsroom.editor.patch(`/v1/articles/${id}`).set("If-Match", "*").send({ headline: "Changed" });
    const page = await pageAt(token);
    expect(page).toContain("of revision 2,");
    expect(page).toContain(`It works until<time datetime="${expiresAt}">`);
  });

  it("has headline, section, standfirst, authors, tags by their names, and the date", async () => {
    const page = await pageOf({
      headline: "Harbour reopens",
      standfirst: "On the first tide",
      section: { name: "The Isles", slug: "isles" },
      tags: [{ name: "Ferries & boats", slug: "isles" }],
      authors: [{ name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
      publishedAt: "2025-04-10T09:30:00Z",
    });
    expect(page).toContain("<title>Harbour reopens</title>");
    expect(page).toContain('<h1 id="headline">Harbour reopens</h1>');
    expect(page).toContain('<p class="section">The Isles</p>');
    expect(page).toContain('<p class="standfirst">On the first tide</p>');
    expect(page).toContain("<li>Ferries &amp; boats</li>");
    expect(page).toMatch(/Ana Lima<\/bdi>and<bdi class="author">Tomasz Wójcik/);
    expect(page).toMatch(/<time datetime="2025-04-10T09:30:00.000Z">10 April 2025 at 09:30 UTC<\/time>/);
  });

  it("leaves out what the article has not", async () => {
    const page = await pageOf({ headline: "Headline alone" });
    for (const part of ["section", "standfirst", "byline", "key-points", "tags", "corrections", "related"])
      expect(page).not.toContain(`class="${part}"`);
    expect(page).not.toMatch(/null|undefined|false|\[object/);
  });

  it("prints the dateline bold before the first paragraph, wherever that stands", async () => {
    const place = '<b class="dateline"><bdi>OBAN, Scotland</bdi>:</b>';
    const dateline = "OBAN, Scotland";
    const two = [
      { id: "h", type: "heading", text: "First" },
      { id: "p1", type: "paragraph", text: "One." },
      { id: "p2", type: "paragraph", text: "Two." },
    ];
    const page = await pageOf({ dateline, body: two });
    expect(page).toContain(`<p id="block-p1">${place}One.</p><p id="block-p2">Two.</p>`);
    expect(await pageOf({ dateline, body: [] })).toContain(`<p>${place}</p>`);
  });

  it("shows every type of block", async () => {
    const { token } = await sample(newsroom);
    const page = await pageAt(token);
    for (const part of [
      /<img src="https:\/\/images\.example\/harbour\.svg" alt="A ferry passes[^"]*" loading="lazy"/,
      /<figcaption><span class="caption">The Isle.*?<\/span><small class="credit">Photograph: Ana Lima<\/small>/,
      /<h2 id="[^"]+">What the ice cost<\/h2>/,
      /<h3 id="[^"]+">In what order/,
      /<h4 id="[^"]+">How it was/,
      /<ul id="[^"]+"><li>the slipway/,
      /<li>the fuel store, which ran dry on<strong>day 43<\/strong><\/li>/,
      /<ol id="[^"]+"><li>Fuel<\/li>/,
      /<blockquote><p>We had begun[^<]*<\/p><\/blockquote><figcaption>Iain MacAulay/,
      /class="embed"><a href="https:\/\/www\.video\.example\/watch\?v=first-crossing">/,
      /<b lang="en">Also read<\/b><a href="https:\/\/news\.example\/second-ferry[^"]*"><bdi>Second ferry/,
      /<b lang="en">Also read<\/b><bdi>How the ice was broken/,
      /<hr id="[^"]+" \/>/,
      /not a delay but a<em>siege<\/em>/,
      /<code>port_open<\/code>/,
      /<h2 id="related-source" lang="en">Sources<\/h2><ul><li><a href="https:\/\/harbour\.example\/log">/,
      /<h2 id="related-background" lang="en">Background<\/h2><ul><li><a href="\/history">/,
      /<li><a href="#block-mail">Some 4,000 parcels are/,
    ])
      expect(page).toMatch(part);
    expect(page.match(/Second ferry to sail/g)).toHaveLength(1);
  });

  it("shares the public address by links, with how often each was used", async () => {
    const { token, slug } = await sample(newsroom);
    const page = await pageAt(token);
    const address = encodeURIComponent(`https://news.example/${slug}`);
    for (const network of ["Facebook", "X", "WhatsApp", "Telegram", "LinkedIn"])
      expect(page).toMatch(
        new RegExp(`<a href="https://[^"]*${address}[^"]*" title="Share on ${network}"><svg `),
      );
    expect(page).toMatch(new RegExp(`<a href="mailto:\\?subject=[^"]*&amp;body=${address}"`));
    expect(page).toMatch(/Share on WhatsApp<\/span><span class="count">97<\/span>/);
    expect(page).not.toContain(token);
  });

  it("is written from the right where the language is, in the language's own words", async () => {
    const { token } = await sampleInUrdu(newsroom);
    const page = await pageAt(token);
    expect(page).toContain('<html lang="ur" dir="rtl">');
    expect(page).toContain("یہ بھی پڑھیں");
    expect(page).toContain('<header class="preview" lang="en" dir="ltr">');
    for (const [language, direction] of [
      ["ar-EG", "rtl"],
      ["he", "rtl"],
      ["az-Arab", "rtl"],
      ["az", "ltr"],
      ["pt-BR", "ltr"],
      ["zxx", "ltr"],
    ])
      expect(await pageOf({ language })).toContain(`<html lang="${language}" dir="${direction}">`);
  });

  it("marks words of ours that are not in the article's language", async () => {
    const page = await pageOf({ language: "ja", keyPoints: ["港が再開"] });
    expect(page).toContain('<h2 id="key-points" lang="en">Key points</h2>');
    expect(Object.values(labelsFor("ar"))).toHaveLength(Object.values(labelsFor("en")).length);
  });

  it("escapes hostile text in every field", async () => {
    const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script>&lt;b`;
    const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d99";
    const url = "https://example.com/?a='onerror=alert(3)&lt;";
    const page = await pageOf({
      headline: evil,
      standfirst: evil,
      dateline: evil,
      section: { name: evil, slug: "evil" },
      tags: [{ name: evil, slug: "evil" }],
      authors: [{ name: evil, slug: "evil" }],
      keyPoints: [evil],
      relatedLinks: [
        { id, title: evil, url },
        { kind: "source", title: evil },
      ],
      body: [
        { type: "paragraph", text: evil, marks: [{ type: "link", start: 0, end: 5, url }] },
        { type: "heading", text: evil },
        { type: "quote", text: evil, attribution: evil },
        { type: "list", items: [evil, { text: evil }] },
        { type: "image", url, alt: evil, caption: evil, credit: evil },
        { type: "embed", url },
        { type: "relatedLink", relatedLinkId: id },
      ],
    });
    expect(page).not.toMatch(/<script|<img src=x/);
    expect(page).toContain(
      "&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;alert(2)&lt;/script&gt;&amp;lt;b",
    );
    // Every attribute's value ends where ours does: no tag has one that we did not give it.
    const attributes = new Set(
      [...page.matchAll(/<[a-z][^<>]*>/g)].flatMap(([tag]) =>
        [...tag.replaceAll(/"[^"]*"/g, '""').matchAll(/ ([a-zA-Z-]+)=""/g)].map(([, name]) => name),
      ),
    );
    expect([...attributes].filter((name) => name?.startsWith("on"))).toEqual([]);
  });

  it("keeps any text of Unicode, each in its place", async () => {
    const text = "👩‍👩‍👧‍👦 \u202Eevil\u202C \u2067שלום\u2069 𝒳 \u2028 é";
    const { token } = await previewOf(newsroom, { headline: text, authors: [{ name: text }] });
    const { text: page } = await newsroom.reader.get(`/preview/${token}`);
    expect(page).toContain(`<h1 id="headline">${text}</h1>`);
    expect(page).toContain(`<bdi class="author">${text}</bdi>`);
  });

  it("keeps line breaks", async () => {
    expect(await paragraph("One\nTwo\r\nThree")).toContain("One<br />Two<br />Three");
  });

  it("shows corrections, numbered and dated", async () => {
    const { id, token } = await previewOf(newsroom, {});
    const publish = (body: object) => newsroom.editor.post(`/v1/articles/${id}/publish`).send(body);
    await publish({});
    for (const correction of ["It was <61> days.", "It was in Oban."]) {
      const answer = await publish({ correction });
      expect(answer.status, answer.text).toBe(200);
    }
    const page = await pageAt(token);
    expect(page).toMatch(
      /<li value="1"><time datetime="[^"]+Z" lang="en">[^<]+ UTC<\/time>It was &lt;61&gt; days\.<\/li>/,
    );
    expect(page).toMatch(/<li value="2"><time [^>]+>[^<]+<\/time>It was in Oban\.<\/li>/);
  });

  it("is made of thousands of blocks and tens of thousands of marks within a second of work", async () => {
    const marks = Array.from({ length: 1000 }, (_, index) => ({
      type: index % 2 === 0 ? "strong" : "emphasis",
      start: index,
      end: 3000 - index,
    }));
    const body = [...times(3000, { type: "paragraph", text: "The ferry sails." })];
    for (let index = 0; index < 60; index += 1)
      body.push({ type: "paragraph", text: "a".repeat(3000), marks } as never);
    const { token } = await previewOf(newsroom, { body });
    await pageAt(token);
    // What it costs, in microseconds, and not how long others held it up.
    const before = process.cpuUsage();
    await newsroom.reader.get(`/preview/${token}`);
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(1_000_000);
  });
});

describe("inline marks on a page", () => {
  const shown = async (text: string, marks: Parameters<typeof inline>[0]["marks"]) =>
    (await inline({ text, marks })).toString();
  const url = "https://example.com/";

  it("may overlap: links stay whole, other marks are cut", async () => {
    expect(
      await shown("abcdefgh", [
        { type: "strong", start: 1, end: 4 },
        { type: "link", start: 2, end: 6, url },
        { type: "emphasis", start: 5, end: 8 },
      ]),
    ).toBe(`a<strong>b</strong><a href="${url}"><strong>cd</strong>e<em>f</em></a><em>gh</em>`);
  });

  it("may be the same twice, and nested", async () => {
    expect(
      await shown("abc", [
        { type: "strong", start: 0, end: 3 },
        { type: "strong", start: 1, end: 2 },
        { type: "code", start: 1, end: 2 },
      ]),
    ).toBe("<strong>a<code>b</code>c</strong>");
  });

  it("puts no link into another: the later begins where the earlier ends", async () => {
    expect(
      await shown("abcd", [
        { type: "link", start: 1, end: 4, url: `${url}2` },
        { type: "link", start: 0, end: 2, url: `${url}1` },
      ]),
    ).toBe(`<a href="${url}1">ab</a><a href="${url}2">cd</a>`);
  });

  it("never cuts a character in two", async () => {
    expect(await shown("a😀b", [{ type: "strong", start: 2, end: 4 }])).toBe("a<strong>😀b</strong>");
    expect(await shown("a😀b", [{ type: "strong", start: 0, end: 2 }])).toBe("<strong>a😀</strong>b");
  });

  it("lead to http, https, mailto and relative addresses alone", () => {
    for (const address of [
      "https://a.example/",
      "http://a.example",
      "mailto:a@b.example",
      "/a",
      "a?b#c",
      "#b1",
    ])
      expect(linkAddress(address)).toBe(address);
    for (const address of [
      "javascript:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "JAVASCRIPT:alert(1)",
      "data:text/html,<script>",
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https://a.example/b",
      "https://[",
      null,
    ])
      expect(linkAddress(address)).toBeUndefined();
  });
});

describe("the stylesheet", () => {
  it("stands on this server, under its content's hash, to be kept for ever", async () => {
    const page = await pageOf({});
    const address = /<link rel="stylesheet" href="([^"]+)"/.exec(page)?.[1] ?? "";
    expect(address).toMatch(/^\/styles\/article-[0-9a-f]{16}\.css$/);
    const answer = await newsroom.reader.get(address);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "content-type": "text/css; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
    });
    expect(answer.text).not.toMatch(/url\(|@import|@font-face/);
    expect(answer.text).toMatch(/@media print/);
    expect((await newsroom.reader.get("/styles/article-0000000000000000.css")).status).toBe(404);
  });
});
