import { z } from "zod";
import { Id, WebAddress, text } from "../http/scalars.ts";

/** The most blocks a body may have, and the most characters of one block's text. */
export const MAX_BLOCKS = 10_000;
const BLOCK_TEXT = 100_000;

const BlockText = text(BLOCK_TEXT);
const BlockId = text(64)
  .regex(/^[A-Za-z0-9_-]+$/, "must be letters, digits, - and _")
  .describe("Unique within the article, stable across edits; made when absent.");

const span = {
  start: z.int().min(0).describe("Where it starts, in UTF-16 code units of the text as it is kept, in NFC."),
  end: z.int().min(1).describe("Where it ends, exclusive."),
};

const Mark = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("strong"), ...span }),
    z.strictObject({ type: z.literal("emphasis"), ...span }),
    z.strictObject({ type: z.literal("code"), ...span }),
    z.strictObject({ type: z.literal("link"), ...span, url: WebAddress }),
  ])
  .meta({ id: "Mark", description: "An inline mark over a part of a block's text." });

const Marks = z.array(Mark).max(1000).optional().describe("Inline marks over the text.");

/** Marks lie within the text that they mark. */
function marksFit(block: { text: string; marks?: { start: number; end: number }[] | undefined }): boolean {
  return (block.marks ?? []).every((mark) => mark.start < mark.end && mark.end <= block.text.length);
}
const marksFault = { message: "must start before they end and end within the text", path: ["marks"] };

const ListItem = z.union([
  BlockText,
  z.strictObject({ text: BlockText, marks: Marks }).refine(marksFit, marksFault),
]);

const Line = text(1000).nullable().default(null);

/** Every type of block, with what it holds. */
function blockUnion<BlockIdSchema extends z.ZodType>(id: BlockIdSchema) {
  return z.discriminatedUnion("type", [
    z
      .strictObject({ id, type: z.literal("paragraph"), text: BlockText, marks: Marks })
      .refine(marksFit, marksFault),
    z
      .strictObject({
        id,
        type: z.literal("heading"),
        level: z.int().min(2).max(4).default(2),
        text: BlockText,
        marks: Marks,
      })
      .refine(marksFit, marksFault),
    z
      .strictObject({ id, type: z.literal("quote"), text: BlockText, marks: Marks, attribution: Line })
      .refine(marksFit, marksFault),
    z.strictObject({
      id,
      type: z.literal("list"),
      ordered: z.boolean().default(false),
      items: z.array(ListItem).min(1).max(1000),
    }),
    z.strictObject({
      id,
      type: z.literal("image"),
      url: WebAddress,
      alt: text(1000, 0).nullable().default(null),
      caption: Line,
      credit: Line,
    }),
    z.strictObject({ id, type: z.literal("embed"), url: WebAddress }),
    z.strictObject({
      id,
      type: z.literal("relatedLink"),
      relatedLinkId: Id.describe("The id of one of the article's related links."),
    }),
    z.strictObject({ id, type: z.literal("rule") }),
  ]);
}

export const Block = blockUnion(BlockId).meta({
  id: "Block",
  description: "One block of a body.",
  examples: [{ id: "b1", type: "paragraph", text: "The talks lasted five hours." }],
});
export type Block = z.output<typeof Block>;

export const Body = z
  .array(
    blockUnion(BlockId.optional()).meta({
      id: "BlockWrite",
      description: "One block of a body, to be written.",
    }),
  )
  .max(MAX_BLOCKS)
  .check((context) => {
    const seen = new Set<string>();
    for (const [index, { id }] of context.value.entries()) {
      if (id === undefined) continue;
      if (seen.has(id)) {
        context.issues.push({
          code: "custom",
          message: "is the id of an earlier block too",
          path: [index, "id"],
          input: id,
        });
      }
      seen.add(id);
    }
  });
export type BodyInput = z.output<typeof Body>;

/**
 * Gives an id to each block that has none: that of the block before which says the same, or else the first free of b1,
 * b2 and so on. Another block's id would take along what refers to that.
 *
 * @param before the blocks that the body takes the place of
 * @param others ids that are taken elsewhere
 */
export function withBlockIds(
  body: BodyInput,
  before: readonly Block[] = [],
  others: readonly string[] = [],
): Block[] {
  const sent = new Set(body.map((block) => block.id));
  const same = Map.groupBy(
    before.filter(({ id }) => !sent.has(id)),
    saying,
  );
  const taken = new Set([...sent, ...before.map(({ id }) => id), ...others]);
  let number = 0;
  return body.map((block) => {
    if (block.id !== undefined) return { ...block, id: block.id };
    const known = same.get(saying(block))?.shift();
    if (known !== undefined) return { ...block, id: known.id };
    do number += 1;
    while (taken.has(`b${number}`));
    return { ...block, id: `b${number}` };
  });
}

/** What a block says, whatever its id and the order of its properties. */
function saying(block: BodyInput[number]): string {
  const { id: _, ...said } = block;
  return JSON.stringify(Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
