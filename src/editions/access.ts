import { type Audience, everyone } from "../access/audience.ts";
import type { ShownEntitlement } from "../access/entitlements/schema.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import type { EditionDocument } from "./document.ts";
import { type Rule, entitledRules, viewFor } from "./entitled.ts";

/** What a rule says of an article. */
export interface Finding {
  rule: "published" | "embargo" | Rule;
  allowed: boolean;
  detail: string;
}

/** Whether an audience gets an article at this moment, and what each rule says of it. */
export interface Access {
  allowed: boolean;
  /** The number of the edition that the rules were held against; null when there is none. */
  edition: number | null;
  rules: Finding[];
}

interface Row {
  version: number;
  is_public: boolean;
  is_early: boolean;
  is_seen: boolean;
  document: Pick<EditionDocument, "section" | "tags" | "language" | "publishedAt">;
  outside: Rule[];
}

/**
 * Finds out why an audience gets an article or does not, by the very conditions that it is read with. Of
 * an article that is not live the rules are held against its last edition.
 *
 * @param entitlement the audience's, as it is answered; null when it gets all
 */
export async function explainAccess(
  tx: Transaction,
  articleId: string,
  audience: Audience,
  entitlement: ShownEntitlement | null,
): Promise<Access> {
  const early = { ...everyone, embargoed: true };
  const seenBy = (who: Audience) =>
    Prisma.sql`EXISTS (SELECT FROM ${viewFor(who)} v WHERE v.article_id = e.article_id)`;
  // Lists go by what is in its place, even when another edition is seen already: both count.
  const outside = Object.entries(entitledRules(audience, "edition", "b")).map(
    ([rule, holds]) => Prisma.sql`
      SELECT ${rule} WHERE EXISTS (
        SELECT FROM editions b WHERE b.article_id = e.article_id AND NOT (${holds}) AND (
          b.version = e.version
          OR b.version = (SELECT p.version FROM publications p WHERE p.article_id = e.article_id)))`,
  );
  const [row] = await tx.$queryRaw<Row[]>`
    SELECT e.version, e.document, ${seenBy(everyone)} AS is_public, ${seenBy(early)} AS is_early,
           ${seenBy(audience)} AS is_seen,
           ARRAY(${outside.length === 0 ? Prisma.sql`SELECT ''::text WHERE false` : Prisma.join(outside, " UNION ALL ")}) AS outside
    FROM editions e WHERE e.article_id = ${articleId}::uuid AND e.version = coalesce(
      (SELECT v.version FROM ${viewFor({ ...audience, entitlement: null })} v WHERE v.article_id = ${articleId}::uuid),
      (SELECT max(version) FROM editions WHERE article_id = ${articleId}::uuid))`;
  if (row === undefined)
    return {
      allowed: false,
      edition: null,
      rules: [{ rule: "published", allowed: false, detail: "The article has never been published." }],
    };
  const { version: edition, is_seen: allowed } = row;
  return { allowed, edition, rules: [...stateOf(row, audience), ...limitsOf(row, entitlement)] };
}

function stateOf(row: Row, audience: Audience): Finding[] {
  const isThere = row.is_public || row.is_early;
  const published: Finding = {
    rule: "published",
    allowed: isThere,
    detail: row.is_public
      ? "The article is live."
      : row.is_early
        ? "The article is published under an embargo that has not ended."
        : "The article is not live.",
  };
  if (row.is_public || !row.is_early) return [published];
  const { embargoed } = audience;
  const detail = embargoed
    ? "The key gets what is under embargo before its time."
    : "The key does not get what is under embargo before its time.";
  return [published, { rule: "embargo", allowed: embargoed, detail }];
}

/** In words: what the key is entitled to, and what the article is. */
function limitsOf({ document, outside }: Row, entitlement: ShownEntitlement | null): Finding[] {
  if (entitlement === null) return [];
  const { section, tags, language, publishedAt } = document;
  const { sections, tags: entitledTags, languages, from, until } = entitlement;
  const words: [Rule, string | undefined, string][] = [
    ["section", listed(sections), `the article is of ${section ?? "no section"}`],
    ["tag", listed(entitledTags), `the article has ${listed(tags) ?? "no tags"}`],
    ["language", listed(languages), `the article is in ${language}`],
    ["from", from ?? undefined, `the article was published at ${publishedAt ?? "no time"}`],
    ["until", until ?? undefined, `the article was published at ${publishedAt ?? "no time"}`],
  ];
  const limits: Record<Rule, string> = {
    section: "one of the sections",
    tag: "one of the tags",
    language: "one of the languages",
    from: "what was published from",
    until: "what was published before",
  };
  return words.flatMap(([rule, entitled, is]) =>
    entitled === undefined
      ? []
      : {
          rule,
          allowed: !outside.includes(rule),
          detail: `The key is entitled to ${limits[rule]} ${entitled}; ${is}.`,
        },
  );
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(", ");
}
