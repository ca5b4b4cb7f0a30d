import { Prisma, type Transaction } from "../database/client.ts";
import { audienceOfKeyWith } from "../access/keys.ts";
import type { ChangeKind } from "../editions/changes.ts";
import { editionKey, editionsWithin } from "../editions/entitled.ts";
import type { Newsroom } from "../newsroom.ts";

/** What partners must take back or put right. */
const NOTICES: ChangeKind[] = ["withdrawn", "unpublished", "deleted", "corrected"];
/** What comes with an edition. */
const GIVING: ChangeKind[] = ["published", "updated", "corrected", "moved"];

export type Way = "feed" | "stream" | "webhook";

export interface Notice {
  sequence: bigint;
  kind: ChangeKind;
  at: Date;
  version: number;
}

/** Something of an article that a partner was given. */
export interface Receipt {
  /** Null for the webhooks that are nobody's. */
  key_id: string | null;
  /** Null for what was live when the partner started, which no change tells of. */
  sequence: bigint | null;
  version: number;
  /** Whether it gave an edition; otherwise it told of one that went. */
  gives: boolean;
  way: Way;
  /** Stands for what the key was entitled to, where it read by itself. */
  mark: string | null;
  sent_at: Date | null;
  arrived_at: Date | null;
}

/** The last change of an article that partners must heed; null when there is none. */
export async function lastNotice(tx: Transaction, articleId: string): Promise<Notice | null> {
  return tx.change.findFirst({
    where: { articleId, kind: { in: NOTICES } },
    orderBy: { sequence: "desc" },
    select: { sequence: true, kind: true, at: true, version: true },
  }) as Promise<Notice | null>;
}

/** Whether an article was ever there for readers. */
export async function wasPublished(tx: Transaction, articleId: string): Promise<boolean> {
  const [found] = await tx.$queryRaw<[{ was: boolean }]>`
    SELECT EXISTS (SELECT FROM changes WHERE article_id = ${articleId}::uuid)
        OR EXISTS (SELECT FROM editions WHERE article_id = ${articleId}::uuid)
        OR EXISTS (SELECT FROM tombstones WHERE article_id = ${articleId}::uuid) AS was`;
  return found.was;
}

/** The changes of an article. */
const changesOf = (articleId: string) => Prisma.sql`
  (SELECT sequence, kind, version FROM changes WHERE article_id = ${articleId}::uuid)`;

/**
 * What the keys of some ids were given of an article by the feed or a stream: of each change the first
 * passage that reaches over it, and each way through what was live that came past the article.
 */
const passed = (articleId: string, keys: Prisma.Sql) => Prisma.sql`
  SELECT k.id AS key_id, c.sequence, c.version, c.kind = ANY (${GIVING}) AS gives, p.way::text,
         p.mark, p.at AS sent_at, p.confirmed_at AS arrived_at
  FROM ${keys} k CROSS JOIN ${changesOf(articleId)} c
  CROSS JOIN LATERAL (
    SELECT way, mark, at, confirmed_at FROM key_passages
    WHERE key_id = k.id AND to_sequence >= c.sequence AND from_sequence < c.sequence
    ORDER BY to_sequence, id LIMIT 1) p
  UNION ALL
  SELECT k.id, NULL, e.version, true, p.way::text, p.mark, p.at, p.confirmed_at
  FROM ${keys} k JOIN key_passages p ON p.key_id = k.id AND p.from_after IS NOT NULL
  JOIN editions e ON e.article_id = ${articleId}::uuid
    AND e.live_from <= p.at AND coalesce(e.live_until > p.at, true)
  WHERE p.from_after < ${articleId}::uuid
    AND (p.to_after IS NULL OR p.to_sequence > p.from_sequence OR p.to_after >= ${articleId}::uuid)`;

