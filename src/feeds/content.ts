import { html } from "hono/html";
import type { EditionDocument } from "../editions/document.ts";
import { corrections, furtherLinks, keyPoints } from "../pages/article.ts";
import { bodyOf } from "../pages/blocks.ts";
import { type Html, directionOf } from "../pages/html.ts";
import { labelsFor } from "../pages/labels.ts";

/**
 * The whole of an article as HTML that can stand on anybody's page: every address in it is whole,
 * and it has neither scripts nor styles. The headline and the authors are left to the feed.
 *
 * @param address the article's page, which relative addresses are relative to
 */
export function fullContent(article: EditionDocument, address: string): Promise<string> {
  const shown = elsewhere(article, address);
  const labels = labelsFor(article.language);
  return fragment(
    article,
    html`${shown.standfirst !== null && html`<p class="standfirst">${shown.standfirst}</p>`}
    ${keyPoints(shown, labels)} ${bodyOf(shown, labels)} ${furtherLinks(shown, labels)}
    ${corrections(shown, labels)}`,
  );
}

/** An article in short, as HTML: what it is about, its key points and what was put right in it. */
export function shortContent(article: EditionDocument): Promise<string> {
  const labels = labelsFor(article.language);
  return fragment(
    article,
    html`<p>${leadOf(article) ?? article.headline}</p>
      ${keyPoints({ keyPoints: unlinked(article), body: [] }, labels)} ${corrections(article, labels)}`,
  );
}

/** What an article is about, as text: the standfirst, or else the first paragraph. */
export function leadOf({ standfirst, body }: EditionDocument): string | undefined {
  const opening = body.find((block) => block.type === "paragraph");
  return standfirst ?? opening?.text;
}

async function fragment({ language }: EditionDocument, content: Html): Promise<string> {
  const whole = await html`<div lang="${language}" dir="${directionOf(language)}">${content}</div>`;
  return whole.toString();
}

/** An article whose addresses lead somewhere from any place. Key points do not lead into the text there. */
function elsewhere(article: EditionDocument, address: string): EditionDocument {
  return {
    ...article,
    keyPoints: unlinked(article),
    relatedLinks: article.relatedLinks.map((link) => ({
      ...link,
      url: link.url !== null && URL.canParse(link.url, address) ? new URL(link.url, address).href : null,
    })),
  };
}

function unlinked({ keyPoints: points }: EditionDocument): EditionDocument["keyPoints"] {
  return points.map((point) => ({ ...point, blockId: null }));
}
