import { isDeepStrictEqual } from "node:util";
import { Prisma, type Transaction } from "../database/client.ts";
import { runPrepared } from "../database/transactions.ts";
import type { Block as BlockModel } from "../database/generated/client.ts";
import type { Block } from "./body.ts";
import { titleKey } from "./titles.ts";
import type { WorkingCopy } from "./workingCopy.ts";

type ListName = "tags" | "authors" | "relatedLinks" | "body" | "keyPoints";

/** The table of a list, its columns with their types, and the values of its items in a copy. */
interface Table {
  table: string;
  columns: Record<string, string>;
  rows: (copy: WorkingCopy) => object[];
}

const tables: Record<ListName, Table> = {
  tags: {
    table: "article_tags",
    columns: { tag_id: "uuid" },
    rows: ({ tags }) => tags.map(({ id }) => ({ tag_id: id })),
  },
  authors: {
    table: "article_authors",
    columns: { author_id: "uuid" },
    rows: ({ authors }) => authors.map(({ id }) => ({ author_id: id })),
  },
  relatedLinks: {
    table: "related_links",
    columns: {
      id: "uuid",
      kind: '"LinkKind"',
      title: "text",
      title_key: "text",
      url: "text",
      target_id: "uuid",
    },
    rows: ({ relatedLinks }) =>
      relatedLinks.map(({ id, kind, title, url, target }) => ({
        id,
        kind,
        title,
        title_key: title === null ? null : titleKey(title),
        url,
        target_id: target?.id ?? null,
      })),
  },
  body: {
    table: "blocks",
    columns: { id: "text", type: '"BlockType"', content: "jsonb", related_link_id: "uuid" },
    rows: ({ body }) =>
      body.map(({ id, type, ...own }) =>
        "relatedLinkId" in own
          ? { id, type, content: {}, related_link_id: own.relatedLinkId }
          : { id, type, content: own },
      ),
  },
  keyPoints: {
    table: "key_points",
    columns: { id: "uuid", text: "text", block_id: "text" },
    rows: ({ keyPoints }) => keyPoints.map(({ id, text, blockId }) => ({ id, text, block_id: blockId })),
  },
};
const names = Object.keys(tables) as ListName[];

/** A block as it is stored. */
export type BlockRow = Pick<BlockModel, "id" | "type" | "content" | "relatedLinkId">;

export function blockOf({ id, type, content, relatedLinkId }: BlockRow): Block {
  return { id, type, ...(type === "relatedLink" ? { relatedLinkId } : (content as object)) } as Block;
}

/**
 * Writes those lists of a working copy that differ, all in one statement (Prisma would take one for
 * each and compile it anew, which was a quarter of the time that a new article took). References
 * between them are checked at the commit.
 *
 * @returns the copy as it is read from now on: PostgreSQL keeps the properties of blocks in an order
 *   of its own
 */
export async function saveLists(
  tx: Transaction,
  articleId: string,
  before: WorkingCopy | undefined,
  next: WorkingCopy,
): Promise<WorkingCopy> {
  const differing = names.filter((name) => !isDeepStrictEqual(before?.[name] ?? [], next[name]));
  const emptied = differing.filter((name) => (before?.[name].length ?? 0) > 0);
  const filled = differing.filter((name) => next[name].length > 0);
  // What is removed would still be in the way of what one and the same statement adds.
  if (emptied.length > 0) await runPrepared(tx, removals(articleId, emptied));
  if (filled.length === 0) return next;
  const blocks = await runPrepared<BlockRow>(tx, insertions(articleId, filled, next));
  return filled.includes("body") ? { ...next, body: blocks.map(blockOf) } : next;
}

function removals(articleId: string, lists: readonly ListName[]): Prisma.Sql {
  const parts = lists.map((name) => {
    const table = Prisma.raw(tables[name].table);
    return Prisma.sql`${table} AS (DELETE FROM ${table} WHERE article_id = ${articleId}::uuid)`;
  });
  return Prisma.sql`WITH ${Prisma.join(parts, ", ")} SELECT`;
}

function insertions(articleId: string, lists: readonly ListName[], next: WorkingCopy): Prisma.Sql {
  const parts = lists.map((name) => {
    const table = Prisma.raw(tables[name].table);
    const rows = tables[name].rows(next).map((row, position) => ({ position, ...row }));
    const columns = Object.keys(tables[name].columns).join(", ");
    const types = Object.entries(tables[name].columns).map((column) => column.join(" "));
    return Prisma.sql`${table} AS (
      INSERT INTO ${table} (article_id, position, ${Prisma.raw(columns)})
      SELECT ${articleId}::uuid, position, ${Prisma.raw(columns)}
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS item (position int, ${Prisma.raw(types.join(", "))})
      RETURNING *)`;
  });
  const found = lists.includes("body")
    ? Prisma.sql`SELECT id, type, content, related_link_id AS "relatedLinkId" FROM blocks ORDER BY position`
    : Prisma.sql`SELECT`;
  return Prisma.sql`WITH ${Prisma.join(parts, ", ")} ${found}`;
}
