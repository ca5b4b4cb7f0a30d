import { v7 as uuid } from "uuid";
import { isGoodKey } from "../access/keys.ts";
import { type Database, type Statements, transact } from "../database/client.ts";
import type { Outcome } from "./send.ts";

/** How many changes are made into deliveries at a time. */
const CHANGES_AT_ONCE = 500;
/** How many deliveries of a webhook may be on their way; what comes after them waits in the change log. */
const MOST_PENDING = 10_000;

/** What is to be sent now, to where and signed by what. */
export interface Due {
  id: string;
  webhook_id: string;
  key_id: string | null;
  article_id: string;
  sequence: string;
  attempts: number;
  trying_since: Date | null;
  url: string;
  secret: string;
  former_secret: string | null;
  failing_since: Date | null;
}

/** Whether a webhook `w` is sent anything: it is switched on, and its key is good. */
export const IS_ON = `w.enabled AND ${isGoodKey("w.key_id")}`;

/** The webhooks with a change that is not looked at yet, or a delivery whose time has come. */
export async function webhooksWithWork(statements: Statements): Promise<string[]> {
  const { rows } = await statements.query<{ id: string }>({
    name: "webhooks with work",
    text: `SELECT w.id FROM webhooks w
      WHERE ${IS_ON} AND (
        w.position < (SELECT max(sequence) FROM changes)
        OR EXISTS (SELECT FROM webhook_deliveries d
                   WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.due_at <= now()))`,
  });
  return rows.map(({ id }) => id);
}

/**
 * What of a webhook is to be sent now, the earliest change first. Of each article it is the earliest
 * change that is pending, and none of those named, which are on their way already. Changes that are
 * not deliveries yet are made so when there is little else to send.
 */
export async function nextDue(
  { database, statements }: { database: Database; statements: Statements },
  webhookId: string,
  articlesOnTheirWay: string[],
  most: number,
): Promise<Due[]> {
  for (;;) {
    const { rows } = await statements.query<Due>({
      name: "webhook deliveries due",
      text: `SELECT d.id, d.webhook_id, w.key_id, d.attempts, d.trying_since, w.url, w.secret, w.failing_since,
          CASE WHEN w.former_secret_until > now() THEN w.former_secret END AS former_secret,
          d.article_id, d.sequence
        FROM webhooks w
        JOIN webhook_deliveries d ON d.webhook_id = w.id
        WHERE w.id = $1 AND ${IS_ON} AND d.state = 'pending' AND d.due_at <= now()
          AND d.article_id <> ALL ($2::uuid[])
          AND NOT EXISTS (
            SELECT FROM webhook_deliveries before
            WHERE before.webhook_id = d.webhook_id AND before.article_id = d.article_id
              AND before.state = 'pending' AND before.sequence < d.sequence)
        ORDER BY d.sequence LIMIT $3`,
      values: [webhookId, articlesOnTheirWay, most],
    });
    if (rows.length === most || !(await takeChanges(database, statements, webhookId))) return rows;
  }
}

/**
 * Makes the next changes of the log into deliveries. Changes are committed in the order of their
 * sequence, so that none comes later with a lower number than the webhook's position.
 *
 * @returns whether any were made
 */
async function takeChanges(database: Database, statements: Statements, webhookId: string): Promise<boolean> {
  const { rows } = await statements.query({
    name: "webhook is behind",
    text: `SELECT FROM webhooks w
      WHERE w.id = $1 AND ${IS_ON} AND w.position < (SELECT max(sequence) FROM changes)
        AND (SELECT count(*) FROM (
          SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending' LIMIT $2) AS counted) < $2`,
    values: [webhookId, MOST_PENDING],
  });
  if (rows.length === 0) return false;
  return transact(database, async (tx) => {
    const [webhook] = await tx.$queryRaw<{ position: bigint; kinds: string[] }[]>`
      SELECT position, kinds FROM webhooks WHERE id = ${webhookId}::uuid AND enabled FOR UPDATE`;
    if (webhook === undefined) return false;
    const changes = await tx.change.findMany({
      where: { sequence: { gt: webhook.position } },
      orderBy: { sequence: "asc" },
      take: CHANGES_AT_ONCE,
      select: { sequence: true, articleId: true, kind: true },
    });
    const last = changes.at(-1);
    if (last === undefined) return false;
    const wanted = changes.filter(({ kind }) => webhook.kinds.length === 0 || webhook.kinds.includes(kind));
    // Those that are there already are replayed. A change waits as long as the one before it does.
    await tx.$executeRaw`
      INSERT INTO webhook_deliveries (id, webhook_id, sequence, kind, article_id, due_at)
      SELECT n.id, ${webhookId}::uuid, n.sequence, n.kind, n.article_id, coalesce((
        SELECT max(d.due_at) FROM webhook_deliveries d
        WHERE d.webhook_id = ${webhookId}::uuid AND d.article_id = n.article_id AND d.state = 'pending'), now())
      FROM unnest(
        ${wanted.map(() => uuid())}::uuid[],
        ${wanted.map(({ sequence }) => sequence)}::bigint[],
        ${wanted.map(({ kind }) => kind)}::text[],
        ${wanted.map(({ articleId }) => articleId)}::uuid[]) AS n (id, sequence, kind, article_id)
      ON CONFLICT (webhook_id, sequence) DO UPDATE
      SET state = 'pending', due_at = excluded.due_at, attempts = 0, trying_since = NULL,
          created_at = now(), delivered_at = NULL`;
    await tx.webhook.update({ where: { id: webhookId }, data: { position: last.sequence } });
    return true;
  });
}

/**
 * Writes down what came of an attempt. The article's other changes wait as long as this one does, and
 * no longer.
 *
 * @param wait in milliseconds, until it is tried again
 */
export async function recordAttempt(
  statements: Statements,
  due: Due,
  outcome: Outcome,
  state: "delivered" | "pending" | "dead",
  wait: number,
): Promise<void> {
  const { at, duration, status, body, error } = outcome;
  await statements.query({
    name: "webhook attempt",
    text: `WITH tried AS (
        INSERT INTO webhook_attempts (delivery_id, at, url, duration, status, body, error)
        SELECT id, $4, $5, $6, $7, $8, $9 FROM webhook_deliveries WHERE id = $1)
      UPDATE webhook_deliveries d SET
        due_at = now() + $11 * interval '1 millisecond',
        state = CASE WHEN d.id = $1 THEN $10::"DeliveryState" ELSE d.state END,
        attempts = CASE WHEN d.id = $1 THEN d.attempts + 1 ELSE d.attempts END,
        trying_since = CASE WHEN d.id = $1 THEN coalesce(d.trying_since, $4) ELSE d.trying_since END,
        delivered_at = CASE WHEN d.id = $1 AND $10 = 'delivered' THEN now() ELSE d.delivered_at END
      WHERE d.webhook_id = $2 AND d.article_id = $3 AND d.state = 'pending'`,
    values: [due.id, due.webhook_id, due.article_id, at, due.url, duration, status, body, error, state, wait],
  });
}
