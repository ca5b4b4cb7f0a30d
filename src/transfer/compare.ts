import { isDeepStrictEqual } from "node:util";
import type { ArticleLine } from "./schema.ts";

/** What was published is never overwritten: the file may add editions to those that are here, and end them. */
export function historyFault(here: ArticleLine, sent: ArticleLine): string | undefined {
  const lasting = (edition: ArticleLine["editions"][number] | undefined) => ({ ...edition, liveUntil: null });
  const differing = here.editions.find(
    (edition, index) => !isDeepStrictEqual(lasting(edition), lasting(sent.editions[index])),
  );
  return differing === undefined
    ? undefined
    : `lacks or differs from edition ${differing.version} of ${here.slug}, which was published here`;
}

/** Plans are not compared: those of the file stay behind. */
export function isSame(here: ArticleLine, sent: ArticleLine): boolean {
  return isDeepStrictEqual({ ...here, scheduledFor: null }, { ...sent, scheduledFor: null });
}

/** A line as it stands at a moment: what was to end before it has ended. */
export function asOf(now: Date, line: ArticleLine): ArticleLine {
  const liveUntil = line.live?.liveUntil ?? null;
  if (liveUntil === null || new Date(liveUntil) > now) return line;
  const editions = line.editions.map((edition, index) =>
    index === line.editions.length - 1 ? { ...edition, liveUntil } : edition,
  );
  return { ...line, status: "unpublished", expiresAt: null, live: null, editions };
}

/**
 * A line with a revision that follows the one that is here, where more was written here: a number that
 * an ETag has named never stands for anything else.
 */
export function renumbered(line: ArticleLine, here: ArticleLine | undefined): ArticleLine {
  if (here === undefined || here.revision < line.revision) return line;
  const counted = (revision: number): ArticleLine => ({
    ...line,
    revision,
    publishedRevision:
      line.publishedRevision === null ? null : line.publishedRevision + revision - line.revision,
  });
  return isSame(here, counted(here.revision)) ? counted(here.revision) : counted(here.revision + 1);
}
