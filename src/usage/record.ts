import type { Position } from "../changes/position.ts";
import type { Statements } from "../database/client.ts";
import { type Given, type Way, passages } from "./passages.ts";
import { type Fetched, tallies } from "./tallies.ts";

/** How long what keys fetch is added up before it is written, in milliseconds. */
const SPAN = 1000;

/** What keys fetch from this process, on its way to the database. */
export interface UsageRecorder {
  /** Counts what a key fetched, or was sent. */
  count: (keyId: string, fetched: Partial<Fetched>) => void;
  /** A key was given the changes between two places. */
  gave: (key: Given, way: Way, from: Position, to: Position) => void;
  /** A key came back with a cursor, so that what leads there has arrived. */
  cameBack: (keyId: string, position: Position) => void;
  /** Writes what was counted so far. */
  settle: () => Promise<void>;
}

/**
 * Counts in memory what keys fetch, and writes it about once a second, all of it in one statement. What
 * was counted and not written when a process dies is lost; while the database is away it waits.
 */
export function usageRecorder(statements: Statements): UsageRecorder {
  const counted = tallies();
  const passed = passages();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async () => {
    const taken = { days: counted.take(), ...passed.take() };
    if (taken.days.length === 0 && taken.last.length === 0 && taken.given.length === 0) return;
    try {
      await statements.query({ name: "usage", text: WRITE, values: [JSON.stringify(taken, inJson)] });
    } catch (error) {
      for (const tally of taken.days) counted.add(tally);
      passed.putBack(taken);
      throw error;
    }
  };
  const settle = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.catch(() => {}).then(write);
    return writing;
  };
  const soon = () => {
    timer ??= setTimeout(() => {
      settle().catch(soon);
    }, SPAN).unref();
  };

  return {
    count(keyId, { requests = 0, bytes = 0, articles = 0 }) {
      counted.add({ keyId, day: today(), requests, bytes, articles });
      soon();
    },
    gave(...stretch) {
      passed.gave(...stretch);
      soon();
    },
    cameBack(...place) {
      passed.cameBack(...place);
      soon();
    },
    settle,
  };
}

let day = { name: "", ends: 0 };

/** The present day in UTC; its name is made but once. */
function today(): string {
  const now = Date.now();
  if (now >= day.ends) {
    const name = new Date(now).toISOString().slice(0, 10);
    day = { name, ends: Date.parse(name) + 86_400_000 };
  }
  return day.name;
}

const inJson = (_name: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** After all ids: where a place is that lies behind what was live. */
const BEHIND = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid";

/**
 * Writes all at once, in the order of keys, so that processes that do it at the same time do not wait for
 * each other in a circle.
 */
const WRITE = `WITH input AS (SELECT $1::jsonb AS whole),
  days AS (
    INSERT INTO key_usage AS u (key_id, day, requests, bytes, articles)
    SELECT d."keyId", d.day, d.requests, d.bytes, d.articles
    FROM input, jsonb_to_recordset(whole->'days')
      AS d ("keyId" uuid, day date, requests bigint, bytes bigint, articles bigint)
    ORDER BY 1, 2
    ON CONFLICT (key_id, day) DO UPDATE SET requests = u.requests + excluded.requests,
      bytes = u.bytes + excluded.bytes, articles = u.articles + excluded.articles),
  places AS (
    SELECT l."keyId" AS key_id, l.at, (l.position->>'sequence')::bigint AS sequence,
      (l.position->>'after')::uuid AS after, (l.confirms->>'sequence')::bigint AS confirmed,
      coalesce((l.confirms->>'after')::uuid, ${BEHIND}) AS confirmed_after
    FROM input, jsonb_to_recordset(whole->'last')
      AS l ("keyId" uuid, position jsonb, at timestamptz, confirms jsonb)),
  cursors AS (
    INSERT INTO key_cursors AS c (key_id, sequence, after, used_at)
    SELECT key_id, sequence, after, at FROM places ORDER BY key_id
    ON CONFLICT (key_id) DO UPDATE
      SET sequence = excluded.sequence, after = excluded.after, used_at = excluded.used_at
      WHERE c.used_at <= excluded.used_at),
  given AS (
    INSERT INTO key_passages (key_id, mark, way, from_sequence, from_after, to_sequence, to_after, at, confirmed_at)
    SELECT g."keyId", g.mark, g.way::"Way", (g.from->>'sequence')::bigint, (g.from->>'after')::uuid,
      (g.to->>'sequence')::bigint, (g.to->>'after')::uuid, g.at, g."confirmedAt"
    FROM input, jsonb_to_recordset(whole->'given')
      AS g ("keyId" uuid, mark text, way text, "from" jsonb, "to" jsonb, at timestamptz, "confirmedAt" timestamptz))
  UPDATE key_passages p SET confirmed_at = places.at FROM places
  WHERE p.key_id = places.key_id AND p.confirmed_at IS NULL
    AND (p.to_sequence, coalesce(p.to_after, ${BEHIND})) <= (places.confirmed, places.confirmed_after)`;
