import type { FastifyRequest } from "fastify";
import type { Caller } from "./keys.ts";
import type { Entitlement } from "./entitlements/entitlement.ts";
import { changingPublished } from "./scopes.ts";

/** Whom something published is for, as far as that decides what of it there is to see. */
export interface Audience {
  /** Whether it has what is under embargo before its time. */
  embargoed: boolean;
  /** What it is limited to; null when it gets all. */
  entitlement: Entitlement | null;
  /**
   * Stands for what its key has been entitled to, and changes whenever an administrator changes that;
   * null for whoever never had an entitlement. Cursors that must not outlive such a change bear it.
   */
  mark: string | null;
  /** Whether its key may change what is published, and is to find at once what it changed. */
  writes: boolean;
}

/** Anyone: what is seen without a key. */
export const everyone: Audience = { embargoed: false, entitlement: null, mark: null, writes: false };

/** The audience that a request's key makes. */
export function audienceOf({ caller }: Pick<FastifyRequest, "caller">): Audience {
  return caller?.audience ?? everyone;
}

/** The audience that a key makes. */
export function audienceOfKey({
  id,
  scopes,
  entitlement,
  entitlementRevision,
}: Pick<Caller, "id" | "scopes"> & {
  entitlement: Entitlement | null;
  entitlementRevision: number;
}): Audience {
  return {
    embargoed: scopes.has("embargo:read") && (entitlement?.embargoed ?? true),
    entitlement,
    mark: markOf(id, entitlementRevision),
    writes: changingPublished.some((scope) => scopes.has(scope)),
  };
}

/** The mark of a key's audience. */
export function markOf(keyId: string, entitlementRevision: number): string | null {
  return entitlementRevision === 0 ? null : `${keyId} ${entitlementRevision}`;
}

/** Whether an audience sees what anyone sees, so that what is kept for all may be given to it. */
export function seesAsAnyone({ embargoed, entitlement }: Audience): boolean {
  return !embargoed && entitlement === null;
}
