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

/**
 * Makes a live article's words findable, in the transaction that has put it live. What is withdrawn
 * takes its entry along.
 */
export async function indexArticle(
  tx: Transaction,
  document: Pick<
    EditionDocument,
    "id" | "language" | "headline" | "standfirst" | "keyPoints" | "dateline" | "body"
  >,
): Promise<void> {
  const { texts, known } = wordsByWeight(passagesOf(document));
  const config = configurationOf(document.language);
  await tx.$executeRaw`
    INSERT INTO search_entries (article_id, config, published_at, updated_at, terms, vector)
    SELECT article_id, ${config}, published_at, updated_at, terms_of(terms, language),
      setweight(to_tsvector(${config}::regconfig, ${texts.A}), 'A') ||
      setweight(to_tsvector(${config}::regconfig, ${texts.B}), 'B') ||
      setweight(to_tsvector(${config}::regconfig, ${texts.C}), 'C') ||
      setweight(to_tsvector(${config}::regconfig, ${texts.D}), 'D')
    FROM publications WHERE article_id = ${document.id}::uuid
    ON CONFLICT (article_id) DO UPDATE SET config = excluded.config, vector = excluded.vector,
      published_at = excluded.published_at, updated_at = excluded.updated_at, terms = excluded.terms`;
  // In one order, so that two transactions cannot wait for each other.
  await tx.$executeRaw`
    INSERT INTO search_words (word) SELECT word FROM unnest(${known}::text[]) AS word ORDER BY word
    ON CONFLICT DO NOTHING`;
}

function wordsByWeight(passages: readonly Passage[]) {
  const words: Record<Passage["weight"], string[]> = { A: [], B: [], C: [], D: [] };
  const known = new Set<string>();
  let room = MAX_INDEXED;
  for (const { weight, text } of passages) {
    for (const { word } of wordsOf(text)) {
      room -= Buffer.byteLength(word) + 1;
      if (room < 0) break;
      words[weight].push(word);
      if (word.length <= LONGEST_KNOWN && KNOWN_WORD.test(word)) known.add(word);
    }
  }
  const { A, B, C, D } = words;
  return { texts: { A: A.join(" "), B: B.join(" "), C: C.join(" "), D: D.join(" ") }, known: [...known] };
}

/**
 * Indexes what was live before there was a search: the migration leaves their entries empty. Any
 * number of processes may do it at once; what is published meanwhile is indexed by its own
 * transaction, and stays as that left it.
 *
 * @returns how many articles were indexed
 */
export async function fillSearch(database: Database): Promise<number> {
  let filled = 0;
  for (;;) {
    const found = await transact(database, async (tx) => {
      const rows = await tx.$queryRaw<{ document: string }[]>`
        SELECT p.document FROM search_entries s JOIN publications p USING (article_id)
        WHERE s.vector IS NULL ORDER BY s.article_id LIMIT ${BATCH} FOR UPDATE OF s SKIP LOCKED`;
      for (const { document } of rows) await indexArticle(tx, JSON.parse(document) as EditionDocument);
      return rows.length;
    });
    if (found === 0) return filled;
    filled += found;
  }
}
