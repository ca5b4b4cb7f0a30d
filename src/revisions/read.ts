import type { Transaction } from "../database/client.ts";
import type { Revision as RevisionRow } from "../database/generated/client.ts";
import { problem } from "../http/problems.ts";
import { type KeptCopy, readContent } from "./content.ts";
import type { Revision, RevisionAction, RevisionContent } from "./schema.ts";

/** A revision's row without what it keeps of the copy. */
export type RevisionAbout = Omit<RevisionRow, "content">;

/** A revision with the working copy as it was. */
export interface KeptRevision {
  about: RevisionAbout;
  copy: KeptCopy;
}

/** Reads a revision, from its own row and that of the keyframe which it differs from. */
export async function findRevision(
  tx: Transaction,
  articleId: string,
  number: number,
): Promise<KeptRevision | undefined> {
  const find = (one: number) =>
    tx.revision.findUnique({ where: { articleId_number: { articleId, number: one } } });
  const found = await find(number);
  if (found === null) return undefined;
  const { content, ...about } = found;
  const keyframe = about.keyframe === number ? null : await find(about.keyframe);
  return { about, copy: await readContent(content, keyframe ?? undefined) };
}

/**
 * Reads the revision that a path names.
 *
 * @throws 404 when there is none
 */
export async function readRevision(
  tx: Transaction,
  articleId: string,
  reference: string,
): Promise<KeptRevision> {
  const number = /^[1-9]\d{0,8}$/.test(reference) ? Number(reference) : undefined;
  const found = number && (await findRevision(tx, articleId, number));
  if (!found) throw problem("not-found", `The article has no revision ${reference}.`);
  return found;
}

/** What is told of a revision. */
export function presentRevision(about: RevisionAbout): Revision {
  const { number, action, changed, edition, restoredFrom, actorId, actorName, createdAt } = about;
  return {
    number,
    action: action as RevisionAction,
    changed,
    edition,
    restoredFrom,
    by: { id: actorId, name: actorName },
    createdAt: createdAt.toISOString(),
  };
}

/** A kept copy in the shape that articles are answered in. */
export function presentContent(copy: KeptCopy): RevisionContent {
  return {
    ...copy,
    section: copy.section?.slug ?? null,
    tags: copy.tags.map(({ slug }) => slug),
    authors: copy.authors.map(({ id, name, slug }) => ({ id, name, slug })),
    keyPoints: copy.keyPoints.map((point, position) => ({ ...point, position })),
    relatedLinks: copy.relatedLinks.map((link, position) => ({ ...link, position })),
  };
}

/** Some revisions of an article without their content, by their numbers. */
export async function revisionsByNumber(
  tx: Transaction,
  articleId: string,
  numbers: number[],
): Promise<Map<number, Revision>> {
  const rows = await tx.revision.findMany({
    where: { articleId, number: { in: numbers } },
    omit: { content: true },
  });
  return new Map(rows.map((row) => [row.number, presentRevision(row)]));
}
