import { z } from "zod";

/** The most operations of one bulk. */
export const MAX_OPERATIONS = 100;

const Headers = z
  .strictObject({
    "If-Match": z.string(),
    "If-None-Match": z.string(),
    "Idempotency-Key": z.string(),
    Prefer: z.string(),
    "Content-Type": z.enum(["application/json", "application/merge-patch+json", "text/plain"]),
  })
  .partial()
  .describe("Its headers; `Content-Type` is JSON when absent, and text with `text/plain`.");

const Operation = z
  .strictObject({
    method: z.enum(["POST", "PUT", "PATCH", "DELETE"]),
    path: z
      .string()
      .max(2000)
      .regex(/^\/v1\/[\x21-\x22\x24-\x7e]+$/, "must be a path below /v1/, percent-encoded where URLs need it")
      .describe(
        "A path below `/v1/`, with a query if need be. `{0.id}` in it stands for the `id` that the first operation answered with, `{1.id}` for the second's, and so on.",
      ),
    headers: Headers.default({}),
    body: z.unknown().optional().describe("What the operation takes."),
  })
  .meta({ id: "BulkOperation" });
export type Operation = z.output<typeof Operation>;

export const BulkInput = z
  .strictObject({
    atomic: z
      .boolean()
      .describe("`true`: all are done or none; `false`: each on its own, in the order given."),
    operations: z
      .array(Operation)
      .min(1)
      .max(MAX_OPERATIONS)
      .superRefine((operations, context) => {
        for (const [index, { path }] of operations.entries()) {
          for (const [reference, earlier] of path.matchAll(REFERENCE)) {
            if (Number(earlier) < index) continue;
            const message = `names ${reference}, which is not an operation before this one`;
            context.addIssue({ code: "custom", message, path: [index, "path"], input: path });
          }
        }
      }),
  })
  .meta({
    id: "BulkWrite",
    examples: [
      {
        atomic: true,
        operations: [
          { method: "POST", path: "/v1/articles", body: { headline: "Talks conclude in Istanbul" } },
          { method: "POST", path: "/v1/articles/{0.id}/publish" },
        ],
      },
    ],
  });

/** Where a path takes the id that an earlier operation answered with. */
export const REFERENCE = /\{(\d+)\.id\}/g;

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";

const Result = z
  .object({
    status: z
      .int()
      .describe("What the operation would have answered with by itself; 424 when it was not done or undone."),
    headers: z.record(z.string(), z.string()).describe("Of its headers those that tell of what it did."),
    body: z.unknown().describe("What it answered; null when that was nothing."),
  })
  .meta({ id: "BulkResult" });
export type Result = z.output<typeof Result>;

export const BulkResults = z
  .object({ results: z.array(Result).describe("One for each operation, in their order.") })
  .meta({
    id: "BulkResults",
    examples: [
      {
        results: [
          {
            status: 201,
            headers: { etag: '"1-6f1b8a3c2d4e-q1vTm3kZ0aXx8mV2b4nD6Q"', location: `/v1/articles/${id}` },
            body: { id },
          },
          { status: 200, headers: { etag: '"2-6f1b8a3c2d4e-0aXx8mV2b4nD6Qq1vTm3kZ"' }, body: { id } },
        ],
      },
    ],
  });
