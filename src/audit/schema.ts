import { z } from "zod";
import { listOf, pageParameters } from "../http/paging.ts";
import { Id, Time, TimeOut } from "../http/scalars.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const example = {
  id,
  at: "2025-04-10T09:30:00.000Z",
  outcome: "done" as const,
  count: 1,
  actor: { id, name: "Ana's desk" },
  operation: "updateArticle",
  method: "PATCH",
  path: "/v1/articles/talks-conclude-in-istanbul",
  resource: { kind: "articles", id },
  articleId: id,
  status: 200,
  address: "192.0.2.7",
  userAgent: "curl/8.5.0",
  requestId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
};

export const AuditEntry = z
  .object({
    id: Id,
    at: TimeOut,
    outcome: z
      .enum(["done", "refused"])
      .describe("`refused`: the key was wrong (401) or lacked the scope (403)."),
    count: z
      .int()
      .describe("How often. What was refused alike within a minute is one entry; all else has 1."),
    actor: z
      .object({ id: Id.nullable(), name: z.string().nullable() })
      .describe("The key, as it was named then. Without an id: a command line, or a key that is not known."),
    operation: z
      .string()
      .describe(
        "The operationId, or the command as `dateline import`; `others` for the refusals of a minute beyond 20 kinds.",
      ),
    method: z.string().nullable(),
    path: z.string().nullable().describe("Without the query."),
    resource: z
      .object({ kind: z.string(), id: z.string() })
      .nullable()
      .describe("What was made, changed or removed, as addresses name it."),
    articleId: Id.nullable(),
    status: z.int().nullable(),
    address: z.string().nullable().describe("The IP address that it came from."),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
  })
  .meta({ id: "AuditEntry", examples: [example] });

export const AuditList = listOf(AuditEntry).meta({
  id: "AuditList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

export const auditFilters = {
  actor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "The id of a key, or its name.", examples: ["Website"] }),
  operation: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "An operationId, or a command.", examples: ["updateArticle"] }),
  article: Id.optional().meta({
    description: "The id of an article, whether or not it still exists.",
    examples: [id],
  }),
  after: Time.optional().meta({ description: "Only what was done after this." }),
  before: Time.optional().meta({ description: "Only what was done before this." }),
};

export const AuditQuery = z.strictObject({ ...pageParameters, ...auditFilters });
export type AuditQuery = z.output<typeof AuditQuery>;
