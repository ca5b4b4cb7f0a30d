import type { Transaction } from "../database/client.ts";

/** So many of the newest changes are looked at: their times are nearly, but not quite, in their order. */
const NEWEST = 20;

/**
 * When anyone last got something else, or under another name, as a header. HTTP's dates have whole seconds, so that what
 * changes twice within one must not bear the same date twice: it is the second after the change,
 * once that has come (RFC 9110, section 8.8.2.2).
 *
 * @returns undefined while there is nothing
 */
export async function lastModified(tx: Transaction): Promise<string | undefined> {
  const [{ changed }] = await tx.$queryRaw<[{ changed: Date | null }]>`
    SELECT greatest(
      (SELECT max(greatest(at, recorded_at))
       FROM (SELECT at, recorded_at FROM changes ORDER BY sequence DESC LIMIT ${NEWEST}) newest),
      (SELECT max(updated_at) FROM sections), (SELECT max(updated_at) FROM tags), (SELECT max(updated_at) FROM authors)
    ) AS changed`;
  if (changed === null) return undefined;
  const second = Math.min(Math.ceil(changed.getTime() / 1000), Math.floor(Date.now() / 1000));
  return new Date(second * 1000).toUTCString();
}
