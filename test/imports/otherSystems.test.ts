import { describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { blocksOf, copyOf, imported, send } from "./files.ts";

const newsroom = useNewsroom();

describe("an export of Ghost", () => {
  const file = {
    db: [
      {
        meta: { exported_on: 1_770_000_000_000, version: "5.80.0" },
        data: {
          posts: [
            {
              id: "a1",
              title: "Kelp farms grow",
              slug: "kelp-farms-grow",
              html: '<p>They <em>grow</em>.</p><img src="__GHOST_URL__/content/images/kelp.jpg" alt="Kelp">',
              feature_image: "__GHOST_URL__/content/images/front.jpg",
              type: "post",
              status: "published",
              visibility: "public",
              published_at: "2025-02-03T04:05:06.000Z",
              custom_excerpt: "At sea",
            },
            { id: "a2", title: "Contact", slug: "contact", html: "", type: "page", status: "published" },
            {
              id: "a3",
              title: "For members",
              slug: "for-members",
              html: "<p>Paid.</p>",
              type: "post",
              status: "published",
              visibility: "paid",
            },
            {
              id: "a4",
              title: "In lexical",
              slug: "in-lexical",
              html: null,
              lexical: JSON.stringify({
                root: {
                  type: "root",
                  children: [
                    {
                      type: "paragraph",
                      children: [
                        { type: "extended-text", text: "Bold ", format: 1 },
                        {
                          type: "link",
                          url: "https://sea.example/",
                          children: [{ type: "extended-text", text: "link", format: 0 }],
                        },
                      ],
                    },
                    {
                      type: "extended-heading",
                      tag: "h3",
                      children: [{ type: "extended-text", text: "Next", format: 0 }],
                    },
                    {
                      type: "list",
                      listType: "number",
                      children: [
                        { type: "listitem", children: [{ type: "extended-text", text: "One", format: 0 }] },
                      ],
                    },
                    {
                      type: "image",
                      src: "https://sea.example/i.jpg",
                      alt: "I",
                      caption: "<span>Cap</span>",
                    },
                    { type: "embed", url: "https://video.example/1", html: "<iframe></iframe>" },
                    { type: "bookmark", url: "https://sea.example/b", metadata: { title: "A bookmark" } },
                    { type: "horizontalrule" },
                  ],
                },
              }),
              type: "post",
              status: "draft",
            },
          ],
          tags: [
            { id: "t1", name: "Sea", slug: "sea", description: "All at sea" },
            { id: "t2", name: "#hidden", slug: "hash-hidden", visibility: "internal" },
            { id: "t3", name: "Food", slug: "food" },
          ],
          users: [
            { id: "u1", name: "Ada Lund", slug: "ada" },
            { id: "u2", name: "Jo Berg", slug: "jo" },
          ],
          posts_tags: [
            { post_id: "a1", tag_id: "t3", sort_order: 2 },
            { post_id: "a1", tag_id: "t1", sort_order: 0 },
            { post_id: "a1", tag_id: "t2", sort_order: 1 },
          ],
          posts_authors: [
            { post_id: "a1", author_id: "u2", sort_order: 0 },
            { post_id: "a1", author_id: "u1", sort_order: 1 },
          ],
          settings: [{ key: "locale", value: "nb" }],
        },
      },
    ],
  };

  it("becomes articles, with the tags and authors that stand elsewhere in the file", async () => {
    const report = await imported(newsroom, file, "?site=https://sea.example&publish=true");
    expect(report).toMatchObject({ format: "ghost", created: 3, left: 1, failed: 0 });
    expect(report.remarks.map(({ item, reason }) => `${item}: ${reason}`)).toEqual([
      "Contact: is a page, and no post",
      "For members: is for paid alone there, so it stays a draft",
    ]);
    const article = await copyOf(newsroom, "kelp-farms-grow");
    expect(article).toMatchObject({
      status: "published",
      standfirst: "At sea",
      tags: ["sea", "food"],
      authors: [{ name: "Jo Berg", slug: "jo" }, { name: "Ada Lund" }],
      publishedAt: "2025-02-03T04:05:06.000Z",
    });
    expect(blocksOf(article)).toMatchObject([
      { type: "image", url: "https://sea.example/content/images/front.jpg" },
      { type: "paragraph", text: "They grow." },
      { type: "image", url: "https://sea.example/content/images/kelp.jpg", alt: "Kelp" },
    ]);
    expect(await copyOf(newsroom, "for-members")).toMatchObject({ status: "draft" });
  });

  it("is read from its editor's own form where it has no HTML", async () => {
    const article = await copyOf(newsroom, "in-lexical");
    expect(blocksOf(article)).toMatchObject([
      {
        type: "paragraph",
        text: "Bold link",
        marks: [
          { type: "strong", start: 0, end: 5 },
          { type: "link", start: 5, end: 9 },
        ],
      },
      { type: "heading", level: 3, text: "Next" },
      { type: "list", ordered: true, items: ["One"] },
      { type: "image", url: "https://sea.example/i.jpg", caption: "Cap" },
      { type: "embed", url: "https://video.example/1" },
      { type: "relatedLink" },
      { type: "rule" },
    ]);
    expect(article.relatedLinks).toMatchObject([{ title: "A bookmark", url: "https://sea.example/b" }]);
  });

  it("changes nothing a second time, and tells of pictures that no site is named for", async () => {
    expect(await imported(newsroom, file, "?site=https://sea.example")).toMatchObject({
      unchanged: 3,
      updated: 0,
    });
    const { remarks } = await imported(newsroom, file, "?dryRun=true");
    expect(remarks.map(({ reason }) => reason)).toContain(
      "its picture was left out, for nothing says of which site it is: name the site's address",
    );
  });

  it("is read as its Admin API answers with posts, too", async () => {
    const posts = [
      {
        id: "b1",
        title: "From the API",
        slug: "from-the-api",
        html: "<p>Yes.</p>",
        status: "published",
        tags: [{ name: "Sea", slug: "sea" }],
        authors: [{ name: "Ada Lund", slug: "ada" }],
        url: "https://sea.example/from-the-api/",
      },
    ];
    expect(await imported(newsroom, { posts })).toMatchObject({ format: "ghost", created: 1 });
    expect(await copyOf(newsroom, "from-the-api")).toMatchObject({
      tags: ["sea"],
      authors: [{ slug: "ada" }],
    });
  });
});

describe("ninjs", () => {
  const third = {
    uri: "urn:wire:3",
    type: "text",
    language: "en",
    pubStatus: "usable",
    headlines: [
      { role: "short", value: "Short" },
      { role: "main", value: "Wire of three" },
    ],
    descriptions: [
      { role: "keypoint", value: "First point" },
      { role: "summary", value: "In short" },
    ],
    bodies: [
      { role: "plain", contentType: "text/plain", value: "Plain." },
      {
        role: "main",
        contentType: "text/html",
        value: "<html><head><title>Wire of three</title></head><body><p>Marked <b>up</b>.</p></body></html>",
      },
    ],
    subjects: [{ name: "Fishing", rel: "about", uri: "http://cv.example/fishing" }],
    people: [{ name: "Ada Lund", rel: "author" }, { name: "A Minister" }],
    places: [{ name: "BERGEN, Norway", rel: "dateline" }],
    firstCreated: "2025-03-04T05:06:07Z",
    embargoedUntil: "2099-01-01T00:00:00Z",
    associations: [
      {
        name: "mainPicture",
        uri: "urn:wire:p",
        type: "picture",
        by: "Jo Berg",
        descriptions: [{ role: "caption", value: "A trawler" }],
        renditions: [
          { name: "small", href: "https://wire.example/s.jpg", width: 100 },
          { name: "large", href: "https://wire.example/l.jpg", width: 900 },
        ],
      },
      {
        name: "ALSO READ: Other",
        rel: "seeAlso",
        uri: "https://wire.example/other",
        headlines: [{ value: "Other" }],
      },
      { name: "clip", uri: "urn:wire:v", type: "video" },
    ],
  };
  const second = {
    uri: "urn:wire:2",
    type: "text",
    versioncreated: "2020-01-02T03:04:05Z",
    headlines: [{ role: "main", value: "Wire of two" }],
    bodies: [{ role: "html", contenttype: "text/html", value: "<p>Two.</p>" }],
    by: "Av Jo Berg",
  };
  const first = {
    uri: "http://wire.example/1",
    type: "text",
    versioncreated: "2015-01-02T03:04:05Z",
    headline: "Wire of one",
    byline: "Jo Berg",
    body_xhtml: "<div><p>One.</p></div>",
    subject: [{ name: "Fishing" }],
    located: "Bergen",
    associations: { main: { type: "picture", renditions: { big: { href: "https://wire.example/1.jpg" } } } },
  };

  it("is read as one item of version 3, with what it is associated with", async () => {
    const report = await imported(newsroom, third);
    expect(report).toMatchObject({
      format: "ninjs",
      created: 1,
      remarks: [{ reason: "the video clip was left out" }],
    });
    const article = await copyOf(newsroom, "wire-of-three");
    expect(article).toMatchObject({
      headline: "Wire of three",
      standfirst: "In short",
      dateline: "BERGEN, Norway",
      tags: ["fishing"],
      authors: [{ name: "Ada Lund" }],
      keyPoints: [{ text: "First point" }],
      relatedLinks: [{ kind: "alsoRead", title: "Other", url: "https://wire.example/other" }],
      publishedAt: "2025-03-04T05:06:07.000Z",
      embargoedUntil: "2099-01-01T00:00:00.000Z",
    });
    expect(blocksOf(article)).toMatchObject([
      { type: "image", url: "https://wire.example/l.jpg", caption: "A trawler", credit: "Jo Berg" },
      { type: "paragraph", text: "Marked up." },
    ]);
  });

  it("is read as an array, and as JSON Lines, of versions 1 and 2", async () => {
    expect(
      await imported(newsroom, [second, { ...first, type: "picture", uri: "urn:wire:pic" }]),
    ).toMatchObject({
      created: 1,
      left: 1,
    });
    const lines = [second, first].map((item) => `${JSON.stringify(item)}\n`).join("");
    const answer = await send(newsroom, lines, "", "application/x-ndjson");
    expect(answer.body).toMatchObject({ format: "ninjs", created: 1, unchanged: 1 });
    expect(await copyOf(newsroom, "wire-of-two")).toMatchObject({ authors: [{ name: "Jo Berg" }] });
    const article = await copyOf(newsroom, "wire-of-one");
    expect(article).toMatchObject({ dateline: "Bergen", tags: ["fishing"] });
    expect(blocksOf(article)).toMatchObject([{ url: "https://wire.example/1.jpg" }, { text: "One." }]);
  });

  it("stays a draft when it was withheld, and behind when it was canceled", async () => {
    const held = { ...second, uri: "urn:wire:4", pubstatus: "withheld", headlines: [{ value: "Held back" }] };
    const killed = { ...second, uri: "urn:wire:5", pubstatus: "canceled" };
    const report = await imported(newsroom, [held, killed], "?publish=true");
    expect(report).toMatchObject({ created: 1, left: 1 });
    expect(await copyOf(newsroom, "held-back")).toMatchObject({ status: "draft" });
  });
});

describe("Arc XP's ANS", () => {
  const story = {
    _id: "ARC1",
    type: "story",
    version: "0.10.10",
    canonical_url: "/sea/2024/05/06/salmon-run/",
    canonical_website: "coast",
    headlines: { basic: "Salmon run" },
    subheadlines: { basic: "Up the river" },
    credits: { by: [{ type: "author", name: "Ada Lund", slug: "ada-lund" }] },
    language: "en",
    first_publish_date: "2024-05-06T07:08:09Z",
    status: "published",
    taxonomy: {
      primary_section: { _id: "/sea", name: "Sea life" },
      sections: [
        { _id: "/sea", name: "Sea life" },
        { _id: "/rivers", name: "Rivers" },
      ],
      tags: [{ text: "Salmon", slug: "salmon" }],
    },
    related_content: {
      redirect: [
        { type: "redirect", canonical_url: "/sea/salmon-jump/", redirect_url: "/sea/2024/05/06/salmon-run/" },
      ],
    },
    promo_items: { basic: { type: "image", url: "https://img.example/p.jpg", caption: "Jump" } },
    content_elements: [
      { type: "text", content: "They <b>run</b>." },
      { type: "header", level: 3, content: "Why" },
      { type: "list", list_type: "unordered", items: [{ type: "text", content: "Food" }] },
      {
        type: "quote",
        content_elements: [{ type: "text", content: "Jump!" }],
        citation: { type: "text", content: "A fisher" },
      },
      { type: "interstitial_link", url: "https://coast.example/eel", content: "Eels as well" },
      { type: "raw_html", content: '<iframe src="https://video.example/4"></iframe>' },
      { type: "divider" },
      { type: "custom_embed", subtype: "poll", embed: { id: "1" } },
      {
        type: "gallery",
        content_elements: [
          { type: "image", url: "https://img.example/1.jpg", credits: { by: [{ name: "Jo Berg" }] } },
        ],
      },
    ],
    corrections: [{ type: "correction", correction_type: "clarification", text: "They run upward." }],
  };

  it("becomes articles with what their elements say", async () => {
    const report = await imported(newsroom, story, "?publish=true");
    expect(report).toMatchObject({ format: "ans", created: 1 });
    expect(report.remarks).toMatchObject([{ reason: "an element of the type custom_embed was left out" }]);
    const article = await copyOf(newsroom, "salmon-run");
    expect(article).toMatchObject({
      status: "published",
      standfirst: "Up the river",
      section: "sea-life",
      tags: ["salmon", "rivers"],
      authors: [{ slug: "ada-lund" }],
      relatedLinks: [{ kind: "alsoRead", title: "Eels as well", url: "https://coast.example/eel" }],
      publishedAt: "2024-05-06T07:08:09.000Z",
    });
    expect(blocksOf(article)).toMatchObject([
      { type: "image", url: "https://img.example/p.jpg", caption: "Jump" },
      { type: "paragraph", text: "They run." },
      { type: "heading", level: 3, text: "Why" },
      { type: "list", items: ["Food"] },
      { type: "quote", text: "Jump!", attribution: "A fisher" },
      { type: "relatedLink" },
      { type: "embed", url: "https://video.example/4" },
      { type: "rule" },
      { type: "image", url: "https://img.example/1.jpg", credit: "Jo Berg" },
      { type: "paragraph", text: "Clarification: They run upward." },
    ]);
    const moved = await newsroom.reader.get("/v1/articles/salmon-jump").redirects(0);
    expect(moved.headers.location).toContain("/salmon-run");
  });

  it("is read out of the operations that carry it, and what is no story stays behind", async () => {
    const operation = {
      type: "story_operation",
      operation: "update",
      version: "0.10.10",
      story_id: "ARC1",
      story: { ...story, headlines: { basic: "Salmon run on" } },
    };
    const image = { type: "image", version: "0.10.10", _id: "IMG", url: "https://img.example/2.jpg" };
    expect(await imported(newsroom, [operation, image])).toMatchObject({ updated: 1, left: 1 });
    expect(await copyOf(newsroom, "salmon-run")).toMatchObject({ headline: "Salmon run on" });
  });
});
