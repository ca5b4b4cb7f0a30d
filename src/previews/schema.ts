import { z } from "zod";
import { TimeOut } from "../http/scalars.ts";

/** How long a preview works when nothing is said, in seconds: a day. */
export const DEFAULT_SECONDS = 86_400;

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

const token = "q1vTm3kZ0aXx8mV2b4nD6VswMTk5YjJhMC01ZjVhLTdjMTEtOWQwZS02ZjFiOGEzYzJkNGUiLDE3NDQzNjU2MDBd";

export const Preview = z
  .object({
    url: z.string().describe("The page's address, for whoever is to see it."),
    token: z.string().describe("The secret part of the address."),
    expiresAt: TimeOut.describe("From when on the link works no more."),
  })
  .meta({
    id: "Preview",
    examples: [
      {
        url: `https://dateline.example/preview/${token}`,
        token,
        expiresAt: "2025-04-11T09:30:00.000Z",
      },
    ],
  });
