import type { DraftBlock, DraftLink } from "../entry.ts";
import { datelineIn } from "../newsPage.ts";
import { asBlock, fromPlace } from "./inlineText.ts";

/** What a text says, in blocks. */
export interface Content {
  body: DraftBlock[];
  relatedLinks: DraftLink[];
  keyPoints: string[];
  dateline: string | null;
  standfirst: string | null;
  /** What could not be carried over, in words, each once. */
  remarks: string[];
}

/** Nothing yet. */
export function noContent(): Content {
  return { body: [], relatedLinks: [], keyPoints: [], dateline: null, standfirst: null, remarks: [] };
}

/** Plain text as blocks: blank lines part paragraphs, or line breaks where there are none. */
export function textContent(text: string): Content {
  const whole = text.trim().replaceAll(/\r\n?/g, "\n");
  const parts = /\n[ \t]*\n/.test(whole) ? whole.split(/\n[ \t]*\n\s*/) : whole.split("\n");
  const body = parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part): DraftBlock => ({ type: "paragraph", text: part }));
  return takeDateline({ ...noContent(), body });
}

/** Moves the place where it was filed out of the first paragraph, if that opens with it. */
export function takeDateline(content: Content): Content {
  const first = content.body.find((block) => block.type === "paragraph");
  const place = first === undefined || content.dateline !== null ? null : datelineIn(first.text);
  if (first === undefined || place === null) return content;
  const at = content.body.indexOf(first);
  const rest = fromPlace({ text: first.text, marks: first.marks ?? [] }, place.length + 1);
  content.dateline = place;
  if (rest.text === "") content.body.splice(at, 1);
  else content.body[at] = { type: "paragraph", ...asBlock(rest) };
  return content;
}
