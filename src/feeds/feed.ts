import type { EditionDocument } from "../editions/document.ts";
import { listPublished } from "../editions/listRoute.ts";
import { readDocuments } from "../editions/read.ts";
import type { ArticleQuery } from "../editions/schema.ts";
import type { Newsroom } from "../newsroom.ts";
import { termsBySlug } from "../taxonomy/store.ts";
import { fullContent, leadOf, shortContent } from "./content.ts";
import type { FeedQuery } from "./schema.ts";

/** A feed, before it is written in one of the formats. All addresses are whole. */
export interface Feed {
  /** The publication that it is of. */
  publication: string;
  title: string;
  description: string;
  /** The language of all that it holds; undefined when there are several. */
  language: string | undefined;
  /** The newest change of what it holds; while that is nothing, when the newsroom was opened. */
  updatedAt: string;
  items: FeedItem[];
  addresses: FeedAddresses;
}

/** Where a feed is, and what it leads to. */
export interface FeedAddresses {
  /** Where the API is reached: scheme and host. */
  origin: string;
  /** The site that the articles are read on. */
  home: string;
  self: string;
  /** The first page of the feed: what the feed is known by. */
  first: string;
  /** Those to subscribe with (WebSub). */
  hubs: string[];
  next?: string;
}

export interface FeedItem {
  /** Stays the same whatever becomes of the article. */
  id: string;
  address: string;
  article: EditionDocument;
  authors: string[];
  categories: Category[];
  images: Image[];
  /** As text; undefined where nothing is written but the headline. */
  lead: string | undefined;
  /** As HTML; the full content is undefined when a summary was asked for. */
  summary: string;
  content: string | undefined;
}

export interface Category {
  kind: "sections" | "tags";
  slug: string;
  name: string;
}

export interface Image {
  address: string;
  /** Its media type, as far as its name tells it. */
  type: string | undefined;
  alt: string | null;
  caption: string | null;
  credit: string | null;
}

/** The URN of an article (RFC 9562, section 4), by which it is known wherever it goes. */
export function urnOf(articleId: string): string {
  return `urn:uuid:${articleId}`;
}

/**
 * Puts together a page of a feed.
 *
 * @param at where the feed is reached; `next` follows from the cursor of the next page
 * @throws 400 when the cursor is not one of this feed
 */
export async function readFeed(
  newsroom: Newsroom,
  { content, ...query }: FeedQuery,
  at: FeedAddresses,
): Promise<Feed> {
  const { database, config, articleAddress } = newsroom;
  const inFull = content === "full" && query.audience.entitlement?.content !== "summary";
  const found = await listPublished(newsroom, asList(query));
  const ids = found.items.map((item) => (JSON.parse(item) as { id: string }).id);
  const articles = await readDocuments(database, ids, query.audience);
  const [sections, tags, authors] = await Promise.all([
    termsBySlug(
      database,
      "section",
      [query.section ?? [], articles.flatMap(({ section }) => section ?? [])].flat(),
    ),
    termsBySlug(database, "tag", [query.tag ?? [], articles.flatMap((article) => article.tags)].flat()),
    termsBySlug(database, "author", [query.author ?? []].flat()),
  ]);
  const category = (kind: Category["kind"], slug: string): Category => {
    const terms = kind === "sections" ? sections : tags;
    return { kind, slug, name: terms.get(slug)?.name ?? slug };
  };
  const items = articles.map(async (article): Promise<FeedItem> => {
    const address = new URL(articleAddress(article.slug), at.origin).href;
    const { section } = article;
    return {
      id: urnOf(article.id),
      address,
      article,
      authors: article.authors.map(({ name }) => name),
      categories: [
        ...(section === null ? [] : [category("sections", section)]),
        ...article.tags.map((slug) => category("tags", slug)),
      ],
      images: imagesOf(article),
      lead: leadOf(article),
      summary: await shortContent(article),
      content: inFull ? await fullContent(article, address) : undefined,
    };
  });
  const languages = new Set(articles.map(({ language }) => language));
  const named = [
    query.section === undefined ? [] : category("sections", query.section).name,
    query.tag === undefined ? [] : category("tags", query.tag).name,
    query.author === undefined ? [] : (authors.get(query.author)?.name ?? query.author),
    query.q === undefined ? [] : `“${query.q}”`,
  ].flat();
  const publication = config.DATELINE_NAME;
  return {
    publication,
    title: named.length === 0 ? publication : `${publication}: ${named.join(", ")}`,
    description:
      named.length === 0 ? `News from ${publication}` : `${named.join(", ")}: news from ${publication}`,
    language: query.language ?? (languages.size === 1 ? [...languages][0] : undefined),
    updatedAt: await newestOf(newsroom, articles),
    items: await Promise.all(items),
    addresses: { ...at, ...(found.next == null ? {} : { next: withCursor(at.first, found.next) }) },
  };
}

async function newestOf({ database }: Newsroom, articles: readonly EditionDocument[]): Promise<string> {
  const newest = articles
    .map(({ updatedAt }) => updatedAt)
    .toSorted()
    .at(-1);
  return (
    newest ?? (await database.installation.findUniqueOrThrow({ where: { id: 1 } })).createdAt.toISOString()
  );
}

/** The list that a feed shows. Its items' snippets are not needed. */
function asList(query: Omit<FeedQuery, "content">): ArticleQuery {
  return { ...query, count: false, version: "published", fields: ["id"] } as ArticleQuery;
}

function withCursor(address: string, cursor: string): string {
  const next = new URL(address);
  next.searchParams.set("cursor", cursor);
  return next.href;
}

function imagesOf({ body }: EditionDocument): Image[] {
  return body
    .filter((block) => block.type === "image")
    .map(({ url, alt, caption, credit }) => {
      const address = new URL(url);
      return { address: address.href, type: typeOf(address.pathname), alt, caption, credit };
    });
}

const imageTypes: Record<string, string> = {
  avif: "image/avif",
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  svg: "image/svg+xml",
  webp: "image/webp",
};

function typeOf(path: string): string | undefined {
  return imageTypes[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ""];
}
