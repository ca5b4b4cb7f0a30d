import { isDeepStrictEqual } from "node:util";
import type { WorkingCopy } from "../articles/workingCopy.ts";
import { type Item, type ListField, isSame, keyOf, listFields, singleFields } from "./changes.ts";
import { type KeptCopy, keptCopy } from "./content.ts";

/** A state of a working copy, with what is compared of it. */
interface State {
  copy: WorkingCopy;
  kept: KeptCopy;
}

/** An item of a list: what names it, what is compared of it, and what is saved. */
interface Entry {
  key: string;
  kept: Item;
  value: unknown;
}

/**
 * Merges two changes of a working copy, field by field and in lists item by item: what one side
 * changed is taken from it, what both changed alike is taken once, and what both changed in
 * different ways collides. Items that both insert at the same place stand one after the other.
 *
 * @param base the state that both sides set out from
 * @returns the merged copy, and JSON Pointers to what collides
 */
export function mergeCopies(
  base: WorkingCopy,
  mine: WorkingCopy,
  theirs: WorkingCopy,
): { copy: WorkingCopy; collisions: string[] } {
  const [was, ours, others] = [base, mine, theirs].map((copy): State => ({ copy, kept: keptCopy(copy) })) as [
    State,
    State,
    State,
  ];
  const collisions: string[] = [];
  const chosen: Record<string, unknown> = {};
  for (const field of singleFields) {
    const [before, here, there] = [was.kept[field], ours.kept[field], others.kept[field]];
    if (isSame(field, before, here)) continue;
    chosen[field] = mine[field];
    if (!isSame(field, before, there) && !isSame(field, here, there)) collisions.push(`/${field}`);
  }
  for (const field of listFields) {
    const list = mergeLists(field, entriesOf(was, field), entriesOf(ours, field), entriesOf(others, field));
    chosen[field] = list.items.map(({ value }) => value);
    collisions.push(...list.collisions);
  }
  const copy: WorkingCopy = { ...theirs, ...chosen };
  return { copy, collisions: [...new Set([...collisions, ...brokenReferences(copy, theirs)])] };
}

function entriesOf({ copy, kept }: State, field: ListField): Map<string, Entry> {
  return new Map(
    kept[field].map((item, index) => {
      const key = keyOf(field, item);
      return [key, { key, kept: item, value: copy[field][index] }];
    }),
  );
}

function mergeLists(
  field: ListField,
  base: Map<string, Entry>,
  mine: Map<string, Entry>,
  theirs: Map<string, Entry>,
): { items: Entry[]; collisions: string[] } {
  const collisions: string[] = [];
  const chosen = new Map<string, Entry>();
  for (const key of new Set([...base.keys(), ...mine.keys(), ...theirs.keys()])) {
    const [was, here, there] = [base.get(key), mine.get(key), theirs.get(key)];
    const isUntouched = isSame(field, was?.kept, here?.kept);
    if (!isUntouched && !isSame(field, was?.kept, there?.kept) && !isSame(field, here?.kept, there?.kept))
      collisions.push(`/${field}/${key}`);
    const entry = isUntouched ? there : here;
    if (entry !== undefined) chosen.set(key, entry);
  }
  const orderOf = (list: Map<string, Entry>) =>
    [...list.keys()].filter((key) => base.has(key) && mine.has(key) && theirs.has(key));
  const isMoved = (list: Map<string, Entry>) => !isDeepStrictEqual(orderOf(list), orderOf(base));
  const movesHere = isMoved(mine);
  if (movesHere && isMoved(theirs) && !isDeepStrictEqual(orderOf(mine), orderOf(theirs)))
    collisions.push(`/${field}`);
  const keys = movesHere ? interleave(mine, theirs, base) : interleave(theirs, mine, base);
  return { items: keys.flatMap((key) => chosen.get(key) ?? []), collisions };
}

/**
 * The keys of one list in its order, with those that only the other added: each behind what it
 * stands behind there, and behind what this list itself has added at that place.
 */
function interleave(
  list: ReadonlyMap<string, Entry>,
  other: ReadonlyMap<string, Entry>,
  base: ReadonlyMap<string, Entry>,
): string[] {
  const first: string[] = [];
  const behind = new Map<string, string[]>();
  let place = first;
  for (const key of other.keys()) {
    if (list.has(key)) behind.set(key, (place = []));
    else if (!base.has(key)) place.push(key);
  }
  const keys: string[] = [];
  const waiting = [first];
  for (const key of list.keys()) {
    if (base.has(key)) keys.push(...waiting.splice(0).flat());
    keys.push(key);
    waiting.push(behind.get(key) ?? []);
  }
  return [...keys, ...waiting.flat()];
}

/** What one side refers to and the other has taken away. */
function brokenReferences({ body, keyPoints, relatedLinks }: WorkingCopy, theirs: WorkingCopy): string[] {
  const links = new Set(relatedLinks.map(({ id }) => id));
  const blocks = new Set(body.map(({ id }) => id));
  const isTheirs = (list: { id: string }[], id: string) => list.some((item) => item.id === id);
  return [
    ...body.flatMap((block) => {
      if (block.type !== "relatedLink" || links.has(block.relatedLinkId)) return [];
      // Whichever of the two is their doing.
      const isLinkTheirs = isTheirs(theirs.relatedLinks, block.relatedLinkId);
      return isLinkTheirs ? `/body/${block.id}` : `/relatedLinks/${block.relatedLinkId}`;
    }),
    ...keyPoints.flatMap(({ id, blockId }) => {
      if (blockId === null || blocks.has(blockId)) return [];
      return isTheirs(theirs.body, blockId) ? `/keyPoints/${id}` : `/body/${blockId}`;
    }),
  ];
}
