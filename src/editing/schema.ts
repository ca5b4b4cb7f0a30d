import { z } from "zod";
import { listOf } from "../http/paging.ts";
import { Id, TimeOut, text } from "../http/scalars.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const example = {
  key: { id, name: "Desk" },
  name: "Ana Lima",
  blockId: "b1",
  since: "2025-04-10T09:30:00.000Z",
  until: "2025-04-10T09:35:00.000Z",
};

export const PersonName = text(200).describe("Who it is, where several use one key.");

export const Presence = z
  .object({
    key: z.object({ id: Id, name: z.string() }),
    name: z.string().nullable().describe("Who of those who use the key."),
    blockId: z.string().nullable().describe("The block they are at."),
    since: TimeOut.describe("Since when without a pause."),
    until: TimeOut.describe("When they are taken to have left, unless they say again that they are there."),
  })
  .meta({ id: "Presence", examples: [example] });

export const PresenceList = listOf(Presence).meta({
  id: "PresenceList",
  examples: [{ data: [example], page: { limit: 100, next: null } }],
});

export const PresenceInput = z
  .strictObject({
    name: PersonName.optional(),
    blockId: text(100).optional().describe("The block you are at; it need not be saved yet."),
  })
  .nullish()
  .meta({ id: "PresenceWrite", examples: [{ name: "Ana Lima", blockId: "b1" }] });
