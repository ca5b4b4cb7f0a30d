import { beforeEach, describe, expect, it } from "vitest";
import type { RevisionDiff } from "../../src/revisions/schema.ts";
import { type Draft, makeDraft } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

let draft: Draft;
const start = async (content: object) => {
  draft = await makeDraft(newsroom.editor, content);
};
/** Changes the article and compares how it was with how it is. */
const diffOf = async (change: object, order = [1, 2]): Promise<RevisionDiff> => {
  const changed = await newsroom.editor.patch(draft.address).set("If-Match", "*").send(change);
  expect(changed.status, changed.text).toBe(200);
  return compared(order);
};
const compared = async ([one, other]: number[]): Promise<RevisionDiff> => {
  const answer = await newsroom.editor.get(`${draft.address}/revisions/${one}/diff/${other}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
const itemsOf = (diff: RevisionDiff, field: string) =>
  diff.lists.find((list) => list.field === field)?.items ?? [];
const together = (words: { change: string; text: string }[], ...changes: string[]) =>
  words
    .filter(({ change }) => changes.includes(change))
    .map(({ text }) => text)
    .join("");
const paragraph = (id: string, text = `Text of ${id}.`) => ({ id, type: "paragraph", text });

describe("the difference between two revisions", () => {
  beforeEach(() =>
    start({ body: ["a", "b", "c", "d", "e"].map((id) => paragraph(id)), keyPoints: ["one", "two"] }),
  );

  it("tells which two they are, and is empty between a revision and itself", async () => {
    const diff = await diffOf({ standfirst: "At last" });
    expect(diff).toMatchObject({
      from: { number: 1, action: "created" },
      to: { number: 2, action: "changed" },
    });
    expect(await compared([2, 2])).toMatchObject({ fields: [], lists: [] });
  });

  it("goes by field, and word by word inside text", async () => {
    const diff = await diffOf({
      headline: "Harbour finally opens",
      language: "pt-BR",
      section: { name: "Sea" },
    });
    expect(diff.lists).toEqual([]);
    expect(diff.fields).toEqual([
      {
        field: "headline",
        from: "Harbour reopens",
        to: "Harbour finally opens",
        words: [
          { change: "same", text: "Harbour " },
          { change: "removed", text: "reopens" },
          { change: "added", text: "finally opens" },
        ],
      },
      { field: "language", from: "en", to: "pt-BR" },
      { field: "section", from: null, to: "sea" },
    ]);
  });

  it("can be asked backwards", async () => {
    const diff = await diffOf({ headline: "Harbour opens" }, [2, 1]);
    expect(diff.fields[0]).toMatchObject({ from: "Harbour opens", to: "Harbour reopens" });
  });

  it("names blocks that were added, removed and changed, and what in them", async () => {
    const diff = await diffOf({
      body: [
        paragraph("a"),
        paragraph("new"),
        { id: "c", type: "quote", text: "Text of it.", attribution: "A pilot" },
        paragraph("d"),
        paragraph("e"),
      ],
    });
    expect(diff.fields).toEqual([]);
    expect(itemsOf(diff, "body")).toEqual([
      {
        id: "new",
        changes: ["added"],
        fromPosition: null,
        toPosition: 1,
        from: null,
        to: paragraph("new"),
        fields: [],
      },
      {
        id: "c",
        changes: ["changed"],
        fromPosition: 2,
        toPosition: 2,
        from: paragraph("c"),
        to: { id: "c", type: "quote", text: "Text of it.", attribution: "A pilot" },
        fields: [
          { field: "type", from: "paragraph", to: "quote" },
          {
            field: "text",
            from: "Text of c.",
            to: "Text of it.",
            words: [
              { change: "same", text: "Text of " },
              { change: "removed", text: "c" },
              { change: "added", text: "it" },
              { change: "same", text: "." },
            ],
          },
          { field: "attribution", from: null, to: "A pilot" },
        ],
      },
      {
        id: "b",
        changes: ["removed"],
        fromPosition: 1,
        toPosition: null,
        from: paragraph("b"),
        to: null,
        fields: [],
      },
    ]);
  });

  it("names the one block that was moved, not those that it passed", async () => {
    const order = ["b", "c", "d", "e", "a"];
    const diff = await diffOf({ body: order.map((id) => paragraph(id)) });
    expect(itemsOf(diff, "body")).toMatchObject([
      { id: "a", changes: ["moved"], fromPosition: 0, toPosition: 4 },
    ]);
  });

  it("tells of a block that was moved and changed both", async () => {
    const diff = await diffOf({
      body: [paragraph("e", "New."), ...["a", "b", "c", "d"].map((id) => paragraph(id))],
    });
    expect(itemsOf(diff, "body")).toMatchObject([{ id: "e", changes: ["changed", "moved"], toPosition: 0 }]);
  });

  it("goes by item in key points, related links, tags and authors", async () => {
    const [one, two] = draft.article.keyPoints;
    const diff = await diffOf({
      keyPoints: [{ id: one?.id, text: "one more", blockId: "a" }, { id: two?.id }],
      relatedLinks: [{ title: "Pilots strike" }],
      tags: [{ name: "Ports" }],
      authors: [{ name: "Ana Lima" }],
    });
    expect(itemsOf(diff, "keyPoints")).toMatchObject([
      {
        id: one?.id,
        changes: ["changed"],
        fields: [
          {
            field: "text",
            words: [
              { change: "same", text: "one" },
              { change: "added", text: " more" },
            ],
          },
          { field: "blockId", from: null, to: "a" },
        ],
      },
    ]);
    expect(itemsOf(diff, "relatedLinks")).toMatchObject([
      { changes: ["added"], to: { title: "Pilots strike", kind: "alsoRead" } },
    ]);
    expect(itemsOf(diff, "tags")).toMatchObject([{ id: "ports", changes: ["added"], to: "ports" }]);
    expect(itemsOf(diff, "authors")).toMatchObject([{ changes: ["added"], to: { name: "Ana Lima" } }]);
  });

  it("compares the items of a list as text, a line each", async () => {
    await start({ body: [{ id: "l", type: "list", items: ["First", { text: "Second" }] }] });
    const diff = await diffOf({
      body: [{ id: "l", type: "list", items: ["First", { text: "Second one" }] }],
    });
    expect(itemsOf(diff, "body")[0]?.fields).toMatchObject([
      {
        field: "items",
        words: [
          { change: "same", text: "First\nSecond" },
          { change: "added", text: " one" },
        ],
      },
    ]);
  });
});

describe("words", () => {
  it.for([
    ["ar", "الميناء مغلق اليوم", "الميناء مفتوح اليوم", "مغلق", "مفتوح"],
    ["ru", "Порт закрыт сегодня", "Порт открыт сегодня", "закрыт", "открыт"],
    ["ja", "港は今日開いた", "港は昨日開いた", "今日", "昨日"],
    ["en", "It’s shut 👩🏽‍🚀 today", "It’s shut 👩🏽‍🔧 today", "👩🏽‍🚀", "👩🏽‍🔧"],
    ["fr", "Le port est fermé", "Le port est fermée", "fermé", "fermée"],
  ])("are told apart as in %s", async ([language, from, to, removed, added]) => {
    await start({ language, standfirst: from });
    const words = (await diffOf({ standfirst: to })).fields[0]?.words ?? [];
    expect(together(words, "removed")).toBe(removed);
    expect(together(words, "added")).toBe(added);
    expect(together(words, "same", "removed")).toBe(from);
    expect(together(words, "same", "added")).toBe(to);
  });

  it("are not looked for in text that is another altogether, which is shown whole", async () => {
    const [from, to] = ["a", "b"].map((letter) =>
      Array.from({ length: 5000 }, (_, index) => `${letter}${index}`).join(" "),
    );
    await start({ body: [paragraph("p", from)] });
    const started = performance.now();
    const diff = await diffOf({ body: [paragraph("p", to)] });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(itemsOf(diff, "body")[0]?.fields[0]?.words).toEqual([
      { change: "removed", text: from },
      { change: "added", text: to },
    ]);
  });

  it("of thousands of blocks, all changed and in another order, are compared within a moment", async () => {
    const blocks = Array.from({ length: 3000 }, (_, index) =>
      paragraph(`p${index}`, `The ${index} ships wait.`),
    );
    await start({ body: blocks });
    await newsroom.editor
      .patch(draft.address)
      .set("If-Match", "*")
      .send({ body: blocks.toReversed().map((block) => ({ ...block, text: `${block.text} No more.` })) });
    const begun = performance.now();
    const diff = await compared([1, 2]);
    expect(performance.now() - begun).toBeLessThan(3000);
    const items = itemsOf(diff, "body");
    expect(items).toHaveLength(3000);
    expect(items.filter(({ changes }) => changes.includes("moved"))).toHaveLength(2999);
  });
});
