import { everyone } from "../access/audience.ts";
import { Prisma } from "../database/client.ts";
import { withoutUnseen } from "../editions/unseen.ts";
import type { Newsroom } from "../newsroom.ts";
import { type Position, expired } from "./position.ts";
import { type Told, type ToldKind, anyone, changesFor, everWithin, toldView } from "./told.ts";

/** A change as it is told. */
export interface FoundChange {
  /** Null for what was live when a partner started, which no single change tells of. */
  sequence: bigint | null;
  kind: ToldKind;
  articleId: string;
  version: number;
  slug: string;
  detail: object | null;
  at: Date;
  /** When it was written down. */
  recordedAt: Date;
  /** The edition as readers get it now, as JSON; null when they do not, or get a later one. */
  document: string | null;
  /** Where it leaves whoever knows it. */
  position: Position;
}

export interface ChangePage {
  changes: FoundChange[];
  /** Where to go on, whether or not there was anything. */
  next: Position;
  /** Whether more is known to follow, of which some may be told. */
  hasMore: boolean;
}

interface State {
  last: string;
  pruned: string;
}

/** A change as it is read; `kind` is null where it is not told. */
interface Row {
  sequence: string | null;
  kind: ToldKind | null;
  article_id: string;
  version: number;
  slug: string;
  detail: Record<string, unknown> | null;
  at: Date;
  recorded_at: Date;
  is_live: boolean;
  document: string | null;
}

/** How many changes are looked through at once for those who are told of few. */
const LOOKED_THROUGH = 1_000;

/** The number of the last change there was, and of the last that is kept no more; 0 for none. */
const state = Prisma.sql`SELECT coalesce((SELECT max(sequence) FROM changes), changes_pruned_to) AS last,
    changes_pruned_to AS pruned FROM installation`;

/** Whether a number was given to anybody: that of a change that is kept, or of the last that is not. */
const isKnown = (number: bigint) => Prisma.sql`(log.pruned = ${String(number)}::bigint
  OR EXISTS (SELECT FROM changes WHERE sequence = ${String(number)}::bigint)) AS is_known`;

/**
 * Numbers are given out, and changes committed, by one transaction after the other (`takeTurn` in
 * src/editions/live.ts), so what a statement sees is the log up to some number without a gap that
 * could be filled later. One statement reads the changes, what is live of them and how far the log
 * reaches back, so that the three fit each other.
 */
const afterNumber = (told: Told, number: bigint, most: number) =>
  changesFor(
    told,
    Prisma.sql`(SELECT * FROM changes WHERE sequence > ${String(number)}::bigint ORDER BY sequence LIMIT ${most})`,
  );

/**
 * What is live, of each what has not changed since a number: what has comes with its change. Where that
 * is for those alone who are entitled to a part, it comes to no other.
 */
const liveAtNumber = (told: Told, number: bigint, after: string, most: number) => Prisma.sql`
  SELECT NULL::bigint AS sequence, n.article_id,
    CASE WHEN p.article_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM changes c WHERE c.article_id = n.article_id AND c.sequence > ${String(number)}::bigint
        AND (c.kind <> 'relinked' OR ${told.entitlement !== null})) THEN 'published' END AS kind,
    p.version, p.slug, NULL::jsonb AS detail, p.updated_at AS at, p.updated_at AS recorded_at, true AS is_live,
    p.document
  FROM (SELECT article_id FROM live WHERE article_id > ${after}::uuid ORDER BY article_id LIMIT ${most}) n
  LEFT JOIN ${toldView(told)} p ON p.article_id = n.article_id`;

/**
 * What was found after a number up to one more than so many that are told, with the editions of those.
 *
 * @param order the column that it goes by
 */
const upTo = (
  number: bigint,
  found: Prisma.Sql,
  order: "sequence" | "article_id",
  limit: number,
  editions: boolean,
) => Prisma.sql`
  SELECT log.last, log.pruned, ${isKnown(number)}, f.sequence, f.kind, f.article_id, f.version, f.slug, f.detail, f.at, f.recorded_at,
    f.is_live, ${Prisma.raw(editions ? "CASE WHEN f.kind IS NOT NULL THEN f.document END" : "NULL::text")} AS document
  FROM (${state}) log LEFT JOIN LATERAL (
    SELECT * FROM (
      SELECT found.*, count(found.kind) OVER (ORDER BY ${Prisma.raw(order)}) AS nth FROM (${found}) found
    ) counted WHERE nth <= ${limit + 1}
  ) f ON true ORDER BY f.${Prisma.raw(order)}`;

/** Before all ids. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/** Where one starts who has nothing: before all that is live. */
export async function startPosition(newsroom: Newsroom): Promise<Position> {
  return { ...(await presentPosition(newsroom)), after: FIRST };
}

/** Where one starts who wants to know only what is yet to come. */
export async function presentPosition({ statements }: Newsroom): Promise<Position> {
  const { rows } = await statements.query<State>({ name: "change log", text: state.text });
  return { sequence: BigInt(rows[0]?.last ?? 0) };
}

/**
 * Reads what follows on a place: the one way by which anything that was changed leaves for partners.
 *
 * A change that was overtaken, or whose article readers get no more, comes without its edition, so
 * that nobody is shown what was taken back; a later change says what became of it. Whoever is entitled
 * to a part is told of that alone, and of what leaves it that it was withdrawn.
 *
 * @param limit how many are told at the most; a page may have fewer though more follows
 * @param options.editions whether the editions are wanted
 * @throws 410 when not all that follows is kept
 */
