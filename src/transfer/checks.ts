import { Prisma } from "../database/client.ts";
import type { Run } from "../imports/staging.ts";
import type { SentLine } from "./lines.ts";

/** How many lines, and how many claims and references of them, are put aside at once. */
const BATCH = 500;

/**
 * Holds the lines of an export against each other and against what is here, however many they are.
 * What a line claims is its alone; what it refers to must be in the file or here.
 */
export async function checking(run: Run) {
  await run(Prisma.sql`
    CREATE TEMPORARY TABLE import_claims (line int NOT NULL, kind text NOT NULL, name text NOT NULL, owner uuid NOT NULL)
    ON COMMIT DROP`);
  await run(Prisma.sql`
    CREATE TEMPORARY TABLE import_references (line int NOT NULL, kind text NOT NULL, id uuid NOT NULL) ON COMMIT DROP`);
  let claims: ReturnType<typeof claimsOf> = [];
  let references: ReturnType<typeof referencesOf> = [];

  const flush = async () => {
    await run(Prisma.sql`
      INSERT INTO import_claims SELECT * FROM unnest(
        ${claims.map(({ line }) => line)}::int[], ${claims.map(({ kind }) => kind)}::text[],
        ${claims.map(({ name }) => name)}::text[], ${claims.map(({ owner }) => owner)}::uuid[])`);
    await run(Prisma.sql`
      INSERT INTO import_references SELECT * FROM unnest(
        ${references.map(({ line }) => line)}::int[], ${references.map(({ kind }) => kind)}::text[],
        ${references.map(({ id }) => id)}::uuid[])`);
    claims = [];
    references = [];
  };

  return {
    async add(sent: SentLine): Promise<void> {
      claims.push(...claimsOf(sent));
      references.push(...referencesOf(sent));
      if (claims.length + references.length >= BATCH) await flush();
    },
    /** All lines are there, and put aside: what speaks against them, at most so many. */
    async failures(most: number): Promise<{ line: number; reason: string }[]> {
      await flush();
      await run(Prisma.sql`CREATE INDEX ON import_claims (kind, name)`);
      for (const table of ["import_claims", "import_references"])
        await run(Prisma.sql`ANALYZE ${Prisma.raw(table)}`);
      return run<{ line: number; reason: string }>(Prisma.sql`
        SELECT line, reason FROM (${Prisma.join(checks, " UNION ALL ")}) failures ORDER BY line, reason LIMIT ${most}`);
    },
  };
}

function claimsOf({ line, said }: SentLine) {
  const { id: owner } = said;
  const claim = (kind: string, name: string) => ({ line, kind, name, owner });
  const own = claim(said.kind === "withdrawal" ? "withdrawal" : "id", owner);
  if (said.kind === "article") {
    return [
      own,
      ...said.slugs.map(({ slug }) => claim("slug", slug)),
      ...said.keyPoints.map(({ id }) => claim("keyPoint", id)),
      ...said.relatedLinks.map(({ id }) => claim("relatedLink", id)),
      ...(said.importedFrom ?? []).map(({ source }) => claim("source", source)),
    ];
  }
  if (said.kind === "withdrawal") return [own];
  if (said.kind === "tombstone") return [own, ...said.slugs.map(({ slug }) => claim("slug", slug))];
  return [own, claim(said.kind, said.slug)];
}

function referencesOf({ line, said }: SentLine) {
  if (said.kind !== "article") return [];
  const reference = (kind: string, id: string) => ({ line, kind, id });
  return [
    ...(said.section === null ? [] : [reference("section", said.section)]),
    ...said.tags.map((id) => reference("tag", id)),
    ...said.authors.map((id) => reference("author", id)),
    ...said.relatedLinks.flatMap(({ articleId }) =>
      articleId === null ? [] : [reference("article", articleId)],
    ),
  ];
}

const homes = { section: "sections", tag: "tags", author: "authors", article: "articles" };
const items = { keyPoint: "key_points", relatedLink: "related_links" };

/** Each finds lines that something speaks against. */
const checks: Prisma.Sql[] = [
  Prisma.sql`
    SELECT line, 'names ' || kind || ' ' || name || ', which an earlier line does already' AS reason
    FROM (SELECT *, row_number() OVER (PARTITION BY kind, name ORDER BY line) AS number FROM import_claims) claim
    WHERE number > 1`,
  Prisma.sql`
    SELECT claim.line, 'has the slug ' || claim.name || ', which belongs to another article here' AS reason
    FROM import_claims claim JOIN slugs held ON held.slug = claim.name
    WHERE claim.kind = 'slug' AND coalesce(held.article_id, held.tombstone_id) <> claim.owner`,
  Prisma.sql`
    SELECT claim.line, 'comes from ' || claim.name || ', which another article here comes from' AS reason
    FROM import_claims claim JOIN imported_items held ON held.source = claim.name
    WHERE claim.kind = 'source' AND held.article_id <> claim.owner`,
  Prisma.sql`
    SELECT sent.line, 'is an article that was purged here, which cannot come back' AS reason
    FROM import_entries sent JOIN tombstones ON article_id = sent.key::uuid WHERE sent.kind = 'article'`,
  Prisma.sql`
    SELECT sent.line, 'is live and was withdrawn for good here, so it cannot come back' AS reason
    FROM import_entries sent JOIN withdrawals here ON here.article_id = sent.key::uuid
    WHERE sent.kind = 'article' AND json_typeof(sent.content::json -> 'live') = 'object'`,
  Prisma.sql`
    SELECT sent.line, 'is live and withdrawn for good in the same file' AS reason
    FROM import_entries sent JOIN import_entries killed USING (key)
    WHERE sent.kind = 'article' AND killed.kind = 'withdrawal' AND json_typeof(sent.content::json -> 'live') = 'object'`,
  Prisma.sql`
    SELECT sent.line, 'was purged where it comes from and is an article here: put that into the trash and purge it' AS reason
    FROM import_entries sent JOIN articles here ON here.id = sent.key::uuid WHERE sent.kind = 'tombstone'`,
  ...Object.entries(homes).map(
    ([kind, table]) => Prisma.sql`
    SELECT named.line, 'names the ' || named.kind || ' ' || named.id || ', which is neither in the file nor here' AS reason
    FROM import_references named WHERE named.kind = ${kind}
      AND NOT EXISTS (SELECT FROM import_entries sent WHERE sent.kind = ${kind} AND sent.key = named.id::text)
      AND NOT EXISTS (SELECT FROM ${Prisma.raw(table)} here WHERE here.id = named.id)`,
  ),
  ...Object.entries(homes)
    .filter(([kind]) => kind !== "article")
    .map(
      ([kind, table]) => Prisma.sql`
    SELECT claim.line, 'has the slug ' || claim.name || ', which another ' || claim.kind || ' has here, with the id ' || here.id AS reason
    FROM import_claims claim JOIN ${Prisma.raw(table)} here ON here.slug = claim.name
    WHERE claim.kind = ${kind} AND here.id <> claim.owner`,
    ),
  ...Object.entries(items).map(
    ([kind, table]) => Prisma.sql`
    SELECT claim.line, 'has the ' || claim.kind || ' ' || claim.name || ', which belongs to another article here' AS reason
    FROM import_claims claim JOIN ${Prisma.raw(table)} here
      ON here.id = CASE WHEN claim.kind = ${kind} THEN claim.name::uuid END
    WHERE claim.kind = ${kind} AND here.article_id <> claim.owner`,
  ),
];
