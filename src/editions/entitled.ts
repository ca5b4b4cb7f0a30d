import { type Audience, everyone } from "../access/audience.ts";
import { Prisma, type Transaction } from "../database/client.ts";

// What of all that is published an audience is entitled to: said here alone, as conditions that
// PostgreSQL holds against whatever is read. For whoever has no entitlement there is no condition.

/** Rows of which it can be told, each with what it is listed under (`terms_of` in the database) and `published_at`. */
const listedUnder = {
  publication: (row: string) => `terms_of(${row}.terms, ${row}.language)`,
  edition: (row: string) => `${row}.listed_under`,
  entry: (row: string) => `${row}.terms`,
};

/**
 * That a row is within an audience's entitlement, as conditions of which all must hold; none for whoever
 * gets all.
 *
 * @param kind what the row is of: `publications`, or a view of them, `editions` or `search_entries`
 * @param row its name in the statement
 */
export function entitledTo(audience: Audience, kind: keyof typeof listedUnder, row: string): Prisma.Sql[] {
  return Object.values(entitledRules(audience, kind, row));
}

/** The rules that an entitlement limits by. */
export type Rule = "section" | "tag" | "language" | "from" | "until";

/** The conditions of `entitledTo` by what they are about; those that limit nothing are left out. */
export function entitledRules(
  { entitlement }: Audience,
  kind: keyof typeof listedUnder,
  row: string,
): Partial<Record<Rule, Prisma.Sql>> {
  if (entitlement === null) return {};
  const { sections, tags, languages, from, until } = entitlement;
  const publishedAt = Prisma.raw(`${row}.published_at`);
  return {
    ...(sections.length > 0 && { section: hasAnyOf(sections, kind, row) }),
    ...(tags.length > 0 && { tag: hasAnyOf(tags, kind, row) }),
    ...(languages.length > 0 && { language: hasAnyOf(languages, kind, row) }),
    ...(from !== null && { from: Prisma.sql`${publishedAt} >= ${from}::timestamptz` }),
    ...(until !== null && { until: Prisma.sql`${publishedAt} < ${until}::timestamptz` }),
  };
}

function hasAnyOf(terms: readonly string[], kind: keyof typeof listedUnder, row: string): Prisma.Sql {
  return Prisma.sql`${Prisma.raw(listedUnder[kind](row))} && ${[...terms]}::uuid[]`;
}

/** Of `entitledTo` what is a matter of when a row was published. */
export function entitledSpan(audience: Audience, row: string): Prisma.Sql[] {
  const { from, until } = entitledRules(audience, "entry", row);
  return [from ?? [], until ?? []].flat();
}

/** The lists of terms of which an entitlement asks for one each. */
const choicesOf = ({ entitlement }: Audience) =>
  entitlement === null ? [] : [entitlement.sections, entitlement.tags, entitlement.languages];

/** The terms that all that an audience is entitled to is listed under: lists can go by one of them. */
export function entitledTerms(audience: Audience): string[] {
  return choicesOf(audience).flatMap((terms) => (terms.length === 1 ? terms : []));
}

/** Of `entitledTo` what is a matter neither of time nor of those terms: to have one of several. */
export function entitledChoices(
  audience: Audience,
  kind: keyof typeof listedUnder,
  row: string,
): Prisma.Sql[] {
  return choicesOf(audience).flatMap((terms) => (terms.length > 1 ? hasAnyOf(terms, kind, row) : []));
}

/**
 * The articles of which an audience sees a planned edition already that is not within its entitlement, as
 * a statement that selects their ids; undefined for whoever gets all.
 */
export function seenOutside(audience: Audience): Prisma.Sql | undefined {
  if (audience.entitlement === null) return undefined;
  const seenFrom = Prisma.raw(audience.embargoed ? "coalesce(n.partners_from, n.live_from)" : "n.live_from");
  return Prisma.sql`
    SELECT n.article_id FROM planned_editions n
    WHERE ${seenFrom} <= statement_timestamp()
      AND NOT ${editionWithin(audience, Prisma.sql`n.article_id`, Prisma.sql`n.version`)}`;
}

/**
 * That an edition, named by its article's id and its number, is within an audience's entitlement.
 *
 * @param articleId an expression of the statement, as is `version`
 */
export function editionWithin(audience: Audience, articleId: Prisma.Sql, version: Prisma.Sql): Prisma.Sql {
  if (audience.entitlement === null) return Prisma.sql`true`;
  const within = [
    Prisma.sql`e.article_id = ${articleId}`,
    Prisma.sql`e.version = ${version}`,
    ...entitledTo(audience, "edition", "e"),
  ];
  // OFFSET keeps it one look-up by the key.
  return Prisma.sql`EXISTS (SELECT FROM editions e WHERE ${Prisma.join(within, " AND ")} OFFSET 0)`;
}

/** Names an edition among others. */
export const editionKey = (articleId: string, version: number) => `${articleId} ${version}`;

/** Of some editions those that an audience is entitled to, as `editionKey` names them. */
export async function editionsWithin(
  tx: Transaction,
  audience: Audience,
  editions: readonly { articleId: string; version: number }[],
): Promise<Set<string>> {
  if (audience.entitlement === null)
    return new Set(editions.map(({ articleId, version }) => editionKey(articleId, version)));
  const rows = await tx.$queryRaw<{ article_id: string; version: number }[]>`
    SELECT n.article_id, n.version
    FROM unnest(${editions.map(({ articleId }) => articleId)}::uuid[], ${editions.map(({ version }) => version)}::int[])
      AS n (article_id, version)
    WHERE ${editionWithin(audience, Prisma.sql`n.article_id`, Prisma.sql`n.version`)}`;
  return new Set(rows.map(({ article_id, version }) => editionKey(article_id, version)));
}

/**
 * What an audience sees at this moment, to be read from as the view `live`. Where an article is about to
 * be filed elsewhere by an edition that it sees already, it must be entitled to both, since lists go by
 * the former.
 */
export function viewFor(audience: Audience = everyone): Prisma.Sql {
  if (audience.entitlement === null) return shownFor(audience);
  const within = [
    ...entitledTo(audience, "publication", "v"),
    editionWithin(audience, Prisma.sql`v.article_id`, Prisma.sql`v.version`),
  ];
  return Prisma.sql`(SELECT * FROM ${shownFor(audience)} v WHERE ${Prisma.join(within, " AND ")})`;
}

/**
 * The same with what the audience is not entitled to: to show what was found by `isVisible`, which has
 * seen to that. Who gets summaries has them in place of documents here too.
 */
export function shownFor({ embargoed, entitlement }: Audience): Prisma.Sql {
  const view = Prisma.raw(embargoed ? "live_for_partners" : "live");
  if (entitlement?.content !== "summary") return view;
  return Prisma.sql`(
    SELECT article_id, headline, title_key, language, terms, published_at, updated_at, version, slug,
           summary AS document, summary, changes_at FROM ${view})`;
}
