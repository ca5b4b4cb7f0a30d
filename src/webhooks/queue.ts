import { isGoodKey } from "../access/keys.ts";
import { mayHaveJson } from "../access/entitlements/entitlement.ts";
import type { Database, Statements } from "../database/client.ts";
import type { Addressed } from "./audience.ts";
import type { Outcome } from "./send.ts";
import { takeMore } from "./take.ts";

/** How many deliveries of a webhook may be on their way; what comes after them waits in the change log. */
const MOST_PENDING = 10_000;

/** What is to be sent now, to where and signed by what. */
export interface Due extends Addressed {
  id: string;
  webhook_id: string;
  kinds: string[];
  article_id: string;
  sequence: string;
  /** Whether it tells how the article stands after that change. */
  standing: boolean;
  attempts: number;
  trying_since: Date | null;
  url: string;
  secret: string;
  former_secret: string | null;
  failing_since: Date | null;
}

/** Whether a webhook `w` is sent anything: it is switched on, and its key is good and may have JSON. */
export const IS_ON = `w.enabled AND ${isGoodKey("w.key_id")} AND ${mayHaveJson("w.key_id")}`;
/** Whether something may follow that is not a delivery yet. */
const IS_BEHIND = "(w.walk_after IS NOT NULL OR w.position < (SELECT max(sequence) FROM changes))";

/** The webhooks with a change that is not looked at yet, or a delivery whose time has come. */
export async function webhooksWithWork(statements: Statements): Promise<string[]> {
  const { rows } = await statements.query<{ id: string }>({
    name: "webhooks with work",
    text: `SELECT w.id FROM webhooks w
      WHERE ${IS_ON} AND (
        ${IS_BEHIND}
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
  newsroom: { database: Database; statements: Statements },
  webhookId: string,
  articlesOnTheirWay: string[],
  most: number,
): Promise<Due[]> {
  for (;;) {
    const { rows } = await newsroom.statements.query<Due>({
      name: "webhook deliveries due",
      text: `SELECT d.id, d.webhook_id, w.key_id, w.former_entitlements, w.kinds, d.attempts, d.trying_since, w.url, w.secret, w.failing_since,
          CASE WHEN w.former_secret_until > now() THEN w.former_secret END AS former_secret,
          d.article_id, d.sequence, d.standing
        FROM webhooks w
        JOIN webhook_deliveries d ON d.webhook_id = w.id
        WHERE w.id = $1 AND ${IS_ON} AND d.state = 'pending' AND d.due_at <= now()
          AND d.article_id <> ALL ($2::uuid[])
          AND NOT EXISTS (
            SELECT FROM webhook_deliveries before
            WHERE before.webhook_id = d.webhook_id AND before.article_id = d.article_id
              AND before.state = 'pending' AND (before.sequence, before.standing) < (d.sequence, d.standing))
        ORDER BY d.sequence, d.standing LIMIT $3`,
      values: [webhookId, articlesOnTheirWay, most],
    });
    if (rows.length === most || !(await takeWhenBehind(newsroom, webhookId))) return rows;
  }
}

/**
 * Makes more into deliveries when the webhook is behind, and has room for them.
 *
 * @returns whether there may be more to send
 */
async function takeWhenBehind(
  newsroom: { database: Database; statements: Statements },
  webhookId: string,
): Promise<boolean> {
  const { rows } = await newsroom.statements.query({
    name: "webhook is behind",
    text: `SELECT FROM webhooks w
      WHERE w.id = $1 AND ${IS_ON} AND ${IS_BEHIND}
        AND (SELECT count(*) FROM (
          SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending' LIMIT $2) AS counted) < $2`,
    values: [webhookId, MOST_PENDING],
  });
  return rows.length > 0 && takeMore(newsroom, webhookId);
}

/** Forgets a message that is not to be sent: whom it was for has no right to it any more. */
export async function forgetMessage(statements: Statements, { id }: Due): Promise<void> {
  await statements.query({
    name: "webhook message",
    text: "DELETE FROM webhook_deliveries WHERE id = $1",
    values: [id],
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
