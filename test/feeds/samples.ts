import { type ShownArticle, live } from "../support/articles.ts";
import type { TestNewsroom } from "../support/newsroom.ts";

/** All that a text may hold and that breaks XML, HTML or readers that take one for the other. */
export const awkward =
  "A & B <b>bold</b> &amp; ]]> <![CDATA[ \u0001\u0008\u000B\u001F \u0085 \uFFFE\uFFFF \u2028 😀 𝔄 \u202Eאבג\u202C “x” 'y' \"z\"\ttab\r\nline";

/** The same as XML has it, which can hold neither these nor anything in their place. */
const unwritable = new Set("\u0001\u0008\u000B\u001F\uFFFE\uFFFF");
export const awkwardInXml = Array.from(awkward, (character) =>
  unwritable.has(character) ? "\uFFFD" : character,
).join("");

/** Publishes an article with everything that feeds show. */
export function fullArticle(
  newsroom: TestNewsroom,
  more: Record<string, unknown> = {},
): Promise<ShownArticle> {
  return live(newsroom, {
    headline: "Harbour reopens",
    standfirst: "Ferries leave on the first tide.",
    dateline: "STORNOWAY, Scotland",
    section: { name: "World & Sea" },
    tags: [{ name: "Ferries" }, { name: "Islands <west>" }],
    authors: [{ name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
    keyPoints: ["It was shut for 61 days", { text: "4,000 parcels wait", blockId: "mail" }],
    relatedLinks: [
      { kind: "source", title: "The log", url: "https://harbour.example/log?a=1&b=2" },
      { kind: "background", title: "A history", url: "/history" },
    ],
    body: [
      {
        type: "paragraph",
        text: "The first ferry left at dawn.",
        marks: [{ type: "link", start: 4, end: 15, url: "https://example.com/first-ferry" }],
      },
      {
        type: "image",
        url: "https://images.example/harbour.jpg?w=1&h=2",
        alt: "A ferry",
        caption: "The ferry passes.",
        credit: "Ana Lima",
      },
      { id: "mail", type: "paragraph", text: "Parcels had piled up." },
      { type: "image", url: "https://images.example/render/42", alt: null },
      { type: "embed", url: "https://video.example/watch" },
    ],
    ...more,
  });
}
