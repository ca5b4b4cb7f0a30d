import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Article } from "../../src/articles/schema.ts";
import { plainText } from "../../src/formats/text.ts";
import { parseNewsPage } from "../../src/imports/newsPage.ts";
import { live, type ShownArticle } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { everything } from "./samples.ts";

const newsroom = useNewsroom();

/** What importers look for, and what they could trip over. */
const traps = [
  "icon-facebook",
  "icon-x icon-whatsapp",
  "KEY POINTS",
  "key points:",
  "ALSO READ: More",
  "also read:",
  "• a bullet",
  "- a dash",
  "Thu Apr 10 2025",
  "10 April 2025, 14:30",
  "ISTANBUL, Turkey: Boats",
  "LONDON: Boats",
  "\u2060",
  "\u2060quoted\u2060",
  "\u2060PLACE\u2060: text",
  "\u2060\u2060",
  " \u00a0",
  "\t",
  "\n",
  "\r\n",
  "\n\n",
  "\uFEFF",
  "\u2028",
  "e\u0301",
  "יום",
  "👩‍🚀",
];
const hostile = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...traps) },
      fc.string({ unit: "grapheme", maxLength: 12 }),
    ),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((parts) => parts.join("").replaceAll("\0", "").toWellFormed())
  .filter((text) => /[^\s\p{Cc}]/u.test(text));
const moments = fc
  .date({ min: new Date("1000-01-01T00:00:00Z"), max: new Date("2026-01-01T00:00:00Z"), noInvalidDate: true })
  .chain((date) =>
    fc.constantFrom(
      date,
      new Date(date.toISOString().slice(0, 10)),
      new Date(Math.floor(+date / 60e3) * 60e3),
    ),
  );
const links = fc.record({ link: hostile });
const passages = fc.array(fc.oneof(fc.record({ text: hostile }), links), { maxLength: 6 });

const lineFeeds = (text: string) => text.replaceAll(/\r\n?/g, "\n");
const oneLine = (text: string) => text.replaceAll(/\r\n?|\n/g, " ");

/** An article as readers get it, of those parts that a news page has. */
function articleOf(parts: {
  headline: string;
  publishedAt: Date;
  dateline: string | null;
  keyPoints: string[];
  networks: string[];
  passages: ({ text: string } | { link: string })[];
}): Article {
  const body = parts.passages.map((passage, index) =>
    "text" in passage
      ? { id: `b${index}`, type: "paragraph", text: passage.text }
      : { id: `b${index}`, type: "relatedLink", relatedLinkId: `l${index}` },
  );
  const relatedLinks = parts.passages.flatMap((passage, index) =>
    "link" in passage ? [{ id: `l${index}`, kind: "alsoRead", title: passage.link, url: null }] : [],
  );
  return {
    ...parts,
    publishedAt: parts.publishedAt.toISOString(),
    standfirst: null,
    language: "en",
    authors: [],
    corrections: [],
    keyPoints: parts.keyPoints.map((text) => ({ text })),
    shareCounts: Object.fromEntries(parts.networks.map((network) => [network, 0])),
    body,
    relatedLinks,
  } as unknown as Article;
}

