import { html, raw } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { linkAddress } from "../pages/html.ts";
import type { Html } from "../pages/html.ts";
import { articlePage, plainPage } from "../pages/page.ts";
import type { Context } from "./context.ts";
import { formats } from "./formats.ts";
import { newsArticle } from "./jsonLd.ts";

/** The feeds of everything, which a page names for readers that look for them. */
const feeds = [
  { type: "application/rss+xml", path: "/v1/feeds/rss.xml", title: "RSS" },
  { type: "application/atom+xml", path: "/v1/feeds/atom.xml", title: "Atom" },
  { type: "application/feed+json", path: "/v1/feeds/feed.json", title: "JSON Feed" },
];

/**
 * The page of a published article: what a browser shows, and what search engines and networks read
 * (canonical link, Open Graph, JSON-LD, the same article in other forms). It has no script that runs.
 */
export function publicPage(article: Article, context: Context): Promise<string> {
  return articlePage(article, context, { head: headOf(article, context) });
}

function headOf(article: Article, context: Context): Html {
  const { address, inFull, section, tags } = context;
  const image = article.body.find((block) => block.type === "image");
  const description = article.standfirst ?? article.keyPoints[0]?.text ?? firstWords(article);
  // The text stands on the page itself.
  const { articleBody: _, ...data } = newsArticle(article, context);
  const api = inFull(`/v1/articles/${article.slug}`);
  const properties: [string, string | null | undefined][] = [
    ["og:type", "article"],
    ["og:url", address],
    ["og:title", article.headline],
    ["og:description", description],
    ["og:locale", article.language.replaceAll("-", "_")],
    ["og:image", image && linkAddress(image.url)],
    ["og:image:alt", image && (image.alt ?? image.caption)],
    ["article:published_time", article.publishedAt],
    ["article:modified_time", article.updatedAt],
    ["article:expiration_time", article.expiresAt],
    ["article:section", section],
    ...tags.map((tag): [string, string] => ["article:tag", tag]),
  ];
  const alternates = [
    { type: "application/json", address: api },
    ...formats.map(({ name, mediaType }) => ({ type: mediaType, address: `${api}?format=${name}` })),
  ];
  return html`<link rel="canonical" href="${address}" />
    ${description !== null && html`<meta name="description" content="${description}" />`}
    ${article.authors.map(({ name }) => html`<meta name="author" content="${name}" />`)}
    ${properties.map(
      ([property, content]) =>
        content !== null &&
        content !== undefined &&
        content !== "" &&
        html`<meta property="${property}" content="${content}" />`,
    )}
    <meta name="twitter:card" content="${image === undefined ? "summary" : "summary_large_image"}" />
    ${alternates.map(
      ({ type, address: href }) => html`<link rel="alternate" type="${type}" href="${href}" />`,
    )}
    ${feeds.map(
      ({ type, path, title }) =>
        html`<link rel="alternate" type="${type}" href="${inFull(path)}" title="${title}" />`,
    )}
    <script type="application/ld+json">
      ${raw(asScript(data))}
    </script>`;
}

/** What stands in a script is not unescaped by browsers, which end it at the first `</script`. */
function asScript(data: object): string {
  return JSON.stringify(data)
    .replaceAll("<", String.raw`\u003c`)
    .replaceAll(">", String.raw`\u003e`)
    .replaceAll("&", String.raw`\u0026`);
}

/** The beginning of the text, for what shows a few lines of it. */
function firstWords({ body }: Article): string | null {
  const text = body.find((block) => block.type === "paragraph")?.text;
  if (text === undefined) return null;
  const [...characters] = text.slice(0, 1000).replaceAll(/\s+/g, " ");
  return characters.length <= 200 ? characters.join("") : `${characters.slice(0, 199).join("").trimEnd()}…`;
}

/** A page for what cannot be shown. */
export function problemPage(title: string, detail: string): Promise<string> {
  return plainPage(
    title,
    html`<h1>${title}</h1>
      <p class="standfirst">${detail}</p>`,
  );
}
