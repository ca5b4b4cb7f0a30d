import { html, raw } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { documentGuards } from "../http/guard.ts";
import { type Surroundings, articleElement } from "./article.ts";
import { type Html, directionOf } from "./html.ts";
import { stylesheet } from "./stylesheet.ts";

/**
 * What a page may do, told to the browser: show images and use our stylesheet. No script, no frame
 * and no form, and nothing is told to those it links to. Images stand where the desk said, which
 * may be http.
 */
export const pageHeaders = documentGuards({ "style-src": "'self'", "img-src": "https: http: data:" });

/** For the head of a page that nobody but its readers is to find. */
export const unlisted: Html = html`<meta name="robots" content="noindex, nofollow, noarchive" />`;

/**
 * The whole document of an article's page.
 *
 * @param own.head what its head says beyond what all heads say
 * @param own.notice stands above the article, outside of it
 */
export function articlePage(
  article: Article,
  surroundings: Surroundings,
  own: { head: Html; notice?: Html },
): Promise<string> {
  return document({
    language: article.language,
    title: article.headline,
    head: own.head,
    body: html`${own.notice}
      <main>${articleElement(article, surroundings)}</main>`,
  });
}

/** The whole document of a page that says something in English. */
export function plainPage(title: string, content: Html): Promise<string> {
  return document({ language: "en", title, head: unlisted, body: html`<main>${content}</main>` });
}

async function document(parts: { language: string; title: string; head: Html; body: Html }): Promise<string> {
  const page = await html`${raw("<!doctype html>")}
    <html lang="${parts.language}" dir="${directionOf(parts.language)}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${parts.title}</title>
        ${parts.head}
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${stylesheet.address}" />
      </head>
      <body>
        ${parts.body}
      </body>
    </html>`;
  return page.toString();
}
