import type { Article } from "../articles/schema.ts";
import { type Surroundings, shownTime } from "../pages/article.ts";
import { linkAddress } from "../pages/html.ts";
import { type Labels, labelsFor } from "../pages/labels.ts";
import { inlineMarkdown, linkTo } from "./commonMark.ts";

type Block = Article["body"][number];
type RelatedLink = Article["relatedLinks"][number];

/**
 * An article as CommonMark: headline, standfirst, authors and date, key points, body, related links,
 * corrections, tags. No text turns into markup. Line breaks become hard ones, and spaces in headings
 * and code; headings lose the space around them. An embed is its address as a link.
 */
export function markdown(article: Article, { tags }: Surroundings): string {
  const labels = labelsFor(article.language);
  const { headline, standfirst, keyPoints, relatedLinks, corrections, body } = article;
  const placed = new Set(body.map((block) => (block.type === "relatedLink" ? block.relatedLinkId : "")));
  const groups = Map.groupBy(
    relatedLinks.filter(({ id }) => !placed.has(id)),
    ({ kind }) => kind,
  );
  const parts = [
    heading(1, headline),
    standfirst === null ? "" : inlineMarkdown({ text: standfirst }),
    inlineMarkdown({ text: imprint(article, labels) }),
    ...section(
      labels.keyPoints,
      keyPoints.map(({ text }) => inlineMarkdown({ text })),
    ),
    ...bodyOf(article, labels),
    ...[...groups].flatMap(([kind, links]) => section(labels[kind], links.map(relatedLink))),
    ...section(
      labels.corrections,
      corrections.map(({ text, publishedAt }) =>
        inlineMarkdown({ text: `${shownTime(publishedAt, labels.language)}: ${text}` }),
      ),
    ),
    ...section(
      labels.tags,
      tags.map((text) => inlineMarkdown({ text })),
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function imprint({ authors, language, publishedAt }: Article, labels: Labels): string {
  const names = new Intl.ListFormat([language, "en"]).format(authors.map(({ name }) => name));
  const parts = [
    names === "" ? "" : `${labels.by} ${names}`,
    publishedAt === null ? "" : shownTime(publishedAt, labels.language),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function bodyOf({ body, dateline, relatedLinks }: Article, labels: Labels): string[] {
  const links = new Map(relatedLinks.map((link) => [link.id, link]));
  const place = dateline === null ? "" : strong(`${dateline}:`);
  const opening = body.find(({ type }) => type === "paragraph");
  const blocks = body.map((block, index) => {
    // Lists that follow each other are told apart by their markers.
    const isSecond = body.slice(0, index).filter(({ type }) => type === "list").length % 2 === 1;
    const text = blockOf(block, isSecond, links, labels);
    return block === opening && place !== "" ? `${place} ${text}` : text;
  });
  return opening === undefined ? [place, ...blocks] : blocks;
}

function blockOf(
  block: Block,
  isSecond: boolean,
  links: ReadonlyMap<string, RelatedLink>,
  labels: Labels,
): string {
  switch (block.type) {
    case "paragraph":
      return inlineMarkdown(block);
    case "heading":
      return `${"#".repeat(block.level)} ${inlineMarkdown(block, "space")}`;
    case "quote": {
      const by =
        block.attribution === null ? "" : `\n\n${inlineMarkdown({ text: `— ${block.attribution}` })}`;
      return `${inlineMarkdown(block)}${by}`.replaceAll(/^/gm, "> ");
    }
    case "list": {
      const items = block.items.map((item) =>
        inlineMarkdown(typeof item === "string" ? { text: item } : item),
      );
      const marker = (index: number) =>
        block.ordered ? `${index + 1}${isSecond ? ")" : "."}` : isSecond ? "+" : "*";
      return listOf(items, marker);
    }
    case "image": {
      const legend = [block.caption, block.credit].filter((text) => text !== null).join(" ");
      const picture = `!${linkTo(block.url, block.alt ?? "")}`;
      return legend === "" ? picture : `${picture}\n\n${inlineMarkdown({ text: legend })}`;
    }
    case "embed":
      return linkTo(block.url, block.url);
    case "relatedLink": {
      const link = links.get(block.relatedLinkId);
      return link === undefined ? "" : `${strong(`${labels[link.kind]}:`)} ${relatedLink(link)}`;
    }
    default:
      return "---";
  }
}

function relatedLink({ title, url }: RelatedLink): string {
  const text = title ?? url ?? "";
  const address = linkAddress(url);
  return address === undefined ? inlineMarkdown({ text }, "space") : linkTo(address, text);
}

function section(title: string, items: string[]): string[] {
  return items.length === 0 ? [] : [heading(2, title), listOf(items, () => "-")];
}

function listOf(items: string[], marker: (index: number) => string): string {
  return items
    .map((item, index) => {
      const mark = `${marker(index)} `;
      return mark + item.replaceAll("\n", `\n${" ".repeat(mark.length)}`);
    })
    .join("\n");
}

function heading(level: 1 | 2, text: string): string {
  return `${"#".repeat(level)} ${inlineMarkdown({ text }, "space")}`;
}

function strong(text: string): string {
  return inlineMarkdown({ text, marks: [{ type: "strong", start: 0, end: text.length }] }, "space");
}
