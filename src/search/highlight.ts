import { Prisma, type Transaction } from "../database/client.ts";
import { type EditionDocument, wholeArticle } from "../editions/document.ts";
import { passagesOf } from "./passages.ts";
import { type Word, wordsOf } from "./words.ts";

/** How much of an article is looked through for a snippet, in characters of its words. */
const LOOKED_THROUGH = 20_000;
/** How long a snippet is in words, and at most in UTF-16 code units, if its first word is not longer. */
const SNIPPET = 30;
const SNIPPET_LENGTH = 600;
/** How much of a snippet goes before a hit, in words. */
const BEFORE = 8;
/** How much that is no word may stand at a snippet's ends, in UTF-16 code units. */
const PUNCTUATION = 20;

interface Found {
  /** The rendered edition. */
  document: string;
  config: string;
}

interface MarkedPassage {
  text: string;
  words: (Word & { hit: boolean })[];
}

/**
 * A snippet for each article that was found: the words around most hits, HTML-escaped, with each
 * hit in `<mark>`. Which words are hits PostgreSQL says, since it knows what it took as one word.
 *
 * @param marked what to mark, in the language of to_tsquery
 */
export async function highlights(
  tx: Transaction,
  found: readonly Found[],
  marked: string,
): Promise<string[]> {
  if (found.length === 0) return [];
  const passages = found.map(({ document }) => readPassages(document));
  const texts = passages.map((own) => own.flatMap(({ words }) => words.map(({ word }) => word)).join(" "));
  const rows = await tx.$queryRaw<{ text: string }[]>(Prisma.sql`
    SELECT ts_headline(config::regconfig, text, to_tsquery(config::regconfig, ${marked}),
      'HighlightAll=true, StartSel=<, StopSel=>') AS text
    FROM unnest(${found.map(({ config }) => config)}::text[], ${texts}::text[]) WITH ORDINALITY AS found (config, text, place)
    ORDER BY place`);
  return passages.map((own, index) => {
    const words = (rows[index]?.text ?? "").split(" ");
    let place = 0;
    const marks = own.map((passage): MarkedPassage => ({
      text: passage.text,
      words: passage.words.map((word) => ({ ...word, hit: (words[place++] ?? "").includes("<") })),
    }));
    return snippet(marks);
  });
}

/** The headline is always looked at, and comes last: it is shown beside the snippet anyway. */
function readPassages(document: string): { text: string; words: Word[] }[] {
  const [headline = "", ...rest] = passagesOf(wholeArticle(JSON.parse(document) as EditionDocument)).map(
    ({ text }) => text,
  );
  let room = LOOKED_THROUGH;
  const looked = rest.flatMap((text) => {
    const part = text.slice(0, Math.max(0, room));
    // The last word may go on where the part ends.
    const words = wordsOf(part).filter(({ end }) => end < room || part === text);
    room -= part.length;
    return words.length === 0 ? [] : { text, words };
  });
  return [...looked, { text: headline, words: wordsOf(headline) }];
}

function snippet(passages: readonly MarkedPassage[]): string {
  let best = { score: -1, passage: passages[0], first: 0 };
  for (const passage of passages) {
    for (const [index, { hit }] of passage.words.entries()) {
      if (!hit && index > 0) continue;
      const first = Math.max(0, Math.min(index - BEFORE, passage.words.length - SNIPPET));
      const hits = passage.words.slice(first, first + SNIPPET).filter((word) => word.hit);
      const score = 100 * new Set(hits.map(({ word }) => word)).size + hits.length;
      if (score > best.score) best = { score, passage, first };
    }
  }
  return best.passage === undefined ? "" : written(best.passage, best.first);
}

function written({ text, words }: MarkedPassage, first: number): string {
  const opening = words[first]?.start ?? 0;
  const window = words
    .slice(first, first + SNIPPET)
    .filter(({ end }, index) => index === 0 || end - opening <= SNIPPET_LENGTH);
  const closing = window.at(-1)?.end ?? 0;
  // What stands before the first and after the last word of a passage, such as quotes, comes along.
  const from = first === 0 && opening <= PUNCTUATION ? 0 : opening;
  const to =
    first + window.length === words.length && text.length - closing <= PUNCTUATION ? text.length : closing;
  const parts = [from === 0 ? "" : "…"];
  let at = from;
  for (const { start, end, hit } of window) {
    // What was written as one may be several words, as ½ is.
    if (!hit || start < at) continue;
    parts.push(escaped(text.slice(at, start)), "<mark>", escaped(text.slice(start, end)), "</mark>");
    at = end;
  }
  parts.push(escaped(text.slice(at, to)), to === text.length ? "" : "…");
  return parts.join("");
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
