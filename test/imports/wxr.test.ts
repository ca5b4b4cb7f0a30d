import { describe, expect, it } from "vitest";
import { change, publish, seen } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { blocksOf, copyOf, imported, meta, post, wxr } from "./files.ts";

const newsroom = useNewsroom();

const classic = `Key points
<ul><li>The ferry is back</li><li>Fares stay</li></ul>
OSTHAVN, Norway: The <strong>ferry</strong> sails again
after two winters.

See <a href="/timetable">the timetable</a>.
[caption id="a1" width="300"]<img src="/up/ferry.jpg" alt="A ferry" /> The ferry in May[/caption]
<blockquote>We waited long.<cite>— A passenger</cite></blockquote>
https://video.example/watch?v=7
[gallery ids="3,4"]
[poll id="5"]
ALSO READ: <a href="https://harbour.example/2018/pier/">Pier follows</a>
<h5>And [sic] now</h5>
<script>alert(1)</script>`;

const rich = post(
  11,
  {
    title: "Ferry <em>sails</em> &amp; pays",
    content: classic,
    excerpt: "What changes for <b>islanders</b>",
    name: "ferry-sails",
  },
  `<category domain="category" nicename="shipping"><![CDATA[Shipping]]></category>
   <category domain="category" nicename="islands"><![CDATA[Islands]]></category>
   <category domain="post_tag" nicename="ferries"><![CDATA[Ferries]]></category>
   <category domain="post_format" nicename="post-format-aside"><![CDATA[Aside]]></category>
   ${meta("_wp_old_slug", "ferry-will-sail")}${meta("_thumbnail_id", "12")}
   <wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_content><![CDATA[Nice]]></wp:comment_content></wp:comment>`,
);
const attachment = post(
  12,
  { title: "quay", status: "inherit", type: "attachment", excerpt: "The quay at dawn" },
  `<wp:attachment_url>https://harbour.example/up/quay.jpg</wp:attachment_url>${meta("_wp_attachment_image_alt", "A quay")}`,
);
const file = wxr(
  rich,
  post(13, { title: "About us", type: "page" }),
  attachment,
  post(14, { title: "Half done", status: "draft", date: "0000-00-00 00:00:00" }),
  post(15, { title: "Locked", password: "x", name: "locked" }),
  post(16, { title: "Ahead", status: "future", date: "2099-01-01 00:00:00", name: "ahead" }),
  post(17, { title: "Thrown away", status: "trash" }),
);

describe("an export of WordPress", () => {
  it("becomes drafts with all that Dateline has a place for", async () => {
    const report = await imported(newsroom, file);
    expect(report).toMatchObject({ format: "wxr", created: 4, updated: 0, unchanged: 0, failed: 0, left: 3 });
    const article = await copyOf(newsroom, "ferry-sails");
    expect(article).toMatchObject({
      status: "draft",
      headline: "Ferry sails & pays",
      standfirst: "What changes for islanders",
      dateline: "OSTHAVN, Norway",
      language: "en-GB",
      section: "shipping",
      tags: ["ferries", "islands"],
      authors: [{ name: "Mira Stahl" }],
      publishedAt: "2019-05-04T08:30:00.000Z",
    });
    expect(article.keyPoints.map(({ text }) => text)).toEqual(["The ferry is back", "Fares stay"]);
    const image = { type: "image", credit: null };
    expect(blocksOf(article)).toEqual([
      { ...image, url: "https://harbour.example/up/quay.jpg", alt: "A quay", caption: "The quay at dawn" },
      {
        type: "paragraph",
        text: "The ferry sails again\nafter two winters.",
        marks: [{ type: "strong", start: 4, end: 9 }],
      },
      {
        type: "paragraph",
        text: "See the timetable.",
        marks: [{ type: "link", start: 4, end: 17, url: "https://harbour.example/timetable" }],
      },
      { ...image, url: "https://harbour.example/up/ferry.jpg", alt: "A ferry", caption: "The ferry in May" },
      { type: "quote", text: "We waited long.", attribution: "A passenger" },
      { type: "embed", url: "https://video.example/watch?v=7" },
      { type: "relatedLink", relatedLinkId: expect.any(String) },
      { type: "heading", level: 4, text: "And [sic] now" },
    ]);
    expect(article.relatedLinks).toMatchObject([
      { kind: "alsoRead", title: "Pier follows", url: "https://harbour.example/2018/pier/" },
    ]);
    const section = await newsroom.reader.get("/v1/sections/shipping");
    expect(section.body).toMatchObject({ name: "Shipping", description: "What comes and goes by sea" });
  });

  it("is told of, item by item, as far as it could not be carried over", async () => {
    const { remarks } = await imported(newsroom, file);
    const told = remarks.map(({ item, reason }) => `${item}: ${reason}`);
    expect(told).toEqual([
      "About us: is a page, and no post",
      "quay: is an attachment, and no post",
      "Thrown away: is in the trash there",
      "Ferry sails & pays: a gallery was left out",
      "Ferry sails & pays: the shortcode [poll] was left out",
      "Ferry sails & pays: a comment was left out",
      "Ferry sails & pays: a script was left out",
      "Locked: is protected by a password there, so it stays a draft",
      "Ahead: is to be published there at 2099-01-01 00:00:00, which is not planned here",
    ]);
    expect(remarks[0]?.line).toBe(file.slice(0, file.indexOf("About us")).split("\n").length - 1);
  });

  it("changes nothing when it is imported again, and says so", async () => {
    const before = await newsroom.editor.get("/v1/articles/ferry-sails?version=draft");
    expect(await imported(newsroom, file)).toMatchObject({ created: 0, updated: 0, unchanged: 4, failed: 0 });
    const after = await newsroom.editor.get("/v1/articles/ferry-sails?version=draft");
    expect(after.headers.etag).toBe(before.headers.etag);
  });

  it("brings what its source has published before readers when that is asked, and nothing else", async () => {
    const report = await imported(newsroom, file, "?publish=true");
    expect(report).toMatchObject({ updated: 1, unchanged: 3 });
    expect(await seen(newsroom, "ferry-sails")).toMatchObject({ publishedAt: "2019-05-04T08:30:00.000Z" });
    expect((await newsroom.reader.get("/v1/articles/locked")).status).toBe(404);
    expect((await newsroom.reader.get("/v1/articles/ahead")).status).toBe(404);
    expect(await imported(newsroom, file, "?publish=true")).toMatchObject({ updated: 0, unchanged: 4 });
  });

  it("leads readers from the slugs that its articles had before", async () => {
    const moved = await newsroom.reader.get("/v1/articles/ferry-will-sail").redirects(0);
    expect(moved.status).toBe(301);
    expect(moved.headers.location).toContain("/ferry-sails");
  });
});

