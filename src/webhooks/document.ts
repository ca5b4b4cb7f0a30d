import type { OpenAPIV3_1 } from "openapi-types";
import { example as change, kinds } from "../changes/schema.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const header = (name: string, description: string, example: string) => ({
  name,
  in: "header" as const,
  required: true,
  description,
  schema: { type: "string" as const },
  example,
});

/** A change, in what Standard Webhooks asks for. More properties may come in time. */
const message = {
  type: "object",
  required: ["type", "timestamp", "data"],
  properties: {
    type: { type: "string", enum: kinds.map((kind) => `article.${kind}`) },
    timestamp: { type: "string", format: "date-time", description: "When it took effect: `data.at`." },
    data: { $ref: "#/components/schemas/Change" },
  },
};

/** What is sent to webhooks, for the OpenAPI document. */
export const sentToWebhooks = {
  change: {
    post: {
      operationId: "receiveChange",
      summary: "What a webhook's receiver gets of each change",
      description:
        "Signed by Standard Webhooks 1.0.0. It comes at least once: `webhook-id` tells what came before. `data` is what the change feed would say of the change now, so that a later attempt may tell of it as overtaken. An event of the type `webhook.test` has `data.webhookId` alone.",
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
            schema: message,
            example: { type: `article.${change.kind}`, timestamp: change.at, data: change },
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
