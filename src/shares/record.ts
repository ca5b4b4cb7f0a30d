import { setImmediate as turn } from "node:timers/promises";
import type { Database, Statements, Transaction } from "../database/client.ts";
import { whyAbsent } from "../editions/read.ts";
import { problem } from "../http/problems.ts";
import { traced } from "../tracing/tracing.ts";
import { MAX_COUNT, MAX_NETWORKS } from "./schema.ts";
import { settle } from "./settle.ts";

interface Counted {
  network: string;
  count: number;
  updatedAt: string;
}

/** Counts shares, each answered once it is durable. */
export interface ShareRecorder {
  /** @throws 404 or 410 when the article is not live, 409 when a limit is reached */
  record: (articleId: string, network: string) => Promise<Counted>;
  /** Settles at once what this process has counted, which it does every second otherwise. */
  settle: () => Promise<void>;
  /** How large the batches were that went to the database in one statement. */
  onBatch: (listener: (shares: number) => void) => void;
  /** Of how many articles the counts were settled in one statement. */
  onSettled: (listener: (articles: number) => void) => void;
}

interface Waiting {
  articleId: string;
  network: string;
  waiters: PromiseWithResolvers<Counted>[];
}

interface CountRow {
  article_id: string;
  network: string;
  count: number;
  updated_at: Date;
}

/** The most rows that one statement changes. */
const BATCH_ROWS = 1000;
/**
 * For how long shares are gathered while more arrive, in milliseconds: few enough for nobody to notice, and at 20,000
 * a second enough for half as many statements, which take a quarter less of the database's time.
 */
const GATHER_FOR = 2;
/** How long counts may wait until they are in the standings, in milliseconds. */
const SETTLE_AFTER = 1000;

/**
 * Records shares with group commit: those that arrive while a statement runs are added up and
 * written by the next one, so that any number of readers costs one write at a time. Each waits for
 * the commit that holds its own share, and gets a count of its own.
 *
 * @param shared is told of each article whose counts have changed
 */
export function shareRecorder(
  statements: Statements,
  database: Database,
  shared: (articleId: string) => void,
): ShareRecorder {
  let waiting = new Map<string, Waiting>();
  /** How many shares there have been. */
  let arrived = 0;
  let running = false;
  const unsettled = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let settling: Promise<void> = Promise.resolve();
  const listeners: ((shares: number) => void)[] = [];
  const settledListeners: ((articles: number) => void)[] = [];

  /** Waits for a turn of the event loop that brings no further share: those that come together are written together. */
  const gather = async () => {
    const until = performance.now() + GATHER_FOR;
    let known;
    do {
      known = arrived;
      await turn();
    } while (arrived > known && performance.now() < until);
  };

  const drain = async () => {
    running = true;
    while (waiting.size > 0) {
      await gather();
      const all = [...waiting];
      const batch = all.slice(0, BATCH_ROWS).map(([, share]) => share);
      waiting = new Map(all.slice(BATCH_ROWS));
      await traced("record shares", {}, () => count(batch));
    }
    running = false;
  };

  /** Adds up a batch, and answers all who wait for it. */
  const count = async (batch: Waiting[]) => {
    for (const listener of listeners) listener(batch.reduce((sum, { waiters }) => sum + waiters.length, 0));
    try {
      const rows = await addShares(
        statements,
        batch.map(({ waiters, ...share }) => ({ ...share, shares: waiters.length })),
      );
      const counted = new Map(rows.map((row) => [`${row.article_id} ${row.network}`, row]));
      for (const { article_id: articleId } of rows) {
        shared(articleId);
        unsettled.add(articleId);
      }
      if (rows.length > 0) timer ??= setTimeout(() => void settleNow().catch(() => {}), SETTLE_AFTER).unref();
      for (const { articleId, network, waiters } of batch) {
        const row = counted.get(`${articleId} ${network}`);
        if (row === undefined) void refuse(database, articleId, waiters);
        else answerEach(row, waiters);
      }
    } catch (error) {
      for (const { waiters } of batch) for (const waiter of waiters) waiter.reject(error);
    }
  };

  const settleThese = async (ids: string[]) => {
    await settle(database, ids);
    for (const listener of settledListeners) listener(ids.length);
  };

  const settleNow = () => {
    clearTimeout(timer);
    timer = undefined;
    const ids = [...unsettled];
    unsettled.clear();
    // Whoever asks for it waits for what is being settled already, too.
    if (ids.length > 0) settling = settling.catch(() => {}).then(() => settleThese(ids));
    return settling;
  };

  return {
    settle: settleNow,
    record(articleId, network) {
      const key = `${articleId} ${network}`;
      const entry = waiting.get(key) ?? { articleId, network, waiters: [] };
      waiting.set(key, entry);
      const waiter = Promise.withResolvers<Counted>();
      entry.waiters.push(waiter);
      arrived += 1;
      if (!running) void drain();
      return waiter.promise;
    },
    onBatch(listener) {
      listeners.push(listener);
    },
    onSettled(listener) {
      settledListeners.push(listener);
    },
  };
}

