import { type Actor, type Prisma, type Transaction, actorOf } from "../database/client.ts";
import type { ArticleStatus, Section } from "../database/generated/client.ts";
import { problem } from "../http/problems.ts";

// Which articles a caller may see and change, beyond what its scopes say of all. It is decided here
// alone, as a condition that PostgreSQL holds against lists and single articles alike.

/** The states in which an article is still its author's. */
const AUTHORS_OWN: ArticleStatus[] = ["draft"];

/** Whether an actor is kept from any articles at all. */
export function isKept(actor: Actor | null): actor is Actor & Required<Pick<Actor, "bounds">> {
  return actor?.bounds !== undefined && (actor.bounds.ownDrafts || actor.bounds.sectionIds.length > 0);
}

/** The working copies that an actor may see and change; a condition to be joined with those of a list. */
export function withinReach(actor: Actor | null): Prisma.ArticleWhereInput {
  if (!isKept(actor)) return {};
  const inState = actor.bounds.ownDrafts ? [{ status: { in: AUTHORS_OWN } }] : [];
  return { AND: [...boundsOf(actor), ...inState] };
}

/** The articles that an actor may let others link to: those within reach and those that all can read. */
export function withinSight(actor: Actor | null): Prisma.ArticleWhereInput {
  return isKept(actor) ? { OR: [withinReach(actor), inPublic()] } : {};
}

/**
 * Refuses an actor what is beyond its reach.
 *
 * @param reference the article as the request names it
 * @throws 403 when all can read the article, 404 when the actor may not know of it
 */
export async function requireReach(
  tx: Transaction,
  actor: Actor | null,
  id: string,
  reference: string,
): Promise<void> {
  if (!isKept(actor)) return;
  if ((await tx.article.count({ where: { id, ...withinReach(actor) } })) > 0) return;
  if ((await tx.article.count({ where: { id, deletedAt: null, ...inPublic() } })) > 0) {
    throw outOfReach(actor, `The article ${reference} is not one that the key may change`);
  }
  throw problem("not-found", `There is no article ${reference}.`);
}

/**
 * Holds an article that was just written against the bounds of whoever wrote it, so that none is
 * made outside of them or moved out.
 *
 * @throws 403 when it lies outside
 */
export async function requireWithinBounds(tx: Transaction, id: string): Promise<void> {
  const actor = actorOf(tx);
  if (!isKept(actor)) return;
  if ((await tx.article.count({ where: { id, AND: boundsOf(actor) } })) > 0) return;
  throw outOfReach(actor, "The article would be outside of what the key may change");
}

/**
 * Files a new article as its maker's key says: the author that the key is bound to stands on it,
 * and the only section that it is kept to is its section unless it names another.
 */
export async function filed<Copy extends { authors: Section[]; section: Section | null }>(
  tx: Transaction,
  copy: Copy,
): Promise<Copy> {
  const { authorId = null, sectionIds = [] } = actorOf(tx).bounds ?? {};
  const author =
    authorId === null || copy.authors.some(({ id }) => id === authorId)
      ? null
      : await tx.author.findUnique({ where: { id: authorId } });
  const [onlyId, ...others] = sectionIds;
  const section =
    copy.section ??
    (onlyId === undefined || others.length > 0
      ? null
      : await tx.section.findUnique({ where: { id: onlyId } }));
  return { ...copy, section, authors: author === null ? copy.authors : [...copy.authors, author] };
}

/** @returns the problem of a caller whose scopes suffice and whose bounds do not */
export function outOfReach(actor: Actor, what: string) {
  const { ownDrafts = false, sectionIds = [] } = actor.bounds ?? {};
  const bounds = [
    ...(ownDrafts ? ["its own drafts"] : []),
    ...(sectionIds.length > 0 ? ["the sections that it is bound to"] : []),
  ];
  return problem("out-of-reach", `${what}: "${actor.name}" is kept to ${bounds.join(" in ")}.`);
}

function boundsOf({ id, bounds }: Actor & Required<Pick<Actor, "bounds">>): Prisma.ArticleWhereInput[] {
  const { ownDrafts, authorId, sectionIds } = bounds;
  const own: Prisma.ArticleWhereInput[] = [
    { createdBy: id },
    ...(authorId === null ? [] : [{ authors: { some: { authorId } } }]),
  ];
  return [
    ...(ownDrafts ? [{ OR: own }] : []),
    ...(sectionIds.length > 0 ? [{ sectionId: { in: [...sectionIds] } }] : []),
  ];
}

function inPublic(): Prisma.ArticleWhereInput {
  const now = new Date();
  return { publication: { liveFrom: { lte: now }, OR: [{ liveUntil: null }, { liveUntil: { gt: now } }] } };
}