describe("an item that its source has changed", () => {
  const before = post(31, { title: "Lock gates", content: "<p>Shut.</p>", name: "lock-gates" });
  const after = post(31, { title: "Lock gates", content: "<p>Open.</p>", name: "lock-gates" });

  it("changes the working copy, and readers see it once it is published", async () => {
    await imported(newsroom, wxr(before), "?publish=true");
    expect(await imported(newsroom, wxr(after))).toMatchObject({ created: 0, updated: 1 });
    expect(blocksOf(await copyOf(newsroom, "lock-gates"))).toEqual([{ type: "paragraph", text: "Open." }]);
    expect((await seen(newsroom, "lock-gates")).body).toMatchObject([{ text: "Shut." }]);
    const again = await imported(
      newsroom,
      wxr(post(31, { title: "Lock gates", content: "<p>Ajar.</p>", name: "lock-gates" })),
      "?publish=true",
    );
    expect(again).toMatchObject({ updated: 1 });
    expect((await seen(newsroom, "lock-gates")).body).toMatchObject([{ text: "Ajar." }]);
  });

  it("is merged with what was written here", async () => {
    await imported(newsroom, wxr(post(32, { title: "Weir", content: "<p>Low.</p>", name: "weir" })));
    const { id } = await copyOf(newsroom, "weir");
    await change(newsroom, id, { standfirst: "Our own words" });
    await publish(newsroom, id);
    expect(
      await imported(newsroom, wxr(post(32, { title: "Weir", content: "<p>High.</p>", name: "weir" }))),
    ).toMatchObject({ updated: 1 });
    const merged = await copyOf(newsroom, "weir");
    expect(merged.standfirst).toBe("Our own words");
    expect(blocksOf(merged)).toEqual([{ type: "paragraph", text: "High." }]);
  });

  it("is left as it is and told of where both changed the same", async () => {
    await imported(newsroom, wxr(post(33, { title: "Sluice", name: "sluice" })));
    const { id } = await copyOf(newsroom, "sluice");
    await change(newsroom, id, { headline: "Sluice gate" });
    const other = post(34, { title: "Dyke", name: "dyke" });
    const report = await imported(newsroom, wxr(post(33, { title: "Sluices", name: "sluice" }), other));
    expect(report).toMatchObject({ created: 1, updated: 0, failed: 1 });
    expect(report.failures).toMatchObject([
      { item: "Sluices", reason: expect.stringContaining("/headline") },
    ]);
    expect((await copyOf(newsroom, "sluice")).headline).toBe("Sluice gate");
  });

  it("keeps the ids of what stays the same, so that comments and key points stay where they are", async () => {
    const content = (middle: string) => `<p>One.</p><p>${middle}</p><p>Three.</p>`;
    await imported(newsroom, wxr(post(35, { title: "Ids", content: content("Two."), name: "ids" })));
    const first = await copyOf(newsroom, "ids");
    await imported(
      newsroom,
      wxr(post(35, { title: "Ids", content: `<p>Zero.</p>${content("2.")}`, name: "ids" })),
    );
    const second = await copyOf(newsroom, "ids");
    const idOf = (article: typeof first, text: string) =>
      article.body.find((block) => block.text === text)?.id;
    for (const words of ["One.", "Three."]) expect(idOf(second, words)).toBe(idOf(first, words));
  });
});

