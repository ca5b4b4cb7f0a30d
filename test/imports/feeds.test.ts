import { describe, expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { freshDatabase } from "../support/database.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { blocksOf, copyOf, imported, send } from "./files.ts";

const newsroom = useNewsroom();

const rss = (
  items: string,
  channel = "",
) => `<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Coast</title><link>https://coast.example/</link><description>News</description><language>de</language>${channel}
${items}</channel></rss>`;

describe("RSS", () => {
  it("becomes articles, with the summary, the pictures and the people behind them", async () => {
    const file =
      rss(`<item><title>Tide &amp;amp; time</title><link>https://coast.example/2024/tide-and-time.html</link>
      <guid isPermaLink="false">coast-1</guid><pubDate>Tue, 02 Jan 2024 10:00:00 +0100</pubDate>
      <author>desk@coast.example (Jo Berg)</author><dc:creator>Ada Lund</dc:creator><category>Sea</category>
      <description>What the tide &lt;b&gt;brought&lt;/b&gt;</description>
      <content:encoded><![CDATA[<h2>The tide</h2><p>It came.</p>]]></content:encoded>
      <media:content url="https://coast.example/a.jpg" medium="image"><media:description>The beach</media:description><media:credit>Ada Lund</media:credit></media:content>
      <enclosure url="https://coast.example/a.mp3" type="audio/mpeg" length="1"/></item>`);
    expect(await imported(newsroom, file)).toMatchObject({
      format: "rss",
      created: 1,
      remarks: [{ reason: "an enclosure (audio/mpeg) was left out" }],
    });
    const article = await copyOf(newsroom, "tide-and-time");
    expect(article).toMatchObject({
      headline: "Tide & time",
      standfirst: "What the tide brought",
      language: "de",
      tags: ["sea"],
      authors: [{ name: "Ada Lund" }, { name: "Jo Berg" }],
      publishedAt: "2024-01-02T09:00:00.000Z",
    });
    expect(blocksOf(article)).toEqual([
      {
        type: "image",
        url: "https://coast.example/a.jpg",
        alt: null,
        caption: "The beach",
        credit: "Ada Lund",
      },
      { type: "heading", level: 2, text: "The tide" },
      { type: "paragraph", text: "It came." },
    ]);
    expect(await imported(newsroom, file)).toMatchObject({ created: 0, unchanged: 1 });
  });

  it("is read in the encoding that it declares", async () => {
    const text = `<?xml version="1.0" encoding="iso-8859-1"?>${rss("<item><title>Brücke über den Fluß</title><guid>latin-1</guid></item>")}`;
    const answer = await send(newsroom, Buffer.from(text, "latin1"), "", "application/rss+xml");
    expect(answer.body, answer.text).toMatchObject({ created: 1 });
    expect(await copyOf(newsroom, "brucke-uber-den-fluss")).toMatchObject({
      headline: "Brücke über den Fluß",
    });
  });

  it("leaves out the summary that is but the beginning of the text, and items that could not be known again", async () => {
    const file =
      rss(`<item><guid>cut</guid><title>Cut</title><description>It came and went [&#8230;]</description>
        <content:encoded><![CDATA[<p>It came and went all day.</p>]]></content:encoded></item>
      <item><title>Nobody's</title><description>Text</description></item>`);
    const report = await imported(newsroom, file);
    expect(report).toMatchObject({ created: 1, left: 1 });
    expect(report.remarks).toMatchObject([
      { item: "Nobody's", reason: expect.stringContaining("no id and no address") },
    ]);
    expect((await copyOf(newsroom, "cut")).standfirst).toBeNull();
  });

  it("is read as version 1.0, which is RDF, too", async () => {
    const file = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="https://old.example/"><title>Old</title><link>https://old.example/</link></channel>
      <item rdf:about="https://old.example/one"><title>Of old</title><link>https://old.example/of-old</link><description>Words</description><dc:date>2003-04-05T06:07:08Z</dc:date></item></rdf:RDF>`;
    expect(await imported(newsroom, file)).toMatchObject({ format: "rss", created: 1 });
    expect(await copyOf(newsroom, "of-old")).toMatchObject({ publishedAt: "2003-04-05T06:07:08.000Z" });
  });
});

describe("Atom", () => {
  it("becomes articles, with content as text, as HTML and as elements", async () => {
    const entry = (id: string, content: string) =>
      `<entry><id>tag:coast.example,2024:${id}</id><title type="html">Entry &amp;lt;${id}&amp;gt;</title><updated>2024-01-02T00:00:00Z</updated>
       <link href="https://coast.example/entry-${id}"/><author><name>Ada Lund</name></author><category term="sea" label="The sea"/>${content}</entry>`;
    const file = `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Coast</title><id>tag:coast.example,2024:feed</id>
      ${entry("a", '<content type="html">&lt;p&gt;HTML &lt;i&gt;here&lt;/i&gt;&lt;/p&gt;</content>')}
      ${entry("b", '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Elements <b>here</b></p><hr/></div></content>')}
      ${entry("c", "<content>Plain &lt;text&gt;</content><summary>In short</summary>")}
      ${entry("d", '<content src="https://coast.example/d.pdf" type="application/pdf"/>')}</feed>`;
    const report = await imported(newsroom, file);
    expect(report).toMatchObject({ format: "atom", created: 4 });
    expect(report.remarks).toMatchObject([
      { reason: expect.stringContaining("https://coast.example/d.pdf") },
    ]);
    const bodies = await Promise.all(["a", "b", "c"].map((id) => copyOf(newsroom, `entry-${id}`)));
    expect(bodies[0]).toMatchObject({
      headline: "Entry <a>",
      tags: ["sea"],
      authors: [{ name: "Ada Lund" }],
    });
    expect(bodies.map(blocksOf)).toEqual([
      [{ type: "paragraph", text: "HTML here", marks: [{ type: "emphasis", start: 5, end: 9 }] }],
      [
        { type: "paragraph", text: "Elements here", marks: [{ type: "strong", start: 9, end: 13 }] },
        { type: "rule" },
      ],
      [{ type: "paragraph", text: "Plain <text>" }],
    ]);
    expect(bodies[2]?.standfirst).toBe("In short");
  });
});

describe("JSON Feed", () => {
  it("becomes articles", async () => {
    const file = {
      version: "https://jsonfeed.org/version/1.1",
      title: "Coast",
      home_page_url: "https://coast.example/",
      language: "sv",
      items: [
        {
          id: "jf-1",
          url: "https://coast.example/storm-warning",
          title: "Storm warning",
          content_html: "<p>Stay <a href='/in'>in</a>.</p>",
          summary: "It blows",
          image: "/storm.jpg",
          date_published: "2024-02-03T04:05:06+02:00",
          authors: [{ name: "Ada Lund" }],
          tags: ["Weather"],
          attachments: [{ url: "https://coast.example/a.mp3", mime_type: "audio/mpeg" }],
        },
        { id: "jf-2", title: "As text", content_text: "One.\n\nTwo." },
      ],
    };
    expect(await imported(newsroom, file)).toMatchObject({ format: "jsonfeed", created: 2, remarkCount: 1 });
    const article = await copyOf(newsroom, "storm-warning");
    expect(article).toMatchObject({
      standfirst: "It blows",
      language: "sv",
      tags: ["weather"],
      publishedAt: "2024-02-03T02:05:06.000Z",
    });
    expect(blocksOf(article)).toMatchObject([
      { type: "image", url: "https://coast.example/storm.jpg" },
      { text: "Stay in.", marks: [{ type: "link", url: "https://coast.example/in" }] },
    ]);
    expect(blocksOf(await copyOf(newsroom, "as-text"))).toMatchObject([{ text: "One." }, { text: "Two." }]);
  });
});

describe("what Dateline itself gives away", () => {
  const input = {
    headline: "Mole repaired",
    standfirst: "After the storm of March",
    dateline: "OSTHAVN, Norway",
    section: { name: "Coast" },
    tags: [{ name: "Harbours" }],
    authors: [{ name: "Mira Stahl" }],
    keyPoints: ["Ships may land", "Costs are known"],
    relatedLinks: [{ id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", kind: "alsoRead", title: "Storm of March" }],
    body: [
      { type: "paragraph", text: "It is done.", marks: [{ type: "strong", start: 0, end: 2 }] },
      { type: "relatedLink", relatedLinkId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e" },
      { type: "heading", level: 3, text: "The work" },
      { type: "quote", text: "Good.", attribution: "The mayor" },
      { type: "list", ordered: true, items: ["One", "Two"] },
      {
        type: "image",
        url: "https://coast.example/mole.jpg",
        alt: "A mole",
        caption: "The mole",
        credit: "Jo Berg",
      },
      { type: "embed", url: "https://video.example/3" },
      { type: "rule" },
    ],
  };

  it.each([
    ["rss", "/v1/feeds/rss.xml"],
    ["atom", "/v1/feeds/atom.xml"],
    ["jsonfeed", "/v1/feeds/feed.json"],
    ["ninjs", "/v1/articles/mole-repaired?format=ninjs"],
  ])("as %s comes back as it was in another newsroom, and is refused in its own", async (format, path) => {
    const existing = await newsroom.reader.get("/v1/articles/mole-repaired");
    if (existing.status === 404) await live(newsroom, { ...input, publishedAt: "2024-03-04T05:06:07Z" });
    const { text } = await newsroom.reader
      .get(path)
      .buffer(true)
      .parse((response, done) => {
        let read = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => (read += piece));
        response.on("end", () => {
          done(null, read);
        });
      })
      .then((answer) => ({ text: answer.body as string }));
    const fresh = await freshDatabase();
    const other = await startNewsroom(fresh.url);
    try {
      const report = await imported(other.found, text, "?publish=true");
      expect(report).toMatchObject({ format, created: 1, failed: 0 });
      const article = await copyOf(other.found, "mole-repaired");
      expect(article).toMatchObject({
        headline: input.headline,
        standfirst: input.standfirst,
        dateline: input.dateline,
        language: "en",
        ...(format === "jsonfeed" ? {} : { section: "coast", tags: ["harbours"] }),
        authors: [{ name: "Mira Stahl" }],
        publishedAt: format === "ninjs" ? expect.any(String) : "2024-03-04T05:06:07.000Z",
        status: "published",
      });
      expect(article.keyPoints.map((point) => point.text)).toEqual(input.keyPoints);
      expect(article.relatedLinks).toMatchObject([{ kind: "alsoRead", title: "Storm of March" }]);
      const expected = input.body.map((block) =>
        block.type === "relatedLink" ? { type: "relatedLink", relatedLinkId: expect.any(String) } : block,
      );
      expect(blocksOf(article)).toEqual(expected);
    } finally {
      await other.close();
      await fresh.drop();
    }
    const own = await send(newsroom, text, "", text.startsWith("<") ? "application/xml" : "application/json");
    expect(own.status).toBe(422);
    expect(own.body.report.failures).toMatchObject([{ reason: expect.stringContaining("of this newsroom") }]);
  });
});
