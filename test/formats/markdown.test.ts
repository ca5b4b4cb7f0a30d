import { type Node, Parser } from "commonmark";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Article } from "../../src/articles/schema.ts";
import { markdown } from "../../src/formats/markdown.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { everything } from "./samples.ts";

const newsroom = useNewsroom();

/** The text of each paragraph or heading that CommonMark's reference parser finds. */
function read(text: string): { type: string; text: string }[] {
  const walker = new Parser().parse(text).walker();
  const found: { type: string; text: string }[] = [];
  for (let event = walker.next(); event !== null; event = walker.next()) {
    const { node, entering } = event;
    if (!entering) continue;
    if (node.type === "paragraph" || node.type === "heading") found.push({ type: node.type, text: "" });
    const last = found.at(-1);
    if (last !== undefined) last.text += said(node);
    if (["code_block", "html_block", "html_inline"].includes(node.type))
      found.push({ type: node.type, text: node.literal ?? "" });
  }
  return found;
}

function said(node: Node): string {
  if (node.type === "softbreak" || node.type === "linebreak") return "\n";
  return node.type === "text" || node.type === "code" ? (node.literal ?? "") : "";
}

const traps = [
  "*",
  "**",
  "_",
  "__",
  "`",
  "``",
  "[a](b)",
  "![",
  "]",
  "<b>",
  "<!--",
  "&amp;",
  "&#42;",
  "\\",
  "#",
  "# ",
  "1. ",
  "- ",
  "+ ",
  "> ",
  "---",
  "===",
  "~~~",
  "    ",
  "\t",
  "\n",
  "\n\n",
  "|",
  "http://a.b",
  "[a]: b",
  " ",
  "a",
  "é",
  "「",
  "\u00a0",
  "!",
];
const hostile = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...traps) },
      fc.string({ unit: "grapheme", maxLength: 6 }),
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((parts) =>
    parts
      .join("")
      .replaceAll(/[\0\r]/g, "")
      .toWellFormed(),
  )
  .filter((text) => /[^\s\p{Cc}]/u.test(text));
const marked = hostile.chain((text) =>
  fc.record({
    text: fc.constant(text),
    marks: fc.array(
      fc
        .record({
          type: fc.constantFrom("strong", "emphasis", "link"),
          url: fc.constantFrom("https://example.com/a_(b)", "https://example.com/?a=<b>&c=*"),
          ends: fc.tuple(fc.nat({ max: text.length }), fc.nat({ max: text.length })),
        })
        .filter(({ ends: [a, b] }) => a !== b)
        .map(({ type, url, ends: [a, b] }) => ({ type, url, start: Math.min(a, b), end: Math.max(a, b) })),
      { maxLength: 4 },
    ),
  }),
);

function articleOf(paragraphs: { text: string; marks: object[] }[], headline: string): Article {
  return {
    headline,
    standfirst: null,
    dateline: null,
    language: "en",
    authors: [],
    publishedAt: "2025-04-10T09:30:00.000Z",
    keyPoints: [],
    corrections: [],
    relatedLinks: [],
    body: paragraphs.map((paragraph, index) => ({ ...paragraph, id: `b${index}`, type: "paragraph" })),
  } as unknown as Article;
}

describe("an article as Markdown", () => {
  it("says every word of hostile text, and nothing of it becomes markup", () => {
    fc.assert(
      fc.property(fc.array(marked, { minLength: 1, maxLength: 3 }), hostile, (paragraphs, headline) => {
        const text = markdown(articleOf(paragraphs, headline), { address: "", section: null, tags: [] });
        const [title, , ...rest] = read(text);
        expect({ ...title, text: title?.text.trim() }).toEqual({
          type: "heading",
          text: headline.replaceAll("\n", " ").trim(),
        });
        expect(rest).toEqual(paragraphs.map((paragraph) => ({ type: "paragraph", text: paragraph.text })));
      }),
      { numRuns: 3_000 },
    );
  });

  it("has every block and mark as what it is", async () => {
    const { id } = await everything(newsroom);
    const answer = await newsroom.reader.get(`/v1/articles/${id}`).set("accept", "text/markdown");
    expect(answer.headers["content-type"]).toBe("text/markdown; charset=utf-8; variant=CommonMark");
    const types = new Set<string>();
    const walker = new Parser().parse(answer.text).walker();
    for (let event = walker.next(); event !== null; event = walker.next()) types.add(event.node.type);
    expect([...types]).toEqual(
      expect.arrayContaining([
        "heading",
        "paragraph",
        "list",
        "block_quote",
        "image",
        "link",
        "strong",
        "emph",
        "code",
        "thematic_break",
      ]),
    );
    expect([...types].filter((type) => type.startsWith("html"))).toEqual([]);
    const texts = read(answer.text).map(({ text }) => text);
    for (const part of [
      "Harbour </script><script>alert(1)</script> *reopens* & sails",
      "STORNOWAY, Scotland: The first ferry left <i>early</i>, with mail and port_open set.",
      "Some 4,000 parcels\nhad piled up.\n\nAmong them: seed.",
      "Also read: Second ferry & <b>boat</b>",
      "What the ice # cost #",
      "— The harbour master",
      "A short history",
    ])
      expect(texts).toContain(part);
  });
});
