import type { Article } from "../articles/schema.ts";
import { datelineIn, quoted, readsAsKeyPoint, readsAsText } from "../imports/newsPage.ts";

/** One paragraph of plain text, or a link at its place. */
export type Passage = { type: "text"; lines: string[]; opens: boolean } | { type: "alsoRead"; title: string };

/** What stands for a rule. */
const RULE = "* * *";

/**
 * An article as the text that `POST /v1/imports` reads, word for word. What that has no place for
 * comes as paragraphs: byline and standfirst above the key points; headings, quotes (the attribution
 * in a line of its own after a dash), lists (a line for each item), images and embeds (what is said of
 * them, and their addresses) and rules (`* * *`) at their places; corrections at the end. Marks, the
 * addresses of links and the numbers of shares are left out. Line breaks become line feeds, and spaces
 * where only one line can be. A line that would be misread stands between two WORD JOINERs (U+2060).
 */
export function plainText(article: Article): string {
  const { headline, publishedAt, shareCounts, keyPoints, dateline } = article;
  const passages = passagesOf(article);
  const opening = dateline === null ? -1 : passages.findIndex((one) => one.type === "text" && one.opens);
  const firstText = passages.findIndex(({ type }) => type === "text");
  // Text above the key points comes first, and the importer looks for a plain dateline in the first.
  const above = [byline(article), article.standfirst].flatMap((text) =>
    text === null ? [] : [linesOf(text)],
  );
  const isFirst = (index: number) => index === firstText && above.length === 0;
  const icons = Object.keys(shareCounts).map((network) => `icon-${network}`);
  const parts = [
    asLine(headline),
    publishedAt === null ? "" : dateLine(publishedAt),
    icons.join(" "),
    ...above.map((lines, index) => safe(lines, index === 0, true)),
    keyPoints.length === 0 ? "" : ["KEY POINTS", ...keyPoints.map(({ text }) => keyPoint(text))].join("\n\n"),
    dateline !== null && opening < 0 ? `${quoted(oneLine(dateline))}:` : "",
    ...passages.map((passage, index) => {
      if (passage.type === "alsoRead") return `ALSO READ: ${asLine(passage.title)}`;
      const text = safe(passage.lines, isFirst(index) && index !== opening, index === 0);
      return dateline !== null && index === opening
        ? `${printed(oneLine(dateline), isFirst(index), text)} ${text}`
        : text;
    }),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** The words of the body alone, with the dateline before them: for formats that carry a text beside others. */
export function bodyText(article: Article): string {
  const { dateline } = article;
  const passages = passagesOf(article);
  const opening = passages.findIndex((one) => one.type === "text" && one.opens);
  const place = dateline === null ? "" : `${oneLine(dateline)}:`;
  const texts = passages.map((passage, index) => {
    if (passage.type === "alsoRead") return `ALSO READ: ${oneLine(passage.title)}`;
    const text = passage.lines.join("\n");
    return index === opening && place !== "" ? `${place} ${text}` : text;
  });
  return [...(opening < 0 && place !== "" ? [place] : []), ...texts].join("\n\n");
}

/** The body as paragraphs and links, in reading order; links without a place in it follow. */
function passagesOf({ body, relatedLinks, corrections }: Article): Passage[] {
  const links = new Map(relatedLinks.map((link) => [link.id, link]));
  const placed = new Set(body.map((block) => (block.type === "relatedLink" ? block.relatedLinkId : "")));
  const opening = body.find(({ type }) => type === "paragraph");
  const inBody = body.flatMap((block): Passage[] => {
    if (block.type !== "relatedLink")
      return [{ type: "text", lines: blockLines(block), opens: block === opening }];
    const link = links.get(block.relatedLinkId);
    return link === undefined ? [] : [linkPassage(link)];
  });
  const after = relatedLinks.filter(({ id }) => !placed.has(id)).map(linkPassage);
  const made = corrections.map(({ text, publishedAt }): Passage => ({
    type: "text",
    lines: linesOf(`CORRECTION, ${publishedAt.slice(0, 10)}: ${text}`),
    opens: false,
  }));
  return [...inBody, ...after, ...made];
}

function blockLines(block: Exclude<Article["body"][number], { type: "relatedLink" }>): string[] {
  switch (block.type) {
    case "quote":
      return [
        ...linesOf(block.text),
        ...(block.attribution === null ? [] : linesOf(`— ${block.attribution}`)),
      ];
    case "list":
      return block.items.flatMap((item, index) => {
        const text = typeof item === "string" ? item : item.text;
        return linesOf(`${block.ordered ? `${index + 1}.` : "•"} ${text}`);
      });
    case "image": {
      const said = [block.caption ?? block.alt, block.credit].filter((text) => text !== null && text !== "");
      return [...said, block.url].flatMap((text, index) =>
        linesOf(`${index === 0 ? "[Image] " : ""}${text ?? ""}`),
      );
    }
    case "embed":
      return [`[Embed] ${block.url}`];
    case "rule":
      return [RULE];
    default:
      return linesOf(block.text);
  }
}

function linkPassage({ kind, title, url }: Article["relatedLinks"][number]): Passage {
  if (kind === "alsoRead") return { type: "alsoRead", title: title ?? url ?? "" };
  const said = [title, url].filter((text) => text !== null).map(oneLine);
  return { type: "text", lines: [`${kind.toUpperCase()}: ${said[0] ?? ""}`, ...said.slice(1)], opens: false };
}

function byline({ authors, language }: Article): string | null {
  if (authors.length === 0) return null;
  return `By ${new Intl.ListFormat([language, "en"]).format(authors.map(({ name }) => name))}`;
}

/** `Thu Apr 10 2025` as news sites print it, or with its time: `10 Apr 2025, 09:30 UTC`. */
function dateLine(time: string): string {
  const [weekday = "", day = "", month = "", year = ""] = new Date(time).toUTCString().split(/,? /);
  const clock = time.slice("2025-04-10T".length, -1).replace(/(?::00)?\.000$/, "");
  return clock === "00:00" ? `${weekday} ${month} ${day} ${year}` : `${day} ${month} ${year}, ${clock} UTC`;
}

function keyPoint(text: string): string {
  return linesOf(text)
    .map((line, index) =>
      index === 0 ? `  • ${asLine(line)}` : `    ${readsAsKeyPoint(line) ? quoted(line) : asLine(line)}`,
    )
    .join("\n");
}

/** Lines of a paragraph that are read as that. */
function safe(lines: readonly string[], isFirstParagraph: boolean, mayFollowKeyPoints: boolean): string {
  return lines
    .map((line, index) => {
      const isFirst = index === 0;
      const isMistaken =
        (isFirst && isFirstParagraph && datelineIn(lines.join("\n")) !== null) ||
        (isFirst && mayFollowKeyPoints && readsAsKeyPoint(line));
      return isMistaken ? quoted(line) : asLine(line);
    })
    .join("\n");
}

/** A dateline with its colon, as it is printed if that is how it is read. */
function printed(dateline: string, isFirst: boolean, text: string): string {
  const isPlain = isFirst && datelineIn(`${dateline}: ${text}`) === dateline;
  return `${isPlain ? dateline : quoted(dateline)}:`;
}

function asLine(text: string): string {
  const line = oneLine(text);
  return readsAsText(line) ? line : quoted(line);
}

function oneLine(text: string): string {
  return text.replaceAll(/\r\n?|\n/g, " ");
}

function linesOf(text: string): string[] {
  return text.split(/\r\n?|\n/);
}
