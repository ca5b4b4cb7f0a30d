import { describe, expect, it } from "vitest";
import { expectRefused, makeDraft, patchDraft, readDraft, unknownId } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const url = "https://example.com/a";
const withBody = (body: unknown) => newsroom.editor.post("/v1/articles").send({ headline: "A", body });

describe("a body", () => {
  it.each<[string, object, object]>([
    ["paragraph", { type: "paragraph", text: "One" }, {}],
    ["heading", { type: "heading", text: "One" }, { level: 2 }],
    ["heading of level 4", { type: "heading", level: 4, text: "One" }, {}],
    ["quote", { type: "quote", text: "One" }, { attribution: null }],
    ["quote with its speaker", { type: "quote", text: "One", attribution: "A sailor" }, {}],
    ["list", { type: "list", items: ["One", "Two"] }, { ordered: false }],
    [
      "ordered list of marked items",
      {
        type: "list",
        ordered: true,
        items: ["One", { text: "Two", marks: [{ type: "code", start: 0, end: 3 }] }],
      },
      {},
    ],
    ["image", { type: "image", url }, { alt: null, caption: null, credit: null }],
    ["image with its words", { type: "image", url, alt: "", caption: "The quay", credit: "Ana Lima" }, {}],
    ["embed", { type: "embed", url: "https://example.com/player?id=1&t=2#x" }, {}],
    ["rule", { type: "rule" }, {}],
    [
      "paragraph with marks that overlap",
      {
        type: "paragraph",
        text: "One two 🚢 three",
        marks: [
          { type: "strong", start: 0, end: 7 },
          { type: "emphasis", start: 4, end: 16 },
          { type: "link", start: 8, end: 10, url },
          { type: "code", start: 15, end: 16 },
        ],
      },
      {},
    ],
  ])("takes a %s", async (_, block, defaults) => {
    const draft = await makeDraft(newsroom.editor, { body: [block] });
    expect(draft.article.body).toEqual([{ id: "b1", ...defaults, ...block }]);
    expect((await readDraft(newsroom.editor, draft)).article.body).toEqual(draft.article.body);
  });

  it.each<[string, unknown, string]>([
    ["a block without a type", [{ text: "x" }], "#/body/0/type"],
    ["a type that does not exist", [{ type: "rule" }, { type: "video", url }], "#/body/1/type"],
    ["a block that is a string", ["x"], "#/body/0"],
    ["a body that is a string", "x", "#/body"],
    ["a paragraph without text", [{ type: "paragraph" }], "#/body/0/text"],
    ["a blank paragraph", [{ type: "paragraph", text: " " }], "#/body/0/text"],
    ["a property of another type of block", [{ type: "paragraph", text: "x", level: 2 }], "#/body/0/level"],
    ["a rule with text", [{ type: "rule", text: "x" }], "#/body/0/text"],
    ["a heading of level 1", [{ type: "heading", level: 1, text: "x" }], "#/body/0/level"],
    ["a heading of level 5", [{ type: "heading", level: 5, text: "x" }], "#/body/0/level"],
    ["a heading of half a level", [{ type: "heading", level: 2.5, text: "x" }], "#/body/0/level"],
    ["an empty list", [{ type: "list", items: [] }], "#/body/0/items"],
    ["a blank item", [{ type: "list", items: ["x", ""] }], "#/body/0/items/1"],
    [
      "an item's unknown property",
      [{ type: "list", items: [{ text: "x", id: "i1" }] }],
      "#/body/0/items/0/id",
    ],
    ["an image without an address", [{ type: "image", alt: "x" }], "#/body/0/url"],
    ["an image of data", [{ type: "image", url: "data:image/png;base64,AAAA" }], "#/body/0/url"],
    ["an embed of a script", [{ type: "embed", url: "javascript:alert(1)" }], "#/body/0/url"],
    ["an embed of a path", [{ type: "embed", url: "/player" }], "#/body/0/url"],
    [
      "an address too long",
      [{ type: "embed", url: `https://example.com/${"x".repeat(2048)}` }],
      "#/body/0/url",
    ],
    ["an id with a space", [{ id: "b 1", type: "rule" }], "#/body/0/id"],
    ["an id too long", [{ id: "x".repeat(65), type: "rule" }], "#/body/0/id"],
    [
      "an id twice",
      [
        { id: "x", type: "rule" },
        { id: "x", type: "rule" },
      ],
      "#/body/1/id",
    ],
    [
      "a link that the article does not have",
      [{ type: "relatedLink", relatedLinkId: unknownId }],
      "#/body/0/relatedLinkId",
    ],
    ["a link that is no id", [{ type: "relatedLink", relatedLinkId: "first" }], "#/body/0/relatedLinkId"],
    [
      "a mark of an unknown type",
      [{ type: "paragraph", text: "x", marks: [{ type: "blink", start: 0, end: 1 }] }],
      "#/body/0/marks/0/type",
    ],
    [
      "a mark past the text",
      [{ type: "paragraph", text: "x", marks: [{ type: "strong", start: 0, end: 2 }] }],
      "#/body/0/marks",
    ],
    [
      "a mark over nothing",
      [{ type: "paragraph", text: "xy", marks: [{ type: "strong", start: 1, end: 1 }] }],
      "#/body/0/marks",
    ],
    [
      "a mark before the text",
      [{ type: "paragraph", text: "x", marks: [{ type: "strong", start: -1, end: 1 }] }],
      "#/body/0/marks/0/start",
    ],
    [
      "a link without an address",
      [{ type: "paragraph", text: "x", marks: [{ type: "link", start: 0, end: 1 }] }],
      "#/body/0/marks/0/url",
    ],
    [
      "a link to a script",
      [{ type: "paragraph", text: "x", marks: [{ type: "link", start: 0, end: 1, url: "javascript:x" }] }],
      "#/body/0/marks/0/url",
    ],
    [
      "an address with strong emphasis",
      [{ type: "paragraph", text: "x", marks: [{ type: "strong", start: 0, end: 1, url }] }],
      "#/body/0/marks/0/url",
    ],
    ["a mark on a rule", [{ type: "rule", marks: [] }], "#/body/0/marks"],
  ])("refuses %s", async (_, body, pointer) => {
    expectRefused(await withBody(body), 422, pointer);
  });

  it("says what would be right where a block's type is not", async () => {
    const answer = await withBody([{ type: "video" }]);
    expect(answer.body.errors[0].detail).toMatch(/paragraph/);
  });

  it("keeps addresses in any script as they were sent, and answers as the document says", async () => {
    const embed = { type: "embed", url: "http://münchen.example/straßen/ä?ö=ü" };
    const { article } = await makeDraft(newsroom.editor, { body: [embed] });
    expect(article.body).toMatchObject([embed]);
  });

  it("keeps the order and the ids that were given, and gives free ones to the rest", async () => {
    const { article } = await makeDraft(newsroom.editor, {
      body: [
        { type: "rule" },
        { id: "b1", type: "rule" },
        { id: "Lead_1-x", type: "rule" },
        { type: "rule" },
      ],
    });
    expect(article.body.map(({ id }) => id)).toEqual(["b2", "b1", "Lead_1-x", "b3"]);
  });

  it("keeps its ids across edits that name them", async () => {
    const draft = await makeDraft(newsroom.editor, {
      body: [
        { type: "paragraph", text: "One" },
        { type: "paragraph", text: "Two" },
      ],
    });
    const [one, two] = draft.article.body;
    const { article } = await patchDraft(newsroom.editor, draft, {
      body: [two, { type: "paragraph", text: "New" }, one],
    });
    expect(article.body).toEqual([two, { id: "b3", type: "paragraph", text: "New" }, one]);
  });

  it("keeps the ids of blocks that say the same where none are named, and gives new ones to new blocks", async () => {
    const paragraphs = (...texts: string[]) => texts.map((text) => ({ type: "paragraph", text }));
    const draft = await makeDraft(newsroom.editor, { body: paragraphs("One", "Two", "Two", "Three") });
    const ids = async (...texts: string[]) =>
      (
        await patchDraft(newsroom.editor, await readDraft(newsroom.editor, draft), {
          body: paragraphs(...texts),
        })
      ).article.body.map(({ id }) => id);
    expect(await ids("Three", "Two", "New", "One", "Two")).toEqual(["b4", "b2", "b5", "b1", "b3"]);
    const commented = { text: "Is that so?", blockId: "b5" };
    expect((await newsroom.editor.post(`${draft.address}/comments`).send(commented)).status).toBe(201);
    expect(await ids("One")).toEqual(["b1"]);
    expect(await ids("One", "Other", "Another", "Else", "More")).toEqual(["b1", "b2", "b3", "b4", "b6"]);
  });

  it("may have the same block ids as another article's", async () => {
    await makeDraft(newsroom.editor, { body: [{ id: "lead", type: "rule" }] });
    expect(
      (await makeDraft(newsroom.editor, { body: [{ id: "lead", type: "rule" }] })).article.body,
    ).toHaveLength(1);
  });

  it("places a related link under an id that the caller made", async () => {
    const id = "0199B2A0-5F5A-7C11-9D0E-6F1B8A3C2D77";
    const { article } = await makeDraft(newsroom.editor, {
      body: [
        { type: "paragraph", text: "x" },
        { type: "relatedLink", relatedLinkId: id },
      ],
      relatedLinks: [{ id, title: "ALSO READ" }],
    });
    expect(article.relatedLinks[0]?.id).toBe(id.toLowerCase());
    expect(article.body[1]).toMatchObject({ type: "relatedLink", relatedLinkId: id.toLowerCase() });
  });

  it("lets go of the place of a related link that is removed", async () => {
    const draft = await makeDraft(newsroom.editor, {
      body: [
        { id: "x", type: "relatedLink", relatedLinkId: unknownId.replace(/0$/, "1") },
        { id: "y", type: "rule" },
      ],
      relatedLinks: [{ id: unknownId.replace(/0$/, "1"), title: "ALSO READ" }],
    });
    const { article } = await patchDraft(newsroom.editor, draft, { relatedLinks: [] });
    expect(article.body).toEqual([{ id: "y", type: "rule" }]);
  });

  it("cannot place another article's link", async () => {
    const other = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "Theirs" }] });
    expectRefused(
      await withBody([{ type: "relatedLink", relatedLinkId: other.article.relatedLinks[0]?.id }]),
      422,
      "#/body/0/relatedLinkId",
    );
  });
});
