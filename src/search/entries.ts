import type { Database, Transaction } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import type { EditionDocument } from "../editions/document.ts";
import { configurationOf } from "./languages.ts";
import { type Passage, passagesOf } from "./passages.ts";
import { wordsOf } from "./words.ts";

/**
 * How much of an article is indexed, in UTF-8 bytes of its words, about 60,000 words: a tsvector
 * takes 1 MiB with the words' places, which take at most as much again (PostgreSQL's manual, 12.11).
 */
const MAX_INDEXED = 400_000;
/** Words that others are completed to or corrected by: all that begin with three signs that are no digits, as what is completed does. */
const KNOWN_WORD = /^\D{3}/u;
/** A longer one would be too much for the index of known words, in UTF-16 code units: an index row takes a third of a page at the most (PostgreSQL's manual, B-Tree Indexes). */
const LONGEST_KNOWN = 500;

/** How many articles are read at once to be indexed. */
const BATCH = 50;

/** What of an edition is searched. */
type Searched = Pick<
  EditionDocument,
  "id" | "language" | "headline" | "standfirst" | "keyPoints" | "dateline" | "body"
>;

/**
 * Makes the words of what has, or waits in, the place that readers get an article from findable, in the
 * transaction that has put it there. What is withdrawn takes its entry along.
 */
export async function indexArticle(tx: Transaction, document: Searched): Promise<void> {
  const words: Record<Passage["weight"], string[]> = { A: [], B: [], C: [], D: [] };
  for (const { weight, word } of indexedWords(document)) words[weight].push(word);
  const config = configurationOf(document.language);
  await tx.$executeRaw`
    INSERT INTO search_entries (article_id, config, published_at, updated_at, terms, vector)
    SELECT article_id, ${config}, published_at, updated_at, terms_of(terms, language),
      setweight(to_tsvector(${config}::regconfig, ${words.A.join(" ")}), 'A') ||
      setweight(to_tsvector(${config}::regconfig, ${words.B.join(" ")}), 'B') ||
      setweight(to_tsvector(${config}::regconfig, ${words.C.join(" ")}), 'C') ||
      setweight(to_tsvector(${config}::regconfig, ${words.D.join(" ")}), 'D')
    FROM publications WHERE article_id = ${document.id}::uuid
    ON CONFLICT (article_id) DO UPDATE SET config = excluded.config, vector = excluded.vector,
      published_at = excluded.published_at, updated_at = excluded.updated_at, terms = excluded.terms`;
}

/**
 * Lets searches be completed to, and corrected by, the words of what readers see from now on: what is not live yet
 * must not show by what becomes of a search.
 */
export async function learnWords(tx: Transaction, documents: readonly Searched[]): Promise<void> {
  const known = new Set<string>();
  for (const document of documents)
    for (const { word } of indexedWords(document))
      if (word.length <= LONGEST_KNOWN && KNOWN_WORD.test(word)) known.add(word);
  // In one order, so that two transactions cannot wait for each other.
  await tx.$executeRaw`
    INSERT INTO search_words (word) SELECT word FROM unnest(${[...known]}::text[]) AS word ORDER BY word
    ON CONFLICT DO NOTHING`;
}

/** The words of an edition, as many as are indexed. */
function* indexedWords(document: Searched): Generator<{ weight: Passage["weight"]; word: string }> {
  let room = MAX_INDEXED;
  for (const { weight, text } of passagesOf(document)) {
    for (const { word } of wordsOf(text)) {
      room -= Buffer.byteLength(word) + 1;
      if (room < 0) return;
      yield { weight, word };
    }
  }
}

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