export async function readChanges(
  newsroom: Pick<Newsroom, "statements" | "database">,
  position: Position,
  limit: number,
  told = anyone,
  { editions = true } = {},
): Promise<ChangePage> {
  const { sequence, after } = position;
  const isPart = told.entitlement !== null;
  // One more than asked, to know whether more follows.
  const most = isPart ? Math.max(LOOKED_THROUGH, limit) + 1 : limit + 1;
  const found =
    after === undefined
      ? upTo(sequence, afterNumber(told, sequence, most), "sequence", limit, editions)
      : upTo(sequence, liveAtNumber(told, sequence, after, most), "article_id", limit, editions);
  const name = `changes ${after === undefined ? "after a number" : "since the start"} ${editions}`;
  const { rows } = await newsroom.statements.query<Row & State & { is_known: boolean }>({
    ...(isPart ? {} : { name }),
    text: found.text,
    values: found.values,
  });
  const { pruned = "0", is_known = false } = rows[0] ?? {};
  if (!is_known)
    throw expired(
      sequence < BigInt(pruned)
        ? "What came after this cursor is not kept any more."
        : "What this cursor leads to is not in the change log: the database was set back to an earlier state.",
    );
  const there = rows.filter(({ article_id }) => article_id !== null);
  // Up to the last that is told of, or all that was looked through.
  const beyond = there.findIndex((_, index) => tells(there.slice(0, index + 1)) > limit);
  const cut = beyond === -1 ? there.slice(0, most - 1) : there.slice(0, beyond);
  const hasMore = cut.length < there.length;
  const changes = cut.flatMap((row) => changeOf(row, positionAfter(row, sequence)));
  const end = cut.at(-1);
  return {
    changes: await seenBy(newsroom, told, changes),
    // Whoever has all that was live goes on with what has changed since.
    next: (end !== undefined && (after === undefined || hasMore)
      ? positionAfter(end, sequence)
      : undefined) ?? {
      sequence,
    },
    hasMore,
  };
}

/**
 * Reads the change of a number as `readChanges` would.
 *
 * @returns undefined when the log does not have it any more, or the audience is not told of it
 */
export async function readChange(
  newsroom: Pick<Newsroom, "statements" | "database">,
  sequence: bigint,
  told = anyone,
): Promise<FoundChange | undefined> {
  const number = String(sequence);
  const { text, values } = changesFor(
    told,
    Prisma.sql`(SELECT * FROM changes WHERE sequence = ${number}::bigint)`,
  );
  const isPart = told.entitlement !== null;
  const { rows } = await newsroom.statements.query<Row>({
    ...(isPart ? {} : { name: "change of a number" }),
    text,
    values,
  });
  const changes = rows.flatMap((row) => changeOf(row, { sequence }));
  return (await seenBy(newsroom, told, changes))[0];
}

/**
 * Reads how an article stands for an audience, as if it had just come or gone: for those whose
 * entitlement was changed.
 *
 * @param position where it leaves whoever knows it
 * @returns undefined when the audience neither has it nor had it
 */
export async function readStanding(
  newsroom: Pick<Newsroom, "statements" | "database">,
  articleId: string,
  position: Position,
  told: Told,
): Promise<FoundChange | undefined> {
  const [row] = await newsroom.database.$queryRaw<Row[]>`
    SELECT NULL::text AS sequence, 'published' AS kind, p.article_id, p.version, p.slug, NULL::jsonb AS detail,
      p.updated_at AS at, p.updated_at AS recorded_at, true AS is_live, p.document
    FROM ${toldView(told)} p WHERE p.article_id = ${articleId}::uuid
    UNION ALL (
      SELECT NULL::text, 'withdrawn', e.article_id, e.version, e.document->>'slug', NULL::jsonb,
        statement_timestamp(), statement_timestamp(), false, NULL
      FROM editions e WHERE e.article_id = ${articleId}::uuid AND e.live_from <= statement_timestamp()
        AND ${everWithin(told, "e")} ORDER BY e.version DESC LIMIT 1)
    LIMIT 1`;
  return row === undefined ? undefined : (await seenBy(newsroom, told, changeOf(row, position)))[0];
}

/** How many articles some changes give away. */
export function articlesIn(changes: readonly FoundChange[]): number {
  return changes.filter(({ document }) => document !== null).length;
}

const tells = (rows: readonly Row[]) => rows.filter(({ kind }) => kind !== null).length;

function positionAfter(row: Row, start: bigint): Position {
  return row.sequence === null
    ? { sequence: start, after: row.article_id }
    : { sequence: BigInt(row.sequence) };
}

function changeOf(row: Row, position: Position): FoundChange[] {
  if (row.kind === null) return [];
  return [
    {
      sequence: row.sequence === null ? null : BigInt(row.sequence),
      kind: row.kind,
      articleId: row.article_id,
      version: row.version,
      slug: row.slug,
      detail: detailOf(row),
      at: row.at,
      recordedAt: row.recorded_at,
      document: row.document,
      position,
    },
  ];
}

/** What a correction put right is part of the article, and goes with it. */
function detailOf({ detail, is_live }: Row): object | null {
  if (detail === null) return null;
  const { correction, ...rest } = detail;
  return is_live && correction !== undefined
    ? { ...rest, correction }
    : Object.keys(rest).length > 0
      ? rest
      : null;
}

/** Leaves out of editions the links that an audience does not see. */
async function seenBy(
  { database }: Pick<Newsroom, "database">,
  { entitlement, mark }: Told,
  changes: FoundChange[],
): Promise<FoundChange[]> {
  if (entitlement === null) return changes;
  const documents = changes.flatMap(({ document }) => document ?? []);
  const seen = await withoutUnseen(database, { ...everyone, entitlement, mark }, documents);
  let next = 0;
  return changes.map((change) => {
    const document = change.document === null ? undefined : seen[next++];
    return document === undefined ? change : { ...change, document };
  });
}
