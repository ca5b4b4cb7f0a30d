import type { z } from "zod";
import { presentArticle } from "../articles/present.ts";
import type { ArticleAddress } from "../articles/relatedLinks.ts";
import type { Article } from "../articles/schema.ts";
import type { StoredArticle } from "../articles/workingCopy.ts";

/**
 * What an edition keeps: the article as it was published. Share counts are left to the reading,
 * and related links stand as they were written.
 */
export type EditionDocument = Omit<z.output<typeof Article>, "shareCounts" | "shareTotal">;

/** The article that a link of a publication leads to, if it is live; null while nothing is known of it. */
export interface LiveLink {
  linkId: string;
  targetId: string | null;
  target: { headline: string; slug: string } | null;
}

/** Compiles a working copy, with what its publication makes of it, into an edition. */
export function compileEdition(
  article: StoredArticle,
  publishedAt: Date,
  address: ArticleAddress,
): EditionDocument {
  const { shareCounts: _, shareTotal: __, relatedLinks, ...document } = presentArticle(article, address);
  return {
    ...document,
    status: "published",
    hasUnpublishedChanges: false,
    relatedLinks: relatedLinks.map(({ targetStatus: _status, ...link }, index) => {
      const written = article.copy.relatedLinks[index];
      return { ...link, title: written?.title ?? null, url: written?.url ?? null };
    }),
    updatedAt: publishedAt.toISOString(),
  };
}

/**
 * Renders an edition as readers get it now: links to articles bear those articles' headline and
 * address, and links to what is not live are left out, in the body too.
 *
 * @returns the JSON of the whole, and of the same without body, both without share counts
 */
export function renderEdition(
  document: EditionDocument,
  links: readonly LiveLink[],
  address: ArticleAddress,
): { document: string; summary: string } {
  const live = new Map(links.map((link) => [link.linkId, link]));
  const relatedLinks = document.relatedLinks.flatMap((link): EditionDocument["relatedLinks"] => {
    const { targetId, target } = live.get(link.id) ?? { targetId: null, target: null };
    if (targetId === null) return [{ ...link, articleId: null }];
    if (target === null) return [];
    return [{ ...link, title: target.headline, url: address(target.slug), articleId: targetId }];
  });
  const { body, ...summary } = withLinks(document, relatedLinks);
  return { document: JSON.stringify({ ...summary, body }), summary: JSON.stringify(summary) };
}

/** An article with these of its links alone: what refers to others, in the body too, is left out. A body may be absent. */
export function withLinks<Shown extends Omit<EditionDocument, "body"> & { body?: EditionDocument["body"] }>(
  article: Shown,
  links: EditionDocument["relatedLinks"],
): Shown {
  const relatedLinks = links.map((link, position) => ({ ...link, position }));
  if (article.body === undefined) return { ...article, relatedLinks };
  const shown = new Set(relatedLinks.map(({ id }) => id));
  const body = article.body.filter((block) => block.type !== "relatedLink" || shown.has(block.relatedLinkId));
  const blocks = new Set(body.map(({ id }) => id));
  const keyPoints = article.keyPoints.map((point) =>
    blocks.has(point.blockId ?? "") ? point : { ...point, blockId: null },
  );
  return { ...article, keyPoints, relatedLinks, body };
}

/** An article for whoever shows it, who finds an empty body where the audience gets none. */
export function wholeArticle<Shown extends { body?: EditionDocument["body"] }>(
  article: Shown,
): Shown & Pick<EditionDocument, "body"> {
  return { ...article, body: article.body ?? [] };
}

/** Adds the share counts to a rendered document, without reading it. */
export function withShares(rendered: string, shareCounts: Record<string, number>): string {
  const total = Object.values(shareCounts).reduce((sum, count) => sum + count, 0);
  return `${rendered.slice(0, -1)},"shareCounts":${JSON.stringify(shareCounts)},"shareTotal":${total}}`;
}
