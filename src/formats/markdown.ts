import type { BlockContent, List, Paragraph, PhrasingContent, RootContent } from "mdast";
import { toMarkdown } from "mdast-util-to-markdown";
import type { Article } from "../articles/schema.ts";
import { type Surroundings, shownTime } from "../pages/article.ts";
import { linkAddress } from "../pages/html.ts";
import { type MarkedText, markedUp } from "../pages/inline.ts";
import { type Labels, labelsFor } from "../pages/labels.ts";

type Block = Article["body"][number];
type RelatedLink = Article["relatedLinks"][number];

/**
 * An article as CommonMark: headline, standfirst, authors and date, key points, body, related links,
 * corrections, tags. No text turns into markup. Line breaks become hard ones, and spaces in headings
 * and code.
 */
export function markdown(article: Article, { tags }: Surroundings): string {
  const labels = labelsFor(article.language);
  const { headline, standfirst, keyPoints, relatedLinks, corrections, body } = article;
  const placed = new Set(body.map((block) => (block.type === "relatedLink" ? block.relatedLinkId : "")));
  const groups = Map.groupBy(
    relatedLinks.filter(({ id }) => !placed.has(id)),
    ({ kind }) => kind,
  );
  const children: RootContent[] = [
    heading(1, { text: headline }),
    ...(standfirst === null ? [] : [paragraph(...phrase({ text: standfirst }))]),
    paragraph(...words(imprint(article, labels))),
    ...section(
      labels.keyPoints,
      keyPoints.map(({ text }) => phrase({ text })),
    ),
    ...bodyOf(article, labels),
    ...[...groups].flatMap(([kind, links]) => section(labels[kind], links.map(relatedLink))),
    ...section(
      labels.corrections,
      corrections.map(({ text, publishedAt }) =>
        phrase({ text: `${shownTime(publishedAt, labels.language)}: ${text}` }),
      ),
    ),
    ...section(
      labels.tags,
      tags.map((text) => phrase({ text })),
    ),
  ];
  return toMarkdown(
    { type: "root", children },
    { bullet: "-", emphasis: "_", rule: "-", resourceLink: true, incrementListMarker: true },
  );
}

