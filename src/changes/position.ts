import type { Audience } from "../access/audience.ts";
import type { Cursors } from "../http/paging.ts";
import { problem } from "../http/problems.ts";

/** A place in the change log, or on the way through what was live when a partner started. */
export interface Position {
  /** The number of the last change that is known. */
  sequence: bigint;
  /** On the way through what was live at that number: the id of the last article that was given. */
  after?: string;
}

/** What all cursors of changes are made for: those of the feed, the stream and the webhooks are one. */
const LIST = "changes";

/** Whom a cursor is for, as far as another may not go on with it. */
type Marked = Pick<Audience, "mark">;

/** The cursor that leads an audience back to a place. */
export function writePosition(
  cursors: Cursors,
  { sequence, after = "" }: Position,
  { mark }: Marked,
): string {
  const place = [String(sequence), after, mark ?? ""];
  while (place.at(-1) === "") place.pop();
  return cursors.write(LIST, place);
}

/**
 * The place that a cursor leads to, whomever it was made for.
 *
 * @param parameter what the cursor was sent as
 * @throws 400 when it was not given out by this installation, or for something else
 */
export function placeOf(
  cursors: Cursors,
  cursor: string,
  parameter: string,
): Position & { mark: string | null } {
  const [sequence = "0", after = "", mark = ""] = cursors.read(LIST, cursor, parameter);
  return { sequence: BigInt(sequence), ...(after === "" ? {} : { after }), mark: mark === "" ? null : mark };
}

/**
 * The place that a cursor leads an audience to.
 *
 * @param parameter what the cursor was sent as
 * @throws 400 when it was not given out by this installation, or for something else; 410 when it was made
 *   for what the key was entitled to before, or for another key with an entitlement
 */
export function readPosition(
  cursors: Cursors,
  cursor: string,
  parameter: string,
  audience: Marked,
): Position {
  const { mark, ...position } = placeOf(cursors, cursor, parameter);
  if (mark !== audience.mark) throw expired("The entitlement was changed since this cursor was given out.");
  return position;
}

/** @returns the problem of whoever must start again */
export function expired(why: string) {
  return problem(
    "cursor-expired",
    `${why} Start again with GET /v1/changes?since=start, and drop what it does not list.`,
    { headers: { "cache-control": "no-store", link: '</v1/changes?since=start>; rel="start"' } },
  );
}
