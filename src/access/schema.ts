import { z } from "zod";
import { Id, Time, TimeOut, text } from "../http/scalars.ts";
import { listOf } from "../http/paging.ts";
import { allScopes, scopes } from "./scopes.ts";

const Scope = z.enum(allScopes).meta({
  id: "Scope",
  description: Object.entries(scopes)
    .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
    .join(" "),
});

const example = {
  id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  name: "Website",
  hint: "dateline_Ab3d",
  scopes: ["shares:write" as const],
  expiresAt: null,
  createdAt: "2025-04-10T09:30:00.000Z",
};

export const Key = z
  .object({
    id: Id,
    name: text(200),
    hint: z.string().describe("How the key begins, to tell keys apart."),
    scopes: z.array(Scope),
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
    scopes: z
      .array(Scope)
      .min(1)
      .max(allScopes.length)
      .transform((chosen) => [...new Set(chosen)]),
    expiresAt: Time.nullable().optional().describe("When it stops to work; never when absent."),
  })
  .meta({ id: "KeyWrite", examples: [{ name: "Website", scopes: ["shares:write"], expiresAt: null }] });
