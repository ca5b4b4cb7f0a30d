import type { Prisma, Transaction } from "../database/client.ts";
import { databaseCode } from "../database/errors.ts";
import { actorOf, concern } from "../database/transactions.ts";
import { type Precondition, isWanted } from "../http/conditional.ts";
import type { Cursors } from "../http/paging.ts";
import { invalidContent, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import type { CommentInput, CommentPatch, CommentQuery } from "./schema.ts";

/** A reply is resolved with the comment that it answers, so that is read with it. */
const withAnswered = { answered: true } as const;
type CommentRow = Prisma.CommentGetPayload<{ include: typeof withAnswered }>;

/** A comment as the desk gets it, and the revision that guards its changes. */
export interface FoundComment {
  row: CommentRow;
  shown: ReturnType<typeof present>;
}

/** A page of an article's comments, in the order in which they were written. */
export async function listComments(
  tx: Transaction,
  cursors: Cursors,
  articleId: string,
  { limit, cursor, count, resolved, blockId }: CommentQuery,
) {
  const listName = `comments ${JSON.stringify([articleId, resolved, blockId])}`;
  const [after] = cursor === undefined ? [] : cursors.read(listName, cursor);
  const state = resolved === true ? { not: null } : null;
  const where: Prisma.CommentWhereInput = {
    articleId,
    ...(blockId === undefined ? {} : { blockId }),
    ...(resolved === undefined
      ? {}
      : { OR: [{ inReplyTo: null, resolvedAt: state }, { answered: { resolvedAt: state } }] }),
  };
  const rows = await tx.comment.findMany({
    where: after === undefined ? where : { AND: [where, { id: { gt: after } }] },
    orderBy: { id: "asc" },
    take: limit + 1,
    include: withAnswered,
  });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    data: (await shownAll(tx, articleId, page)).map(({ shown }) => shown),
    next: last === undefined ? null : cursors.write(listName, [last.id]),
    total: count ? await tx.comment.count({ where }) : undefined,
  };
}

/** @throws 404 when the article has no such comment */
export async function findComment(tx: Transaction, articleId: string, id: string): Promise<FoundComment> {
  const row = isId(id)
    ? await tx.comment.findUnique({
        where: { articleId_id: { articleId, id: id.toLowerCase() } },
        include: withAnswered,
      })
    : null;
  const [found] = row === null ? [] : await shownAll(tx, articleId, [row]);
  if (found === undefined) throw problem("not-found", `The article has no comment ${id}.`);
  return found;
}

/**
 * Finds a comment to change it, and keeps others from changing it until the transaction ends.
 *
 * @throws 404 when the article has no such comment, 412 when its revision is not the one demanded
 */
export async function lockComment(
  tx: Transaction,
  articleId: string,
  id: string,
  wanted: Precondition,
): Promise<FoundComment> {
  if (isId(id)) await tx.$queryRaw`SELECT id FROM comments WHERE id = ${id}::uuid FOR UPDATE`;
  const found = await findComment(tx, articleId, id);
  concern(tx, "comments", found.row.id);
  if (isWanted(wanted, found.row)) return found;
  throw problem(
    "precondition-failed",
    "The comment was changed since. Fetch it again and repeat the change on top.",
  );
}

/**
 * Writes a comment in the name of whoever the transaction is done for.
 *
 * @throws 422 when its block is not in the working copy, or it answers what cannot be answered
 */
export async function addComment(
  tx: Transaction,
  articleId: string,
  { text, blockId, inReplyTo, name }: CommentInput,
): Promise<FoundComment> {
  const answered = inReplyTo === undefined ? undefined : await answerable(tx, articleId, inReplyTo);
  if (answered !== undefined && blockId !== undefined && blockId !== answered.blockId) {
    throw invalidContent([
      { pointer: "#/blockId", detail: "must be left out of a reply, which is where what it answers is" },
    ]);
  }
  if (answered === undefined && blockId !== undefined) await requireBlock(tx, articleId, blockId);
  const actor = actorOf(tx);
  const { id } = await tx.comment.create({
    data: {
      articleId,
      text,
      blockId: answered === undefined ? (blockId ?? null) : answered.blockId,
      inReplyTo: answered?.id ?? null,
      keyId: actor.id,
      keyName: actor.name,
      person: name ?? null,
    },
  });
  return findComment(tx, articleId, id);
}

