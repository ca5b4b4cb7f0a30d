import { htmlText } from "../reading/html.ts";
import { type Json, objectOf, objectsOf, stringOf } from "../reading/json.ts";
import { MAX_DEPTH, fileRefused } from "../reading/refuse.ts";
import { escaped } from "../reading/xml.ts";

/** Marks of a piece of text, by the bits of its format (lexical's own IS_BOLD and so on). */
const formats: [number, string][] = [
  [1, "strong"],
  [2, "em"],
  [16, "code"],
];

/**
 * What Ghost's editor keeps a post as, as HTML: a tree of nodes, of which each kind of card is one.
 *
 * @throws SyntaxError when it is no JSON, 422 when its nodes lie too deep in each other
 */
export function lexicalHtml(lexical: string): string {
  return inside(objectOf(objectOf(JSON.parse(lexical)).root), 0);
}

function inside(node: Json, depth: number): string {
  if (depth > MAX_DEPTH) throw fileRefused(`has lexical that lies more than ${MAX_DEPTH} deep`);
  return objectsOf(node.children)
    .map((child) => htmlOf(child, depth + 1))
    .join("");
}

function htmlOf(node: Json, depth: number): string {
  const text = (key: string) => stringOf(node[key]) ?? "";
  switch (node.type) {
    case "paragraph":
      return `<p>${inside(node, depth)}</p>`;
    case "heading":
    case "extended-heading":
      return `<${headingOf(node.tag)}>${inside(node, depth)}</${headingOf(node.tag)}>`;
    case "quote":
    case "extended-quote":
    case "aside":
      return `<blockquote>${inside(node, depth)}</blockquote>`;
    case "list":
      return node.listType === "number"
        ? `<ol>${inside(node, depth)}</ol>`
        : `<ul>${inside(node, depth)}</ul>`;
    case "listitem":
      return `<li>${inside(node, depth)}</li>`;
    case "link":
    case "autolink":
      return `<a href="${escaped(text("url"))}">${inside(node, depth)}</a>`;
    case "text":
    case "extended-text":
      return formats.reduce(
        (html, [bit, name]) => (Number(node.format) & bit ? `<${name}>${html}</${name}>` : html),
        escaped(typeof node.text === "string" ? node.text : ""),
      );
    case "linebreak":
      return "<br>";
    case "horizontalrule":
      return "<hr>";
    case "image":
      return figure(node);
    case "gallery":
      return objectsOf(node.images).map(figure).join("");
    case "embed":
    case "video":
    case "audio":
      return `<iframe src="${escaped(text("url") || text("src"))}"></iframe>`;
    case "bookmark":
      return `<p class="also-read"><a href="${escaped(text("url"))}">${escaped(text("title") || stringOf(objectOf(node.metadata).title) || text("url"))}</a></p>`;
    case "html":
      return text("html");
    case "callout":
      return `<p>${text("calloutText")}</p>`;
    case "toggle":
      return `<h4>${text("heading")}</h4>${text("content")}`;
    case "codeblock":
      return `<pre>${escaped(text("code"))}</pre>`;
    case "markdown":
      return text("markdown")
        .split(/\n\s*\n/)
        .map((part) => `<p>${escaped(part)}</p>`)
        .join("");
    case "button":
      return `<p><a href="${escaped(text("buttonUrl"))}">${escaped(text("buttonText"))}</a></p>`;
    default:
      return inside(node, depth);
  }
}

function headingOf(tag: unknown): string {
  return typeof tag === "string" && /^h[1-6]$/.test(tag) ? tag : "h2";
}

function figure(image: Json): string {
  const caption = stringOf(image.caption) ?? "";
  const legend = htmlText(caption) === "" ? "" : `<figcaption>${caption}</figcaption>`;
  return `<figure><img src="${escaped(stringOf(image.src) ?? "")}" alt="${escaped(stringOf(image.alt) ?? "")}">${legend}</figure>`;
}
