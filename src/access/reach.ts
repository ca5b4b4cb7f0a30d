import { Prisma, type Transaction } from "../database/client.ts";
import { type Actor, actorOf } from "../database/transactions.ts";
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

/** The working copies that an actor may see and change, as conditions on the `id` of an article. */
export function withinReach(actor: Actor | null): Prisma.Sql[] {
  if (!isKept(actor)) return [];
  const inState = actor.bounds.ownDrafts
    ? [Prisma.sql`a.status = ANY (${AUTHORS_OWN}::"ArticleStatus"[])`]
    : [];
  return [idWhere([...boundsOf(actor), ...inState])];
}

/** Of some articles those that the actor may let others link to: what it reaches and what all can read. */
export async function withinSight(
  tx: Transaction,
  ids: string[],
  actor: Actor | null = actorOf(tx),
): Promise<string[]> {
  if (!isKept(actor)) return ids;
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM articles WHERE id = ANY (${ids}::uuid[])
      AND (${Prisma.join(withinReach(actor), " AND ")} OR ${idWhere([inPublic])})`;
  return rows.map(({ id }) => id);
}

/** Whether an actor may see an article's working copy, as far as its bounds go. */
export async function reaches(tx: Transaction, actor: Actor | null, id: string): Promise<boolean> {
  return !isKept(actor) || fits(tx, id, withinReach(actor));
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
  if (!isKept(actor) || (await reaches(tx, actor, id))) return;
  if (await fits(tx, id, [idWhere([inPublic])])) {
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
  if (await fits(tx, id, [idWhere(boundsOf(actor))])) return;
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

/** Conditions on an article as `a`, of which there is at least one. */
function boundsOf({ id, bounds }: Actor & Required<Pick<Actor, "bounds">>): Prisma.Sql[] {
  const { ownDrafts, authorId, sectionIds } = bounds;
  const own = Prisma.sql`a.id IN (
    SELECT id FROM articles WHERE created_by = ${id}::uuid
    UNION SELECT article_id FROM article_authors WHERE author_id = ${authorId}::uuid)`;
  return [
    ...(ownDrafts ? [own] : []),
    ...(sectionIds.length > 0 ? [Prisma.sql`a.section_id = ANY (${[...sectionIds]}::uuid[])`] : []),
  ];
}

/** What readers see at this moment; what is in the trash is not among it. */
const inPublic = Prisma.sql`EXISTS (
  SELECT FROM publications p WHERE p.article_id = a.id
    AND p.live_from <= statement_timestamp() AND (p.live_until IS NULL OR p.live_until > statement_timestamp()))`;

function idWhere(conditions: Prisma.Sql[]): Prisma.Sql {
  return Prisma.sql`id IN (SELECT a.id FROM articles a WHERE ${Prisma.join(conditions, " AND ")})`;
}

async function fits(tx: Transaction, id: string, conditions: Prisma.Sql[]): Promise<boolean> {
  const [found] = await tx.$queryRaw<[{ fits: boolean }]>`
    SELECT EXISTS (SELECT FROM articles WHERE id = ${id}::uuid AND ${Prisma.join(conditions, " AND ")}) AS fits`;
  return found.fits;
}