/**
 * Changes a comment's text, resolves it or opens it again.
 *
 * @throws 403 when another key wrote the text, 422 for a reply that is to be resolved by itself
 */
export async function changeComment(
  tx: Transaction,
  { row, shown }: FoundComment,
  { text = row.text, resolved = shown.resolved }: CommentPatch,
): Promise<FoundComment> {
  if (text !== row.text) requireOwn(tx, row, "changes its text");
  const turns = resolved !== shown.resolved;
  if (turns && row.inReplyTo !== null) {
    throw invalidContent([
      { pointer: "#/resolved", detail: `cannot be set on a reply; resolve the comment ${row.inReplyTo}` },
    ]);
  }
  if (text === row.text && !turns) return { row, shown };
  const now = new Date();
  const state = { resolvedAt: resolved ? now : null, resolvedBy: resolved ? actorOf(tx).name : null };
  await tx.comment.update({
    where: { id: row.id },
    data: { text, ...(turns ? state : {}), revision: { increment: 1 }, updatedAt: now },
  });
  return findComment(tx, row.articleId, row.id);
}

/** @throws 403 when another key wrote it, 409 when it has replies */
export async function deleteComment(tx: Transaction, { row }: FoundComment): Promise<void> {
  requireOwn(tx, row, "deletes it");
  const answeredBy = await tx.comment.count({ where: { articleId: row.articleId, inReplyTo: row.id } });
  if (answeredBy > 0) throw hasReplies();
  await tx.comment.delete({ where: { id: row.id } }).catch((error: unknown) => {
    // 23503 is a foreign key violation: somebody has answered a moment ago.
    throw databaseCode(error) === "23503" ? hasReplies() : error;
  });
}

function hasReplies() {
  return problem("in-use", "The comment has replies. Resolve it, or delete the replies first.");
}

function requireOwn(tx: Transaction, row: CommentRow, what: string): void {
  if (row.keyId === actorOf(tx).id) return;
  throw problem(
    "out-of-reach",
    `The comment was written by "${row.keyName}", and only that key ${what}. Reply to it, or resolve it.`,
  );
}

async function answerable(tx: Transaction, articleId: string, id: string): Promise<CommentRow> {
  const row = await tx.comment.findUnique({
    where: { articleId_id: { articleId, id } },
    include: withAnswered,
  });
  const fault =
    row === null
      ? "is not the id of a comment on this article"
      : row.inReplyTo === null
        ? undefined
        : `is a reply itself; answer the comment ${row.inReplyTo}`;
  if (row !== null && fault === undefined) return row;
  throw invalidContent([{ pointer: "#/inReplyTo", detail: fault ?? "" }]);
}

async function requireBlock(tx: Transaction, articleId: string, id: string): Promise<void> {
  if ((await tx.block.count({ where: { articleId, id } })) > 0) return;
  throw invalidContent([{ pointer: "#/blockId", detail: "is not the id of a block of the body" }]);
}

/** Comments with what is known of their blocks. */
async function shownAll(tx: Transaction, articleId: string, rows: CommentRow[]): Promise<FoundComment[]> {
  const named = rows.flatMap(({ blockId }) => blockId ?? []);
  const blocks =
    named.length === 0
      ? []
      : await tx.block.findMany({ where: { articleId, id: { in: named } }, select: { id: true } });
  const inBody = new Set(blocks.map(({ id }) => id));
  return rows.map((row) => ({ row, shown: present(row, inBody) }));
}

function present(row: CommentRow, blocks: ReadonlySet<string>) {
  const { id, articleId, blockId, inReplyTo, text, keyId, keyName, person } = row;
  const { resolvedAt, resolvedBy } = row.answered ?? row;
  return {
    id,
    articleId,
    blockId,
    blockGone: blockId !== null && !blocks.has(blockId),
    inReplyTo,
    text,
    author: { key: { id: keyId, name: keyName }, name: person },
    resolved: resolvedAt !== null,
    resolvedAt: resolvedAt?.toISOString() ?? null,
    resolvedBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