/** What webhooks were sent, or are to be sent, of an article. */
const delivered = (articleId: string) => Prisma.sql`
  SELECT w.key_id, d.sequence, c.version, d.kind = ANY (${GIVING}) AS gives, 'webhook' AS way, NULL AS mark,
         (SELECT min(a.at) FROM webhook_attempts a WHERE a.delivery_id = d.id) AS sent_at,
         d.delivered_at AS arrived_at
  FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN changes c ON c.sequence = d.sequence
  WHERE d.article_id = ${articleId}::uuid AND NOT d.standing
  UNION ALL
  SELECT w.key_id, NULL, e.version, true, 'webhook', NULL,
         (SELECT min(a.at) FROM webhook_attempts a WHERE a.delivery_id = d.id), d.delivered_at
  FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
  JOIN editions e ON e.article_id = d.article_id
    AND e.live_from <= d.created_at AND coalesce(e.live_until > d.created_at, true)
  WHERE d.article_id = ${articleId}::uuid AND d.standing AND d.kind = 'published'`;

/**
 * The keys that were given anything of an article, or said so, in the order of their ids; the webhooks of
 * nobody come before them.
 */
export async function partnersOf(
  tx: Transaction,
  articleId: string,
  after: string | undefined,
  most: number,
): Promise<(string | null)[]> {
  const followers = Prisma.sql`(SELECT key_id AS id FROM key_cursors WHERE ${after ?? FIRST}::uuid < key_id)`;
  const rows = await tx.$queryRaw<{ key_id: string | null }[]>`
    SELECT DISTINCT key_id FROM (
      SELECT key_id FROM (${passed(articleId, followers)}) by_themselves
      UNION ALL SELECT key_id FROM (${delivered(articleId)}) by_webhook
      UNION ALL SELECT key_id FROM acknowledgements WHERE article_id = ${articleId}::uuid) found
    WHERE ${after ?? null}::uuid IS NULL OR key_id > ${after ?? FIRST}::uuid
    ORDER BY key_id NULLS FIRST LIMIT ${most}`;
  return rows.map(({ key_id }) => key_id);
}

const FIRST = "00000000-0000-0000-0000-000000000000";

/** All that some partners were given of an article, the earliest first. */
export async function receiptsOf(
  tx: Transaction,
  articleId: string,
  partners: readonly (string | null)[],
): Promise<Receipt[]> {
  const ids = partners.filter((id) => id !== null);
  const keys = Prisma.sql`(SELECT unnest(${ids}::uuid[]) AS id)`;
  return tx.$queryRaw<Receipt[]>`
    SELECT * FROM (${passed(articleId, keys)} UNION ALL ${delivered(articleId)}) receipts
    WHERE key_id = ANY (${ids}::uuid[]) OR (key_id IS NULL AND ${partners.includes(null)})
    ORDER BY sent_at NULLS LAST`;
}

/**
 * Leaves out what keys passed over in the change log and had no right to, since it was not told to them. Of
 * what they were entitled to before nothing is known; by that they may have had it.
 */
export async function withinRights(
  { statements, database }: Newsroom,
  articleId: string,
  receipts: readonly Receipt[],
): Promise<Receipt[]> {
  const marked = receipts.filter(({ mark }) => mark !== null);
  const ids = new Set(marked.flatMap(({ key_id }) => key_id ?? []));
  const beyond = new Set<Receipt>();
  for (const id of ids) {
    const audience = await audienceOfKeyWith(statements, id);
    if (audience === null || audience.entitlement === null) continue;
    const own = marked.filter((receipt) => receipt.key_id === id && receipt.mark === audience.mark);
    const editions = own.map(({ version }) => ({ articleId, version }));
    const within = await editionsWithin(database, audience, editions);
    for (const receipt of own) if (!within.has(editionKey(articleId, receipt.version))) beyond.add(receipt);
  }
  return receipts.filter((receipt) => !beyond.has(receipt));
}

/** When each of some keys first acknowledged a change of an article or a later one. */
export async function acknowledgedSince(
  tx: Transaction,
  articleId: string,
  sequence: bigint,
): Promise<Map<string, Date>> {
  const rows = await tx.acknowledgement.groupBy({
    by: ["keyId"],
    where: { articleId, sequence: { gte: sequence } },
    _min: { at: true },
  });
  return new Map(rows.flatMap(({ keyId, _min: { at } }) => (at === null ? [] : [[keyId, at]])));
}
