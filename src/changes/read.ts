import type { ChangeKind } from "../editions/changes.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import type { Position } from "./position.ts";

/** A change as it is told. */
export interface FoundChange {
  /** Null for what was live when a partner started, which no single change tells of. */
  sequence: bigint | null;
  kind: ChangeKind;
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
  /** Whether more is known to follow. */
  hasMore: boolean;
}

interface State {
  last: string;
  pruned: string;
}

interface Row extends State {
  sequence: string | null;
  kind: ChangeKind;
  article_id: string;
  version: number;
  slug: string;
  detail: Record<string, unknown> | null;
  at: Date;
  recorded_at: Date;
  is_live: boolean;
  document: string | null;
  /** Of what was live at the start: whether it has changed since. */
  is_later?: boolean | null;
}

/** The number of the last change there was, and of the last that is kept no more; 0 for none. */
const state = `SELECT coalesce((SELECT max(sequence) FROM changes), changes_pruned_to) AS last,
    changes_pruned_to AS pruned FROM installation`;

/**
 * Numbers are given out, and changes committed, by one transaction after the other (`takeTurn` in
 * src/editions/live.ts), so what a statement sees is the log up to some number without a gap that
 * could be filled later. One statement reads the changes, what is live of them and how far the log
 * reaches back, so that the three fit each other.
 */
const afterNumber = {
  name: "changes after a number",
  text: `SELECT log.last, log.pruned, found.* FROM (${state}) log LEFT JOIN LATERAL (
      ${told("(SELECT * FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2)")}
    ) found ON true ORDER BY found.sequence`,
};

/** Some changes as they are told, with what is live of them. */
function told(changes: string): string {
  return `SELECT c.sequence, c.kind, c.article_id, c.version, c.slug, c.detail, c.at, c.recorded_at,
        p.article_id IS NOT NULL AS is_live,
        CASE WHEN p.version = c.version AND c.kind IN ('published', 'updated', 'corrected', 'moved')
             THEN p.document END AS document
      FROM ${changes} c LEFT JOIN live p ON p.article_id = c.article_id`;
}

const ofNumber = {
  name: "change of a number",
  text: told("(SELECT * FROM changes WHERE sequence = $1)"),
};

/** What is live, and of each whether it has changed since a number: what has comes with its change. */
const liveAtNumber = {
  name: "live at a number",
  text: `SELECT log.last, log.pruned, found.* FROM (${state}) log LEFT JOIN LATERAL (
      SELECT NULL::bigint AS sequence, 'published' AS kind, p.article_id, p.version, p.slug, NULL::jsonb AS detail,
             p.updated_at AS at, p.updated_at AS recorded_at, true AS is_live, p.document,
             (SELECT true FROM changes c WHERE c.article_id = p.article_id AND c.sequence > $1 LIMIT 1) AS is_later
      FROM (SELECT * FROM live WHERE article_id > $3 ORDER BY article_id LIMIT $2) p
    ) found ON true ORDER BY found.article_id`,
};

/** Before all ids. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/** Where one starts who has nothing: before all that is live. */
export async function startPosition(newsroom: Newsroom): Promise<Position> {
  return { ...(await presentPosition(newsroom)), after: FIRST };
}

/** Where one starts who wants to know only what is yet to come. */
export async function presentPosition({ statements }: Newsroom): Promise<Position> {
  const { rows } = await statements.query<State>({ name: "change log", text: state });
  return { sequence: BigInt(rows[0]?.last ?? 0) };
}

/**
 * Reads what follows on a place: the one way by which anything that was changed leaves for partners.
 *
 * A change that was overtaken, or whose article readers get no more, comes without its edition, so
 * that nobody is shown what was taken back; a later change says what became of it.
 *
 * @throws 410 when not all that follows is kept
 */
export async function readChanges(
  { statements }: Newsroom,
  position: Position,
  limit: number,
): Promise<ChangePage> {
  const { sequence, after } = position;
  const number = String(sequence);
  // One more than asked, to know whether more follows.
  const values = [number, limit + 1];
  const { rows } = await (after === undefined
    ? statements.query<Row>({ ...afterNumber, values })
    : statements.query<Row>({ ...liveAtNumber, values: [...values, after] }));
  const { last = "0", pruned = "0" } = rows[0] ?? {};
  if (sequence < BigInt(pruned) || sequence > BigInt(last)) throw expired(sequence < BigInt(pruned));
  const found = rows.filter(({ article_id }) => article_id !== null);
  const hasMore = found.length > limit;
  const page = found.slice(0, limit).map((row) => ({ ...row, position: positionAfter(row, sequence) }));
  return {
    changes: page.filter(({ is_later }) => is_later !== true).map(changeOf),
    // Whoever has all that was live goes on with what has changed since.
    next: (after === undefined || hasMore ? page.at(-1)?.position : undefined) ?? { sequence },
    hasMore,
  };
}

/** Reads the change of a number as `readChanges` would; undefined when the log does not have it any more. */
export async function readChange(
  { statements }: Pick<Newsroom, "statements">,
  sequence: bigint,
): Promise<FoundChange | undefined> {
  const { rows } = await statements.query<Row>({ ...ofNumber, values: [String(sequence)] });
  return rows.map((row) => changeOf({ ...row, position: { sequence } }))[0];
}

/** How many articles some changes give away. */
export function articlesIn(changes: readonly FoundChange[]): number {
  return changes.filter(({ document }) => document !== null).length;
}

function positionAfter(row: Row, start: bigint): Position {
  return row.sequence === null
    ? { sequence: start, after: row.article_id }
    : { sequence: BigInt(row.sequence) };
}

function changeOf(row: Row & { position: Position }): FoundChange {
  return {
    sequence: row.sequence === null ? null : BigInt(row.sequence),
    kind: row.kind,
    articleId: row.article_id,
    version: row.version,
    slug: row.slug,
    detail: detailOf(row),
    at: row.at,
    recordedAt: row.recorded_at,
    document: row.document,
    position: row.position,
  };
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

function expired(isPruned: boolean) {
  const why = isPruned
    ? "What came after this cursor is not kept any more."
    : "This cursor is ahead of the change log: the database was set back to an earlier state.";
  return problem(
    "cursor-expired",
    `${why} Start again with GET /v1/changes?since=start, and drop what it does not list.`,
    { headers: { "cache-control": "no-store", link: '</v1/changes?since=start>; rel="start"' } },
  );
}