describe("slugs of an export", () => {
  it("give way to what is here, and are told of", async () => {
    await newsroom.editor.post("/v1/articles").send({ headline: "Taken", slug: "taken-here" });
    const report = await imported(newsroom, wxr(post(41, { title: "Another", name: "taken-here" })));
    expect(report.remarks).toMatchObject([
      { reason: expect.stringContaining("slug taken-here belongs to another") },
    ]);
    expect(await copyOf(newsroom, "another")).toMatchObject({ headline: "Another" });
  });

  it("become letters that Dateline has where they are none", async () => {
    await imported(
      newsroom,
      wxr(post(42, { title: "Привет", name: "%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82" })),
    );
    expect(await copyOf(newsroom, "privet")).toMatchObject({ headline: "Привет" });
  });
});

describe("an article in the trash", () => {
  it("stays there, whatever its source says", async () => {
    await imported(newsroom, wxr(post(51, { title: "Binned", name: "binned" })));
    const { id } = await copyOf(newsroom, "binned");
    await newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
    const report = await imported(
      newsroom,
      wxr(post(51, { title: "Binned again", name: "binned" })),
      "?publish=true",
    );
    expect(report).toMatchObject({ created: 0, updated: 0, unchanged: 1 });
    expect(report.remarks).toMatchObject([{ reason: expect.stringContaining("trash here") }]);
  });
});

describe("a post of the block editor", () => {
  it("is read by its elements, and blocks that WordPress fills itself are told of", async () => {
    const content = `<!-- wp:paragraph -->
<p>First
line.</p>
<!-- /wp:paragraph -->
<!-- wp:image {"id":5} -->
<figure class="wp-block-image"><img src="https://harbour.example/up/a.jpg" alt=""/><figcaption>By the pier <span class="credit">Jo Berg</span></figcaption></figure>
<!-- /wp:image -->
<!-- wp:embed {"url":"https://video.example/9"} -->
<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">
https://video.example/9
</div></figure>
<!-- /wp:embed -->
<!-- wp:list {"ordered":true} -->
<ol><li>One<ul><li>Within</li></ul></li><li><b>Two</b></li></ol>
<!-- /wp:list -->
<!-- wp:latest-posts {"postsToShow":3} /-->
<!-- wp:table --><table><tr><td>Ship</td><td>Tons</td></tr></table><!-- /wp:table -->`;
    const report = await imported(newsroom, wxr(post(61, { content, name: "blocks" })));
    expect(blocksOf(await copyOf(newsroom, "blocks"))).toEqual([
      { type: "paragraph", text: "First line." },
      {
        type: "image",
        url: "https://harbour.example/up/a.jpg",
        alt: "",
        caption: "By the pier",
        credit: "Jo Berg",
      },
      { type: "embed", url: "https://video.example/9" },
      {
        type: "list",
        ordered: true,
        items: ["One", "Within", { text: "Two", marks: [{ type: "strong", start: 0, end: 3 }] }],
      },
      { type: "paragraph", text: "Ship | Tons" },
    ]);
    expect(report.remarks.map(({ reason }) => reason)).toEqual([
      "a list within a list became a part of it",
      "the block latest-posts was left out, for WordPress fills it as it is shown",
      "a table became a paragraph for each of its rows",
    ]);
  });
});

describe("two imports of the same file at the same time", () => {
  it("make each article once", async () => {
    const posts = Array.from({ length: 30 }, (_, index) =>
      post(700 + index, { title: `Twice ${index}`, name: `twice-${index}` }),
    );
    const reports = await Promise.all([1, 2, 3].map(() => imported(newsroom, wxr(...posts))));
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(30);
    expect(reports.every(({ failed }) => failed === 0)).toBe(true);
    const found = await newsroom.database.article.count({ where: { headline: { startsWith: "Twice " } } });
    expect(found).toBe(30);
  });
});
