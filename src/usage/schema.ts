import { z } from "zod";
import { Id, TimeOut } from "../http/scalars.ts";

/** The most days that are answered at once. */
export const MOST_DAYS = 366;
/** Of how many changes it is counted how far a key is behind. */
export const MOST_BEHIND = 100_000;

const Day = z.iso.date();

export const UsageQuery = z.strictObject({
  from: Day.optional().meta({
    description: "The first day, in UTC; 30 days before the last when absent.",
    examples: ["2025-04-01"],
  }),
  until: Day.optional().meta({
    description: `The last day, which is included; today when absent. ${MOST_DAYS} days at most.`,
    examples: ["2025-04-30"],
  }),
});

const fetched = {
  requests: z.int().min(0).describe("Requests with the key, whatever came of them, and streams opened."),
  bytes: z
    .int()
    .min(0)
    .describe("Of the bodies of answers as they were sent, events and messages to webhooks included."),
  articles: z
    .int()
    .min(0)
    .describe("Articles given away in answers, lists, feeds, changes and webhooks, each as often as it was."),
};

const example = {
  keyId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  from: "2025-04-01",
  until: "2025-04-30",
  days: [{ day: "2025-04-10", requests: 2880, bytes: 14_200_311, articles: 412 }],
  total: { requests: 2880, bytes: 14_200_311, articles: 412 },
  lastCursor: {
    cursor: "q1vTm3kZ0aXx8mV2b4nD6VsiNDcxMSJd",
    usedAt: "2025-04-10T09:30:00.000Z",
    behind: { changes: 3, seconds: 41.2 },
    isExpired: false,
  },
};

export const KeyUsage = z
  .object({
    keyId: Id,
    from: Day,
    until: Day,
    days: z.array(z.object({ day: Day, ...fetched })).describe("The days on which there was anything."),
    total: z.object(fetched),
    lastCursor: z
      .object({
        cursor: z.string().describe("Of the change feed: how far the key has come in it, or by a stream."),
        usedAt: TimeOut,
        behind: z.object({
          changes: z
            .int()
            .min(0)
            .describe(`How many changes follow, ${MOST_BEHIND} standing for whatever is more.`),
          seconds: z.number().min(0).describe("For how long the first of them has been waiting."),
        }),
        isExpired: z
          .boolean()
          .describe("Whether what follows is not kept any more, so that it must start again."),
      })
      .nullable()
      .describe("Null when the key never followed the changes by itself."),
  })
  .meta({ id: "KeyUsage", examples: [example] });
