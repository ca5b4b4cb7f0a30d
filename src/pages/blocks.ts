import { html } from "hono/html";
import type { Block } from "../articles/body.ts";
import type { Article } from "../articles/schema.ts";
import { type Html, linkAddress } from "./html.ts";
import { inline } from "./inline.ts";
import type { Labels } from "./labels.ts";

type RelatedLink = Article["relatedLinks"][number];
type Of<Type extends Block["type"]> = Extract<Block, { type: Type }>;

/** The id of a block's element, for links into the text. */
export function anchorOf(blockId: string): string {
  return `block-${blockId}`;
}

/**
 * The blocks of a body, with the dateline before the words of the first paragraph as newspapers
 * print it, and related links at their places. A block whose link is not there is left out.
 */
export function bodyOf(
  { body, dateline, relatedLinks }: Pick<Article, "body" | "dateline" | "relatedLinks">,
  labels: Labels,
): Html {
  const links = new Map(relatedLinks.map((link) => [link.id, link]));
  const place = dateline === null ? undefined : html`<b class="dateline"><bdi>${dateline}</bdi>:</b>`;
  const opening = body.find(({ type }) => type === "paragraph");
  return html`${opening === undefined && place !== undefined && html`<p>${place}</p>`}${body.map((block) =>
    blockOf(block, block === opening ? place : undefined, links, labels),
  )}`;
}

function blockOf(
  block: Block,
  dateline: Html | undefined,
  links: ReadonlyMap<string, RelatedLink>,
  labels: Labels,
): Html {
  const id = anchorOf(block.id);
  switch (block.type) {
    case "paragraph":
      return html`<p id="${id}">${dateline && html`${dateline} `}${inline(block)}</p>`;
    case "heading":
      return heading(block, id);
    case "quote":
      return html`<figure id="${id}" class="quote">
        <blockquote><p>${inline(block)}</p></blockquote>
        ${block.attribution !== null && html`<figcaption>${block.attribution}</figcaption>`}
      </figure>`;
    case "list": {
      const items = block.items.map(
        (item) => html`<li>${inline(typeof item === "string" ? { text: item } : item)}</li>`,
      );
      return block.ordered
        ? html`<ol id="${id}">
            ${items}
          </ol>`
        : html`<ul id="${id}">
            ${items}
          </ul>`;
    }
    case "image":
      return image(block, id);
    case "embed":
      return html`<p id="${id}" class="embed">
        <a href="${linkAddress(block.url)}"
          ><span class="label" lang="${labels.language}"
            >${labels.embedded} <bdi>${hostOf(block.url)}</bdi></span
          ><span class="address"><bdi dir="ltr">${block.url}</bdi></span></a
        >
      </p>`;
    case "relatedLink": {
      const link = links.get(block.relatedLinkId);
      if (link === undefined) return html``;
      return html`<p id="${id}" class="also-read">
        <b lang="${labels.language}">${labels[link.kind]}</b> ${relatedLink(link)}
      </p>`;
    }
    default:
      return html`<hr id="${id}" />`;
  }
}

/** A related link by its title, or by its address when it has none; a bare title leads nowhere yet. */
export function relatedLink({ title, url }: RelatedLink): Html {
  const address = linkAddress(url);
  const text = html`<bdi>${title ?? url}</bdi>`;
  return address === undefined ? text : html`<a href="${address}">${text}</a>`;
}

function heading(block: Of<"heading">, id: string): Html {
  switch (block.level) {
    case 3:
      return html`<h3 id="${id}">${inline(block)}</h3>`;
    case 4:
      return html`<h4 id="${id}">${inline(block)}</h4>`;
    default:
      return html`<h2 id="${id}">${inline(block)}</h2>`;
  }
}

function image({ url, alt, caption, credit }: Of<"image">, id: string): Html {
  const legend = [
    caption !== null && html`<span class="caption">${caption}</span>`,
    credit !== null && html`<small class="credit">${credit}</small>`,
  ].filter((part) => part !== false);
  return html`<figure id="${id}" class="image">
    <img src="${url}" alt="${alt ?? ""}" loading="lazy" decoding="async" />
    ${legend.length > 0 && html`<figcaption>${legend[0]} ${legend[1]}</figcaption>`}
  </figure>`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.replace(/^www\./, "") : url;
}
