import { linkAddress } from "../pages/html.ts";
import { type MarkedText, markedUp } from "../pages/inline.ts";

/** What inline text is made of: a character, one end of emphasis, markup as it is, or a line break. */
type Unit =
  | { type: "character"; value: string }
  | { type: "open" | "close"; value: "**" | "_" }
  | { type: "markup"; value: string }
  | { type: "break" };

const always = /^[\\`*_[\]<~]$/;
const atLineStart = /^[#+=>-]$/;
/** What every parser takes for a place where emphasis may begin and end. */
const parting = /^[\s!-/:-@[-`{-~]$/;

/**
 * Text with its marks in CommonMark. No character of the text is taken for markup, white space at the
 * ends of lines stays, and marks hold wherever they begin and end, within a word too.
 *
 * @param lines what becomes of line breaks: `hard` ones, or a `space` where only one line can be
 */
export function inlineMarkdown(marked: MarkedText, lines: "hard" | "space" = "hard"): string {
  const text = lines === "hard" ? marked.text : marked.text.replaceAll(/[\r\n]/g, " ");
  const units = markedUp<Unit>(
    { ...marked, text },
    {
      plain: unitsOf,
      marked: (mark, content) => {
        switch (mark.type) {
          case "link": {
            const address = linkAddress(mark.url);
            if (address === undefined) return content;
            return [
              { type: "markup", value: "[" },
              ...content,
              { type: "markup", value: `](${destination(address)})` },
            ];
          }
          case "strong":
            return emphasised("**", content);
          case "emphasis":
            return emphasised("_", content);
          default:
            return [{ type: "markup", value: code(content) }];
        }
      },
    },
  ).reduce(merge, []);
  return units.map((unit, index) => written(unit, index, units)).join("");
}

/** A link, or an image, to an address. */
export function linkTo(address: string, text: string): string {
  return `[${inlineMarkdown({ text }, "space")}](${destination(address)})`;
}

function unitsOf(text: string): Unit[] {
  return text
    .split(/\r\n?|\n/)
    .flatMap((line, index): Unit[] => [
      ...(index === 0 ? [] : [{ type: "break" } as const]),
      ...Array.from(line, (value) => ({ type: "character", value }) as const),
    ]);
}

/** Emphasis from the first word to the last, for none is on white space and none begins with a break. */
function emphasised(value: "**" | "_", content: Unit[]): Unit[] {
  const hasInk = (unit: Unit) =>
    unit.type === "markup" || (unit.type === "character" && !/^\s$/.test(unit.value));
  const first = content.findIndex(hasInk);
  const last = content.findLastIndex(hasInk);
  if (first < 0) return content;
  // Emphasis within begins and ends with words, so its own ends lie right beside them.
  let start = first;
  while (content[start - 1]?.type === "open") start -= 1;
  let end = last + 1;
  while (content[end]?.type === "close") end += 1;
  return [
    ...content.slice(0, start),
    { type: "open", value },
    ...content.slice(start, end),
    { type: "close", value },
    ...content.slice(end),
  ];
}

/** Emphasis that ends where the same begins again goes on. */
function merge(units: Unit[], unit: Unit): Unit[] {
  const last = units.at(-1);
  if (unit.type === "open" && last?.type === "close" && last.value === unit.value) units.pop();
  else units.push(unit);
  return units;
}

function code(content: Unit[]): string {
  const text = content.map((unit) => (unit.type === "break" ? " " : unit.value)).join("");
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const pad = /^`|`$|^ .*[^ ].* $/.test(text) ? " " : "";
  return `${fence}${pad}${text}${pad}${fence}`;
}

function destination(address: string): string {
  return /[\s()<>\\&*_`[\]]/.test(address) ? `<${address.replaceAll(/[<>\\&]/g, String.raw`\$&`)}>` : address;
}

function written(unit: Unit, index: number, units: readonly Unit[]): string {
  // A break that ends the text would be a backslash.
  if (unit.type === "break")
    return units.slice(index).every(({ type }) => type === "break" || type === "close") ? "&#xA;" : "\\\n";
  if (unit.type !== "character") return unit.value;
  const { value } = unit;
  const [before, after] = [units[index - 1], units[index + 1]];
  const startsLine = before === undefined || before.type === "break";
  const endsLine = after === undefined || after.type === "break";
  const isSpace = /^[\s\uFEFF]$/.test(value);
  const isInside = before?.type === "open" || after?.type === "close";
  if (isSpace && (startsLine || endsLine || isInside)) return reference(value);
  // Beside a letter emphasis may not begin or end, according to what is on its other side.
  const isBeside = before?.type === "close" || after?.type === "open";
  if (isBeside && !parting.test(value)) return reference(value);
  if (always.test(value) || (startsLine && atLineStart.test(value))) return `\\${value}`;
  if (value === "!" && after?.type === "markup") return "\\!";
  if (value === "&" && after?.type === "character" && /[#A-Za-z]/.test(after.value)) return "\\&";
  if ((value === "." || value === ")") && followsNumber(index, units)) return `\\${value}`;
  // Of a heading these would be its end.
  return value === "#" ? "\\#" : value;
}

/** Whether there is nothing but a number before it in its line, so that it would begin a list. */
function followsNumber(index: number, units: readonly Unit[]): boolean {
  let at = index - 1;
  for (let unit = units[at]; unit?.type === "character" && /^\d$/.test(unit.value); unit = units[at]) at -= 1;
  return at < index - 1 && (at < 0 || units[at]?.type === "break");
}

function reference(character: string): string {
  return `&#x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()};`;
}
