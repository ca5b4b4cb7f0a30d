/** A word as it is searched for, and where in the text it stands, in UTF-16 code units. */
export interface Word {
  word: string;
  start: number;
  end: number;
}

/** Scripts that are written without spaces between words: each letter is taken as a word of its own. */
const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`;
const WORD = new RegExp(String.raw`[${UNSPACED}]\p{M}*|(?:(?![${UNSPACED}])[\p{L}\p{N}\p{M}\u00AD])+`, "gu");
/** Most words of most texts; there is nothing to fold in them but case. */
const PLAIN = /^[A-Za-z0-9]+$/;

/**
 * The words of a text, without regard to case, accents and punctuation. What is indexed, what is
 * asked for and what is marked all go through here, so that they agree whatever PostgreSQL's own
 * parser and locale make of a text.
 */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const { 0: found, index: start } of text.matchAll(WORD)) {
    const end = start + found.length;
    // Compatibility forms may come apart: ½ is 1 and 2.
    const folded = PLAIN.test(found) ? [found.toLowerCase()] : (fold(found).match(WORD) ?? []);
    for (const word of folded) words.push({ word, start, end });
  }
  return words;
}

/**
 * Letters that Unicode takes for letters of their own and not for accented ones, by what is typed for them (Unicode CLDR,
 * transform Latin-ASCII), with ı as what İ and I are in lower case; and letters of Arabic that languages have their own
 * forms of, by those that PostgreSQL's dictionary knows. The soft hyphen and the tatweel only lay a word out.
 */
const letters: Record<string, string> = {
  æ: "ae",
  đ: "d",
  ð: "d",
  ħ: "h",
  ı: "i",
  ł: "l",
  ŋ: "n",
  ø: "o",
  œ: "oe",
  ß: "ss",
  ŧ: "t",
  þ: "th",
  ک: "ك",
  ہ: "ه",
  ی: "ي",
  ى: "ي",
  "\u00AD": "",
  "\u0640": "",
};
const LETTERS = new RegExp(`[${Object.keys(letters).join("")}]`, "gu");

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
    .replace(LETTERS, (letter) => letters[letter] ?? letter)
    .normalize("NFC");
}
