import { markOf } from "../access/audience.ts";
import { writePosition } from "../changes/position.ts";
import type { Database } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";
import { MOST_BEHIND } from "./schema.ts";

/** What a key fetched from a day to another, both included, in the order of days. */
export async function usageByDay({ database }: Newsroom, keyId: string, from: string, until: string) {
  const rows = await database.keyUsage.findMany({
    where: { keyId, day: { gte: new Date(from), lte: new Date(until) } },
    orderBy: { day: "asc" },
  });
  return rows.map(({ day, requests, bytes, articles }) => ({
    day: day.toISOString().slice(0, 10),
    requests: Number(requests),
    bytes: Number(bytes),
    articles: Number(articles),
  }));
}

/** Forgets which changes keys were given that are not kept any more. */
export async function forgetPassages(database: Database): Promise<void> {
  await database.$executeRaw`
    DELETE FROM key_passages WHERE to_sequence < (SELECT changes_pruned_to FROM installation)`;
}

/** How far a key has come in the change log, and what lies behind that; null when it never followed it. */
export async function lastCursorOf({ database, cursors }: Newsroom, keyId: string) {
  const [row] = await database.$queryRaw<
    {
      sequence: bigint;
      after: string | null;
      used_at: Date;
      changes: number;
      seconds: number;
      is_expired: boolean;
      revision: number;
    }[]
  >`
    SELECT c.sequence, c.after, c.used_at,
      (SELECT count(*) FROM (
        SELECT FROM changes n WHERE n.sequence > c.sequence LIMIT ${MOST_BEHIND}) AS following)::int AS changes,
      coalesce((SELECT extract(epoch FROM clock_timestamp() - n.recorded_at) FROM changes n
        WHERE n.sequence > c.sequence ORDER BY n.sequence LIMIT 1), 0)::float8 AS seconds,
      c.sequence < (SELECT changes_pruned_to FROM installation) AS is_expired,
      coalesce((SELECT entitlement_revision FROM keys WHERE id = c.key_id), 0) AS revision
    FROM key_cursors c WHERE c.key_id = ${keyId}::uuid`;
  if (row === undefined) return null;
  const { sequence, after, used_at: usedAt, changes, seconds, is_expired: isExpired } = row;
  const position = { sequence, ...(after === null ? {} : { after }) };
  return {
    cursor: writePosition(cursors, position, { mark: markOf(keyId, row.revision) }),
    usedAt,
    behind: { changes, seconds: Math.max(0, seconds) },
    isExpired,
  };
}
