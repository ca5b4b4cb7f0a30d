import { problem } from "../http/problems.ts";
import { faultsOf } from "../http/validation.ts";
import { type ArticleLine, Line } from "./schema.ts";

/** How long a line may be, in characters: an article of the longest kind with many editions. */
const MAX_LINE = 256 * 1024 * 1024;

/** A line that is to be put aside, with what it says. */
export interface SentLine {
  line: number;
  kind: Line["kind"];
  key: string;
  content: string;
  said: Extract<Line, { id: string }>;
}

/**
 * The lines of a file that comes in pieces.
 *
 * @throws 413 when one is longer than any may be
 */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  let pieces: string[] = [];
  let length = 0;
  for await (const piece of source) {
    const parts = decoder.decode(piece, { stream: true }).split("\n");
    const rest = parts.pop() ?? "";
    for (const part of parts) {
      yield [...pieces, part].join("").trimEnd();
      pieces = [];
      length = 0;
    }
    pieces.push(rest);
    length += rest.length;
    if (length > MAX_LINE)
      throw problem(
        "content-too-large",
        `A line is longer than the ${MAX_LINE} characters that it may have.`,
      );
  }
  const end = [...pieces, decoder.decode()].join("").trimEnd();
  if (end !== "") yield end;
}

/** @returns the line, or what is wrong with it */
export function parse(text: string): Line | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON in UTF-8";
  }
  const result = Line.safeParse(value);
  if (result.success) return result.data;
  const [first] = faultsOf(result.error);
  return first === undefined ? "is not valid" : `is not valid: ${first.pointer} ${first.detail}`;
}

/** A line that was found to be right when it was parsed. An edition stays the text that it was; all else is as the schema reads it. */
export function understood(content: string): Line {
  const line = Line.parse(JSON.parse(content));
  if (line.kind !== "article") return line;
  const sent = JSON.parse(content) as ArticleLine;
  return {
    ...line,
    editions: line.editions.map((edition, index) => ({
      ...edition,
      document: sent.editions[index]?.document ?? edition.document,
    })),
  };
}
