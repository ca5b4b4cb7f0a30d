import type { CreativeWork, ItemList, NewsArticle, WithContext } from "schema-dts";
import type { Article } from "../articles/schema.ts";
import type { Context, Listed, Summary } from "./context.ts";
import { wordCount } from "./ninjs.ts";
import { bodyText } from "./text.ts";

/** Types that a NewsArticle is, without those that stand for a mere reference. */
type NewsArticleNode = Exclude<NewsArticle, string>;

/** An article as schema.org's NewsArticle, whole. */
export function jsonLd(article: Article, context: Context): string {
  return JSON.stringify(newsArticle(article, context));
}

export function newsArticle(article: Article, context: Context): WithContext<NewsArticleNode> {
  const text = bodyText(article);
  const image = article.body
    .filter((block) => block.type === "image")
    .map(({ url, caption, alt, credit }) => ({
      "@type": "ImageObject" as const,
      url,
      ...(caption === null ? {} : { caption }),
      ...(alt === null || alt === "" ? {} : { description: alt }),
      ...(credit === null ? {} : { creditText: credit }),
    }));
  return {
    "@context": "https://schema.org",
    ...about(article, context),
    ...(image.length === 0 ? {} : { image }),
    articleBody: text,
    wordCount: wordCount(text, article),
  };
}

/** An article without its body. */
export function jsonLdSummary(article: Summary, context: Context): string {
  return JSON.stringify({ "@context": "https://schema.org", ...about(article, context) });
}

/** A page of a list as schema.org's ItemList, of articles without their bodies. */
export function jsonLdList({ articles, address, total }: Listed): string {
  const list: WithContext<Exclude<ItemList, string>> = {
    "@context": "https://schema.org",
    "@type": "ItemList",
    "@id": address,
    ...(total === undefined ? {} : { numberOfItems: total }),
    itemListElement: articles.map(({ article, context }, index) => ({
      "@type": "ListItem" as const,
      position: index + 1,
      item: about(article, context),
    })),
  };
  return JSON.stringify(list);
}

/** All but the body. */
function about(article: Summary, { address, inFull, section, tags }: Context): NewsArticleNode {
  const { relatedLinks, keyPoints, corrections, dateline } = article;
  const sources = relatedLinks.filter(({ kind }) => kind === "source");
  const others = relatedLinks.filter(({ kind }) => kind !== "source");
  const work = ({ title, url }: Summary["relatedLinks"][number]): CreativeWork => ({
    "@type": "CreativeWork",
    ...(title === null ? {} : { name: title }),
    ...(url === null ? {} : { url: inFull(url) }),
  });
  return {
    "@type": "NewsArticle",
    "@id": address,
    url: address,
    mainEntityOfPage: { "@type": "WebPage", "@id": address },
    identifier: `urn:uuid:${article.id}`,
    headline: article.headline,
    ...(article.standfirst === null ? {} : { description: article.standfirst }),
    ...(keyPoints.length === 0 ? {} : { abstract: keyPoints.map(({ text }) => text).join("\n") }),
    ...(dateline === null ? {} : { dateline, contentLocation: { "@type": "Place", name: dateline } }),
    inLanguage: article.language,
    ...(section === null ? {} : { articleSection: section }),
    ...(tags.length === 0 ? {} : { keywords: [...tags] }),
    ...(article.authors.length === 0
      ? {}
      : {
          author: article.authors.map(({ id, name, slug }) => ({
            "@type": "Person" as const,
            name,
            identifier: `urn:uuid:${id}`,
            url: inFull(`/v1/authors/${slug}`),
          })),
        }),
    dateCreated: article.createdAt,
    ...(article.publishedAt === null ? {} : { datePublished: article.publishedAt }),
    dateModified: article.updatedAt,
    ...(article.expiresAt === null ? {} : { expires: article.expiresAt }),
    version: article.version,
    isAccessibleForFree: true,
    ...(corrections.length === 0
      ? {}
      : {
          correction: corrections.map(({ text, publishedAt }) => ({
            "@type": "CorrectionComment" as const,
            text,
            datePublished: publishedAt,
          })),
        }),
    ...(sources.length === 0 ? {} : { citation: sources.map(work) }),
    ...(others.length === 0 ? {} : { mentions: others.map(work) }),
    interactionStatistic: Object.entries(article.shareCounts).map(([network, count]) => ({
      "@type": "InteractionCounter" as const,
      interactionService: { "@type": "WebSite" as const, name: network },
      interactionType: "https://schema.org/ShareAction" as never,
      userInteractionCount: count,
    })),
  };
}
