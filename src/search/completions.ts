import type { Transaction } from "../database/client.ts";
import { knownWords } from "./knownWords.ts";
import type { Term, Terms } from "./terms.ts";

/** How many words a beginning is completed to; where there are more, the index is asked for all that begin so. */
const MOST = 50;
/** How long they may be together, in bytes, since cursors hold them. */
const MOST_BYTES = 1_000;

/**
 * The same search with its last word completed to the words that articles have. An index finds words by far faster
 * than what begins like one, of which it has to gather all there is of it; and a word is found by its stem where the
 * stem does not begin with what was typed, as `universi` does not begin that of `university`.
 */
export function completed(tx: Transaction, groups: Terms): Promise<Terms> {
  return Promise.all(groups.map((group) => Promise.all(group.map((term) => completedTerm(tx, term)))));
}

async function completedTerm(tx: Transaction, term: Term): Promise<Term> {
  const [word = ""] = term.words;
  if (!term.prefix || term.words.length > 1) return term;
  const known = await tx.$queryRaw<{ word: string }[]>`
    SELECT word FROM ${knownWords} WHERE word LIKE ${`${word}%`} LIMIT ${MOST + 1}`;
  // Of those that begin with a digit none is known.
  if (known.length === 0 || known.length > MOST) return term;
  const alternatives = [...new Set(known.flatMap((row) => (row.word === word ? [] : row.word)))];
  if (Buffer.byteLength(alternatives.join(" ")) > MOST_BYTES) return term;
  return { ...term, prefix: false, alternatives };
}
