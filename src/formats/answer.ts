import type { FastifyReply, FastifyRequest } from "fastify";
import type { Article } from "../articles/schema.ts";
import { type Sendable, sendBytes, textOf } from "../http/bytes.ts";
import { absoluteAddress } from "../http/origin.ts";
import type { Newsroom } from "../newsroom.ts";
import { pageHeaders } from "../pages/page.ts";
import type { Context, Summary } from "./context.ts";
import type { Format } from "./formats.ts";

type Asking = Pick<FastifyRequest, "protocol" | "host">;

/**
 * What an article becomes in another form, or as a page, from the JSON that readers get; kept while
 * it is asked for.
 *
 * @param found its JSON as bytes, without a body where there is but a summary, and its entity tag
 * @param form how it is rendered, and the name that it is kept by
 */
export async function variantOf(
  newsroom: Newsroom,
  request: Asking,
  found: Sendable,
  form: Pick<Format, "article" | "summary"> & { name: string },
): Promise<Sendable> {
  const context = await contextOf(newsroom, request, termsOf(found));
  const { address, section, tags } = context;
  const key = JSON.stringify([form.name, address, context.inFull("/"), found.identity.etag, section, tags]);
  return newsroom.variants.get(key, () => {
    const article = JSON.parse(textOf(found)) as Article | Summary;
    return "body" in article
      ? form.article(inFull(article, context), context)
      : form.summary(inFull(article, context), context);
  });
}

/** What names an article and its terms. */
type Terms = Pick<Article, "slug" | "section" | "tags">;
/** Of the articles in memory, lest their JSON be read at each request. */
const termsKept = new WeakMap<object, Terms>();

function termsOf(found: Sendable): Terms {
  const kept = termsKept.get(found);
  if (kept !== undefined) return kept;
  const { slug, section, tags } = JSON.parse(textOf(found)) as Article;
  termsKept.set(found, { slug, section, tags });
  return { slug, section, tags };
}

/** A published article in a form, for whoever hands on articles as JSON. */
export async function articleAs(
  newsroom: Newsroom,
  request: Asking,
  format: Format,
  article: Article,
): Promise<string> {
  const context = await contextOf(newsroom, request, article);
  return format.article(inFull(article, context), context);
}

/** A page of a list in a form, from its items' JSON. */
export async function listAs(
  newsroom: Newsroom,
  request: Asking & Pick<FastifyRequest, "url">,
  format: Format,
  found: { items: readonly string[]; count?: { total: number } | undefined },
): Promise<string> {
  if (format.list === undefined) throw new Error(`there are no lists as ${format.name}`);
  const summaries = found.items.map((item) => JSON.parse(item) as Summary);
  // All names at once, of which each then finds its own.
  await newsroom.variants.namesOf(summaries);
  const articles = summaries.map(async (article) => {
    const context = await contextOf(newsroom, request, article);
    return { article: inFull(article, context), context };
  });
  return format.list({
    articles: await Promise.all(articles),
    address: absoluteAddress(newsroom, request, request.url),
    total: found.count?.total,
  });
}

/** Sends what a form has made. */
export function sendAs(
  request: FastifyRequest,
  reply: FastifyReply,
  { mediaType, contentType }: Pick<Format, "mediaType" | "contentType">,
  found: Sendable,
  headers: Record<string, string>,
): Promise<FastifyReply> {
  // A browser that is led here shows it without letting it do anything.
  const guarded = mediaType === "text/html" ? pageHeaders : {};
  return sendBytes(request, reply, found, { ...guarded, ...headers, "content-type": contentType });
}

async function contextOf(newsroom: Newsroom, request: Asking, article: Terms): Promise<Context> {
  const [names] = await newsroom.variants.namesOf([article]);
  const full = (address: string) => absoluteAddress(newsroom, request, address);
  return {
    address: full(newsroom.articleAddress(article.slug)),
    section: names?.section ?? null,
    tags: names?.tags ?? [],
    inFull: full,
  };
}

/** The article with its links' addresses in full, for those who read it elsewhere. */
function inFull<Shown extends Summary>(article: Shown, context: Context): Shown {
  const relatedLinks = article.relatedLinks.map((link) => ({
    ...link,
    url: link.url === null ? null : context.inFull(link.url),
  }));
  return { ...article, relatedLinks };
}
