import { v7 as uuid } from "uuid";
import { isKept } from "../access/reach.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { databaseCode } from "../database/errors.ts";
import { actorOf, concern } from "../database/transactions.ts";
import type { Section } from "../database/generated/client.ts";
import { type FieldError, pathPointer, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { slugify } from "../http/slugify.ts";
import { type Kind, type TermReference, kinds } from "./schema.ts";

/** A section, tag or author: they are stored alike. */
export type Term = Section;

/** The table of a kind. The three models have the same fields, which Prisma's types cannot know. */
export function tableOf(tx: Transaction, kind: Kind): Transaction["section"] {
  return tx[kind] as Transaction["section"];
}

/** @throws 404 when nothing has this id or slug */
export async function findTerm(tx: Transaction, kind: Kind, reference: string): Promise<Term> {
  const term = await tableOf(tx, kind).findUnique({
    where: isId(reference) ? { id: reference.toLowerCase() } : { slug: reference },
  });
  if (term === null) throw problem("not-found", `There is no ${kinds[kind].noun} ${reference}.`);
  return term;
}

/** The terms of a kind that have these ids. */
export async function termsById(tx: Transaction, kind: Kind, ids: readonly string[]): Promise<Term[]> {
  return ids.length === 0 ? [] : tableOf(tx, kind).findMany({ where: { id: { in: [...ids] } } });
}

/** The terms of a kind that have these slugs, by slug. */
export async function termsBySlug(
  tx: Transaction,
  kind: Kind,
  slugs: readonly string[],
): Promise<Map<string, Term>> {
  const found =
    slugs.length === 0
      ? []
      : await tableOf(tx, kind).findMany({ where: { slug: { in: [...new Set(slugs)] } } });
  return new Map(found.map((term) => [term.slug, term]));
}

/**
 * Finds a term to change it, and keeps others from changing it until the transaction ends.
 *
 * @throws 404 when nothing has this id or slug
 */
export async function lockTerm(tx: Transaction, kind: Kind, reference: string): Promise<Term> {
  const { id } = await findTerm(tx, kind, reference);
  concern(tx, kinds[kind].plural, id);
  await tx.$queryRaw`SELECT id FROM ${Prisma.raw(kinds[kind].plural)} WHERE id = ${id}::uuid FOR UPDATE`;
  return findTerm(tx, kind, id);
}

/** @throws 409 when the slug is taken */
export async function createTerm(
  tx: Transaction,
  kind: Kind,
  input: { name: string; slug?: string | undefined; description?: string | null | undefined },
): Promise<Term> {
  const id = uuid();
  const slug = input.slug ?? slugify(input.name, `${kind}-${id.slice(-12)}`);
  return tableOf(tx, kind)
    .create({ data: { id, name: input.name, slug, description: input.description ?? null } })
    .catch((error: unknown) => {
      throw databaseCode(error) === "23505" ? slugTaken(kind, slug) : error;
    });
}

/** @throws 409 when the new slug is taken, or the old one is in use */
export async function changeTerm(
  tx: Transaction,
  kind: Kind,
  term: Term,
  change: { name?: string | undefined; slug?: string | undefined; description?: string | null | undefined },
): Promise<Term> {
  const changed = (["name", "slug", "description"] as const).filter(
    (field) => change[field] !== undefined && change[field] !== term[field],
  );
  if (changed.length === 0) return term;
  if (changed.includes("slug")) await refuseInUse(tx, kind, term, "its slug is fixed");
  const data = Object.fromEntries(changed.map((field) => [field, change[field]]));
  return tableOf(tx, kind)
    .update({ where: { id: term.id }, data: { ...data, updatedAt: new Date() } })
    .catch((error: unknown) => {
      throw databaseCode(error) === "23505" ? slugTaken(kind, change.slug ?? "") : error;
    });
}

/** @throws 409 when an article uses it */
export async function deleteTerm(tx: Transaction, kind: Kind, term: Term): Promise<void> {
  await refuseInUse(tx, kind, term, "it cannot be deleted");
  await tableOf(tx, kind)
    .delete({ where: { id: term.id } })
    .catch((error: unknown) => {
      // 23503 is a foreign key violation: an article has begun to use it a moment ago.
      throw databaseCode(error) === "23503" ? inUse(kind, term, "it cannot be deleted") : error;
    });
}

/**
 * The terms that an article names, in its order, each once. Those named by what to make are made.
 *
 * @param place where in the body the references stand, for the errors
 * @returns the terms, and an error for each reference that names nothing
 */
export async function resolveTerms(
  tx: Transaction,
  kind: Kind,
  references: readonly TermReference[],
  place: (index: number) => PropertyKey[],
): Promise<{ terms: Term[]; errors: FieldError[] }> {
  const terms = new Map<string, Term>();
  const errors: FieldError[] = [];
  for (const [index, reference] of references.entries()) {
    const term = await resolveTerm(tx, kind, reference);
    if (term === undefined) {
      errors.push({ pointer: pathPointer(place(index)), detail: `names no ${kinds[kind].noun} that exists` });
    } else {
      terms.set(term.id, term);
    }
  }
  return { terms: [...terms.values()], errors };
}

/** Makes those terms that are not there, for whoever may; all are known by their slugs then. */
export async function ensureTerms(
  tx: Transaction,
  kind: Kind,
  terms: readonly { name: string; slug: string; description?: string | null | undefined }[],
): Promise<void> {
  if (terms.length === 0 || isKept(actorOf(tx))) return;
  const data = terms.map(({ description = null, ...term }) => ({ id: uuid(), ...term, description }));
  await tableOf(tx, kind).createMany({ data, skipDuplicates: true });
}

async function resolveTerm(tx: Transaction, kind: Kind, reference: TermReference): Promise<Term | undefined> {
  const table = tableOf(tx, kind);
  if (typeof reference === "string")
    return (await table.findUnique({ where: { slug: reference } })) ?? undefined;
  const { id, name } = reference;
  if (id !== undefined) return (await table.findUnique({ where: { id } })) ?? undefined;
  const slug = reference.slug ?? slugify(name ?? "", "");
  const existing = slug === "" ? null : await table.findUnique({ where: { slug } });
  if (existing !== null) return existing;
  // Whoever is kept to a part of the newsroom makes none that all of it would have.
  if (name === undefined || isKept(actorOf(tx))) return undefined;
  if (slug === "") return createTerm(tx, kind, { name });
  // Whoever names the same new term at the same time gets the one that was made first.
  await table.createMany({ data: [{ id: uuid(), name, slug }], skipDuplicates: true });
  return (await table.findUnique({ where: { slug } })) ?? undefined;
}

async function refuseInUse(tx: Transaction, kind: Kind, term: Term, consequence: string): Promise<void> {
  const [found] = await tx.$queryRaw<[{ used: boolean }]>`
    SELECT EXISTS (SELECT FROM articles WHERE section_id = ${term.id}::uuid)
        OR EXISTS (SELECT FROM article_tags WHERE tag_id = ${term.id}::uuid)
        OR EXISTS (SELECT FROM article_authors WHERE author_id = ${term.id}::uuid)
        OR EXISTS (SELECT FROM listings WHERE term = ${term.id}::uuid)
        OR EXISTS (
          SELECT FROM articles a JOIN editions e ON e.article_id = a.id AND e.version = a.version + 1
          WHERE a.scheduled_for IS NOT NULL AND ${term.id}::uuid = ANY (e.terms)
        ) AS used`;
  if (found.used) throw inUse(kind, term, consequence);
}

function inUse(kind: Kind, term: Term, consequence: string) {
  return problem(
    "in-use",
    `Articles or keys use the ${kinds[kind].noun} ${term.slug}, so ${consequence}. Take it off those articles, and publish them, and revoke those keys, first.`,
  );
}

function slugTaken(kind: Kind, slug: string) {
  return problem(
    "slug-taken",
    `The slug ${slug} is taken by another ${kinds[kind].noun}. Send another slug.`,
  );
}
