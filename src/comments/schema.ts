import { z } from "zod";
import { PersonName } from "../editing/schema.ts";
import { listOf, pageParameters } from "../http/paging.ts";
import { Id, TimeOut, text } from "../http/scalars.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const example = {
  id,
  articleId: id,
  blockId: "b1",
  blockGone: false,
  inReplyTo: null,
  text: "Is the figure from the ministry?",
  author: { key: { id, name: "Desk" }, name: "Ana Lima" },
  resolved: false,
  resolvedAt: null,
  resolvedBy: null,
  createdAt: "2025-04-10T09:30:00.000Z",
  updatedAt: "2025-04-10T09:30:00.000Z",
};

const CommentText = text(5000);

export const Comment = z
  .object({
    id: Id,
    articleId: Id,
    blockId: z.string().nullable().describe("The block that it is on; null for the article as a whole."),
    blockGone: z.boolean().describe("Whether that block is no longer in the working copy."),
    inReplyTo: Id.nullable().describe("The comment that it answers."),
    text: CommentText,
    author: z
      .object({ key: z.object({ id: Id.nullable(), name: z.string() }), name: z.string().nullable() })
      .describe("The key, as it was named then, and who of those who use it."),
    resolved: z.boolean().describe("A reply is resolved with the comment that it answers."),
    resolvedAt: TimeOut.nullable(),
    resolvedBy: z.string().nullable().describe("The name of the key that resolved it."),
    createdAt: TimeOut,
    updatedAt: TimeOut,
  })
  .meta({ id: "Comment", examples: [example] });

export const CommentList = listOf(Comment).meta({
  id: "CommentList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

export const CommentInput = z
  .strictObject({
    text: CommentText,
    blockId: text(100).optional().describe("The block that it is on, which must be in the working copy."),
    inReplyTo: Id.optional().describe(
      "The comment that it answers; it then is on the same block. A reply has no replies of its own.",
    ),
    name: PersonName.optional(),
  })
  .meta({
    id: "CommentWrite",
    examples: [{ text: "Is the figure from the ministry?", blockId: "b1", name: "Ana Lima" }],
  });
export type CommentInput = z.output<typeof CommentInput>;

export const CommentPatch = z
  .strictObject({
    text: CommentText.optional().describe("Only by the key that wrote it."),
    resolved: z.boolean().optional().describe("`true` resolves it with its replies, `false` reopens it."),
  })
  .meta({ id: "CommentPatch", examples: [{ resolved: true }] });
export type CommentPatch = z.output<typeof CommentPatch>;

export const CommentQuery = z.strictObject({
  ...pageParameters,
  resolved: z
    .enum(["true", "false"])
    .transform((value) => value === "true")
    .optional()
    .meta({ description: "Only those that are resolved, or open.", examples: ["false"] }),
  blockId: text(100)
    .optional()
    .meta({ description: "Only those on this block.", examples: ["b1"] }),
});
export type CommentQuery = z.output<typeof CommentQuery>;
