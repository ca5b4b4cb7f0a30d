import { Prisma, type Transaction } from "../database/client.ts";
import type { Line } from "./schema.ts";

/** A line of the file that was found to be well-formed. */
export interface Sent {
  number: number;
  line: Line;
  text: string;
}

export interface Failure {
  line: number;
  reason: string;
}

/** How many lines, and how many characters of them, are put aside at once. */
const BATCH_LINES = 500;
const BATCH_LENGTH = 8_000_000;

/**
 * Puts the lines of an import aside, in tables that are gone with the transaction, so that they can
 * be held against each other and against what is here however many they are. What a line claims is
 * its alone; what it refers to must be in the file or here.
 */
export async function staging(tx: Transaction) {
  await tx.$executeRaw`
    CREATE TEMPORARY TABLE import_lines (line int PRIMARY KEY, kind text NOT NULL, id uuid NOT NULL, content text NOT NULL)
    ON COMMIT DROP`;
  await tx.$executeRaw`
    CREATE TEMPORARY TABLE import_claims (line int NOT NULL, kind text NOT NULL, name text NOT NULL, owner uuid NOT NULL)
    ON COMMIT DROP`;
  await tx.$executeRaw`
    CREATE TEMPORARY TABLE import_references (line int NOT NULL, kind text NOT NULL, id uuid NOT NULL) ON COMMIT DROP`;
  let waiting: Sent[] = [];
  let length = 0;

  const flush = async () => {
    const batch = waiting.filter(({ line }) => "id" in line);
    waiting = [];
    length = 0;
    if (batch.length === 0) return;
    await tx.$executeRaw`
      INSERT INTO import_lines SELECT * FROM unnest(
        ${batch.map(({ number }) => number)}::int[], ${batch.map(({ line }) => line.kind)}::text[],
        ${batch.map(({ line }) => ("id" in line ? line.id : ""))}::uuid[], ${batch.map(({ text }) => text)}::text[])`;
    const claims = batch.flatMap(claimsOf);
    await tx.$executeRaw`
      INSERT INTO import_claims SELECT * FROM unnest(
        ${claims.map(({ number }) => number)}::int[], ${claims.map(({ kind }) => kind)}::text[],
        ${claims.map(({ name }) => name)}::text[], ${claims.map(({ owner }) => owner)}::uuid[])`;
    const references = batch.flatMap(referencesOf);
    await tx.$executeRaw`
      INSERT INTO import_references SELECT * FROM unnest(
        ${references.map(({ number }) => number)}::int[], ${references.map(({ kind }) => kind)}::text[],
        ${references.map(({ id }) => id)}::uuid[])`;
  };

  return {
    async add(sent: Sent): Promise<void> {
      waiting.push(sent);
      length += sent.text.length;
      if (waiting.length >= BATCH_LINES || length >= BATCH_LENGTH) await flush();
    },
    /** All lines are there: what speaks against them, at most so many. */
    async check(most: number): Promise<Failure[]> {
      await flush();
      await tx.$executeRaw`CREATE INDEX ON import_lines (kind, id)`;
      await tx.$executeRaw`CREATE INDEX ON import_claims (kind, name)`;
      for (const table of ["import_lines", "import_claims", "import_references"])
        await tx.$executeRaw`ANALYZE ${Prisma.raw(table)}`;
      return tx.$queryRaw<Failure[]>`
        SELECT line, reason FROM (${Prisma.join(checks, " UNION ALL ")}) failures ORDER BY line, reason LIMIT ${most}`;
    },
    /** The next lines of a kind, in the order of the file. */
    async next(
      kind: Line["kind"],
      after: number,
      most: number,
    ): Promise<{ line: number; content: string }[]> {
      return tx.$queryRaw<{ line: number; content: string }[]>`
        SELECT line, content FROM import_lines WHERE kind = ${kind} AND line > ${after} ORDER BY line LIMIT ${most}`;
    },
  };
}

function claimsOf({ number, line }: Sent) {
  if (!("id" in line)) return [];
  const { id: owner } = line;
  const claim = (kind: string, name: string) => ({ number, kind, name, owner });
  const own = claim(line.kind === "withdrawal" ? "withdrawal" : "id", owner);
  if (line.kind === "article") {
    return [
      own,
      ...line.slugs.map(({ slug }) => claim("slug", slug)),
      ...line.keyPoints.map(({ id }) => claim("keyPoint", id)),
      ...line.relatedLinks.map(({ id }) => claim("relatedLink", id)),
    ];
  }
  if (line.kind === "withdrawal") return [own];
  if (line.kind === "tombstone") return [own, ...line.slugs.map(({ slug }) => claim("slug", slug))];
  return [own, claim(line.kind, line.slug)];
}

function referencesOf({ number, line }: Sent) {
  if (line.kind !== "article") return [];
  const reference = (kind: string, id: string) => ({ number, kind, id });
  return [
    ...(line.section === null ? [] : [reference("section", line.section)]),
    ...line.tags.map((id) => reference("tag", id)),
    ...line.authors.map((id) => reference("author", id)),
    ...line.relatedLinks.flatMap(({ articleId }) =>
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
    SELECT sent.line, 'is an article that was purged here, which cannot come back' AS reason
    FROM import_lines sent JOIN tombstones ON article_id = sent.id WHERE sent.kind = 'article'`,
  Prisma.sql`
    SELECT sent.line, 'is live and was withdrawn for good here, so it cannot come back' AS reason
    FROM import_lines sent JOIN withdrawals here ON here.article_id = sent.id
    WHERE sent.kind = 'article' AND json_typeof(sent.content::json -> 'live') = 'object'`,
  Prisma.sql`
    SELECT sent.line, 'is live and withdrawn for good in the same file' AS reason
    FROM import_lines sent JOIN import_lines killed USING (id)
    WHERE sent.kind = 'article' AND killed.kind = 'withdrawal' AND json_typeof(sent.content::json -> 'live') = 'object'`,
  Prisma.sql`
    SELECT sent.line, 'was purged where it comes from and is an article here: put that into the trash and purge it' AS reason
    FROM import_lines sent JOIN articles here USING (id) WHERE sent.kind = 'tombstone'`,
  ...Object.entries(homes).map(
    ([kind, table]) => Prisma.sql`
    SELECT named.line, 'names the ' || named.kind || ' ' || named.id || ', which is neither in the file nor here' AS reason
    FROM import_references named WHERE named.kind = ${kind}
      AND NOT EXISTS (SELECT FROM import_lines sent WHERE sent.kind = ${kind} AND sent.id = named.id)
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
