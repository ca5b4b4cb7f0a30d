import type { FastifyRequest } from "fastify";
import { presentArticle } from "../articles/present.ts";
import { Article, MAX_ITEMS } from "../articles/schema.ts";
import { MAX_BLOCKS } from "../articles/body.ts";
import { type StoredArticle, type WorkingCopy, lockArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import {
  type Precondition,
  entityTag,
  isWanted,
  prefersMerge,
  revisionsNamed,
  staleRevision,
} from "../http/conditional.ts";
import { type Problem, type ProblemMembers, invalidContent } from "../http/problems.ts";
import { serialiseWithZod } from "../http/serialise.ts";
import type { Newsroom } from "../newsroom.ts";
import { MAX_TERMS } from "../taxonomy/schema.ts";
import { changedPointers } from "./changes.ts";
import { keptCopy } from "./content.ts";
import { mergeCopies } from "./merge.ts";
import { type KeptRevision, findRevision } from "./read.ts";
import { revive } from "./revive.ts";

/** What operations that change an article or its lists say of their preconditions. */
export const merging =
  "When `If-Match` is out of date the answer is 412 with `currentETag` and `conflicts`; with `Prefer: merge` what does not collide is merged (see *Merging* at the top).";

/**
 * The article that a request changes, locked. When the request's If-Match names an earlier revision
 * and it prefers a merge, `copy` is the working copy of then, and what is made of it is merged
 * into the one of now as it is saved.
 *
 * @param sent JSON Pointers to what the request would write, or to what holds it
 * @throws 404 when there is none, 412 with what has changed since when If-Match does not fit
 */
export async function articleToChange(
  newsroom: Newsroom,
  tx: Transaction,
  request: FastifyRequest<{ Params: { article: string } }>,
  wanted: Precondition | undefined,
  sent: readonly string[],
): Promise<StoredArticle> {
  const article = await lockArticle(tx, request.params.article);
  const { id, revision } = article.row;
  if (isWanted(wanted, article.row)) return article;
  const named = revisionsNamed(wanted, id).filter((one) => one < revision);
  const base = named.length === 0 ? undefined : await findRevision(tx, id, Math.max(...named));
  if (base === undefined) throw stale(newsroom, article);
  const { number } = base.about;
  if (!prefersMerge(request)) {
    const changed = changedPointers(base.copy, keptCopy(article.copy)).filter((pointer) =>
      sent.some((one) => pointer === one || pointer.startsWith(`${one}/`)),
    );
    throw stale(newsroom, article, await conflicts(tx, id, number, changed));
  }
  return asItWas(tx, article, base, async (collisions) =>
    stale(newsroom, article, await conflicts(tx, id, number, collisions)),
  );
}

/**
 * An article with the working copy of an earlier revision, on which a change rests; what is made of it
 * is merged into the one of now as it is saved.
 *
 * @param collided makes the error that is thrown when both changed the same, from JSON Pointers to it
 */
export async function asItWas(
  tx: Transaction,
  article: StoredArticle,
  base: KeptRevision,
  collided: (pointers: readonly string[]) => Promise<Problem>,
): Promise<StoredArticle> {
  const { copy } = await revive(tx, base.copy, article.copy);
  const blockIds = article.copy.body.map((block) => block.id);
  const into = async (mine: WorkingCopy) => {
    const merged = mergeCopies(copy, mine, article.copy);
    if (merged.collisions.length > 0) throw await collided(merged.collisions);
    refuseTooMany(merged.copy);
    return { article, next: merged.copy };
  };
  return { ...article, copy, merge: { blockIds, into } };
}

function stale(newsroom: Newsroom, article: StoredArticle, found?: ProblemMembers["conflicts"]): Problem {
  const currentETag = entityTag(bytesOf(presentArticle(article, newsroom.articleAddress)), article.row);
  return staleRevision(article.row.revision, {
    currentETag,
    ...(found === undefined ? {} : { conflicts: found }),
  });
}

/** The bytes that the working copy is answered with, of which its ETag is made. */
const bytesOf = serialiseWithZod({ schema: Article, method: "GET", url: "/articles/:article" });

/** Who changed what since a revision. */
async function conflicts(
  tx: Transaction,
  articleId: string,
  since: number,
  pointers: readonly string[],
): Promise<NonNullable<ProblemMembers["conflicts"]>> {
  const fields = new Set(pointers.map(fieldOf));
  const changes = await tx.$queryRaw<
    { pointer: string; number: number; actor_id: string | null; actor_name: string; created_at: Date }[]
  >`SELECT DISTINCT ON (pointer) pointer, number, actor_id, actor_name, created_at
    FROM revisions CROSS JOIN unnest(changed) AS pointer
    WHERE article_id = ${articleId}::uuid AND number > ${since}
      AND '/' || split_part(pointer, '/', 2) = ANY(${[...fields]})
    ORDER BY pointer, number DESC`;
  const exactly = new Map(changes.map((change) => [change.pointer, change]));
  const within = new Map(
    changes
      .toSorted((one, other) => one.number - other.number)
      .map((change) => [fieldOf(change.pointer), change]),
  );
  return pointers.map((field) => {
    // A list is named as a whole when many of its items changed, then or since.
    const isList = field === fieldOf(field);
    const change = exactly.get(field) ?? (isList ? within.get(field) : exactly.get(fieldOf(field)));
    if (change === undefined) return { field, changedBy: null, changedAt: null, revision: null };
    const { number, actor_id: id, actor_name: name, created_at: changedAt } = change;
    return { field, changedBy: { id, name }, changedAt: changedAt.toISOString(), revision: number };
  });
}

function fieldOf(pointer: string): string {
  return pointer.split("/", 2).join("/");
}

/** Two changes, each within the limits, may go past them together. */
function refuseTooMany(copy: WorkingCopy): void {
  const limits = {
    tags: MAX_TERMS,
    authors: MAX_TERMS,
    body: MAX_BLOCKS,
    keyPoints: MAX_ITEMS,
    relatedLinks: MAX_ITEMS,
  };
  const errors = Object.entries(limits)
    .filter(([field, most]) => copy[field as keyof typeof limits].length > most)
    .map(([field, most]) => ({
      pointer: `#/${field}`,
      detail: `would have more than ${most} items with those that others have added since`,
    }));
  if (errors.length > 0) throw invalidContent(errors);
}
