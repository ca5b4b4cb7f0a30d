import type { Transaction } from "../database/client.ts";
import { knownWords } from "./knownWords.ts";
import type { Term, Terms } from "./terms.ts";

/** How many words a search may have that nobody wrote; with more, no other spelling is tried. */
const MAX_UNKNOWN = 8;
/** How many spellings are tried for a word, and how much longer or shorter they may be. */
const SPELLINGS = 5;
const LENGTH_DIFFERENCE = 2;
/** How long the spellings of a word may be together, in bytes, since cursors hold them. */
const MOST_BYTES = 250;

/**
 * The same search with each word that no article has read as words that articles do have: those
 * that begin so, and, where pg_trgm is there, those that are spelt alike. Quoted and excluded
 * words stay as they are.
 *
 * @param seesAll whether it is for readers who see all that is published; others must not learn by it which words are
 *   in the rest
 * @returns undefined when there is nothing else to try
 */
export async function similarTerms(
  tx: Transaction,
  groups: Terms,
  seesAll: boolean,
): Promise<Terms | undefined> {
  const spellings = await spellingsOf(tx, [...new Set(groups.flat().flatMap(looseWord))], seesAll);
  if (spellings.size === 0) return undefined;
  return groups.map((group) =>
    group.map((term) => ({
      ...term,
      alternatives: looseWord(term).flatMap((word) => spellings.get(word) ?? []),
    })),
  );
}

function looseWord({ words, loose }: Term): string[] {
  return loose && words.length === 1 ? words : [];
}

async function spellingsOf(
  tx: Transaction,
  words: string[],
  seesAll: boolean,
): Promise<Map<string, string[]>> {
  const unknown = await tx.$queryRaw<{ word: string }[]>`
    SELECT word FROM unnest(${words}::text[]) AS asked (word)
    WHERE length(word) BETWEEN 3 AND 40 AND NOT (${seesAll} AND EXISTS (SELECT FROM ${knownWords} WHERE known.word = asked.word COLLATE "C"))`;
  const spellings = new Map<string, string[]>();
  if (unknown.length === 0 || unknown.length > MAX_UNKNOWN) return spellings;
  const [{ alike }] = await tx.$queryRaw<
    [{ alike: boolean }]
  >`SELECT to_regclass('search_words_alike') IS NOT NULL AS alike`;
  for (const { word } of unknown) {
    const longer = await tx.$queryRaw<{ word: string }[]>`
      SELECT word FROM ${knownWords} WHERE word LIKE ${`${word}%`} ORDER BY word LIMIT ${SPELLINGS}`;
    const similar = alike
      ? await tx.$queryRaw<{ word: string }[]>`
          SELECT word FROM ${knownWords}
          WHERE word % ${word} AND abs(length(word) - length(${word})) <= ${LENGTH_DIFFERENCE}::int
          ORDER BY similarity(word, ${word}) DESC, word LIMIT ${SPELLINGS}`
      : [];
    const found = withinBytes([...new Set([...longer, ...similar].map((row) => row.word))]);
    if (found.length > 0) spellings.set(word, found);
  }
  return spellings;
}

/** The first of some words, as many as there is room for. */
function withinBytes(words: readonly string[]): string[] {
  let room = MOST_BYTES;
  return words.filter((word) => (room -= Buffer.byteLength(word) + 1) >= 0);
}