function imprint({ authors, language, publishedAt }: Article, labels: Labels): string {
  const names = new Intl.ListFormat([language, "en"]).format(authors.map(({ name }) => name));
  const parts = [
    names === "" ? "" : `${labels.by} ${names}`,
    publishedAt === null ? "" : shownTime(publishedAt, labels.language),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function bodyOf({ body, dateline, relatedLinks }: Article, labels: Labels): RootContent[] {
  const links = new Map(relatedLinks.map((link) => [link.id, link]));
  const place: PhrasingContent[] =
    dateline === null ? [] : [{ type: "strong", children: words(`${spaced(dateline)}:`) }];
  const opening = body.find(({ type }) => type === "paragraph");
  const blocks = body.flatMap((block) => {
    if (block !== opening || block.type !== "paragraph") return blockOf(block, links, labels);
    const gap = place.length === 0 ? [] : words(" ");
    return [paragraph(...ended([...place, ...gap, ...phrase(block)]))];
  });
  return opening === undefined && place.length > 0 ? [paragraph(...place), ...blocks] : blocks;
}

function blockOf(block: Block, links: ReadonlyMap<string, RelatedLink>, labels: Labels): RootContent[] {
  switch (block.type) {
    case "paragraph":
      return [paragraph(...phrase(block))];
    case "heading":
      return [heading(block.level === 3 ? 3 : block.level === 4 ? 4 : 2, block)];
    case "quote": {
      const said: BlockContent[] = [paragraph(...phrase(block))];
      const by = block.attribution;
      const children = by === null ? said : [...said, paragraph(...phrase({ text: `— ${by}` }))];
      return [{ type: "blockquote", children }];
    }
    case "list": {
      const items = block.items.map((item) => phrase(typeof item === "string" ? { text: item } : item));
      return [listOf(items, block.ordered)];
    }
    case "image": {
      const legend = [block.caption, block.credit].filter((text) => text !== null).join(" ");
      return [
        paragraph({ type: "image", url: block.url, alt: spaced(block.alt ?? "") }),
        ...(legend === "" ? [] : [paragraph(...phrase({ text: legend }))]),
      ];
    }
    case "embed":
      return [paragraph({ type: "link", url: block.url, children: words(block.url) })];
    case "relatedLink": {
      const link = links.get(block.relatedLinkId);
      if (link === undefined) return [];
      const label: PhrasingContent = { type: "strong", children: words(`${labels[link.kind]}:`) };
      return [paragraph(label, ...words(" "), ...relatedLink(link))];
    }
    default:
      return [{ type: "thematicBreak" }];
  }
}

function relatedLink({ title, url }: RelatedLink): PhrasingContent[] {
  const children = words(spaced(title ?? url ?? ""));
  const address = linkAddress(url);
  return address === undefined ? children : [{ type: "link", url: address, children }];
}

function section(title: string, items: PhrasingContent[][]): RootContent[] {
  return items.length === 0 ? [] : [heading(2, { text: title }), listOf(items, false)];
}

function listOf(items: PhrasingContent[][], ordered: boolean): List {
  return {
    type: "list",
    ordered,
    start: ordered ? 1 : null,
    spread: false,
    children: items.map((item) => ({ type: "listItem", spread: false, children: [paragraph(...item)] })),
  };
}

function paragraph(...children: PhrasingContent[]): Paragraph {
  return { type: "paragraph", children };
}

/** A heading is one line. */
function heading(depth: 1 | 2 | 3 | 4, marked: MarkedText): RootContent {
  const text = marked.text.replaceAll(/[\r\n]/g, " ");
  return { type: "heading", depth, children: phrasing({ ...marked, text }) };
}

/** Marked text of a block of its own. */
function phrase(marked: MarkedText): PhrasingContent[] {
  return ended(phrasing(marked));
}

function phrasing(marked: MarkedText): PhrasingContent[] {
  return markedUp<PhrasingContent>(marked, {
    plain: (text) =>
      text
        .split(/\r\n?|\n/)
        .flatMap((line, index) => [...(index === 0 ? [] : [{ type: "break" } as const]), ...words(line)]),
    marked: (mark, content) => {
      switch (mark.type) {
        case "link":
          return [{ type: "link", url: mark.url, children: joined(content) }];
        case "strong":
        case "emphasis":
          return around(mark.type, content);
        default:
          return [{ type: "inlineCode", value: content.map(valueOf).join("") }];
      }
    },
  }).reduce(join, []);
}

/** Emphasis does not reach over line breaks at its ends, nor is there any on white space alone. */
function around(type: "strong" | "emphasis", content: PhrasingContent[]): PhrasingContent[] {
  const hasWords = (part: PhrasingContent) => part.type !== "break" && !/^\s*$/.test(valueOf(part));
  const start = content.findIndex(hasWords);
  const end = content.findLastIndex(hasWords) + 1;
  if (start < 0) return content;
  return [
    ...content.slice(0, start),
    { type, children: joined(content.slice(start, end)) },
    ...content.slice(end),
  ];
}

function valueOf(part: PhrasingContent): string {
  if (part.type === "break") return " ";
  if ("value" in part) return part.value;
  return "children" in part ? part.children.map(valueOf).join("") : "";
}

const joined = (parts: PhrasingContent[]) => parts.reduce(join, []);

/** Two of a kind side by side would be read as one with their marks between them. */
function join(parts: PhrasingContent[], part: PhrasingContent): PhrasingContent[] {
  const last = parts.at(-1);
  if (last?.type === "text" && part.type === "text") last.value += part.value;
  else if (last?.type === "inlineCode" && part.type === "inlineCode") last.value += part.value;
  else if (last?.type === "strong" && part.type === "strong")
    last.children = joined([...last.children, ...part.children]);
  else if (last?.type === "emphasis" && part.type === "emphasis")
    last.children = joined([...last.children, ...part.children]);
  else parts.push(part);
  return parts;
}

/** A hard break at the end of a block is none: it is written as the character. */
function ended(parts: PhrasingContent[]): PhrasingContent[] {
  const end = parts.findLastIndex(({ type }) => type !== "break") + 1;
  return joined([...parts.slice(0, end), ...words("\n".repeat(parts.length - end))]);
}

function words(value: string): PhrasingContent[] {
  return value === "" ? [] : [{ type: "text", value }];
}

function spaced(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
