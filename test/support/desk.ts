import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { TestNewsroom } from "./newsroom.ts";

/** A moment so many milliseconds from now, as it is sent. */
export function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** Waits until a moment has come. */
export async function until(moment: string): Promise<void> {
  await sleep(Math.max(0, Date.parse(moment) - Date.now() + 2));
}

/** Publishes an article at its time, or with whatever is sent; it must be allowed. */
export async function planned({ editor }: TestNewsroom, id: string, body: object) {
  const answer = await editor.post(`/v1/articles/${id}/publish`).send(body);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as { status: string; scheduledFor: string | null; version: number };
}

/** What the change log has of an article, the oldest first. */
export async function changesOf({ database }: TestNewsroom, articleId: string) {
  const rows = await database.change.findMany({ where: { articleId }, orderBy: { sequence: "asc" } });
  return rows.map(({ kind, version, at, detail }) => ({ kind, version, at: at.toISOString(), detail }));
}

/** Every row of every table of Dateline's but what counts requests, to see whether anything was changed. */
export async function everything({
  database,
}: Pick<TestNewsroom, "database">): Promise<Record<string, string>> {
  const tables = await database.$queryRaw<{ name: string }[]>`
    SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND (table_schema = 'public' AND table_name NOT IN ('key_usage', 'key_cursors', 'key_passages') OR table_schema = 'jobs' AND table_name ~ '^job')`;
  const found: Record<string, string> = {};
  for (const { name } of tables) {
    const [row] = await database.$queryRawUnsafe<[{ digest: string }]>(
      `SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS digest FROM ${name} t`,
    );
    found[name] = row.digest;
  }
  return found;
}
