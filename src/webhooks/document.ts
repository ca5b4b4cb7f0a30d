import type { OpenAPIV3_1 } from "openapi-types";
import { z } from "zod";
import { Change } from "./schema.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const header = (name: string, description: string, example: string) => ({
  name,
  in: "header" as const,
  required: true,
  description,
  schema: { type: "string" as const },
  example,
});

/** Formats say it in a word. */
const withoutPatterns = ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) => {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
};

/** What is sent to webhooks, for the OpenAPI document. */
export const sentToWebhooks = {
  change: {
    post: {
      operationId: "receiveChange",
      summary: "What a webhook's receiver gets of each change",
      description:
        "Signed by Standard Webhooks 1.0.0. It comes at least once: `webhook-id` tells what came before. The body is the same in every attempt. An event of the type `webhook.test` has `data.webhookId` alone.",
      tags: ["Webhooks"],
      security: [],
      parameters: [
        header("webhook-id", "The same in every attempt.", id),
        header("webhook-timestamp", "When this attempt is made, in seconds since 1970.", "1744277400"),
        header(
          "webhook-signature",
          "`v1,` and HMAC-SHA256 in base64; two, parted by a space, while a former secret is good.",
          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
      ],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            // As what comes in, since more properties may come in time.
            schema: z.toJSONSchema(Change, {
              io: "input",
              override: withoutPatterns,
            }),
          },
        },
      },
      responses: {
        "2XX": { description: "The receiver has it." },
        "410": { description: "The receiver wants nothing more: the webhook is switched off." },
        "4XX": { description: "Failed; it is sent again later." },
        "5XX": { description: "Failed; it is sent again later, after `Retry-After` if that is given." },
      },
    },
  },
} as object as OpenAPIV3_1.Document["webhooks"] & object;
