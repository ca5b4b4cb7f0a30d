/** A word as it is searched for, and where in the text it stands, in UTF-16 code units. */
export interface Word {
  word: string;
  start: number;
  end: number;
}

/** Scripts that are written without spaces between words: each letter is taken as a word of its own. */
const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`;
const wordPattern = () =>
  new RegExp(String.raw`[${UNSPACED}]\p{M}*|(?:(?![${UNSPACED}])[\p{L}\p{N}\p{M}])+`, "gu");

/**
 * The words of a text, without regard to case, accents and punctuation. What is indexed, what is
 * asked for and what is marked all go through here, so that they agree whatever PostgreSQL's own
 * parser and locale make of a text.
 */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(wordPattern())].flatMap(({ 0: found, index: start }) =>
    // Compatibility forms may come apart: ½ is 1 and 2.
    (fold(found).match(wordPattern()) ?? []).map((word) => ({ word, start, end: start + found.length })),
  );
}

/**
 * Lower case without accents, in compatibility form. Marks go only where they are accents or aids
 * to reading: in Indic scripts, kana and Hangul they make another letter, and й is not и.
 */
function fold(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/([\p{sc=Latin}\p{sc=Greek}\p{sc=Arabic}\p{sc=Hebrew}])\p{M}+/gu, "$1")
    .replace(/(\p{sc=Cyrillic})[\u0300\u0301]+/gu, "$1")
    .replaceAll("\u0435\u0308", "\u0435")
    .normalize("NFC");
}
