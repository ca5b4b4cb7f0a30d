import { v7 as uuid } from "uuid";
import { type Told, everWithin, toldView } from "../changes/told.ts";
import { readChanges } from "../changes/read.ts";
import { type Database, Prisma, type Statements } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import { type Addressed, toldBy } from "./audience.ts";

/** How many changes are made into deliveries at a time. */
const CHANGES_AT_ONCE = 500;
/** How many articles are looked at at a time when an entitlement was changed. */
const ARTICLES_AT_ONCE = 1000;

/** A webhook as far as it decides what becomes a delivery. */
interface Taking extends Addressed {
  id: string;
  position: string;
  walk_after: string | null;
  kinds: string[];
}

/** What is to become a delivery. */
interface Taken {
  sequence: string;
  kind: string;
  articleId: string;
}

/**
 * Makes what follows for a webhook into deliveries: how articles stand since its entitlement was changed,
 * if it was, or else the next changes of the log. Changes are committed in the order of their sequence, so
 * that none comes later with a lower number than the webhook's position.
 *
 * It is read before anything is locked, and written only if the webhook is still as it was read.
 *
 * @returns whether there may be more
 */
export async function takeMore(
  newsroom: { database: Database; statements: Statements },
  webhookId: string,
): Promise<boolean> {
  const { rows } = await newsroom.statements.query<Taking>({
    name: "webhook to take for",
    text: `SELECT id, key_id, former_entitlements, position, walk_after, kinds FROM webhooks WHERE id = $1 AND enabled`,
    values: [webhookId],
  });
  const [webhook] = rows;
  const told = webhook === undefined ? undefined : await toldBy(newsroom.statements, webhook);
  if (webhook === undefined || told === undefined) return false;
  const { position, walk_after: walkAfter } = webhook;
  if (walkAfter !== null) {
    const { found, last } = await standings(newsroom, webhook, walkAfter, told);
    return keep(newsroom, webhook, found, { position: BigInt(position), walkAfter: last });
  }
  const place = { sequence: BigInt(position) };
  const { changes, next } = await readChanges(newsroom, place, CHANGES_AT_ONCE, told, { editions: false });
  if (next.sequence === place.sequence) return false;
  const found = changes.map(({ sequence, kind, articleId }) => ({
    sequence: String(sequence),
    kind,
    articleId,
  }));
  return keep(newsroom, webhook, found, { position: next.sequence, walkAfter });
}

/**
 * How the next live articles stand for a webhook whose entitlement was changed, as far as that may be news:
 * those that it lost, those that it gained, and those in which it may see other links.
 */
async function standings(
  { database }: { database: Database },
  { position: sequence, former_entitlements: formers }: Taking,
  after: string,
  told: Told,
): Promise<{ found: Taken[]; last: string | null }> {
  const contentOf = (entitlement: Told["entitlement"]) => entitlement?.content ?? "full";
  const isAnew = formers.some(({ entitlement }) => contentOf(entitlement) !== contentOf(told.entitlement));
  const had = formers.map(({ entitlement }) => everWithin({ entitlement, mark: null }, "e"));
  const lacked = had.length === 0 ? Prisma.sql`false` : Prisma.sql`NOT (${Prisma.join(had, " AND ")})`;
  const rows = await database.$queryRaw<{ article_id: string; kind: string | null }[]>`
    SELECT n.article_id, CASE
      WHEN p.article_id IS NULL THEN CASE WHEN EXISTS (
        SELECT FROM editions e WHERE e.article_id = n.article_id AND e.live_from <= statement_timestamp()
          AND ${everWithin(told, "e")}) THEN 'withdrawn' END
      WHEN ${isAnew}
        OR EXISTS (SELECT FROM editions e WHERE e.article_id = p.article_id AND e.version = p.version AND ${lacked})
        OR EXISTS (SELECT FROM publication_links l WHERE l.article_id = p.article_id AND l.target_id IS NOT NULL)
      THEN 'published' END AS kind
    FROM (SELECT article_id FROM live WHERE article_id > ${after}::uuid
          ORDER BY article_id LIMIT ${ARTICLES_AT_ONCE}) n
    LEFT JOIN ${toldView(told)} p ON p.article_id = n.article_id
    ORDER BY n.article_id`;
  return {
    found: rows.flatMap(({ article_id: articleId, kind }) =>
      kind === null ? [] : [{ sequence, kind, articleId }],
    ),
    last: rows.length < ARTICLES_AT_ONCE ? null : (rows.at(-1)?.article_id ?? null),
  };
}

/** @returns whether there may be more: always, since the webhook has moved, or was changed meanwhile */
async function keep(
  { database }: { database: Database },
  webhook: Taking,
  found: readonly Taken[],
  to: { position: bigint; walkAfter: string | null },
): Promise<true> {
  const { id, kinds, position, walk_after: walkAfter, former_entitlements: formers } = webhook;
  const wanted = found.filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
  await transact(database, async (tx) => {
    const isStill = await tx.$executeRaw`
      UPDATE webhooks SET position = ${to.position}, walk_after = ${to.walkAfter}::uuid
      WHERE id = ${id}::uuid AND enabled AND position = ${position}::bigint
        AND walk_after IS NOT DISTINCT FROM ${walkAfter}::uuid
        AND key_id IS NOT DISTINCT FROM ${webhook.key_id}::uuid
        AND former_entitlements = ${JSON.stringify(formers)}::jsonb`;
    if (isStill === 0 || wanted.length === 0) return;
    // Those that are there already are replayed. A change waits as long as the one before it does.
    await tx.$executeRaw`
      INSERT INTO webhook_deliveries (id, webhook_id, sequence, standing, kind, article_id, due_at)
      SELECT n.id, ${id}::uuid, n.sequence, ${walkAfter !== null}, n.kind, n.article_id, coalesce((
        SELECT max(d.due_at) FROM webhook_deliveries d
        WHERE d.webhook_id = ${id}::uuid AND d.article_id = n.article_id AND d.state = 'pending'), now())
      FROM unnest(
        ${wanted.map(() => uuid())}::uuid[],
        ${wanted.map(({ sequence }) => sequence)}::bigint[],
        ${wanted.map(({ kind }) => kind)}::text[],
        ${wanted.map(({ articleId }) => articleId)}::uuid[]) AS n (id, sequence, kind, article_id)
      ON CONFLICT (webhook_id, sequence, article_id, standing) DO UPDATE
      SET state = 'pending', kind = excluded.kind, due_at = excluded.due_at, attempts = 0, trying_since = NULL,
          created_at = now(), delivered_at = NULL`;
  });
  return true;
}
