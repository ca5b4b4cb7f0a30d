import type { Block } from "../../articles/body.ts";

export type Mark = NonNullable<Extract<Block, { type: "paragraph" }>["marks"]>[number];
export interface Marked {
  text: string;
  marks: Mark[];
}

/** The most marks that a block may have. */
const MAX_MARKS = 1000;

/** Text that is read piece by piece, with the marks that lie over it. */
export interface InlineText {
  add: (text: string, white: "collapsed" | "lines" | "kept") => void;
  breakLine: () => void;
  open: (type: "strong" | "emphasis" | "code" | "link", url?: string) => void;
  close: (type: Mark["type"]) => void;
  isEmpty: () => boolean;
  /** What was read since the last time; marks that are still open go on in what follows. */
  take: () => Marked;
}

export function inlineText(): InlineText {
  // Not one string: to look at the end of one that grows is to copy it each time.
  let pieces: string[] = [];
  let length = 0;
  let hasInk = false;
  let marks: Mark[] = [];
  const open: { type: Mark["type"]; start: number; url: string }[] = [];

  const put = ({ type, start, url }: (typeof open)[number], end: number) => {
    if (start >= end) return;
    marks.push(type === "link" ? { type, start, end, url } : { type, start, end });
  };
  const append = (piece: string) => {
    if (piece === "") return;
    pieces.push(piece);
    length += piece.length;
    hasInk ||= /\S/.test(piece);
  };
  const breakLine = () => {
    const last = pieces.at(-1) ?? "";
    if (last.endsWith(" ")) {
      pieces[pieces.length - 1] = last.slice(0, -1);
      length -= 1;
    }
    if (hasInk) append("\n");
  };
  const addCollapsed = (raw: string) => {
    const piece = raw.replace(/[ \t\n\r\f]+/g, " ");
    append(length === 0 || /[ \n]$/.test(pieces.at(-1)?.slice(-1) ?? "") ? piece.replace(/^ /, "") : piece);
  };
  return {
    add(raw, white) {
      const piece = raw.normalize("NFC");
      if (white === "kept") append(piece);
      else if (white === "collapsed") addCollapsed(piece);
      else {
        for (const [index, line] of piece.split(/\r\n?|\n/).entries()) {
          if (index > 0 && pieces.at(-1)?.endsWith("\n") !== true) breakLine();
          addCollapsed(line);
        }
      }
    },
    breakLine,
    open(type, url = "") {
      open.push({ type, start: length, url });
    },
    close(type) {
      const at = open.findLastIndex((mark) => mark.type === type);
      const [mark] = at < 0 ? [] : open.splice(at, 1);
      if (mark !== undefined) put(mark, length);
    },
    isEmpty: () => !hasInk,
    take() {
      for (const mark of open) put(mark, length);
      const taken = trimmed({ text: pieces.join(""), marks });
      pieces = [];
      length = 0;
      hasInk = false;
      marks = [];
      for (const mark of open) mark.start = 0;
      return taken;
    },
  };
}

/** Text without white space at its ends, and its marks on what is left. */
export function trimmed({ text, marks }: Marked): Marked {
  const start = text.length - text.trimStart().length;
  const whole = text.trim();
  const isMoved = whole !== whole.normalize("NFC") || marks.length > MAX_MARKS;
  return { text: whole, marks: isMoved ? [] : within(marks, start, start + whole.length) };
}

/** The marks over a part of a text, as they lie over it by itself. */
function within(marks: Mark[], from: number, to: number): Mark[] {
  return marks
    .map((mark) => ({
      ...mark,
      start: Math.max(mark.start, from) - from,
      end: Math.min(mark.end, to) - from,
    }))
    .filter(({ start, end }) => start < end)
    .toSorted((one, other) => one.start - other.start || other.end - one.end);
}

/** A text from a place on. */
export function fromPlace({ text, marks }: Marked, start: number): Marked {
  return trimmed({ text: text.slice(start), marks: within(marks, start, text.length) });
}

/** Texts behind each other. */
export function joined(parts: Marked[], between: string): Marked {
  let text = "";
  const marks: Mark[] = [];
  for (const [index, part] of parts.entries()) {
    if (index > 0) text += between;
    const shift = text.length;
    text += part.text;
    for (const mark of part.marks) marks.push({ ...mark, start: mark.start + shift, end: mark.end + shift });
  }
  return { text, marks };
}

/** As blocks have it: without marks where there are none. */
export function asBlock({ text, marks }: Marked): { text: string; marks?: Mark[] } {
  return marks.length === 0 ? { text } : { text, marks };
}
