import type { Position } from "../changes/position.ts";

/** The ways by which a key follows the changes by itself. */
export type Way = "feed" | "stream";

/** A stretch of the change log that a key was given. */
export interface Passage {
  keyId: string;
  /** Stands for what the key was entitled to (`Audience` in src/access/audience.ts). */
  mark: string | null;
  way: Way;
  from: Position;
  to: Position;
  /** When it was given, and when the key came back with a cursor from there or beyond, as far as it has. */
  at: Date;
  confirmedAt: Date | null;
}

/** A key that was given something, and the mark of what it is entitled to. */
export interface Given {
  id: string;
  mark: string | null;
}

/** Where a key last was. */
export interface Whereabouts {
  keyId: string;
  position: Position;
  at: Date;
  /** Since when all before it is known to have arrived: when it came back with a cursor. */
  confirms: Position | null;
}

/**
 * Notes how far keys have come in the change log, until it is taken away to be written. What follows on
 * each other is one passage, so that there are a few of a key at a time however fast it reads.
 */
export function passages() {
  let given = new Map<string, Passage[]>();
  let last = new Map<string, Whereabouts>();

  const append = (own: Passage[], next: Passage) => {
    const before = own.at(-1);
    const isOne =
      before !== undefined &&
      before.way === next.way &&
      before.mark === next.mark &&
      (before.confirmedAt === null) === (next.confirmedAt === null) &&
      isSame(before.to, next.from);
    if (isOne) own[own.length - 1] = { ...next, from: before.from };
    else own.push(next);
  };

  return {
    /** A key was given what lies between two places. */
    gave({ id: keyId, mark }: Given, way: Way, from: Position, to: Position): void {
      const at = new Date();
      if (way === "stream")
        last.set(keyId, { keyId, position: to, at, confirms: last.get(keyId)?.confirms ?? null });
      if (isSame(from, to)) return;
      const own = given.get(keyId) ?? [];
      given.set(keyId, own);
      append(own, { keyId, mark, way, from, to, at, confirmedAt: null });
    },
    /** A key came back with a cursor: whatever leads there has arrived. */
    cameBack(keyId: string, position: Position): void {
      const at = new Date();
      last.set(keyId, { keyId, position, at, confirms: position });
      const own: Passage[] = [];
      for (const passage of given.get(keyId) ?? []) {
        const isConfirmed = passage.confirmedAt === null && reaches(position, passage.to);
        append(own, isConfirmed ? { ...passage, confirmedAt: at } : passage);
      }
      given.set(keyId, own);
    },
    take(): { given: Passage[]; last: Whereabouts[] } {
      const taken = { given: [...given.values()].flat(), last: [...last.values()] };
      given = new Map();
      last = new Map();
      return taken;
    },
    /** Puts back what could not be written. */
    putBack(taken: { given: Passage[]; last: Whereabouts[] }): void {
      for (const whereabouts of taken.last)
        if (!last.has(whereabouts.keyId)) last.set(whereabouts.keyId, whereabouts);
      const since = [...given.values()].flat();
      given = new Map();
      for (const passage of [...taken.given, ...since]) {
        const own = given.get(passage.keyId) ?? [];
        given.set(passage.keyId, own);
        append(own, passage);
      }
    },
  };
}

const isSame = (one: Position, other: Position) =>
  one.sequence === other.sequence && one.after === other.after;

/** Whether a place lies at another or beyond. Whoever is on the way through what was live is before the end of it. */
function reaches(place: Position, other: Position): boolean {
  if (place.sequence !== other.sequence) return place.sequence > other.sequence;
  return place.after === undefined || (other.after !== undefined && place.after >= other.after);
}
