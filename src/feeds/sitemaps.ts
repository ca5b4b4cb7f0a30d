import type { EditionDocument } from "../editions/document.ts";
import { documentOf, xml } from "./xml.ts";

/** The protocol's limit (sitemaps.org): so many sitemaps in an index, and addresses in a sitemap. */
export const MOST_LISTED = 50_000;

/** A page or a sitemap, and when it changed. */
interface Place {
  address: string;
  updatedAt?: Date | undefined;
}

/** An index of sitemaps (sitemaps.org). */
export function sitemapIndex(sitemaps: readonly Place[]): string {
  return documentOf(xml`<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${sitemaps.map((place) => xml`<sitemap>${placeOf(place)}</sitemap>\n`)}</sitemapindex>`);
}

/** A sitemap (sitemaps.org). */
export function sitemap(pages: readonly Place[]): string {
  return documentOf(xml`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${pages.map((place) => xml`<url>${placeOf(place)}</url>\n`)}</urlset>`);
}

function placeOf({ address, updatedAt }: Place) {
  return xml`<loc>${address}</loc>${updatedAt !== undefined && xml`<lastmod>${updatedAt.toISOString()}</lastmod>`}`;
}

/** What a sitemap for news says of an article. */
export type NewsPage = Pick<EditionDocument, "headline" | "language"> & {
  address: string;
  /** When it was first published. */
  publishedAt: string;
};

/**
 * A sitemap for news (Google's extension, developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap).
 *
 * @param publication its name as it stands on news.google.com
 */
export function newsSitemap(publication: string, pages: readonly NewsPage[]): string {
  return documentOf(xml`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
${pages.map(
  ({ address, headline, language, publishedAt }) => xml`<url>
<loc>${address}</loc>
<news:news>
<news:publication>
<news:name>${publication}</news:name>
<news:language>${newsLanguage(language)}</news:language>
</news:publication>
<news:publication_date>${publishedAt}</news:publication_date>
<news:title>${headline}</news:title>
</news:news>
</url>
`,
)}</urlset>`);
}

/** A language as Google wants it: ISO 639's code alone, but for the two ways to write Chinese. */
function newsLanguage(tag: string): string {
  const { language, script } = new Intl.Locale(tag).maximize();
  return language === "zh" ? (script === "Hant" ? "zh-tw" : "zh-cn") : language;
}
