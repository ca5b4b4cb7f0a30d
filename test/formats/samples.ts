import { v7 as uuid } from "uuid";
import { change, live, publish, type ShownArticle } from "../support/articles.ts";
import type { TestNewsroom } from "../support/newsroom.ts";

/** An article with every type of block and mark, hostile words, shares and a correction. */
export async function everything(newsroom: TestNewsroom): Promise<ShownArticle> {
  const other = await live(newsroom, { headline: "Second ferry & <b>boat</b>" });
  const [first, second] = [uuid(), uuid()];
  const made = await live(newsroom, {
    headline: "Harbour </script><script>alert(1)</script> *reopens* & sails",
    standfirst: "Ferries, trawlers & a backlog of <mail>",
    dateline: "STORNOWAY, Scotland",
    section: { name: "World & sea" },
    tags: [{ name: "Ferries" }, { name: "Weather & climate" }],
    authors: [{ name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
    keyPoints: ["It was shut for 61 days", { text: "Some 4,000 [parcels] wait", blockId: "mail" }],
    relatedLinks: [
      { id: first, kind: "alsoRead", articleId: other.id },
      { id: second, kind: "alsoRead", title: "How the ice was broken" },
      { kind: "source", title: "The log", url: "https://harbour.example/log?a=1|2&b={x}" },
      { kind: "background", title: "A short history", url: "/history" },
      { kind: "external", url: "https://example.com/elsewhere" },
    ],
    body: [
      {
        type: "paragraph",
        text: "The first ferry left <i>early</i>, with mail and port_open set.",
        marks: [
          { type: "link", start: 4, end: 15, url: "https://example.com/first_ferry?a=(1)&b=2" },
          { type: "strong", start: 10, end: 20 },
          { type: "emphasis", start: 12, end: 30 },
          { type: "code", start: 49, end: 58 },
        ],
      },
      {
        type: "image",
        url: "https://images.example/harbour.svg",
        alt: "A ferry [passes] the lighthouse",
        caption: "The Isle of Lewis",
        credit: "Photograph: Ana Lima",
      },
      { id: "mail", type: "paragraph", text: "Some 4,000 parcels\nhad piled up.\n\nAmong them: seed." },
      { type: "relatedLink", relatedLinkId: first },
      { type: "heading", level: 2, text: "What the ice # cost #" },
      {
        type: "list",
        items: ["the slipway", { text: "the fuel", marks: [{ type: "strong", start: 4, end: 8 }] }],
      },
      { type: "heading", level: 3, text: "In what order" },
      { type: "list", ordered: true, items: ["Fuel", "Moorings"] },
      { type: "quote", text: "We thought of it as a rumour.", attribution: "The harbour master" },
      { type: "embed", url: "https://video.example/watch?v=1" },
      { type: "rule" },
      { type: "heading", level: 4, text: "How it was measured" },
      { type: "relatedLink", relatedLinkId: second },
    ],
  });
  await newsroom.editor
    .put(`/v1/articles/${made.id}/share-counts/whatsapp`)
    .set("If-Match", "*")
    .send({ count: 97 });
  await change(newsroom, made.id, { expiresAt: "2999-01-01T00:00:00Z" });
  await newsroom.editor
    .post(`/v1/articles/${made.id}/publish`)
    .send({ correction: "It was shut for 61 days & not 16." });
  return publish(newsroom, made.id);
}

/** A shorter one that is written from the right. */
export function inUrdu(newsroom: TestNewsroom): Promise<ShownArticle> {
  return live(newsroom, {
    headline: "استنبول میں مذاکرات مکمل",
    standfirst: "دونوں وفود نے مشترکہ اعلامیہ جاری کیا۔",
    dateline: "استنبول، ترکی",
    language: "ur",
    section: { name: "دنیا" },
    authors: [{ name: "عائشہ خان" }],
    keyPoints: ["بات چیت پانچ گھنٹے جاری رہی"],
    relatedLinks: [{ kind: "alsoRead", title: "سفیر دوبارہ ملاقات کریں گے" }],
    body: [
      {
        type: "paragraph",
        text: "وفود نے پیر کو بات چیت کی۔",
        marks: [{ type: "strong", start: 0, end: 4 }],
      },
      { type: "list", items: ["تجارت", "ویزا"] },
    ],
  });
}
