import type { EditionDocument } from "../editions/document.ts";

/** A text by its weight, from the headline down to the body, as PostgreSQL's rankings name weights. */
export interface Passage {
  weight: "A" | "B" | "C" | "D";
  text: string;
}

/** What of an edition is searched: headline, standfirst, key points, and the body with its dateline. */
export function passagesOf({
  headline,
  standfirst,
  keyPoints,
  dateline,
  body,
}: Pick<EditionDocument, "headline" | "standfirst" | "keyPoints" | "dateline" | "body">): Passage[] {
  const passages: { weight: Passage["weight"]; text: string | null }[] = [
    { weight: "A", text: headline },
    { weight: "B", text: standfirst },
    ...keyPoints.map(({ text }) => ({ weight: "C" as const, text })),
    ...[dateline, ...body.flatMap(textsOf)].map((text) => ({ weight: "D" as const, text })),
  ];
  return passages.flatMap(({ weight, text }) => (text === null || text === "" ? [] : { weight, text }));
}

/** Links are left out: their titles are other articles' headlines. */
function textsOf(block: EditionDocument["body"][number]): (string | null)[] {
  switch (block.type) {
    case "paragraph":
    case "heading":
      return [block.text];
    case "quote":
      return [block.text, block.attribution];
    case "list":
      return block.items.map((item) => (typeof item === "string" ? item : item.text));
    case "image":
      return [block.caption, block.alt];
    default:
      return [];
  }
}
