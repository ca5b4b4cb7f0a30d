import type { Transaction } from "../database/client.ts";
import type { EditionDocument } from "../editions/document.ts";
import { configurationOf } from "./languages.ts";
import { type Passage, passagesOf } from "./passages.ts";
import { wordsOf } from "./words.ts";

/**
 * How much of an article is indexed, in UTF-8 bytes of its words, about 60,000 words: a tsvector
 * takes 1 MiB with the words' places, which take at most as much again (PostgreSQL's manual, 12.11).
 */
const MAX_INDEXED = 400_000;

/** What of an edition is searched. */
export type Searched = Pick<
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

/** The words of an edition, as many as are indexed. */
export function* indexedWords(document: Searched): Generator<{ weight: Passage["weight"]; word: string }> {
  let room = MAX_INDEXED;
  for (const { weight, text } of passagesOf(document)) {
    for (const { word } of wordsOf(text)) {
      room -= Buffer.byteLength(word) + 1;
      if (room < 0) return;
      yield { weight, word };
    }
  }
}
