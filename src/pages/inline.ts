import { html } from "hono/html";
import type { Block } from "../articles/body.ts";
import { type Html, linkAddress } from "./html.ts";

type Mark = NonNullable<Extract<Block, { type: "paragraph" }>["marks"]>[number];
/** A piece of text between two ends of marks, and the mark of each kind that lies over it. */
interface Piece {
  text: string;
  marks: (Mark | undefined)[];
}

/** The kinds of marks from the outermost element to the innermost. */
const nesting = ["link", "strong", "emphasis", "code"] as const;

/** What marked text is made of in some markup: `Part` is a piece of it. */
interface Markup<Part> {
  /** Text under no further mark. */
  plain: (text: string) => Part[];
  /** A mark around what it lies over. */
  marked: (mark: Mark, content: Part[]) => Part[];
}

/** Text with its inline marks as elements. */
export function inline(marked: MarkedText): Html {
  return html`${markedUp(marked, { plain: (text) => [lines(text)], marked: (mark, content) => [element(mark, html`${content}`)] })}`;
}

export interface MarkedText {
  text: string;
  marks?: Mark[] | undefined;
}

/**
 * Text with its inline marks in some markup. Marks may overlap in any way: a link is never cut in two,
 * other marks are where they cross one that goes around them. Of two of a kind that overlap, the
 * later begins where the earlier ends.
 */
export function markedUp<Part>({ text, marks = [] }: MarkedText, markup: Markup<Part>): Part[] {
  const whole = marks.map((mark) => wholeCharacters(text, mark));
  const lanes = nesting.map((type) => disjoint(whole.filter((mark) => mark.type === type)));
  const ends = new Set([0, text.length, ...lanes.flat().flatMap(({ start, end }) => [start, end])]);
  const cuts = [...ends].toSorted((a, b) => a - b);
  const next = lanes.map(() => 0);
  const pieces = cuts.slice(1).map((end, index): Piece => {
    const start = cuts[index] ?? 0;
    const over = lanes.map((lane, kind) => {
      while ((lane[next[kind] ?? 0]?.end ?? Infinity) <= start) next[kind] = (next[kind] ?? 0) + 1;
      const mark = lane[next[kind] ?? 0];
      return mark !== undefined && mark.start <= start ? mark : undefined;
    });
    return { text: text.slice(start, end), marks: over };
  });
  return nest(pieces, 0, markup);
}

/** Puts the marks of one kind around the pieces that each covers, and those of the kinds within inside. */
function nest<Part>(pieces: Piece[], depth: number, markup: Markup<Part>): Part[] {
  if (depth === nesting.length) return pieces.flatMap((piece) => markup.plain(piece.text));
  const runs: Piece[][] = [];
  for (const piece of pieces) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]?.marks[depth] === piece.marks[depth]) run.push(piece);
    else runs.push([piece]);
  }
  return runs.flatMap((run) => {
    const mark = run[0]?.marks[depth];
    const content = nest(run, depth + 1, markup);
    return mark === undefined ? content : markup.marked(mark, content);
  });
}

function element(mark: Mark, content: Html): Html {
  switch (mark.type) {
    case "link": {
      const address = linkAddress(mark.url);
      return address === undefined ? content : html`<a href="${address}">${content}</a>`;
    }
    case "strong":
      return html`<strong>${content}</strong>`;
    case "emphasis":
      return html`<em>${content}</em>`;
    default:
      return html`<code>${content}</code>`;
  }
}

/** A mark whose ends fall between the halves of a character (a surrogate pair) takes in the whole of it. */
function wholeCharacters(text: string, mark: Mark): Mark {
  const cuts = (at: number) =>
    /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));
  return {
    ...mark,
    start: cuts(mark.start) ? mark.start - 1 : mark.start,
    end: cuts(mark.end) ? mark.end + 1 : mark.end,
  };
}

/** Marks of a kind in order, each cut to begin where those before it end. */
function disjoint(marks: Mark[]): Mark[] {
  let reached = 0;
  return marks
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .flatMap((mark) => {
      const start = Math.max(mark.start, reached);
      if (start >= mark.end) return [];
      reached = mark.end;
      return [{ ...mark, start }];
    });
}

/** Text whose line breaks are kept. */
function lines(text: string): Html {
  const [first = "", ...rest] = text.split(/\r\n?|\n/);
  return html`${first}${rest.map((line) => html`<br />${line}`)}`;
}
