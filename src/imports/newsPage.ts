import { readDate } from "./dates.ts";

export type NewsPageBlock = { type: "paragraph"; text: string } | { type: "alsoRead"; title: string };

export interface NewsPage {
  headline: string;
  /** RFC 3339 in UTC; null when the page has no date line. */
  publishedAt: string | null;
  /** As printed, without its colon: `CITY, Country`. */
  dateline: string | null;
  /** Named by the page's share icons, in the order seen, each once. */
  networks: string[];
  keyPoints: string[];
  /** In reading order. */
  blocks: NewsPageBlock[];
}

/** The text cannot be read as a news page; the message says what is wrong and what would be right. */
export class NewsPageError extends Error {
  override readonly name = "NewsPageError";
}

/** Lines `start` to `end` (which is not one of them) hold the key points. */
interface KeyPoints {
  points: string[];
  start: number;
  end: number;
}

const keyPointsHeading = /^key\s+points\s*:?$/i;
const bullet = /^[•\-*–‣◦·]\s/;
const alsoReadLabel = /^also\s+read\s*:/i;
const icon = /^icon-([a-z][a-z0-9_-]{0,31})$/;

const longestDateline = 60;
const city = String.raw`\p{Lu}[\p{Lu}\p{Lm}\p{M}'’./ \u00a0-]*[\p{Lu}\p{M}.]`;
const properName = String.raw`(?:\p{Ll}{1,3}['’-])?\p{Lu}[\p{L}\p{M}'’./-]*`;
const joiningWord = "(?:and|of|the|de|del|della|do|da|dos|das|du|des|la|al|el|y|e)";
const region = String.raw`${properName}(?:[ \u00a0](?:${joiningWord}[ \u00a0])*${properName})*`;
const dateline = new RegExp(String.raw`^(${city}(?:,[ \u00a0]${region}){1,2}):\s`, "u");

/** WORD JOINER, which is not seen: what stands between two of them is text, whatever it looks like. */
const QUOTE = "\u2060";
const quotedLine = /^\u2060((?:[^\u2060]|\u2060\u2060)*)\u2060$/;
const quotedDateline = /^\u2060((?:[^\u2060\n]|\u2060\u2060)*)\u2060:(?:\s|$)/;

/**
 * Reads a news page that was saved as text from a news site.
 *
 * Every part but the headline may be missing, and what is not surely one of these stays a paragraph:
 * - the headline: the first line that is neither blank nor share icons, whatever it says
 * - the date line, in a form `readDate` knows: between the headline and whatever comes next but icons
 * - share icons: a line of nothing but `icon-NAME`, unless lines of one paragraph stand right before and
 *   after it
 * - key points: the first `KEY POINTS` line that bulleted lines follow; a line indented deeper than the
 *   bullet right above it carries that bullet on
 * - the dateline: `CITY, Region: ` at the start of the first paragraph, the city in capitals. A lone
 *   capital word (`LONDON:`) is left in the text, for `WARNING:` looks the same
 * - `ALSO READ: title`, a line of its own
 * - paragraphs: parted by blank lines, their own line breaks kept
 * - a line between two WORD JOINERs (U+2060) is none of these but text, white space included, and so is
 *   a dateline between two of them before a colon, as `quoted` writes them
 *
 * @param text the decoded text, with any line ends, with or without a byte order mark
 * @returns the page; only white space around lines, labels, bullets, icons and the dateline's colon are gone
 * @throws NewsPageError when the text holds no headline
 */
export function parseNewsPage(text: string): NewsPage {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const { headline, publishedAt, icons, end } = readTop(lines);
  const keyPoints = findKeyPoints(lines, end);
  const blocks = [
    ...readBlocks(lines.slice(end, keyPoints.start), icons),
    ...readBlocks(lines.slice(keyPoints.end), icons),
  ];
  const place = takeDateline(blocks);
  return {
    headline: unquoted(headline),
    publishedAt,
    dateline: place,
    networks: networksOf(icons),
    keyPoints: keyPoints.points.map(unquoted),
    blocks: blocks
      .filter((block) => block.type !== "paragraph" || block.text !== "")
      .map((block) =>
        block.type === "paragraph"
          ? { ...block, text: unquoted(block.text) }
          : { ...block, title: unquoted(block.title) },
      ),
  };
}

/** Writes a line so that it is read as text and nothing else, with the white space around it. */
export function quoted(line: string): string {
  return QUOTE + line.replaceAll(QUOTE, QUOTE + QUOTE) + QUOTE;
}

/** Whether a line, wherever it stands, is read as text and nothing else, but perhaps for a bullet or a dateline. */
export function readsAsText(line: string): boolean {
  const isSpecial = [isIcons, quotedLine.test.bind(quotedLine), quotedDateline.test.bind(quotedDateline)];
  return (
    line !== "" &&
    line === line.trim() &&
    !alsoReadLabel.test(line) &&
    !keyPointsHeading.test(line) &&
    readDate(line) === null &&
    !isSpecial.some((is) => is(line))
  );
}

/** Whether a line that is text would be a key point among key points. */
export function readsAsKeyPoint(line: string): boolean {
  return bullet.test(line);
}

