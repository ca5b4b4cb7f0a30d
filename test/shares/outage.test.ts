import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { live, seen } from "../support/articles.ts";
import { cuttable } from "../support/cuttable.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { sharers } from "../support/sharing.ts";

const newsroom = useNewsroom({ LOG_LEVEL: "silent" });
/** Ends connections of the server's, and looks what they wait for. */
let intruder: pg.Client;
/** Holds rows that the server wants to write. */
let holder: pg.Client;

beforeAll(async () => {
  const connectionString = newsroom.databaseUrl;
  [intruder, holder] = [new pg.Client({ connectionString }), new pg.Client({ connectionString })];
  await Promise.all([intruder.connect(), holder.connect()]);
});
afterAll(() => Promise.all([intruder.end(), holder.end()]));

const terminateAll = () =>
  intruder.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dateline'",
  );

/** Sends shares of an article whose count is held, and cuts the server's connections until all are answered. */
async function cutOff<Answer>(articleId: string, send: () => Promise<Answer>[]): Promise<Answer[]> {
  await holder.query("BEGIN");
  await holder.query("SELECT FROM share_counts WHERE article_id = $1 FOR UPDATE", [articleId]);
  const cutting = new AbortController();
  const answers = Promise.all(send()).finally(() => {
    cutting.abort();
  });
  await vi.waitFor(async () => {
    const { rows } = await intruder.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    expect(rows).not.toHaveLength(0);
  });
  while (!cutting.signal.aborted) await terminateAll();
  await holder.query("ROLLBACK");
  return answers;
}

/** Shares until one is taken again, as a client that minds Retry-After would. */
const recovered = (share: () => Promise<{ status: number }>) =>
  vi.waitFor(
    async () => {
      expect((await share()).status).toBe(201);
    },
    { timeout: 10_000, interval: 50 },
  );

describe("when the database goes away", () => {
  it("shares that wait are answered with 503 and not counted, and later ones are taken", async () => {
    const { id } = await live(newsroom, { headline: "Cut off" });
    const { share, close } = sharers(newsroom.url, 20);
    await share(id, "x");
    const answers = await cutOff(id, () => Array.from({ length: 10 }, () => share(id, "x")));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
    await recovered(() => share(id, "x"));
    close();
    expect((await seen(newsroom, id)).shareCounts).toEqual({ x: 2 });
  });

  it("the answer is a problem with Retry-After", async () => {
    const { id } = await live(newsroom, { headline: "Come back later" });
    const share = () =>
      newsroom.reader
        .post(`/v1/articles/${id}/shares`)
        .send({ network: "x" })
        .then((answer) => answer);
    await share();
    const [answer] = await cutOff(id, () => [share()]);
    expect([answer?.status, answer?.body.type, answer?.headers["retry-after"]]).toEqual([
      503,
      "/problems/unavailable",
      "1",
    ]);
    await recovered(share);
  });

  it("no share that was acknowledged is lost, and no count given twice", async () => {
    const { id } = await live(newsroom, { headline: "Kept word" });
    const { share, close } = sharers(newsroom.url, 12);
    const sending = new AbortController();
    const answers: { status: number; count: number }[] = [];
    const clients = Array.from({ length: 12 }, async () => {
      while (!sending.signal.aborted) answers.push(await share(id, "x"));
    });
    for (let round = 1; round <= 10; round += 1) {
      const enough = answers.length + 50;
      await vi.waitFor(() => {
        expect(answers.length).toBeGreaterThan(enough);
      });
      await terminateAll();
    }
    sending.abort();
    await Promise.all(clients);
    await recovered(() => share(id, "email"));
    close();
    expect(answers.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
    const counts = answers.filter(({ status }) => status === 201).map(({ count }) => count);
    expect(new Set(counts).size).toBe(counts.length);
    // A commit whose confirmation was cut off may have been counted: more than acknowledged, never less.
    const { x = 0 } = (await seen(newsroom, id)).shareCounts;
    expect(x).toBeGreaterThanOrEqual(counts.length);
    expect(x).toBeGreaterThanOrEqual(Math.max(...counts));
  });

  it("and cannot be reached at all, shares are refused with 503 until it is back", async () => {
    const { id } = await live(newsroom, { headline: "No line" });
    const line = await cuttable(newsroom.databaseUrl);
    const { found, close: stop } = await startNewsroom(line.url, { LOG_LEVEL: "silent" });
    const { share, close } = sharers(found.url, 4);
    try {
      expect((await share(id, "x")).status).toBe(201);
      await line.cut();
      for (let attempt = 0; attempt < 3; attempt += 1) expect((await share(id, "x")).status).toBe(503);
      expect((await found.reader.get(`/v1/articles/${id}`)).status).toBe(503);
      await line.mend();
      await recovered(() => share(id, "x"));
      expect((await seen(newsroom, id)).shareCounts).toEqual({ x: 2 });
    } finally {
      close();
      await stop();
      await line.cut();
    }
  });
});
