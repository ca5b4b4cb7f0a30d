import { v7 as uuid } from "uuid";
import type { Agent, TestNewsroom } from "../support/newsroom.ts";

/** A link to a preview as it is answered. */
export interface Link {
  id: string;
  url: string;
  token: string;
  expiresAt: string;
}

/** Makes an article and a link to its preview. */
export async function previewOf(
  { editor }: TestNewsroom,
  content: object,
): Promise<Omit<Link, "id"> & { id: string; slug: string }> {
  const made = await editor.post("/v1/articles").send({ headline: "Harbour reopens", ...content });
  if (made.status !== 201) throw new Error(`no draft was made: ${made.text}`);
  const { id, slug } = made.body as { id: string; slug: string };
  return { ...(await linkTo(editor, id)), id, slug };
}

export async function linkTo(agent: Agent, article: string): Promise<Link> {
  const answer = await agent.post(`/v1/articles/${article}/previews`).send({});
  if (answer.status !== 201) throw new Error(`no preview was made: ${answer.text}`);
  return answer.body as Link;
}

/** An article with everything that one can have, but for corrections. */
export async function sample(newsroom: TestNewsroom) {
  const { editor } = newsroom;
  const made = await editor.post("/v1/articles").send({ headline: "Second ferry to sail before the storms" });
  const { id: other } = made.body as { id: string };
  await editor.post(`/v1/articles/${other}/publish`);
  const [first, second] = [uuid(), uuid()];
  const preview = await previewOf(newsroom, {
    headline: "Harbour reopens after the longest winter closure in forty years",
    standfirst:
      "Ferries, trawlers and a backlog of mail leave on the first tide, while the islands count what the ice has cost them.",
    dateline: "STORNOWAY, Scotland",
    section: { name: "World" },
    tags: [{ name: "Ferries" }, { name: "Weather & climate" }, { name: "Islands" }],
    authors: [{ name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
    keyPoints: [
      "The harbour was shut for 61 days, the longest closure since records began in 1984",
      { text: "Some 4,000 parcels are waiting for the first boat", blockId: "mail" },
      "A second ferry is promised before the autumn storms",
    ],
    relatedLinks: [
      { id: first, kind: "alsoRead", articleId: other },
      { id: second, kind: "alsoRead", title: "How the ice was broken, in pictures" },
      {
        kind: "source",
        title: "The harbour master’s log",
        url: "https://harbour.example/log",
      },
      { kind: "background", title: "A short history of the crossing", url: "/history" },
    ],
    body: [
      {
        type: "paragraph",
        text: "The first ferry for two months left the inner harbour shortly after dawn on Monday, its horn answered by every trawler still tied up along the quay. “We had begun to talk of the mainland as a rumour,” said the harbour master.",
        marks: [{ type: "link", start: 4, end: 15, url: "https://example.com/first-ferry" }],
      },
      {
        type: "image",
        url: "https://images.example/harbour.svg",
        alt: "A ferry passes the lighthouse under a grey sky",
        caption: "The Isle of Lewis passes the lighthouse on its first crossing since January.",
        credit: "Photograph: Ana Lima",
      },
      {
        id: "mail",
        type: "paragraph",
        text: "Some 4,000 parcels had piled up in the customs shed, among them seed potatoes, a harmonium and most of the island’s spectacles. It was, the postmistress said, not a delay but a siege.",
        marks: [
          { type: "strong", start: 0, end: 18 },
          { type: "emphasis", start: 177, end: 182 },
        ],
      },
      { type: "relatedLink", relatedLinkId: first },
      { type: "heading", level: 2, text: "What the ice cost" },
      { type: "paragraph", text: "The council put the damage at three items, none of them insured:" },
      {
        type: "list",
        items: [
          "the slipway, cracked along its whole length",
          {
            text: "the fuel store, which ran dry on day 43",
            marks: [{ type: "strong", start: 33, end: 39 }],
          },
          "two moorings and the buoy that marked them",
        ],
      },
      { type: "heading", level: 3, text: "In what order it is mended" },
      { type: "list", ordered: true, items: ["Fuel", "The slipway", "Moorings"] },
      {
        type: "quote",
        text: "We had begun to talk of the mainland as a rumour.",
        attribution: "Iain MacAulay, harbour master",
      },
      { type: "embed", url: "https://www.video.example/watch?v=first-crossing" },
      { type: "rule" },
      { type: "heading", level: 4, text: "How it was measured" },
      {
        type: "paragraph",
        text: "Closures are days on which port_open was false from midnight to midnight.",
        marks: [{ type: "code", start: 27, end: 36 }],
      },
      { type: "relatedLink", relatedLinkId: second },
    ],
  });
  for (const [network, count] of [
    ["facebook", 1284],
    ["whatsapp", 97],
  ] as const) {
    await editor
      .put(`/v1/articles/${preview.id}/share-counts/${network}`)
      .set("If-Match", "*")
      .send({ count });
  }
  return preview;
}

/** A shorter one that is written from the right. */
export function sampleInUrdu(newsroom: TestNewsroom) {
  const link = uuid();
  return previewOf(newsroom, {
    headline: "استنبول میں مذاکرات مکمل، پروازیں جلد بحال ہونے کا امکان",
    standfirst: "پانچ گھنٹے کی بات چیت کے بعد دونوں وفود نے مشترکہ اعلامیہ جاری کیا۔",
    dateline: "استنبول، ترکی",
    language: "ur",
    section: { name: "دنیا" },
    tags: [{ name: "سفارت کاری" }, { name: "ترکی" }],
    authors: [{ name: "عائشہ خان" }, { name: "Ana Lima" }],
    keyPoints: ["بات چیت پانچ گھنٹے جاری رہی", "براہ راست پروازیں اگلے ماہ سے شروع ہو سکتی ہیں"],
    relatedLinks: [
      {
        id: link,
        kind: "alsoRead",
        title: "سفیر دوبارہ ملاقات کریں گے",
        url: "https://example.com/ur",
      },
      { kind: "source", title: "Communiqué in full", url: "https://example.com/communique" },
    ],
    body: [
      {
        type: "paragraph",
        text: "دونوں ممالک کے وفود نے پیر کو استنبول میں پانچ گھنٹے تک بات چیت کی۔ ترجمان کے مطابق Flight TK 710 اگلے ماہ دوبارہ شروع ہو سکتی ہے۔",
        marks: [{ type: "strong", start: 0, end: 19 }],
      },
      { type: "relatedLink", relatedLinkId: link },
      { type: "heading", text: "اعلامیہ میں کیا ہے" },
      { type: "list", items: ["پروازوں کی بحالی", "تجارت", "ویزا"] },
      { type: "quote", text: "یہ ایک اچھی شروعات ہے۔", attribution: "ترجمان" },
      { type: "embed", url: "https://www.video.example/watch?v=1" },
    ],
  });
}
