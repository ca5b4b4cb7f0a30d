import { html } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { articleElement, corrections, keyPoints } from "../pages/article.ts";
import { bodyOf } from "../pages/blocks.ts";
import { labelsFor } from "../pages/labels.ts";
import { directionOf } from "../pages/html.ts";
import type { Context } from "./context.ts";

/** An article as an HTML fragment: the `article` element of its page, in a `div` that says its language. */
export async function htmlFragment(article: Article, context: Context): Promise<string> {
  const fragment = await html`<div lang="${article.language}" dir="${directionOf(article.language)}">
    ${articleElement(article, context)}
  </div>`;
  return `${fragment.toString()}\n`;
}

/** What an article says, without its head: key points, body and corrections. */
export async function htmlBody(article: Article): Promise<string> {
  const labels = labelsFor(article.language);
  const parts =
    await html`${keyPoints(article, labels)}${bodyOf(article, labels)}${corrections(article, labels)}`;
  return parts.toString();
}
