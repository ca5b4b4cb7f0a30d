import { z } from "zod";
import { kinds } from "../changes/schema.ts";
import { listOf, pageParameters } from "../http/paging.ts";
import { Id, TimeOut, WebAddress, text } from "../http/scalars.ts";

/** The most webhooks that there can be, and of one key that sets up its own. */
export const MAX_WEBHOOKS = 500;
export const MAX_OWN_WEBHOOKS = 10;
/** How many attempts of a delivery are shown. */
export const SHOWN_ATTEMPTS = 50;
/** How long a former secret signs too, in seconds: a day when nothing is said, a week at the most. */
const OVERLAP = 86_400;
const LONGEST_OVERLAP = 7 * 86_400;

const Kind = z.enum(kinds);
const states = ["pending", "delivered", "dead"] as const;
const State = z
  .enum(states)
  .describe("`pending`: it is to be sent, or sent again; `dead`: it was given up after three days.");

const Url = WebAddress.refine(
  (value) => new URL(value).username === "" && new URL(value).password === "",
  "must not hold a user name or password",
).describe(
  "Where changes are sent to: https, and an address of the public internet, but for the hosts that DATELINE_WEBHOOK_HOSTS names.",
);
const KeyId = Id.nullable().describe(
  "The id of the key whose webhook it is to be, and for which it is on; the key that asks when absent. Another than that, or null for nobody's, needs `webhooks:manage`.",
);
const Description = text(500).nullable();
const Kinds = z
  .array(Kind)
  .max(kinds.length)
  .transform((chosen) => kinds.filter((kind) => chosen.includes(kind)))
  .describe("The kinds of change that it is told of; none named: all.");

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const at = "2025-04-10T09:30:00.000Z";
const written = { url: "https://partner.example/dateline", description: "The mirror in Lisbon" };
const example = {
  id,
  keyId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  ...written,
  kinds: [],
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  formerSecretUntil: null,
  failingSince: null,
  position: "q1vTm3kZ0aXx8mV2b4nD6FsiNDIiXQ",
  createdAt: at,
  updatedAt: at,
};

export const Webhook = z
  .object({
    id: Id,
    keyId: Id.nullable().describe("Whose it is; null when it is nobody's and tells what everybody may read."),
    url: z.string(),
    description: Description,
    kinds: z.array(Kind).describe("The kinds of change that it is told of; empty: all."),
    enabled: z.boolean().describe("Whether anything is sent: it is switched on, and its key is good."),
    disabledReason: z
      .string()
      .nullable()
      .describe(
        "Why it is off though nobody switched it off: the receiver answered 410, or has failed for three days, or the key was revoked or has expired.",
      ),
    disabledAt: TimeOut.nullable(),
    formerSecretUntil: TimeOut.nullable().describe("Until when the secret before this one signs too."),
    failingSince: TimeOut.nullable().describe("Since when every attempt has failed; null after a success."),
    position: z
      .string()
      .describe("A cursor of the change feed: changes up to there became deliveries, or were not wanted."),
    createdAt: TimeOut,
    updatedAt: TimeOut,
  })
  .meta({ id: "Webhook", examples: [example] });

export const WebhookWithSecret = Webhook.extend({
  secret: z
    .string()
    .nullable()
    .describe("Signs what is sent. Shown this once; null when an Idempotency-Key repeats the answer."),
}).meta({
  id: "WebhookWithSecret",
  examples: [{ ...example, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…" }],
});

export const WebhookList = listOf(Webhook).meta({
  id: "WebhookList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

export const WebhookInput = z
  .strictObject({
    url: Url,
    keyId: KeyId.optional(),
    description: Description.optional(),
    kinds: Kinds.optional(),
    enabled: z.boolean().optional(),
  })
  .meta({ id: "WebhookWrite", examples: [written] });

export const WebhookPatch = z
  .strictObject({
    url: Url.optional(),
    keyId: KeyId.optional(),
    description: Description.optional(),
    kinds: Kinds.optional(),
    enabled: z
      .boolean()
      .optional()
      .describe("`true` begins anew after it was switched off: what was not delivered meanwhile follows."),
  })
  .meta({ id: "WebhookPatch", examples: [{ enabled: true }] });

export const Rotation = z
  .strictObject({
    overlap: z
      .int()
      .min(0)
      .max(LONGEST_OVERLAP)
      .default(OVERLAP)
      .describe(
        "How many seconds the present secret goes on to sign too; a day when absent, a week at most.",
      ),
  })
  .nullish()
  .transform((body) => body ?? { overlap: OVERLAP })
  .meta({ id: "WebhookRotation", examples: [{ overlap: 3600 }] });

export const Replay = z
  .strictObject({
    since: z
      .string()
      .min(1)
      .max(1000)
      .describe("A cursor of the change feed; what came after it is sent again."),
  })
  .meta({ id: "WebhookReplay", examples: [{ since: example.position }] });

const Attempt = z
  .object({
    at: TimeOut,
    request: z.object({ url: z.string(), id: z.string(), timestamp: z.int() }),
    duration: z.int().describe("In milliseconds."),
    status: z.int().nullable().describe("The answer's status; null when there was none."),
    body: z.string().nullable().describe("The first 4096 bytes of the answer's body."),
    error: z.string().nullable().describe("Why it failed; null when it did not."),
  })
  .meta({ id: "WebhookAttempt" });
const attempt = {
  at,
  request: { url: written.url, id, timestamp: 1_744_277_400 },
  duration: 84,
  status: 204,
  body: "",
  error: null,
};

export const TestOutcome = Attempt.meta({ id: "WebhookTestOutcome", examples: [attempt] });

const delivery = {
  id,
  state: "delivered" as const,
  sequence: 42,
  kind: "published" as const,
  articleId: id,
  createdAt: at,
  nextAttemptAt: null,
  deliveredAt: at,
  attempts: [attempt],
};

export const Delivery = z
  .object({
    id: Id.describe("The `webhook-id` of the message, the same in every attempt."),
    state: State,
    sequence: z
      .int()
      .nullable()
      .describe("The number of the change. Null for what a change of the entitlement brought or took."),
    kind: Kind,
    articleId: Id,
    createdAt: TimeOut,
    nextAttemptAt: TimeOut.nullable().describe("Null when there will be none."),
    deliveredAt: TimeOut.nullable(),
    attempts: z.array(Attempt).describe(`The latest ${SHOWN_ATTEMPTS}, in the order of time.`),
  })
  .meta({ id: "WebhookDelivery", examples: [delivery] });

export const DeliveryWithBody = Delivery.extend({
  body: z
    .string()
    .describe("What is sent, in UTF-8, were it sent now: the article as readers get it at the time."),
}).meta({
  id: "WebhookDeliveryWithBody",
  examples: [{ ...delivery, body: '{"type":"article.published",…}' }],
});

export const DeliveryList = listOf(Delivery).meta({
  id: "WebhookDeliveryList",
  examples: [{ data: [delivery], page: { limit: 20, next: null } }],
});

export const DeliveryQuery = z.strictObject({
  ...pageParameters,
  state: z
    .enum(states)
    .optional()
    .meta({ description: "Only those in this state.", examples: ["dead"] }),
});
export type DeliveryQuery = z.output<typeof DeliveryQuery>;
