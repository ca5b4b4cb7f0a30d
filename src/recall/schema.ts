import { z } from "zod";
import { kinds } from "../changes/schema.ts";
import { listOf, pageParameters } from "../http/paging.ts";
import { Id, TimeOut } from "../http/scalars.ts";

const Kind = z.enum(kinds);
const ways = ["feed", "stream", "webhook"] as const;
const Way = z.enum(ways);
const states = ["waiting", "sent", "delivered", "acknowledged"] as const;

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const at = "2025-04-10T09:30:00.000Z";
const cursor = "q1vTm3kZ0aXx8mV2b4nD6VsiNDcxMSJd";

export const Acknowledging = z
  .strictObject({
    cursor: z.string().min(1).max(1000).optional().describe("The change's `cursor`."),
    sequence: z.int().min(1).optional().describe("The change's `sequence`, in place of it."),
  })
  .check(({ value, issues }) => {
    if ((value.cursor === undefined) === (value.sequence === undefined))
      issues.push({
        code: "custom",
        path: ["cursor"],
        message: "must be given, or sequence in its place, and not both",
        input: value,
      });
  })
  .meta({ id: "AcknowledgementWrite", examples: [{ cursor }] });

export const Acknowledgement = z
  .object({
    articleId: Id,
    sequence: z.int().describe("The number of the change."),
    kind: Kind,
    acknowledgedAt: TimeOut.describe("When it was first acknowledged by the key."),
  })
  .meta({
    id: "Acknowledgement",
    examples: [{ articleId: id, sequence: 4711, kind: "withdrawn", acknowledgedAt: at }],
  });

export const RecallQuery = z.strictObject({ limit: pageParameters.limit, cursor: pageParameters.cursor });

const Partner = z
  .object({
    key: z
      .object({ id: Id, name: z.string() })
      .nullable()
      .describe("Null for the webhooks that are nobody's, which are one together."),
    had: z
      .array(
        z.object({
          edition: z.int(),
          by: Way,
          at: TimeOut.describe("When it was given first."),
          arrivedAt: TimeOut.nullable().describe(
            "When that is known to have arrived: a webhook's receiver took it, or the key came back with the cursor.",
          ),
        }),
      )
      .describe("The editions that it was given, the latest first."),
    notice: z
      .object({
        state: z
          .enum(states)
          .describe(
            "`waiting`: nothing of it was given yet; `sent`: given, and it is not known whether it arrived; `delivered`: it arrived; `acknowledged`: the partner says that it has taken it in.",
          ),
        by: Way.nullable(),
        sentAt: TimeOut.nullable(),
        deliveredAt: TimeOut.nullable(),
        acknowledgedAt: TimeOut.nullable(),
      })
      .nullable()
      .describe("What became of the notice; null while there is none."),
  })
  .meta({ id: "RecallPartner" });

export const Recall = listOf(Partner)
  .extend({
    articleId: Id,
    notice: z
      .object({
        sequence: z.int(),
        cursor: z.string(),
        kind: Kind,
        at: TimeOut,
        edition: z.int(),
      })
      .nullable()
      .describe("The last change that took the article from readers or put something right."),
  })
  .meta({
    id: "Recall",
    examples: [
      {
        articleId: id,
        notice: { sequence: 4711, cursor, kind: "withdrawn", at, edition: 3 },
        data: [
          {
            key: { id, name: "The mirror in Lisbon" },
            had: [{ edition: 3, by: "webhook", at, arrivedAt: at }],
            notice: { state: "delivered", by: "webhook", sentAt: at, deliveredAt: at, acknowledgedAt: null },
          },
        ],
        page: { limit: 20, next: null },
      },
    ],
  });
