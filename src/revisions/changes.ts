import { isDeepStrictEqual } from "node:util";
import type { KeptCopy } from "./content.ts";

/** The fields that are one value each. */
export const singleFields = [
  "slug",
  "headline",
  "standfirst",
  "dateline",
  "language",
  "section",
  "publishedAt",
  "embargoedUntil",
  "expiresAt",
] as const satisfies (keyof KeptCopy)[];

/** The fields that are lists, whose items are held against each other one by one. */
export const listFields = ["tags", "authors", "body", "keyPoints", "relatedLinks"] as const;
export type ListField = (typeof listFields)[number];
export type Item = KeptCopy[ListField][number];

/** More items than this that changed in one list are named as the whole list. */
const MOST_ITEMS = 100;

/** What names an item in a pointer, and is the same as long as it is the same item. */
export function keyOf(field: ListField, item: Item): string {
  return field === "tags" && "slug" in item ? item.slug : item.id;
}

/** The items of a list by what names them. */
export function byKey(copy: KeptCopy, field: ListField): Map<string, Item> {
  return new Map(copy[field].map((item) => [keyOf(field, item), item]));
}

/** Whether two values of a field, or of an item in it, say the same. A term is the same by whatever name it goes. */
export function isSame(field: keyof KeptCopy, one: unknown, other: unknown): boolean {
  if (field !== "section" && field !== "tags" && field !== "authors") return isDeepStrictEqual(one, other);
  return (one as { id: string } | null)?.id === (other as { id: string } | null)?.id;
}

/**
 * What differs between two states of a working copy, as JSON Pointers: `/headline` for a field,
 * `/keyPoints/{id}` for an item that was added, removed or changed, and `/keyPoints` when the order
 * of those that stayed is another, or too many changed to be named.
 */
export function changedPointers(before: KeptCopy, after: KeptCopy): string[] {
  const fields = singleFields.filter((field) => !isSame(field, before[field], after[field]));
  return [
    ...fields.map((field) => `/${field}`),
    ...listFields.flatMap((field) => changedItems(before, after, field)),
  ];
}

function changedItems(before: KeptCopy, after: KeptCopy, field: ListField): string[] {
  const old = byKey(before, field);
  const now = byKey(after, field);
  const keys = [...new Set([...old.keys(), ...now.keys()])].filter(
    (key) => !old.has(key) || !now.has(key) || !isSame(field, old.get(key), now.get(key)),
  );
  if (keys.length > MOST_ITEMS) return [`/${field}`];
  const order = isDeepStrictEqual(staying(old, now), staying(now, old)) ? [] : [`/${field}`];
  return [...order, ...keys.map((key) => `/${field}/${key}`)];
}

/** The keys of those items that another list has too, in this one's order. */
export function staying(list: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] {
  return [...list.keys()].filter((key) => other.has(key));
}
