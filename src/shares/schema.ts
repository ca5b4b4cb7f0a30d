import { z } from "zod";
import { listOf } from "../http/paging.ts";
import { TimeOut } from "../http/scalars.ts";

/** The greatest count: what every JSON reader takes exactly (RFC 8259, section 6). */
export const MAX_COUNT = Number.MAX_SAFE_INTEGER;
/** The most networks on one article. */
export const MAX_NETWORKS = 50;

/** Networks that go by another name here. */
const aliases = new Map([["twitter", "x"]]);

/** A lower-case token; an alias is taken as the network it stands for. */
export const Network = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,31}$/,
    "must be a lower-case token of at most 32 letters, digits, - and _, such as facebook, x or whatsapp",
  )
  .overwrite(networkName)
  .meta({ examples: ["whatsapp"] });

export function networkName(name: string): string {
  return aliases.get(name) ?? name;
}

const Count = z.int().min(0).max(MAX_COUNT);
const example = { network: "whatsapp", count: 7, updatedAt: "2025-04-10T09:30:00.000Z" };

export const ShareCount = z
  .object({ network: Network, count: Count, updatedAt: TimeOut })
  .meta({ id: "ShareCount", examples: [example] });

export const ShareCountList = listOf(ShareCount).meta({
  id: "ShareCountList",
  examples: [{ data: [example], page: { limit: 100, next: null } }],
});

export const ShareCountInput = z
  .strictObject({ count: Count })
  .meta({ id: "ShareCountWrite", examples: [{ count: 7 }] });

export const ShareInput = z
  .strictObject({ network: Network })
  .meta({ id: "ShareWrite", examples: [{ network: "whatsapp" }] });
