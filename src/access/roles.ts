import type { KeyRole } from "../database/generated/client.ts";
import { type Scope, allScopes } from "./scopes.ts";

export type Role = KeyRole;

/**
 * What each role may do. A key with a role follows this table: what comes to a role comes to its
 * keys. `ownDrafts` keeps a key to drafts that it made or that its author stands on.
 */
export const roles = {
  contributor: {
    meaning: "Writes drafts, and sees and changes those alone that are its own and still drafts.",
    scopes: ["drafts:read", "articles:write", "comments:write"],
    ownDrafts: true,
  },
  editor: {
    meaning: "Sees and changes every working copy, and what articles are filed under.",
    scopes: ["drafts:read", "articles:write", "comments:write"],
    ownDrafts: false,
  },
  publisher: {
    meaning: "Does what an editor does, and publishes, schedules, unpublishes and corrects share counts.",
    scopes: ["drafts:read", "articles:write", "articles:publish", "comments:write", "shares:write"],
    ownDrafts: false,
  },
  partner: {
    meaning:
      "Reads what is published, also what is under embargo yet, within limits of its own, and sets up webhooks of its own.",
    scopes: ["embargo:read", "webhooks:own"],
    ownDrafts: false,
  },
  admin: { meaning: "Does everything.", scopes: allScopes, ownDrafts: false },
} as const satisfies Record<Role, { meaning: string; scopes: readonly Scope[]; ownDrafts: boolean }>;

export const allRoles = Object.keys(roles) as [Role, ...Role[]];

/** What a key may do, by its role or by the scopes that it was given. */
export function scopesOf(key: { role: Role | null; scopes: readonly string[] }): Scope[] {
  const named: ReadonlySet<string> = new Set(key.role === null ? key.scopes : roles[key.role].scopes);
  return allScopes.filter((scope) => named.has(scope));
}

/** The roles that have a scope. */
export function rolesWith(scope: Scope): Role[] {
  return allRoles.filter((role) => scopesOf({ role, scopes: [] }).includes(scope));
}
