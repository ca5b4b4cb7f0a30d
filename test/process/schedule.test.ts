import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDatabase } from "../../src/database/client.ts";
import { freshDatabase } from "../support/database.ts";
import { inMs, until } from "../support/desk.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
const ARTICLES = 200;

describe("two processes on one database", () => {
  let databaseUrl: string;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    ({ url: databaseUrl, drop } = await freshDatabase());
  });
  afterAll(() => drop());

  const start = () =>
    startProcess({
      DATABASE_URL: databaseUrl,
      DATELINE_ADMIN_KEY: ADMIN,
      DATELINE_RATE_LIMIT: "off",
      LOG_LEVEL: "error",
    });
  /** Comes back, as clients do, when it is told that nothing was changed and when to try again. */
  const post = async (server: ServerProcess, path: string, body: object): Promise<{ id: string }> => {
    const answer = await fetch(`${server.url}/v1/articles${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (answer.status === 503) {
      console.log(`${path}: ${await answer.text()}`);
      await sleep(1000 * Number(answer.headers.get("retry-after")));
      return post(server, path, body);
    }
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };

  it("publish 200 articles of one second exactly once, though one is killed in it", async () => {
    const [doomed, survivor] = await Promise.all([start(), start()]);
    const { database } = openDatabase(databaseUrl, 2);
    const turn = new pg.Client({ connectionString: databaseUrl });
    try {
      const ids: string[] = [];
      await inTurns(ARTICLES, 8, async (number) => {
        const { id } = await post(doomed, "", { headline: `Story ${number}` });
        ids.push(id);
      });
      const at = inMs(20_000);
      await inTurns(ARTICLES, 8, (number) =>
        post(number % 2 === 0 ? doomed : survivor, `/${ids[number]}/publish`, { at }),
      );
      expect(Date.now()).toBeLessThan(Date.parse(at) - 2_000);
      await sleep(Date.parse(at) - Date.now() - 2_000);
      // The one that is to be killed gets the work, and is killed in the midst of it: it has taken the
      // job and waits for its turn to publish, which another holds that long.
      process.kill(survivor.pid, "SIGSTOP");
      await turn.connect();
      await turn.query("BEGIN");
      await turn.query("SELECT pg_advisory_xact_lock(4217004)");
      await vi.waitFor(
        async () =>
          expect(
            await database.$queryRaw`SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4217004 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          ).toHaveLength(1),
        { timeout: 20_000, interval: 10 },
      );
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at));
      await doomed.end("SIGKILL");
      await turn.query("COMMIT");
      const killedAt = Date.now();
      process.kill(survivor.pid, "SIGCONT");
      expect(await database.article.count({ where: { status: "published" } })).toBeLessThan(ARTICLES);
      // By the clock they are all there, whatever the jobs have come to.
      const seen = await Promise.all(
        ids.map(async (id) => (await fetch(`${survivor.url}/v1/articles/${id}`)).status),
      );
      expect(new Set(seen)).toEqual(new Set([200]));
      await vi.waitFor(
        async () => expect(await database.article.count({ where: { status: "published" } })).toBe(ARTICLES),
        {
          timeout: 15_000,
          interval: 20,
        },
      );
      const took = Date.now() - killedAt;
      const changes = await database.change.findMany({ orderBy: { sequence: "asc" } });
      expect(changes.map(({ articleId }) => articleId).toSorted()).toEqual(ids.toSorted());
      for (const change of changes)
        expect(change).toMatchObject({ kind: "published", version: 1, at: new Date(at) });
      expect(await database.edition.count()).toBe(ARTICLES);
      expect(await database.transition.count({ where: { action: "publish" } })).toBe(ARTICLES);
      const late = Math.max(...changes.map(({ recordedAt }) => recordedAt.getTime())) - Date.parse(at);
      console.log(
        `the last of ${ARTICLES} articles followed ${late} ms after its second, ${took} ms after the kill`,
      );
      expect(took).toBeLessThan(15_000);
    } finally {
      await database.$disconnect();
      await turn.end();
      // Should something have failed while it stood still.
      process.kill(survivor.pid, "SIGCONT");
      await survivor.end("SIGTERM");
    }
  });

  it("publish what fell due while none was there", async () => {
    const before = await start();
    const { id } = await post(before, "", { headline: "Fell due in the night" });
    const at = inMs(500);
    await post(before, `/${id}/publish`, { at });
    await before.end("SIGKILL");
    await until(at);
    const after = await start();
    const { database } = openDatabase(databaseUrl, 2);
    try {
      expect((await fetch(`${after.url}/v1/articles/${id}`)).status).toBe(200);
      await vi.waitFor(
        async () =>
          expect(await database.change.findMany({ where: { articleId: id } })).toMatchObject([
            { at: new Date(at) },
          ]),
        { timeout: 3_000 },
      );
    } finally {
      await database.$disconnect();
      await after.end("SIGTERM");
    }
  });
});

/** Does something so many times, a few at once. */
async function inTurns(
  times: number,
  atOnce: number,
  work: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < times) {
        const number = next;
        next += 1;
        await work(number);
      }
    }),
  );
}
