import { audienceOfKeyWith } from "../access/keys.ts";
import type { Entitlement } from "../access/entitlements/entitlement.ts";
import { type Former, type Told, anyone } from "../changes/told.ts";
import type { Prisma, Statements, Transaction } from "../database/client.ts";
import { takeTurn } from "../editions/live.ts";

/** What of a webhook says whom it tells. */
export interface Addressed {
  key_id: string | null;
  /** What it was entitled to before. */
  former_entitlements: Former[];
}

/** How long it is kept what a webhook was entitled to, in days: no shorter than changes are. */
const KEPT_DAYS = 90;

/**
 * Whom a webhook tells, as its key stands now.
 *
 * @returns undefined when its key is not good
 */
export async function toldBy(
  statements: Statements,
  { key_id: keyId, former_entitlements: formerly }: Addressed,
): Promise<Told | undefined> {
  const audience = keyId === null ? anyone : await audienceOfKeyWith(statements, keyId);
  if (audience === null) return undefined;
  const { entitlement, mark } = audience;
  return { entitlement, mark, formerly };
}

/** Before all ids. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/**
 * Has webhooks tell anew how articles stand, since their entitlement changes with this transaction: what
 * they lose is taken back, and what they gain comes. While it runs nobody publishes, so that all that was
 * ever sent by the former entitlement is known by its time.
 *
 * @param which the webhooks of a key, or one
 * @param former what they were entitled to; null for everything, and undefined when it is noted already
 */
export async function tellAnew(
  tx: Transaction,
  which: { keyId: string } | { id: string },
  former: Entitlement | null | undefined,
): Promise<void> {
  const found = await tx.webhook.findMany({ where: which, select: { id: true, formerEntitlements: true } });
  if (found.length === 0) return;
  const now = await takeTurn(tx);
  const kept = (formers: readonly Former[]) =>
    formers.filter(({ until }) => Date.parse(until) > now.getTime() - KEPT_DAYS * 86_400_000);
  const added = former === undefined ? [] : [{ entitlement: former, until: now.toISOString() }];
  for (const { id, formerEntitlements } of found) {
    const formers = [...kept(formerEntitlements as unknown as Former[]), ...added];
    await tx.webhook.update({
      where: { id },
      data: { walkAfter: FIRST, formerEntitlements: formers as unknown as Prisma.InputJsonValue },
    });
  }
}
