import { Prisma, type Transaction } from "../database/client.ts";
import { type Searched, indexedWords } from "./entries.ts";

/** Words that others are completed to or corrected by: all that begin with three signs that are no digits, as what is completed does. */
const KNOWN_WORD = /^\D{3}/u;
/** A longer one would be too much for the index of known words, in UTF-16 code units: an index row takes a third of a page at the most (PostgreSQL's manual, B-Tree Indexes). */
const LONGEST_KNOWN = 500;

/**
 * The words that readers may know of, as a table with a column `word`, where some may come twice: those that were ever
 * before readers, and those of what has come before them by the clock and is still to be carried out. What is to come
 * must not show by what becomes of a search.
 */
export const knownWords = Prisma.sql`(
  SELECT word FROM search_words
  UNION ALL
  SELECT word COLLATE "C" FROM search_coming CROSS JOIN unnest(words) AS word WHERE live_from <= clock_timestamp()
) known`;

/** Makes the words of what readers see from now on known. */
export async function learnWords(tx: Transaction, documents: readonly Searched[]): Promise<void> {
  // In one order, so that two transactions cannot wait for each other.
  await tx.$executeRaw`
    WITH come AS (DELETE FROM search_coming WHERE article_id = ANY (${documents.map(({ id }) => id)}::uuid[]))
    INSERT INTO search_words (word) SELECT word FROM unnest(${wordsToKnow(documents)}::text[]) AS word ORDER BY word
    ON CONFLICT DO NOTHING`;
}

/** Has the words of what waits in the place that readers get an article from be known when its time has come. */
export async function learnWordsFrom(tx: Transaction, liveFrom: Date, document: Searched): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO search_coming (article_id, live_from, words)
    VALUES (${document.id}::uuid, ${liveFrom}, ${wordsToKnow([document])}::text[])
    ON CONFLICT (article_id) DO UPDATE SET live_from = excluded.live_from, words = excluded.words`;
}

function wordsToKnow(documents: readonly Searched[]): string[] {
  const known = new Set<string>();
  for (const document of documents)
    for (const { word } of indexedWords(document))
      if (word.length <= LONGEST_KNOWN && KNOWN_WORD.test(word)) known.add(word);
  return [...known];
}
