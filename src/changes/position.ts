import type { Cursors } from "../http/paging.ts";

/** A place in the change log, or on the way through what was live when a partner started. */
export interface Position {
  /** The number of the last change that is known. */
  sequence: bigint;
  /** On the way through what was live at that number: the id of the last article that was given. */
  after?: string;
}

/** What all cursors of changes are made for: those of the feed, the stream and the webhooks are one. */
const LIST = "changes";

/** The cursor that leads back to a place. */
export function writePosition(cursors: Cursors, { sequence, after }: Position): string {
  return cursors.write(LIST, [String(sequence), ...(after === undefined ? [] : [after])]);
}

/**
 * The place that a cursor leads to.
 *
 * @param parameter what the cursor was sent as
 * @throws 400 when it was not given out by this installation, or for something else
 */
export function readPosition(cursors: Cursors, cursor: string, parameter: string): Position {
  const [sequence = "0", after] = cursors.read(LIST, cursor, parameter);
  return { sequence: BigInt(sequence), ...(after === undefined ? {} : { after }) };
}
