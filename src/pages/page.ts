import { html, raw } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { type Surroundings, articleElement } from "./article.ts";
import { type Html, directionOf } from "./html.ts";
import { stylesheet } from "./stylesheet.ts";

/**
 * What a page may do, told to the browser: show images and use our stylesheet. No script, no frame
 * and no form, and nothing is told to those it links to. Images stand where the desk said, which
 * may be http.
 */
export const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src https: http: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * The whole document of an article's page.
 *
 * @param notice stands above the article, outside of it
 */
export async function articlePage(
  article: Article,
  surroundings: Surroundings,
  notice: Html,
): Promise<string> {
  const page = await html`${raw("<!doctype html>")}
    <html lang="${article.language}" dir="${directionOf(article.language)}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow, noarchive" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${article.headline}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${stylesheet.address}" />
      </head>
      <body>
        ${notice}
        <main>${articleElement(article, surroundings)}</main>
      </body>
    </html>`;
  return page.toString();
}
