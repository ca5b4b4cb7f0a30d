import type { Database } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import type { EditionDocument } from "../editions/document.ts";
import { indexArticle } from "./entries.ts";
import { learnWords } from "./knownWords.ts";

/** How many articles are read at once to be indexed. */
const BATCH = 50;

/**
 * Indexes anew what a migration has put into the backlog, since it was indexed otherwise before or not at all. Any
 * number of processes may do it at once. Whoever puts another edition in its place meanwhile waits, or has been waited for.
 *
 * @returns how many articles were taken from the backlog
 */
export async function fillSearch(database: Database): Promise<number> {
  let filled = 0;
  for (;;) {
    const taken = await transact(database, async (tx) => {
      const ids = await tx.$queryRaw<{ id: string }[]>`
        DELETE FROM search_backlog WHERE article_id IN (
          SELECT article_id FROM search_backlog ORDER BY article_id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) RETURNING article_id AS id`;
      const found = await tx.$queryRaw<{ document: string; isSeen: boolean }[]>`
        SELECT document, live_from <= clock_timestamp() AS "isSeen" FROM publications
        WHERE article_id = ANY (${ids.map(({ id }) => id)}::uuid[]) ORDER BY article_id FOR SHARE`;
      const editions = found.map(({ document, isSeen }) => ({
        document: JSON.parse(document) as EditionDocument,
        isSeen,
      }));
      for (const { document } of editions) await indexArticle(tx, document);
      await learnWords(
        tx,
        editions.flatMap(({ document, isSeen }) => (isSeen ? document : [])),
      );
      return ids.length;
    });
    if (taken === 0) return filled;
    filled += taken;
  }
}