/** Those who share at once get successive counts, as if they had come one after the other. */
function answerEach(row: CountRow, waiters: PromiseWithResolvers<Counted>[]): void {
  const { network, updated_at: at } = row;
  const updatedAt = at.toISOString();
  let count = row.count - waiters.length;
  for (const waiter of waiters) waiter.resolve({ network, count: (count += 1), updatedAt });
}

/** Takes articles, networks, and how many shares of each. Rows are changed in one order, so that no two batches wait for each other. */
const ADD_SHARES = {
  name: "add-shares",
  text: `
    INSERT INTO share_counts AS held (article_id, network, count)
    SELECT article_id, network, shares
    FROM (
      SELECT article_id, network, shares, known.count IS NULL AS is_new,
             row_number() OVER (PARTITION BY article_id, known.count IS NULL ORDER BY network) AS place
      FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS share (article_id, network, shares)
      JOIN live USING (article_id)
      LEFT JOIN share_counts known USING (article_id, network)
    ) share
    WHERE NOT is_new
       OR place + (SELECT count(*) FROM share_counts known WHERE known.article_id = share.article_id) <= ${MAX_NETWORKS}
    ORDER BY article_id, network
    ON CONFLICT (article_id, network) DO UPDATE
      SET count = held.count + excluded.count, updated_at = now()
      WHERE held.count <= ${MAX_COUNT} - excluded.count
    RETURNING article_id, network, count::float8 AS count, updated_at`,
};

/**
 * Adds shares to counts in one statement and returns the counts that changed. No row comes back for
 * an article that is not live or a count that would pass a limit. The standings follow when the
 * articles are settled.
 */
export async function addShares(
  on: Statements | Transaction,
  batch: readonly { articleId: string; network: string; shares: number }[],
): Promise<CountRow[]> {
  const values = [
    batch.map(({ articleId }) => articleId),
    batch.map(({ network }) => network),
    batch.map(({ shares }) => shares),
  ];
  if ("query" in on) return (await on.query<CountRow>({ ...ADD_SHARES, values })).rows;
  return on.$queryRawUnsafe<CountRow[]>(ADD_SHARES.text, ...values);
}

/** Finding out why takes queries of its own, which the next batch does not wait for. */
async function refuse(
  tx: Transaction,
  articleId: string,
  waiters: PromiseWithResolvers<Counted>[],
): Promise<void> {
  const reason = await reasonFor(tx, articleId).catch((error: unknown) => error);
  for (const waiter of waiters) waiter.reject(reason);
}

/** Why no share could be added to an article. */
export async function reasonFor(tx: Transaction, articleId: string) {
  const [live] = await tx.$queryRaw<unknown[]>`SELECT FROM live WHERE article_id = ${articleId}::uuid`;
  if (live === undefined) return whyAbsent(tx, articleId, articleId);
  return problem(
    "count-limit",
    `The count is at its limit of ${MAX_COUNT}, or the article has ${MAX_NETWORKS} networks already.`,
  );
}
