import { z } from "zod";
import { Id, Slug, Time, TimeOut, text } from "../http/scalars.ts";
import { listOf } from "../http/paging.ts";
import { Entitlement, EntitlementInput } from "./entitlements/schema.ts";
import { allRoles, roles } from "./roles.ts";
import { allScopes, scopes } from "./scopes.ts";

/** The most sections that a key can be kept to. */
const MAX_SECTIONS = 50;

const Scope = z.enum(allScopes).meta({
  id: "Scope",
  description: Object.entries(scopes)
    .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
    .join(" "),
});

export const RoleName = z.enum(allRoles).meta({
  id: "RoleName",
  description: Object.entries(roles)
    .map(([name, { meaning, scopes: named }]) => {
      const list = named.length === allScopes.length ? "all scopes" : named.join(", ") || "no scopes";
      return `\`${name}\` (${list}): ${meaning}`;
    })
    .join(" "),
});

export const Role = z
  .object({
    name: RoleName,
    meaning: z.string(),
    scopes: z.array(Scope),
    ownDrafts: z.boolean().describe("Whether its keys see and change their own drafts alone."),
  })
  .meta({ id: "Role" });
const contributor = { name: "contributor" as const, ...roles.contributor };
export const RoleList = listOf(Role).meta({
  id: "RoleList",
  examples: [
    { data: [{ ...contributor, scopes: [...contributor.scopes] }], page: { limit: 100, next: null } },
  ],
});

const example = {
  id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  name: "Website",
  hint: "dateline_Ab3d",
  role: null,
  scopes: ["shares:write" as const],
  author: null,
  sections: [],
  entitlement: null,
  expiresAt: null,
  createdAt: "2025-04-10T09:30:00.000Z",
};

export const Key = z
  .object({
    id: Id,
    name: text(200),
    hint: z.string().describe("How the key begins, to tell keys apart."),
    role: RoleName.nullable().describe("Null for a key that was given scopes."),
    scopes: z.array(Scope),
    author: z
      .object({ id: Id, name: z.string(), slug: Slug })
      .nullable()
      .describe("Who stands on the articles that are made with it."),
    sections: z
      .array(Slug)
      .describe("The sections that it is kept to in writing and in reading drafts; none: all."),
    entitlement: Entitlement.nullable().describe("What it gets of what is published; null: all."),
    expiresAt: TimeOut.nullable(),
    createdAt: TimeOut,
  })
  .meta({ id: "Key", examples: [example] });

export const NewKey = Key.extend({
  secret: z
    .string()
    .nullable()
    .describe(
      "The key to send as `Authorization: Bearer …`. Shown this once; null when an Idempotency-Key repeats the answer.",
    ),
}).meta({
  id: "NewKey",
  examples: [{ ...example, secret: "dateline_Ab3dK9…" }],
});

export const KeyList = listOf(Key).meta({
  id: "KeyList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

export const KeyInput = z
  .strictObject({
    name: text(200).describe("Who or what uses the key."),
    role: RoleName.optional(),
    scopes: z
      .array(Scope)
      .min(1)
      .max(allScopes.length)
      .transform((chosen) => [...new Set(chosen)])
      .optional()
      .describe("What it may do, in place of a role."),
    author: Slug.optional().describe(
      "The slug of the author whose key it is, who stands on the articles that are made with it.",
    ),
    authorId: Id.optional().describe("The same by the author's id."),
    sections: z
      .array(Slug)
      .min(1)
      .max(MAX_SECTIONS)
      .transform((chosen) => [...new Set(chosen)])
      .optional()
      .describe("The slugs of the sections that it is kept to; all when absent."),
    entitlement: EntitlementInput.nullish().describe(
      "What it gets of what is published, for keys of partners: all when absent. It goes with the role partner, or with scopes that show what is published alone.",
    ),
    expiresAt: Time.nullable().optional().describe("When it stops to work; never when absent."),
  })
  .check(({ value, issues }) => {
    const refuse = (field: string, message: string) =>
      issues.push({ code: "custom", path: [field], message, input: value });
    if (value.role === undefined && value.scopes === undefined) {
      refuse("scopes", "is missing: a key has scopes, or a role");
    }
    if (value.role !== undefined && value.scopes !== undefined) {
      refuse("scopes", "must be left out when a role is named: the role has its own");
    }
    if (value.author !== undefined && value.authorId !== undefined) {
      refuse("authorId", "must be left out when author names the author");
    }
  })
  .meta({
    id: "KeyWrite",
    examples: [
      { name: "Website", scopes: ["shares:write"], expiresAt: null },
      { name: "Coastal News", role: "partner", entitlement: { sections: ["world"], languages: ["en"] } },
      { name: "Ana Lima", role: "contributor", author: "ana-lima", sections: ["world"] },
    ],
  });

export const KeyPatch = z
  .strictObject({
    name: text(200).optional(),
    entitlement: EntitlementInput.nullish().describe("Null takes it away; what it leaves out stays."),
    expiresAt: Time.nullish().describe("Null: never."),
  })
  .meta({
    id: "KeyPatch",
    examples: [{ entitlement: { sections: ["world", "business"] } }, { entitlement: null }],
  });
