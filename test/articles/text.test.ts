import { describe, expect, it } from "vitest";
import { expectRefused, makeDraft, publishDraft, readDraft } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const send = (json: string) => newsroom.editor.post("/v1/articles").type("json").send(json);

describe("text", () => {
  it.each([
    ["curly quotes and dashes", "“We’re back” – the port’s crew — said… ‘at last’"],
    ["emoji with joiners and skin tones", "Crew 👩🏽‍✈️ greets 🏴󠁧󠁢󠁳󠁣󠁴󠁿 fans 🚢"],
    ["Arabic", "الميناء يُفتح من جديد بعد العاصفة"],
    ["Hebrew with marks of direction", "\u200fהנמל נפתח\u200e (Port 7) \u2067מחדש\u2069"],
    ["Chinese, beyond the basic plane too", "港口𠮷重新开放"],
    ["Devanagari", "बंदरगाह फिर खुला"],
    ["spaces of all kinds, at its ends too", "  Port\u00a0reopens \u2009at\u3000dawn\t "],
    ["line ends as they come", "one\r\ntwo\nthree\rfour\u2028five"],
    ["markup, which is text", "<script>alert('x')</script> & <b>bold</b>"],
    ["what SQL and JSON would mean", `'; DROP TABLE articles; -- "\\ \\u0041 \\" $1 %s`],
    ["control characters other than NUL", "bell \u0007 escape \u001b next line \u0085 delete \u007f"],
    ["noncharacters", "x\ufffe\uffff\u{10ffff}"],
  ])("is kept exactly: %s", async (_, text) => {
    const draft = await makeDraft(newsroom.editor, {
      headline: text,
      standfirst: text,
      dateline: text,
      keyPoints: [text, { text }],
      relatedLinks: [{ title: text }],
      body: [
        { type: "paragraph", text },
        { type: "quote", text, attribution: text },
        { type: "list", items: [text] },
        { type: "image", url: "https://example.com/a.jpg", alt: text, caption: text, credit: text },
      ],
    });
    const texts = ({ article }: typeof draft) =>
      JSON.stringify(article).split(JSON.stringify(text)).length - 1;
    expect(texts(draft)).toBe(13);
    expect(texts(await readDraft(newsroom.editor, draft))).toBe(13);
    await publishDraft(newsroom.editor, draft);
    const live = await newsroom.reader.get(draft.address);
    expect([live.body.headline, live.body.keyPoints[0].text, live.body.body[0].text]).toEqual([
      text,
      text,
      text,
    ]);
  });

  it("is brought into NFC and changed in nothing else", async () => {
    const { article } = await makeDraft(newsroom.editor, {
      headline: "Cafe\u0301 in A\u030angstro\u0308m ﬁve ①",
      keyPoints: ["e\u0301"],
    });
    expect(article.headline).toBe("Caf\u00e9 in \u00c5ngstr\u00f6m ﬁve ①");
    expect(article.keyPoints[0]?.text).toBe("\u00e9");
  });

  it.each(["\u0085", "\u001c", "\u2003\t", "\u007f"])(
    "that shows nothing at all (%j) is refused as blank",
    async (blank) => {
      const answer = await newsroom.editor.post("/v1/articles").send({ headline: blank, keyPoints: [blank] });
      expectRefused(answer, 422, "#/headline", "#/keyPoints/0");
    },
  );

  it.each(["\u200b", "\u180e", "\u2060", "\u3164", "\u0301"])(
    "that is one odd character (%j) is taken",
    async (character) => {
      const { article } = await makeDraft(newsroom.editor, { headline: character, keyPoints: [character] });
      expect(article).toMatchObject({ headline: character, keyPoints: [{ text: character }] });
    },
  );

  const places: [string, (escape: string) => string, string][] = [
    ["headline", (escape) => `{"headline":"a${escape}b"}`, "#/headline"],
    ["standfirst", (escape) => `{"headline":"A","standfirst":"a${escape}b"}`, "#/standfirst"],
    ["key point", (escape) => `{"headline":"A","keyPoints":["a${escape}b"]}`, "#/keyPoints/0"],
    [
      "anchor of a key point",
      (escape) => `{"headline":"A","keyPoints":[{"text":"a","blockId":"a${escape}b"}]}`,
      "#/keyPoints/0/blockId",
    ],
    [
      "link's title",
      (escape) => `{"headline":"A","relatedLinks":[{"title":"a${escape}b"}]}`,
      "#/relatedLinks/0/title",
    ],
    [
      "link's address",
      (escape) => `{"headline":"A","relatedLinks":[{"url":"https://example.com/a${escape}b"}]}`,
      "#/relatedLinks/0/url",
    ],
    [
      "link's path",
      (escape) => `{"headline":"A","relatedLinks":[{"url":"/a${escape}b"}]}`,
      "#/relatedLinks/0/url",
    ],
    [
      "block's text",
      (escape) => `{"headline":"A","body":[{"type":"paragraph","text":"a${escape}b"}]}`,
      "#/body/0/text",
    ],
    [
      "list item",
      (escape) => `{"headline":"A","body":[{"type":"list","items":["a${escape}b"]}]}`,
      "#/body/0/items/0",
    ],
    [
      "image's address",
      (escape) => `{"headline":"A","body":[{"type":"image","url":"https://example.com/a${escape}b"}]}`,
      "#/body/0/url",
    ],
    [
      "embed's address",
      (escape) => `{"headline":"A","body":[{"type":"embed","url":"https://example.com/a${escape}b"}]}`,
      "#/body/0/url",
    ],
    [
      "mark's address",
      (escape) =>
        `{"headline":"A","body":[{"type":"paragraph","text":"ab","marks":[{"type":"link","start":0,"end":1,"url":"https://example.com/a${escape}b"}]}]}`,
      "#/body/0/marks/0/url",
    ],
    ["tag's name", (escape) => `{"headline":"A","tags":[{"name":"a${escape}b"}]}`, "#/tags/0/name"],
    ["language", (escape) => `{"headline":"A","language":"en${escape}"}`, "#/language"],
    ["slug", (escape) => `{"headline":"A","slug":"a${escape}b"}`, "#/slug"],
  ];
  it.each(places)("refuses NUL and lone surrogates in a %s", async (_, json, pointer) => {
    expectRefused(await send(json("\\u0000")), 422, pointer);
    expectRefused(await send(json("\\ud800")), 422, pointer);
    expectRefused(await send(json("\\udc00\\ud800")), 422, pointer);
  });

  it("refuses bytes that are no UTF-8", async () => {
    const request = newsroom.editor.post("/v1/articles").type("json");
    request.serialize((value: unknown) => value as string);
    const bytes = Buffer.concat([
      Buffer.from('{"headline":"a'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    expectRefused(await request.send(bytes), 400);
  });

  it.each([
    "/v1/articles/%00",
    "/v1/articles/a%00b?version=draft",
    "/v1/tags/%00",
    "/v1/articles/%ED%A0%80?version=draft",
  ])("in an address that nothing can have is a 400: %s", async (address) => {
    expectRefused(await newsroom.editor.get(address), 400);
  });

  it("of the longest headline, in emoji, can be published and linked by its title", async () => {
    const headline = Array.from({ length: 500 }, (_, index) =>
      String.fromCodePoint(0x1f300 + ((index * 101) % 512)),
    ).join("");
    const draft = await makeDraft(newsroom.editor, { headline });
    await publishDraft(newsroom.editor, draft);
    const { article } = await makeDraft(newsroom.editor, { relatedLinks: [{ title: headline }] });
    expect(article.relatedLinks[0]).toMatchObject({ articleId: draft.id, title: headline });
  });
});
