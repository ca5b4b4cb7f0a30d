import type { z } from "zod";
import type { Database, Prisma, Transaction } from "../database/client.ts";
import type { Webhook } from "../database/generated/client.ts";
import type { Cursors } from "../http/paging.ts";
import { invalidContent, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { MAX_WEBHOOKS, SHOWN_ATTEMPTS, type WebhookInput, type WebhookPatch } from "./schema.ts";
import { newSecret } from "./signature.ts";

/** Any number, the same in every process: who holds it makes a webhook. */
const MAKING_LOCK = 4_217_011;
/** How long deliveries are kept, in days, and how many are forgotten in one statement. */
const KEPT_DAYS = 30;
const FORGOTTEN_AT_ONCE = 5000;

type Content = z.output<typeof WebhookInput>;

/**
 * Makes a webhook, which is told of what changes from now on.
 *
 * @throws 409 when there are as many as there can be
 */
export async function createWebhook(tx: Transaction, content: Content): Promise<Webhook> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${MAKING_LOCK})`;
  if ((await tx.webhook.count()) >= MAX_WEBHOOKS) {
    throw problem("count-limit", `There are ${MAX_WEBHOOKS} webhooks already; delete one first.`);
  }
  const { _max } = await tx.change.aggregate({ _max: { sequence: true } });
  return tx.webhook.create({
    data: { url: content.url, ...given(content), secret: newSecret(), position: _max.sequence ?? 0n },
  });
}

/** @throws 404 */
export async function findWebhook(tx: Transaction, id: string): Promise<Webhook> {
  const row = isId(id) ? await tx.webhook.findUnique({ where: { id } }) : null;
  if (row === null) throw problem("not-found", `There is no webhook with the id ${id}.`);
  return row;
}

/** The same, locked until the transaction ends. */
export async function lockWebhook(tx: Transaction, id: string): Promise<Webhook> {
  if (isId(id)) await tx.$queryRaw`SELECT FROM webhooks WHERE id = ${id}::uuid FOR UPDATE`;
  return findWebhook(tx, id);
}

/** What of it was given at all. */
function given({ url, description, kinds, enabled }: z.output<typeof WebhookPatch>) {
  return {
    ...(url === undefined ? {} : { url }),
    ...(description === undefined ? {} : { description }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}

/** Changes a webhook. One that is switched on begins anew, with what was not delivered meanwhile. */
export async function changeWebhook(
  tx: Transaction,
  row: Webhook,
  patch: z.output<typeof WebhookPatch>,
): Promise<Webhook> {
  if (patch.enabled === true && !row.enabled) {
    await tx.webhookDelivery.updateMany({
      where: { webhookId: row.id, state: "pending" },
      data: fromTheStart(),
    });
  }
  const anew = { disabledReason: null, disabledAt: null, failingSince: null };
  return tx.webhook.update({
    where: { id: row.id },
    data: { ...given(patch), ...(patch.enabled === true ? anew : {}), ...changed() },
  });
}

/** How a delivery stands that is to be tried as if it had never been. */
const fromTheStart = () => ({ dueAt: new Date(), attempts: 0, tryingSince: null });
const changed = () => ({ revision: { increment: 1 }, updatedAt: new Date() });

/** Gives a webhook a new secret; the present one signs too for so many seconds more. */
export async function rotateSecret(tx: Transaction, row: Webhook, overlap: number): Promise<Webhook> {
  const former =
    overlap === 0
      ? { formerSecret: null, formerSecretUntil: null }
      : { formerSecret: row.secret, formerSecretUntil: new Date(Date.now() + overlap * 1000) };
  return tx.webhook.update({
    where: { id: row.id },
    data: { ...former, secret: newSecret(), ...changed() },
  });
}

/** The secrets that are good now. */
export function secretsOf({ secret, formerSecret, formerSecretUntil }: Webhook): string[] {
  const isGood = formerSecret !== null && formerSecretUntil !== null && formerSecretUntil > new Date();
  return [secret, ...(isGood ? [formerSecret] : [])];
}

/**
 * Has whatever changed after a cursor of the change feed sent again.
 *
 * @throws 422 when it is no such cursor
 */
export async function replay(
  tx: Transaction,
  cursors: Cursors,
  row: Webhook,
  since: string,
): Promise<Webhook> {
  const position = positionOf(cursors, since);
  // What lies ahead is not skipped: it will be sent in any case.
  return position < row.position ? tx.webhook.update({ where: { id: row.id }, data: { position } }) : row;
}

function positionOf(cursors: Cursors, since: string): bigint {
  try {
    return BigInt(cursors.read("changes", since)[0] ?? "");
  } catch {
    throw invalidContent([{ pointer: "#/since", detail: "is not a cursor of this change feed" }]);
  }
}

const withAttempts = { tries: { orderBy: { id: "desc" }, take: SHOWN_ATTEMPTS } } as const;
export type DeliveryRow = Prisma.WebhookDeliveryGetPayload<{ include: typeof withAttempts }>;

/** What is sent to a webhook, the latest change first, from before a change on. */
export function listDeliveries(
  tx: Transaction,
  where: { webhookId: string; state?: DeliveryRow["state"] },
  before: bigint | undefined,
  take: number,
): Promise<DeliveryRow[]> {
  return tx.webhookDelivery.findMany({
    where: { ...where, ...(before === undefined ? {} : { sequence: { lt: before } }) },
    orderBy: { sequence: "desc" },
    take,
    include: withAttempts,
  });
}

/** @throws 404 */
export async function findDelivery(tx: Transaction, webhookId: string, id: string): Promise<DeliveryRow> {
  const row =
    isId(webhookId) && isId(id)
      ? await tx.webhookDelivery.findUnique({ where: { id, webhookId }, include: withAttempts })
      : null;
  if (row === null) throw problem("not-found", `There is no delivery with the id ${id} to this webhook.`);
  return row;
}

/**
 * Has a delivery sent again, as if it had never been.
 *
 * @throws 404; 409 when the webhook is switched off
 */
export async function redeliver(tx: Transaction, webhookId: string, id: string): Promise<DeliveryRow> {
  const webhook = await findWebhook(tx, webhookId);
  const row = await findDelivery(tx, webhookId, id);
  if (!webhook.enabled) {
    throw problem("wrong-state", "The webhook is switched off; switch it on with enabled: true first.");
  }
  return tx.webhookDelivery.update({
    where: { id: row.id },
    data: { state: "pending", deliveredAt: null, ...fromTheStart() },
    include: withAttempts,
  });
}

/** Forgets deliveries that are older than promised. */
export async function forgetDeliveries(database: Database): Promise<void> {
  let forgotten: number;
  do {
    forgotten = await database.$executeRaw`
      DELETE FROM webhook_deliveries WHERE id IN (
        SELECT id FROM webhook_deliveries
        WHERE created_at < now() - ${KEPT_DAYS} * interval '1 day' LIMIT ${FORGOTTEN_AT_ONCE})`;
  } while (forgotten === FORGOTTEN_AT_ONCE);
}
