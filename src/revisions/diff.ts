import { isDeepStrictEqual } from "node:util";
import { diffArrays } from "diff";
import { type ListField, isSame, keyOf, listFields, singleFields, staying } from "./changes.ts";
import { type KeptRevision, presentContent, presentRevision } from "./read.ts";
import type { FieldChange, ItemChange, RevisionContent, RevisionDiff, Words } from "./schema.ts";

/** The properties, of an article and of the items in it, that are text to be compared word by word. */
const texts = new Set([
  "headline",
  "standfirst",
  "dateline",
  "text",
  "items",
  "attribution",
  "alt",
  "caption",
  "credit",
  "title",
]);

/**
 * How many characters of a comparison are looked at word by word, and how many words may differ in
 * one text: past that it is shown as taken out and put in whole. It keeps the answer within a
 * fraction of a second whatever is compared.
 */
const CHARACTERS = 200_000;
const DIFFERENCES = 400;

/** What differs between two revisions: by field, in lists item by item, in text word by word. */
export function diffRevisions(one: KeptRevision, other: KeptRevision): RevisionDiff {
  const [from, to] = [presentContent(one.copy), presentContent(other.copy)];
  const compare = wordComparer(other.copy.language);
  const fields = singleFields
    .filter((field) => !isSame(field, one.copy[field], other.copy[field]))
    .map((field) => fieldChange(field, from[field], to[field], compare));
  const lists = listFields
    .map((field) => ({
      field,
      items: itemChanges(field, entriesOf(one, from, field), entriesOf(other, to, field), compare),
    }))
    .filter(({ items }) => items.length > 0);
  return { from: presentRevision(one.about), to: presentRevision(other.about), fields, lists };
}

interface Entry {
  position: number;
  kept: unknown;
  shown: unknown;
}

/** The items of a list by what names them, as they are compared and as they are shown. */
function entriesOf({ copy }: KeptRevision, shown: RevisionContent, field: ListField): Map<string, Entry> {
  return new Map(
    copy[field].map((kept, position) => [
      keyOf(field, kept),
      { position, kept, shown: withoutPosition(shown[field][position]) },
    ]),
  );
}

/** An item's place is told beside it: one that was pushed along is not changed. */
function withoutPosition(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => name !== "position"));
}

function itemChanges(
  field: ListField,
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
  compare: WordComparer,
): ItemChange[] {
  const stayed = staying(after, before);
  const unmoved = longestRise(stayed, (key) => before.get(key)?.position ?? 0);
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((id): ItemChange[] => {
    const [old, now] = [before.get(id), after.get(id)];
    const changes: ItemChange["changes"] = [];
    if (old === undefined) changes.push("added");
    else if (now === undefined) changes.push("removed");
    else {
      if (!isSame(field, old.kept, now.kept)) changes.push("changed");
      if (!unmoved.has(id)) changes.push("moved");
    }
    if (changes.length === 0) return [];
    return [
      {
        id,
        changes,
        fromPosition: old?.position ?? null,
        toPosition: now?.position ?? null,
        from: old?.shown ?? null,
        to: now?.shown ?? null,
        fields: changes.includes("changed") ? propertyChanges(old?.shown, now?.shown, compare) : [],
      },
    ];
  });
}

function propertyChanges(from: unknown, to: unknown, compare: WordComparer): FieldChange[] {
  const [old, now] = [from, to] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((name) => !isDeepStrictEqual(old[name], now[name]))
    .map((name) => fieldChange(name, old[name] ?? null, now[name] ?? null, compare));
}

function fieldChange(field: string, from: unknown, to: unknown, compare: WordComparer): FieldChange {
  const [old, now] = texts.has(field) ? [textOf(from), textOf(to)] : [];
  return { field, from, to, ...(old === undefined || now === undefined ? {} : { words: compare(old, now) }) };
}

/** A text, or the items of a list block, one a line. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  return value
    .map((item: string | { text: string }) => (typeof item === "string" ? item : item.text))
    .join("\n");
}

type WordComparer = (from: string, to: string) => Words;

/** Compares texts word by word, as words are told apart in a language (Unicode Annex 29), within the limits of one answer. */
function wordComparer(language: string): WordComparer {
  const segmenter = new Intl.Segmenter(language, { granularity: "word" });
  const wordsOf = (text: string) => Array.from(segmenter.segment(text), ({ segment }) => segment);
  let left = CHARACTERS;
  return (from, to) => {
    left -= from.length + to.length;
    const parts =
      left < 0 ? undefined : diffArrays(wordsOf(from), wordsOf(to), { maxEditLength: DIFFERENCES });
    const found: Words =
      parts === undefined
        ? [
            { change: "removed", text: from },
            { change: "added", text: to },
          ]
        : parts.map(({ added, removed, value }) => ({
            change: added ? "added" : removed ? "removed" : "same",
            text: value.join(""),
          }));
    return found.filter(({ text }) => text !== "");
  };
}

/**
 * The most keys whose places rise: those that need not have moved for the order to be what it is
 * (a longest increasing subsequence by patience sorting, in n log n).
 */
function longestRise(keys: readonly string[], placeOf: (key: string) => number): Set<string> {
  interface Link {
    key: string;
    place: number;
    before: Link | undefined;
  }
  const ends: Link[] = [];
  for (const key of keys) {
    const place = placeOf(key);
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.place ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    ends[low] = { key, place, before: ends[low - 1] };
  }
  const rise = new Set<string>();
  for (let link = ends.at(-1); link !== undefined; link = link.before) rise.add(link.key);
  return rise;
}
