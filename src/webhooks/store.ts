import type { z } from "zod";
import { markOf } from "../access/audience.ts";
import { entitlementNow } from "../access/entitlements/store.ts";
import { isGood } from "../access/keys.ts";
import { type Former } from "../changes/told.ts";
import { placeOf } from "../changes/position.ts";
import type { Database, Prisma, Transaction } from "../database/client.ts";
import type { Cursors } from "../http/paging.ts";
import { invalidContent, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import {
  MAX_OWN_WEBHOOKS,
  MAX_WEBHOOKS,
  SHOWN_ATTEMPTS,
  type WebhookInput,
  type WebhookPatch,
} from "./schema.ts";
import { type Addressed, tellAnew } from "./audience.ts";
import { newSecret } from "./signature.ts";

/** Any number, the same in every process: who holds it makes a webhook. */
const MAKING_LOCK = 4_217_011;
/** How long deliveries are kept, in days, and how many are forgotten in one statement. */
const KEPT_DAYS = 30;
const FORGOTTEN_AT_ONCE = 5000;

type Content = z.output<typeof WebhookInput>;

/** A webhook comes with its key: it is on while that is good. */
export const withKey = {
  key: {
    select: {
      revokedAt: true,
      expiresAt: true,
      entitlementRevision: true,
      entitlement: { select: { formats: true } },
    },
  },
} as const;
export type Webhook = Prisma.WebhookGetPayload<{ include: typeof withKey }>;

/** The webhooks that a caller may see and change: all, or those of its key. */
export type Whose = { keyId?: string };

/**
 * Makes a webhook, which is told of what changes from now on.
 *
 * @throws 409 when there are as many as there can be
 */
export async function createWebhook(tx: Transaction, content: Content, whose: Whose): Promise<Webhook> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${MAKING_LOCK})`;
  if (whose.keyId !== undefined && (await tx.webhook.count({ where: whose })) >= MAX_OWN_WEBHOOKS) {
    throw problem("count-limit", `The key has ${MAX_OWN_WEBHOOKS} webhooks already; delete one first.`);
  }
  if ((await tx.webhook.count()) >= MAX_WEBHOOKS) {
    throw problem("count-limit", `There are ${MAX_WEBHOOKS} webhooks already; delete one first.`);
  }
  await requireGoodKey(tx, content.keyId);
  const { _max } = await tx.change.aggregate({ _max: { sequence: true } });
  return tx.webhook.create({
    data: { url: content.url, ...given(content), secret: newSecret(), position: _max.sequence ?? 0n },
    include: withKey,
  });
}

/** @throws 404, also for one that the caller may not know of */
export async function findWebhook(tx: Transaction, id: string, whose: Whose): Promise<Webhook> {
  const row = isId(id) ? await tx.webhook.findUnique({ where: { id, ...whose }, include: withKey }) : null;
  if (row === null) throw problem("not-found", `There is no webhook with the id ${id}.`);
  return row;
}

/** The same, locked until the transaction ends. */
export async function lockWebhook(tx: Transaction, id: string, whose: Whose): Promise<Webhook> {
  if (isId(id)) await tx.$queryRaw`SELECT FROM webhooks WHERE id = ${id}::uuid FOR UPDATE`;
  return findWebhook(tx, id, whose);
}

/** Why a webhook is off for its key, and since when as far as that is known; undefined when it is not. */
export function offForKey({ key }: Webhook): { disabledReason: string; disabledAt: Date | null } | undefined {
  if (key === null) return undefined;
  const { revokedAt, expiresAt, entitlement } = key;
  if (revokedAt !== null)
    return { disabledReason: "The key whose webhook it is was revoked.", disabledAt: revokedAt };
  if (!isGood(key))
    return { disabledReason: "The key whose webhook it is has expired.", disabledAt: expiresAt };
  const formats = entitlement?.formats ?? [];
  if (formats.length === 0 || formats.includes("json")) return undefined;
  return { disabledReason: "The key whose webhook it is is not entitled to JSON.", disabledAt: null };
}

/** What of a webhook says whom it tells. */
export function addressed({ keyId, formerEntitlements }: Webhook): Addressed {
  return { key_id: keyId, former_entitlements: formerEntitlements as unknown as Former[] };
}

/** Whom a cursor of a webhook is for. */
export function markedFor({ keyId, key }: Webhook): { mark: string | null } {
  return { mark: keyId === null || key === null ? null : markOf(keyId, key.entitlementRevision) };
}

/** @throws 422 for a key that is none, or may not be used any more */
async function requireGoodKey(tx: Transaction, keyId: string | null | undefined): Promise<void> {
  if (keyId == null) return;
  const key = await tx.key.findUnique({ where: { id: keyId } });
  if (key === null || !isGood(key))
    throw invalidContent([{ pointer: "#/keyId", detail: "must be the id of a key that is good" }]);
}

/** What of it was given at all. */
function given({ url, keyId, description, kinds, enabled }: z.output<typeof WebhookPatch>) {
  return {
    ...(keyId === undefined ? {} : { keyId }),
    ...(url === undefined ? {} : { url }),
    ...(description === undefined ? {} : { description }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}

/**
 * Changes a webhook. One that is switched on begins anew, with what was not delivered meanwhile.
 *
 * @throws 409 when it cannot be switched on for want of a good key
 */
export async function changeWebhook(
  tx: Transaction,
  row: Webhook,
  patch: z.output<typeof WebhookPatch>,
): Promise<Webhook> {
  await requireGoodKey(tx, patch.keyId);
  const isOff = offForKey(row);
  if (patch.enabled === true && patch.keyId === undefined && isOff !== undefined) {
    throw problem("wrong-state", `${isOff.disabledReason} Give it to another by keyId.`);
  }
  if (patch.keyId !== undefined && patch.keyId !== row.keyId) {
    // Of a key that was revoked it is noted already.
    const former = row.keyId === null ? null : await entitlementNow(tx, row.keyId);
    await tellAnew(tx, { id: row.id }, row.key !== null && row.key.revokedAt !== null ? undefined : former);
  }
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
    include: withKey,
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
    include: withKey,
  });
}

/** The secrets that are good now. */
export function secretsOf({ secret, formerSecret, formerSecretUntil }: Webhook): string[] {
  const isFormerGood = formerSecret !== null && formerSecretUntil !== null && formerSecretUntil > new Date();
  return [secret, ...(isFormerGood ? [formerSecret] : [])];
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
  return position < row.position
    ? tx.webhook.update({ where: { id: row.id }, data: { position }, include: withKey })
    : row;
}

function positionOf(cursors: Cursors, since: string): bigint {
  try {
    return placeOf(cursors, since, "since").sequence;
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
  before: { sequence: bigint; id: string } | undefined,
  take: number,
): Promise<DeliveryRow[]> {
  return tx.webhookDelivery.findMany({
    where: {
      ...where,
      ...(before === undefined
        ? {}
        : {
            sequence: { lte: before.sequence },
            NOT: { sequence: before.sequence, id: { gte: before.id } },
          }),
    },
    orderBy: [{ sequence: "desc" }, { id: "desc" }],
    take,
    include: withAttempts,
  });
}

/** @throws 404 */
export async function findDelivery(tx: Transaction, webhookId: string, id: string): Promise<DeliveryRow> {
  const row = isId(id)
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
export async function redeliver(tx: Transaction, webhook: Webhook, id: string): Promise<DeliveryRow> {
  const row = await findDelivery(tx, webhook.id, id);
  if (!webhook.enabled || offForKey(webhook) !== undefined) {
    throw problem("wrong-state", "The webhook is switched off; switch it on with enabled: true first.");
  }
  return tx.webhookDelivery.update({
    where: { id: row.id },
    data: { state: "pending", deliveredAt: null, ...fromTheStart() },
    include: withAttempts,
  });
}

/** Forgets deliveries that are older than promised; what is yet to be sent is kept for as long as it waits. */
export async function forgetDeliveries(database: Database): Promise<void> {
  let forgotten: number;
  do {
    forgotten = await database.$executeRaw`
      DELETE FROM webhook_deliveries WHERE id IN (
        SELECT id FROM webhook_deliveries
        WHERE created_at < now() - ${KEPT_DAYS} * interval '1 day' AND state <> 'pending' LIMIT ${FORGOTTEN_AT_ONCE})`;
  } while (forgotten === FORGOTTEN_AT_ONCE);
}