/** The dateline that a first paragraph is read to open with. */
export function datelineIn(paragraph: string): string | null {
  return dateline.exec(paragraph.slice(0, longestDateline + ": ".length))?.[1] ?? null;
}

function unquoted(text: string): string {
  const plain = (line: string) => quotedLine.exec(line)?.[1]?.replaceAll(QUOTE + QUOTE, QUOTE) ?? line;
  return text.split("\n").map(plain).join("\n");
}

/** Reads what stands above key points and body, which begin at line `end`. */
function readTop(lines: string[]) {
  const icons: string[] = [];
  let headline: string | null = null;
  let publishedAt: string | null = null;
  let end = 0;
  for (const untrimmed of lines) {
    const line = untrimmed.trim();
    if (isIcons(line)) icons.push(line);
    else if (headline === null) headline = line || null;
    else if (line !== "") {
      const date: string | null = publishedAt === null ? readDate(line) : null;
      if (date === null) break;
      publishedAt = date;
    }
    end += 1;
  }
  if (headline === null) throw noHeadline(icons.length > 0);
  return { headline, publishedAt, icons, end };
}

function noHeadline(hasIcons: boolean): NewsPageError {
  const found = hasIcons ? "nothing but share icons" : "nothing but white space, or nothing at all";
  return new NewsPageError(
    `The news page has no headline: the text holds ${found}. Its first line of words must be the headline.`,
  );
}

function findKeyPoints(lines: string[], from: number): KeyPoints {
  for (let start = from; start < lines.length; start += 1) {
    if (!keyPointsHeading.test(lineAt(lines, start).trim())) continue;
    const list = readBullets(lines, start + 1);
    if (list.points.length > 0) return { ...list, start };
  }
  return { points: [], start: lines.length, end: lines.length };
}

function readBullets(lines: string[], from: number): Omit<KeyPoints, "start"> {
  const points: string[] = [];
  let indent = 0;
  let end = from;
  for (let at = from; at < lines.length; at += 1) {
    const line = lineAt(lines, at);
    const text = line.trim();
    if (text === "") continue;
    const isRightBelow = points.length > 0 && end === at;
    if (bullet.test(text)) {
      points.push(text.slice(1).trim());
      indent = indentOf(line);
    } else if (isRightBelow && indentOf(line) > indent && isProse(text)) {
      points.push(`${points.pop()}\n${text}`);
    } else break;
    end = at + 1;
  }
  return { points, end };
}

/** Reads paragraphs and related titles, and adds the lines of share icons among them to `icons`. */
function readBlocks(lines: string[], icons: string[]): NewsPageBlock[] {
  const blocks: NewsPageBlock[] = [];
  let paragraph: string[] = [];
  const endParagraph = () => {
    const text = takeIcons(paragraph, icons).join("\n");
    if (text !== "") blocks.push({ type: "paragraph", text });
    paragraph = [];
  };
  for (const untrimmed of lines) {
    const line = untrimmed.trim();
    const title = alsoReadTitle(line);
    if (title === null && line !== "") {
      paragraph.push(line);
      continue;
    }
    endParagraph();
    if (title !== null) blocks.push({ type: "alsoRead", title });
  }
  endParagraph();
  return blocks;
}

/** Moves the lines of share icons at both ends of a paragraph to `icons`, and returns the lines between. */
function takeIcons(paragraph: string[], icons: string[]): string[] {
  const hasWords = (line: string) => !isIcons(line);
  // With no words at all these are -1 and 0: every line is icons, and none is between them.
  const start = paragraph.findIndex(hasWords);
  const end = paragraph.findLastIndex(hasWords) + 1;
  for (const [at, line] of paragraph.entries()) if (at < start || at >= end) icons.push(line);
  return paragraph.slice(start, end);
}

/** Moves the dateline out of the paragraph that it is quoted in, or out of the first if that opens with one. */
function takeDateline(blocks: NewsPageBlock[]): string | null {
  const paragraphs = blocks.filter((block) => block.type === "paragraph");
  for (const paragraph of paragraphs) {
    const [whole, place] = quotedDateline.exec(paragraph.text) ?? [];
    if (whole === undefined || place === undefined) continue;
    paragraph.text = paragraph.text.slice(whole.length).trimStart();
    return place.replaceAll(QUOTE + QUOTE, QUOTE);
  }
  const [first] = paragraphs;
  const place = first === undefined ? null : datelineIn(first.text);
  if (first === undefined || place === null) return null;
  first.text = first.text.slice(place.length + ": ".length).trimStart();
  return place;
}

function alsoReadTitle(line: string): string | null {
  const label = alsoReadLabel.exec(line)?.[0];
  return (label && line.slice(label.length).trim()) || null;
}

function isProse(line: string): boolean {
  return alsoReadTitle(line) === null && !isIcons(line);
}

function isIcons(line: string): boolean {
  return line.startsWith("icon-") && line.split(/\s+/).every((token) => icon.test(token));
}

function networksOf(icons: string[]): string[] {
  const names = icons.flatMap((line) => line.split(/\s+/)).map((token) => token.slice("icon-".length));
  return [...new Set(names.map((name) => (name === "twitter" ? "x" : name)))];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function lineAt(lines: string[], at: number): string {
  return lines[at] ?? "";
}