describe("an article as plain text", () => {
  it("is read by the importer word for word, whatever it says", () => {
    const parts = fc.record({
      headline: hostile,
      publishedAt: moments,
      dateline: fc.option(fc.oneof(hostile, fc.constantFrom("ISTANBUL, Turkey", "LONDON", "استنبول، ترکی"))),
      keyPoints: fc.array(hostile, { maxLength: 4 }),
      networks: fc.uniqueArray(fc.constantFrom("facebook", "x", "whatsapp", "e-mail_2"), { maxLength: 3 }),
      passages,
    });
    fc.assert(
      fc.property(parts, (given) => {
        const page = parseNewsPage(plainText(articleOf(given)));
        expect({ ...page, publishedAt: new Date(page.publishedAt ?? "").toISOString() }).toEqual({
          headline: oneLine(given.headline),
          publishedAt: given.publishedAt.toISOString(),
          dateline: given.dateline === null ? null : oneLine(given.dateline),
          keyPoints: given.keyPoints.map(lineFeeds),
          networks: given.networks,
          blocks: given.passages.map((passage) =>
            "text" in passage
              ? { type: "paragraph", text: lineFeeds(passage.text) }
              : { type: "alsoRead", title: oneLine(passage.link) },
          ),
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it("makes the same article again through POST /v1/imports", async () => {
    const text = [
      "Ferry runs again",
      "Thu Apr 10 2025",
      "icon-facebook icon-whatsapp",
      "KEY POINTS\n\n  • It runs hourly\n\n  • Fares stay",
      "ISTANBUL, Turkey: The ferry — “the old one” — left.",
      "ALSO READ: Why it stopped",
      "It had been away.",
    ].join("\n\n");
    const send = (page: string) =>
      newsroom.editor.post("/v1/imports?publish=true").set("content-type", "text/plain").send(page);
    const first = await send(`${text}\n`);
    const read = await newsroom.reader.get(`/v1/articles/${first.body.id}?format=text`);
    expect(read.text).toBe(`${text}\n`);
    const second = (await send(read.text)).body as Article;
    const said = (article: Article) => ({
      headline: article.headline,
      dateline: article.dateline,
      publishedAt: article.publishedAt,
      networks: article.shareCounts,
      keyPoints: article.keyPoints.map((point) => point.text),
      body: article.body.map((block) => ("text" in block ? block.text : block.type)),
      links: article.relatedLinks.map(({ kind, title }) => ({ kind, title })),
    });
    expect(said(second)).toEqual(said(first.body as Article));
  });

  it("goes through POST /v1/imports where its text looks like parts of a page", async () => {
    const { id } = await live(newsroom, {
      headline: "KEY POINTS",
      dateline: "London",
      keyPoints: ["ALSO READ: this\n- and that"],
      body: [
        { type: "paragraph", text: "ALSO READ: no link\n\n  indented  " },
        { type: "paragraph", text: "icon-facebook" },
      ],
    });
    const { text } = await newsroom.reader.get(`/v1/articles/${id}`).set("accept", "text/plain");
    const { body } = await newsroom.editor.post("/v1/imports").set("content-type", "text/plain").send(text);
    expect(body).toMatchObject({
      headline: "KEY POINTS",
      dateline: "London",
      keyPoints: [{ text: "ALSO READ: this\n- and that" }],
      body: [
        { type: "paragraph", text: "ALSO READ: no link\n\n  indented  " },
        { type: "paragraph", text: "icon-facebook" },
      ],
      shareCounts: {},
    });
  });

  it("says what a news page has no place for as paragraphs", async () => {
    const { id }: ShownArticle = await everything(newsroom);
    const { text } = await newsroom.reader.get(`/v1/articles/${id}?format=text`);
    for (const part of [
      "By Ana Lima and Tomasz Wójcik",
      "Ferries, trawlers & a backlog of <mail>",
      "ALSO READ: Second ferry & <b>boat</b>",
      "What the ice # cost #",
      "• the slipway\n• the fuel",
      "1. Fuel\n2. Moorings",
      "We thought of it as a rumour.\n— The harbour master",
      "[Image] The Isle of Lewis\nPhotograph: Ana Lima\nhttps://images.example/harbour.svg",
      "[Embed] https://video.example/watch?v=1",
      "* * *",
      "SOURCE: The log\nhttps://harbour.example/log?a=1|2&b={x}",
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/CORRECTION, \d{4}-\d\d-\d\d: It was shut for 61 days & not 16\./);
    expect(text).toContain("STORNOWAY, Scotland\u2060: The first ferry left <i>early</i>");
    const { body } = await newsroom.editor.post("/v1/imports").set("content-type", "text/plain").send(text);
    expect(body.dateline).toBe("STORNOWAY, Scotland");
  });
});
