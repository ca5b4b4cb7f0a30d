import type { Caller } from "../access/keys.ts";
import type { Transaction } from "../database/client.ts";
import { problem } from "../http/problems.ts";

/** How long somebody counts as being there after having said so, in seconds. */
export const PRESENCE_SECONDS = 60;
/** How many can be in one article at once. */
const MOST = 100;

interface PresenceRow {
  key_id: string;
  key_name: string;
  person: string;
  block_id: string | null;
  since: Date;
  expires_at: Date;
}

/**
 * Notes that somebody is in an article, for the next 60 seconds by the database's clock. It is
 * advice to others and keeps nobody from writing.
 *
 * @throws 409 when as many are there as can be
 */
export async function enter(
  tx: Transaction,
  articleId: string,
  { id, name }: Pick<Caller, "id" | "name">,
  { person, blockId }: { person: string; blockId: string | null },
): Promise<void> {
  const entered = await tx.$executeRaw`
    INSERT INTO presences AS known (article_id, key_id, person, key_name, block_id, since, expires_at)
    SELECT ${articleId}::uuid, ${id}::uuid, ${person}, ${name}, ${blockId}, now(),
      now() + ${PRESENCE_SECONDS} * interval '1 second'
    WHERE (
      SELECT count(*) FROM presences WHERE article_id = ${articleId}::uuid AND expires_at > now()
        AND (key_id, person) <> (${id}::uuid, ${person})
    ) < ${MOST}
    ON CONFLICT (article_id, key_id, person) DO UPDATE SET
      key_name = excluded.key_name, block_id = excluded.block_id, expires_at = excluded.expires_at,
      since = CASE WHEN known.expires_at > now() THEN known.since ELSE excluded.since END`;
  if (entered === 0) {
    throw problem("conflict", `${MOST} are in the article already. Try again when one of them has left.`);
  }
}

/** Who is in an article now, the longest there first. */
export async function whoIsIn(tx: Transaction, articleId: string) {
  const rows = await tx.$queryRaw<PresenceRow[]>`
    SELECT key_id, key_name, person, block_id, since, expires_at FROM presences
    WHERE article_id = ${articleId}::uuid AND expires_at > now()
    ORDER BY since, key_id, person LIMIT ${MOST}`;
  return rows.map(({ key_id, key_name, person, block_id, since, expires_at }) => ({
    key: { id: key_id, name: key_name },
    name: person === "" ? null : person,
    blockId: block_id,
    since: since.toISOString(),
    until: expires_at.toISOString(),
  }));
}

/** Notes that somebody left; without a name all who use the key. */
export async function leave(
  tx: Transaction,
  articleId: string,
  keyId: string,
  person: string | undefined,
): Promise<void> {
  await tx.presence.deleteMany({
    where: { articleId, keyId, ...(person === undefined ? {} : { person }) },
  });
}

/** Forgets those who left without saying so. */
export async function forgetPresences(tx: Transaction): Promise<void> {
  await tx.$executeRaw`DELETE FROM presences WHERE expires_at < now() - interval '1 minute'`;
}
