import type { FastifyRequest } from "fastify";
import { v7 as uuid } from "uuid";
import type { Transaction } from "../database/client.ts";
import { actorOf, subjectsOf } from "../database/transactions.ts";
import type { Prisma } from "../database/client.ts";
import { insertRow } from "../database/insert.ts";
import type { Answer } from "../http/answer.ts";

/** The longest path and user agent that are kept, in UTF-16 code units. */
const LONGEST = 300;

/** One entry of the audit log as it is written: who did it is known from the transaction. */
export type Deed = Pick<Prisma.AuditEntryUncheckedCreateInput, "operation"> &
  Partial<Omit<Prisma.AuditEntryUncheckedCreateInput, "id" | "at" | "outcome" | "actorId" | "actorName">>;

/**
 * Writes that something was done, in the transaction that does it, so that neither is without the
 * other. For what is not one request by itself: a command, or one of several operations in a request.
 */
export async function audit(tx: Transaction, deed: Deed): Promise<void> {
  const { id, name } = actorOf(tx);
  const articleId = deed.articleId ?? subjectsOf(tx).get("articles") ?? null;
  await insertRow(tx, "audit_entries", {
    id: uuid(),
    ...deed,
    articleId,
    at: new Date(),
    outcome: "done",
    actorId: id,
    actorName: name,
  } satisfies Prisma.AuditEntryUncheckedCreateInput);
}

/**
 * Writes that a request was accepted. Operations that are open to the public are left out: what
 * readers share is counted, and not who they are.
 */
export async function auditRequest(tx: Transaction, request: FastifyRequest, found: Answer): Promise<void> {
  if ((request.routeOptions.config.access ?? "public") === "public") return;
  const { kind, id } = resourceOf(tx, request, found.headers?.location);
  await audit(tx, {
    ...originOf(request),
    path: pathOf(request),
    resourceKind: kind,
    resourceId: id,
    status: found.status ?? 200,
    requestId: request.id,
  });
}

/** What of a request says by which operation and from where it came. */
export function originOf(request: FastifyRequest) {
  return {
    operation: request.routeOptions.schema?.operationId ?? request.routeOptions.url ?? "unknown",
    method: request.method,
    address: request.ip,
    userAgent: request.headers["user-agent"]?.slice(0, LONGEST).toWellFormed() ?? null,
  };
}

/** The path without its query. A secret in it is left as the route's `:token`. */
function pathOf(request: FastifyRequest): string {
  const { url: pattern = "" } = request.routeOptions;
  const path = pattern.includes(":token") ? pattern : (request.url.split("?", 1)[0] ?? "");
  return path.slice(0, LONGEST);
}

/**
 * What was made, changed or removed, as addresses name it: `/v1/tags/ID` is the ID of `tags`. It is
 * what Location leads to, or else the last resource in the request's path; the id stands for a slug.
 */
function resourceOf(tx: Transaction, request: FastifyRequest, location: string | undefined) {
  // What lies outside of the API is no resource of it: the address of a preview ends with its token.
  const made = /^\/v1\/(?:.+\/)?([^/]+)\/([^/]+)$/.exec(location ?? "");
  const params = request.params as Record<string, string>;
  const named = [...(request.routeOptions.url ?? "").matchAll(/([^/]+)\/:(\w+)/g)].at(-1);
  const kind = made?.[1] ?? named?.[1] ?? null;
  const reference = made?.[2] ?? params[named?.[2] ?? ""] ?? null;
  const id = (kind === null ? undefined : subjectsOf(tx).get(kind)) ?? reference;
  return { kind, id: id?.slice(0, LONGEST) ?? null };
}
