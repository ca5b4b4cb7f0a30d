import { z } from "zod";
import { listOf } from "../http/paging.ts";
import { Id, TimeOut } from "../http/scalars.ts";

/** How long a preview works when nothing is said, in seconds: a day. */
export const DEFAULT_SECONDS = 86_400;
/** How many links to an article may work at a time. */
export const MAX_PREVIEWS = 100;

export const PreviewInput = z
  .strictObject({
    expiresIn: z
      .int()
      .min(60)
      .max(30 * 86_400)
      .default(DEFAULT_SECONDS)
      .describe("How long the link works, in seconds: from a minute to thirty days; a day when absent."),
  })
  .nullish()
  .meta({ id: "PreviewWrite", examples: [{ expiresIn: 3600 }] });

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const token = "q1vTm3kZ0aXx8mV2b4nD6TAxOTliMmEwLTVmNWEtN2MxMS05ZDBlLTZmMWI4YTNjMmQ0ZQ";
const example = {
  id,
  createdAt: "2025-04-10T09:30:00.000Z",
  createdBy: { id, name: "Ana's desk" },
  expiresAt: "2025-04-11T09:30:00.000Z",
};

const link = {
  id: Id,
  createdAt: TimeOut,
  createdBy: z.object({ id: Id, name: z.string() }).describe("The key that made it."),
  expiresAt: TimeOut.describe("From when on the link works no more."),
};

/** A link as it is made: the one time that its address is told. */
export const Preview = z
  .object({
    ...link,
    url: z.string().describe("The page's address, for whoever is to see it. It is not told again."),
    token: z.string().describe("The secret part of the address."),
  })
  .meta({
    id: "Preview",
    examples: [{ ...example, url: `https://dateline.example/preview/${token}`, token }],
  });

export const PreviewList = listOf(z.object(link).meta({ id: "PreviewLink", examples: [example] })).meta({
  id: "PreviewList",
  examples: [{ data: [example], page: { limit: 100, next: null } }],
});
