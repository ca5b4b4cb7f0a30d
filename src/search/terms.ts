import { wordsOf } from "./words.ts";

/** One thing to find or to exclude: a word, or several that stand in this order. */
export interface Term {
  words: string[];
  excluded: boolean;
  /** Whether words that begin so are found too. */
  prefix: boolean;
  /** Whether it was written without quotes, so that other spellings may be tried. */
  loose: boolean;
  /** Other words that do as well. */
  alternatives: string[];
}

/** What is asked for: any of the groups, and of a group every term. */
export type Terms = Term[][];

/** The shortest word that is completed: shorter ones begin too many. */
const PREFIX_LENGTH = 3;

/**
 * Reads what a reader typed, as web searches read it: words, "phrases", -excluded and `or`. The last
 * word is completed. A word that punctuation parts, as in well-known, is a phrase.
 */
export function readTerms(q: string): Terms {
  const straight = q.replace(/[“”„‟″«»＂]/g, '"').replace(/(^|\s)[−–—]/g, "$1-");
  const tokens = [...straight.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)];
  const groups: Terms = [[]];
  for (const [index, [, minus, phrase, bare = ""]] of tokens.entries()) {
    const isLast = index === tokens.length - 1;
    const group = groups.at(-1) ?? [];
    if (bare.toLowerCase() === "or" && minus === "" && group.length > 0 && !isLast) {
      groups.push([]);
      continue;
    }
    const words = wordsOf(phrase ?? bare).map(({ word }) => word);
    if (words.length === 0) continue;
    const loose = phrase === undefined && minus === "";
    const prefix = loose && isLast && (words.at(-1)?.length ?? 0) >= PREFIX_LENGTH;
    group.push({ words, excluded: minus === "-", prefix, loose, alternatives: [] });
  }
  return groups.length > 1 ? groups.filter((group) => group.length > 0) : groups;
}

/** What keeps a search from being done, or undefined. */
export function faultOfSearch(q: string, most: number): string | undefined {
  const groups = readTerms(q);
  if (groups.some((group) => group.every(({ excluded }) => excluded)))
    return "must have a word to find, of letters or digits, and not only what is to be left out";
  if (groups.flat().some(({ words }) => words.some((word) => word.length > most)))
    return `must have no word that is longer than ${most} characters with its signs written out`;
  return undefined;
}

/** Stands for any end that a word may have, among its spellings. */
const ANY_END = "*";

/** How the terms that were written without quotes are spelt, one after the other; words have no spaces. */
export function spellingsOf(groups: Terms): string[] {
  const loose = groups.flat().filter((term) => term.loose);
  return loose.map(({ prefix, alternatives }) => [...(prefix ? [ANY_END] : []), ...alternatives].join(" "));
}

/** The same terms, spelt as `spellingsOf` wrote it down of them. */
export function spelt(groups: Terms, spellings: readonly string[]): Terms {
  const left = spellings.map((written) => written.split(" ").filter((part) => part !== ""));
  const next = (term: Term): Term => {
    const own = left.shift() ?? [];
    return { ...term, prefix: own[0] === ANY_END, alternatives: own.filter((part) => part !== ANY_END) };
  };
  return groups.map((group) => group.map((term) => (term.loose ? next(term) : term)));
}

/** The terms in the language of to_tsquery; words have letters and digits alone, so nothing needs escaping. */
export function queryText(groups: Terms): string {
  return groups
    .map((group) => group.map((term) => (term.excluded ? `!${anyForm(term)}` : anyForm(term))).join(" & "))
    .join(" | ");
}

/** What is to be marked in what was found: each word of each term that is not excluded. */
export function markedText(groups: Terms): string {
  return groups
    .flat()
    .filter(({ excluded }) => !excluded)
    .map(anyForm)
    .join(" | ");
}

function anyForm({ words, prefix, alternatives }: Term): string {
  // `'al assad':*` would complete each of the words.
  const inOrder = words.map((word) => `'${word}'`).join(" <-> ");
  const forms = [prefix ? `${inOrder}:*` : inOrder, ...alternatives.map((word) => `'${word}'`)];
  return forms.length + words.length === 2 ? forms.join("") : `(${forms.join(" | ")})`;
}
