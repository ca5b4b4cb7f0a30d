import { describe, expect, it } from "vitest";
import { expectRefused, makeDraft, readDraft, times, unknownId } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const create = (content: unknown) => newsroom.editor.post("/v1/articles").send(content as object);
const countArticles = () => newsroom.database.article.count();

describe("creating an article", () => {
  it("needs a headline alone", async () => {
    const answer = await create({ headline: "Harbour reopens" });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/v1/articles/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      slug: "harbour-reopens",
      status: "draft",
      hasUnpublishedChanges: false,
      headline: "Harbour reopens",
      standfirst: null,
      dateline: null,
      language: "en",
      section: null,
      tags: [],
      authors: [],
      body: [],
      keyPoints: [],
      relatedLinks: [],
      shareCounts: {},
      shareTotal: 0,
      corrections: [],
      version: 0,
      firstPublishedAt: null,
      publishedAt: null,
      scheduledFor: null,
      embargoedUntil: null,
    });
  });

  it("gives ids that are UUIDs of version 7", async () => {
    const { id } = await makeDraft(newsroom.editor);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("takes everything that belongs to it at once", async () => {
    await newsroom.editor.post("/v1/sections").send({ name: "Coast", slug: "coast" });
    await newsroom.editor.post("/v1/tags").send({ name: "Shipping", slug: "shipping" });
    const author = await newsroom.editor.post("/v1/authors").send({ name: "Mara Holm" });
    const target = await makeDraft(newsroom.editor, { headline: "Pilots return to work" });
    const linkId = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d01";
    const { article } = await makeDraft(newsroom.editor, {
      headline: "Ferries sail again",
      slug: "ferries-sail",
      standfirst: "First crossing since the storm",
      dateline: "BERGEN, Norway",
      language: "nb-no",
      section: "coast",
      tags: ["shipping", { name: "Winter storms" }],
      authors: [{ id: author.body.id }, { name: "Jon Dahl" }],
      body: [
        { id: "lead", type: "paragraph", text: "The first ferry left at dawn." },
        { type: "relatedLink", relatedLinkId: linkId },
      ],
      keyPoints: ["Ferries are running", { text: "Waits are short", blockId: "lead" }],
      relatedLinks: [
        { id: linkId, kind: "alsoRead", articleId: target.id },
        { kind: "source", title: "Timetable", url: "https://example.com/timetable" },
        { title: "Storm closes the fjord" },
      ],
    });
    expect(article).toMatchObject({
      slug: "ferries-sail",
      standfirst: "First crossing since the storm",
      dateline: "BERGEN, Norway",
      language: "nb-NO",
      section: "coast",
      tags: ["shipping", "winter-storms"],
      authors: [
        { id: author.body.id, name: "Mara Holm", slug: "mara-holm" },
        { name: "Jon Dahl", slug: "jon-dahl" },
      ],
      body: [
        { id: "lead", type: "paragraph" },
        { id: "b1", type: "relatedLink", relatedLinkId: linkId },
      ],
      keyPoints: [
        { text: "Ferries are running", position: 0, blockId: null },
        { text: "Waits are short", position: 1, blockId: "lead" },
      ],
      relatedLinks: [
        { id: linkId, kind: "alsoRead", title: "Pilots return to work", articleId: target.id, position: 0 },
        {
          kind: "source",
          title: "Timetable",
          url: "https://example.com/timetable",
          articleId: null,
          position: 1,
        },
        { kind: "alsoRead", title: "Storm closes the fjord", url: null, articleId: null, position: 2 },
      ],
    });
  });

  it("answers the working copy just as it is read afterwards, with the same tag", async () => {
    const made = await makeDraft(newsroom.editor, {
      tags: [{ name: "Ports" }, { name: "Islands" }],
      body: [
        { type: "heading", level: 3, text: "At the quay", marks: [{ type: "strong", start: 0, end: 2 }] },
        {
          type: "list",
          ordered: true,
          items: [
            "One",
            { text: "Two", marks: [{ type: "link", start: 0, end: 3, url: "https://example.com/" }] },
          ],
        },
        {
          type: "image",
          url: "https://example.com/quay.jpg",
          credit: "Ana Lima",
          caption: "The quay",
          alt: "A quay",
        },
      ],
      keyPoints: ["One", "Two"],
      relatedLinks: [{ title: "A bare title" }],
    });
    const read = await readDraft(newsroom.editor, made);
    expect(read.article).toEqual(made.article);
    expect(read.etag).toBe(made.etag);
  });

  it("is refused without a key", async () => {
    expectRefused(await newsroom.reader.post("/v1/articles").send({ headline: "Harbour reopens" }), 401);
  });

  it("is refused to a key that may only read drafts", async () => {
    const reader = await newsroom.withScopes(["drafts:read"]);
    expectRefused(await reader.post("/v1/articles").send({ headline: "Harbour reopens" }), 403);
  });

  it.each<[string, unknown, string[]]>([
    ["no headline", {}, ["#/headline"]],
    ["a null headline", { headline: null }, ["#/headline"]],
    ["a blank headline", { headline: " \u00a0\n" }, ["#/headline"]],
    ["a headline that is a number", { headline: 7 }, ["#/headline"]],
    ["a list", [], ["#"]],
    ["a string", '"Harbour"', ["#"]],
    ["an unknown property", { headline: "A", heading: "B" }, ["#/heading"]],
    [
      "a property only the server sets",
      { headline: "A", status: "published", id: unknownId, version: 3 },
      ["#/status", "#/id", "#/version"],
    ],
    [
      "an unknown property of a key point",
      { headline: "A", keyPoints: ["x", { text: "y", txt: "z" }] },
      ["#/keyPoints/1/txt"],
    ],
    ["a blank key point", { headline: "A", keyPoints: [{ text: "" }] }, ["#/keyPoints/0/text"]],
    ["a blank key point that is a string", { headline: "A", keyPoints: ["x", " "] }, ["#/keyPoints/1"]],
    ["a key point without text", { headline: "A", keyPoints: ["x", {}] }, ["#/keyPoints/1/text"]],
    ["a key point that is a number", { headline: "A", keyPoints: [5] }, ["#/keyPoints/0"]],
    [
      "a key point of an unknown block",
      { headline: "A", keyPoints: [{ text: "y", blockId: "b7" }] },
      ["#/keyPoints/0/blockId"],
    ],
    [
      "two key points of one id",
      {
        headline: "A",
        keyPoints: [
          { id: unknownId, text: "x" },
          { id: unknownId, text: "y" },
        ],
      },
      ["#/keyPoints/1/id"],
    ],
    ["an empty related link", { headline: "A", relatedLinks: [{ kind: "source" }] }, ["#/relatedLinks/0"]],
    [
      "an unknown kind of link",
      { headline: "A", relatedLinks: [{ title: "x", kind: "seeAlso" }] },
      ["#/relatedLinks/0/kind"],
    ],
    [
      "a link to no article",
      { headline: "A", relatedLinks: [{ articleId: unknownId }] },
      ["#/relatedLinks/0/articleId"],
    ],
    [
      "a link with a script for an address",
      { headline: "A", relatedLinks: [{ url: "javascript:alert(1)" }] },
      ["#/relatedLinks/0/url"],
    ],
    ["a section that does not exist", { headline: "A", section: "nowhere" }, ["#/section"]],
    ["a tag that does not exist", { headline: "A", tags: [{ name: "Fine" }, "nowhere"] }, ["#/tags/1"]],
    ["an author that does not exist", { headline: "A", authors: [{ id: unknownId }] }, ["#/authors/0"]],
    ["an author without a name", { headline: "A", authors: [{}] }, ["#/authors/0"]],
    ["no language", { headline: "A", language: "english please" }, ["#/language"]],
    [
      "a publication in the future",
      { headline: "A", publishedAt: "2999-01-01T00:00:00Z" },
      ["#/publishedAt"],
    ],
    [
      "a publication before our era",
      { headline: "A", publishedAt: "0000-01-01T00:00:00Z" },
      ["#/publishedAt"],
    ],
    ["a day that does not exist", { headline: "A", publishedAt: "2025-02-30T00:00:00Z" }, ["#/publishedAt"]],
    ["a key with a slash and a tilde", { headline: "A", "a/b~c": 1 }, ["#/a~1b~0c"]],
    [
      "faults in several places",
      { headline: "", slug: "Not A Slug", tags: "coast" },
      ["#/headline", "#/slug", "#/tags"],
    ],
  ])("refuses %s and points to it", async (_, content, pointers) => {
    const before = await countArticles();
    const answer = await newsroom.editor
      .post("/v1/articles")
      .type("json")
      .send(content as object);
    expectRefused(answer, 422, ...pointers);
    expect(await countArticles()).toBe(before);
  });

  it("tells of faults in all the parts that name what does not exist, and makes nothing", async () => {
    const answer = await create({
      headline: "Half a write",
      slug: "half-a-write",
      tags: [{ name: "Never made" }],
      section: "nowhere",
      body: [{ type: "relatedLink", relatedLinkId: unknownId }],
      keyPoints: [{ text: "x", blockId: "nowhere" }],
    });
    expectRefused(answer, 422, "#/section", "#/body/0/relatedLinkId", "#/keyPoints/0/blockId");
    expect((await newsroom.reader.get("/v1/tags/never-made")).status).toBe(404);
    expect((await create({ headline: "Half a write", slug: "half-a-write" })).status).toBe(201);
  });

  it.each([
    ["malformed", '{"headline":'],
    ["cut short", '{"headline":"A"'],
    ["followed by something", '{"headline":"A"} x'],
  ])("answers 400 when the JSON is %s", async (_, text) => {
    expectRefused(await newsroom.editor.post("/v1/articles").type("json").send(text), 400);
  });

  it("is no way to pollute a prototype", async () => {
    const answer = await newsroom.editor
      .post("/v1/articles")
      .type("json")
      .send('{"headline":"A","__proto__":{"slug":"polluted"}}');
    expect([400, 422]).toContain(answer.status);
  });

  it("carries over when an article was first published elsewhere", async () => {
    const { article } = await makeDraft(newsroom.editor, { publishedAt: "2019-05-01T12:00:00+02:00" });
    expect(article).toMatchObject({
      publishedAt: "2019-05-01T10:00:00.000Z",
      firstPublishedAt: "2019-05-01T10:00:00.000Z",
    });
  });
});

