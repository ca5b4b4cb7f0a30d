import type { Prisma, Transaction } from "../database/client.ts";
import type { AuditEntry as AuditRow } from "../database/generated/client.ts";
import type { Cursors } from "../http/paging.ts";
import { isId } from "../http/scalars.ts";
import type { AuditQuery } from "./schema.ts";

/** How many entries an export reads at a time: what it holds in memory. */
const CHUNK = 500;

/** A page of the audit log, newest first. */
export async function listAudit(tx: Transaction, cursors: Cursors, query: AuditQuery) {
  const { limit, cursor, count, ...filters } = query;
  const { actor, operation, article, after, before } = filters;
  const listName = `audit ${JSON.stringify([actor, operation, article, after, before])}`;
  const [at, id] = cursor === undefined ? [] : cursors.read(listName, cursor);
  const where = conditions(filters);
  const rows = await tx.auditEntry.findMany({
    where: at === undefined || id === undefined ? where : { AND: [where, beyond("lt", at, id)] },
    orderBy: [{ at: "desc" }, { id: "desc" }],
    take: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    data: page.map(present),
    next: last === undefined ? null : cursors.write(listName, [last.at.toISOString(), last.id]),
    total: count ? await tx.auditEntry.count({ where }) : undefined,
  };
}

/**
 * The audit log as JSON Lines, oldest first, up to now. It is read as fast as it is taken, so that
 * an export of any length holds no more than one chunk in memory.
 */
export async function* exportAudit(tx: Transaction, query: AuditQuery): AsyncGenerator<string> {
  const where = { AND: [conditions(query), { at: { lte: new Date() } }] };
  let after: AuditRow | undefined;
  for (;;) {
    const rows: AuditRow[] = await tx.auditEntry.findMany({
      where: after === undefined ? where : { AND: [where, beyond("gt", after.at, after.id)] },
      orderBy: [{ at: "asc" }, { id: "asc" }],
      take: CHUNK,
    });
    if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(present(row))}\n`).join("");
    if (rows.length < CHUNK) return;
    after = rows.at(-1);
  }
}

function conditions({
  actor,
  operation,
  article,
  after,
  before,
}: Pick<AuditQuery, "actor" | "operation" | "article" | "after" | "before">) {
  const all: Prisma.AuditEntryWhereInput[] = [];
  if (actor !== undefined) all.push(isId(actor) ? { actorId: actor } : { actorName: actor });
  if (operation !== undefined) all.push({ operation });
  if (article !== undefined) all.push({ articleId: article });
  if (after !== undefined) all.push({ at: { gt: after } });
  if (before !== undefined) all.push({ at: { lt: before } });
  return { AND: all };
}

/** What lies beyond an entry, in a form that an index answers: a bound on the time, then the ties. */
function beyond(way: "lt" | "gt", at: string | Date, id: string): Prisma.AuditEntryWhereInput {
  const bound = way === "lt" ? { lte: at } : { gte: at };
  return { at: bound, OR: [{ at: { [way]: at } }, { id: { [way]: id } }] };
}

function present(row: AuditRow) {
  const { id, at, outcome, count, actorId, actorName, operation, method, path } = row;
  const { resourceKind, resourceId, articleId, status, address, userAgent, requestId } = row;
  return {
    id,
    at: at.toISOString(),
    outcome,
    count,
    actor: { id: actorId, name: actorName },
    operation,
    method,
    path,
    resource: resourceKind === null || resourceId === null ? null : { kind: resourceKind, id: resourceId },
    articleId,
    status,
    address,
    userAgent,
    requestId,
  };
}
