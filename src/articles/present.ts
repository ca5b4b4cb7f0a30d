import type { z } from "zod";
import { type ArticleAddress, presentLink } from "./relatedLinks.ts";
import type { Article } from "./schema.ts";
import type { KeyPoint, StoredArticle } from "./workingCopy.ts";

/** An article as its editors get it. */
export function presentArticle(
  { row, copy, shareCounts, corrections, plannedRevision = null }: StoredArticle,
  address: ArticleAddress,
): z.output<typeof Article> {
  const { headline, standfirst, dateline, language, slug, body } = copy;
  // Before an article is live, what waits for its time is what readers are to get.
  const made = row.status === "scheduled" ? plannedRevision : row.publishedRevision;
  return {
    id: row.id,
    slug,
    status: row.status,
    hasUnpublishedChanges: made !== null && row.revision > made,
    headline,
    standfirst,
    dateline,
    language,
    section: copy.section?.slug ?? null,
    tags: copy.tags.map((tag) => tag.slug),
    authors: copy.authors.map((author) => ({ id: author.id, name: author.name, slug: author.slug })),
    body,
    keyPoints: copy.keyPoints.map(presentKeyPoint),
    relatedLinks: copy.relatedLinks.map((link, position) => presentLink(link, position, address)),
    ...presentShares(shareCounts),
    corrections: corrections.map(({ number, text, publishedAt }) => ({
      number,
      text,
      publishedAt: publishedAt.toISOString(),
    })),
    version: row.version,
    firstPublishedAt: timeOf(row.firstPublishedAt),
    publishedAt: timeOf(row.publishedAt),
    scheduledFor: timeOf(row.scheduledFor),
    embargoedUntil: timeOf(row.embargoedUntil),
    expiresAt: timeOf(row.expiresAt),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function presentKeyPoint({ id, text, blockId }: KeyPoint, position: number) {
  return { id, text, position, blockId };
}

/** Share counts as numbers: the database keeps them within 2^53. */
export function presentShares(counts: readonly { network: string; count: bigint }[]) {
  const shareCounts = Object.fromEntries(counts.map(({ network, count }) => [network, Number(count)]));
  return { shareCounts, shareTotal: Object.values(shareCounts).reduce((sum, count) => sum + count, 0) };
}

function timeOf(moment: Date | null): string | null {
  return moment === null ? null : moment.toISOString();
}