describe("the limits of an article", () => {
  it.each<[string, (size: number) => object, number, string]>([
    ["headline", (size) => ({ headline: "x".repeat(size) }), 500, "#/headline"],
    [
      "headline in emoji, counted as characters",
      (size) => ({ headline: "🚢".repeat(size) }),
      500,
      "#/headline",
    ],
    ["standfirst", (size) => ({ standfirst: "x".repeat(size) }), 2000, "#/standfirst"],
    ["dateline", (size) => ({ dateline: "x".repeat(size) }), 200, "#/dateline"],
    ["slug", (size) => ({ slug: "x".repeat(size) }), 200, "#/slug"],
    ["key point", (size) => ({ keyPoints: [{ text: "x".repeat(size) }] }), 1000, "#/keyPoints/0/text"],
    ["list of key points", (size) => ({ keyPoints: times(size, "x") }), 100, "#/keyPoints"],
    [
      "link's title",
      (size) => ({ relatedLinks: [{ title: "x".repeat(size) }] }),
      500,
      "#/relatedLinks/0/title",
    ],
    ["list of links", (size) => ({ relatedLinks: times(size, { title: "x" }) }), 100, "#/relatedLinks"],
    [
      "list of tags",
      (size) => ({ tags: Array.from({ length: size }, (_, number) => ({ name: `Tag ${number}` })) }),
      50,
      "#/tags",
    ],
    [
      "list of authors",
      (size) => ({ authors: Array.from({ length: size }, (_, number) => ({ name: `Writer ${number}` })) }),
      50,
      "#/authors",
    ],
    [
      "block's text",
      (size) => ({ body: [{ type: "paragraph", text: "x".repeat(size) }] }),
      100_000,
      "#/body/0/text",
    ],
    ["body", (size) => ({ body: times(size, { type: "rule" }) }), 10_000, "#/body"],
    ["list block", (size) => ({ body: [{ type: "list", items: times(size, "x") }] }), 1000, "#/body/0/items"],
  ])("%s: as long as allowed is kept whole, one more is refused", async (_, content, limit, pointer) => {
    const fits = content(limit);
    const { article } = await makeDraft(newsroom.editor, fits);
    for (const [name, value] of Object.entries(fits) as [keyof typeof article, string | unknown[]][]) {
      expect(article[name]).toHaveLength(value.length);
    }
    expectRefused(await create({ headline: "A", ...content(limit + 1) }), 422, pointer);
  });

  it("stand in the OpenAPI document", async () => {
    const { body } = await newsroom.reader.get("/openapi.json");
    const {
      headline,
      keyPoints,
      relatedLinks,
      tags,
      body: blocks,
    } = body.components.schemas.ArticleWrite.properties;
    expect(headline).toMatchObject({ minLength: 1, maxLength: 500 });
    expect(keyPoints).toMatchObject({ maxItems: 100 });
    expect(relatedLinks).toMatchObject({ maxItems: 100 });
    expect(tags).toMatchObject({ maxItems: 50 });
    expect(blocks).toMatchObject({ maxItems: 10_000 });
  });

  it("end at a body of 8 MiB, which is refused as a whole with 413", async () => {
    const body = times(90, { type: "paragraph", text: "x".repeat(100_000) });
    expectRefused(await create({ headline: "A", body }), 413);
  });
});
