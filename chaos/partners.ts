import { once } from "node:events";
import { type IncomingMessage, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Ledger } from "./editors.ts";
import { type Client, Unanswered, insist } from "./http.ts";

interface Change {
  sequence: number | null;
  kind: string;
  articleId: string;
  article?: Record<string, unknown> | null;
}

export type Follower = ReturnType<typeof follower>;
export type Receiver = Awaited<ReturnType<typeof receiver>>;

/** A partner that follows the change feed from its start, whatever happens, and keeps a mirror by it. */
export function follower(reader: Client) {
  const mirror = new Map<string, Record<string, unknown>>();
  const told: number[] = [];
  let since = "start";
  let restarts = 0;
  const stopping = new AbortController();

  /** Reads on; whether there was more. */
  const poll = async () => {
    const { status, text } = await reader.send({
      method: "GET",
      path: `/v1/changes?limit=100&wait=1&since=${encodeURIComponent(since)}`,
    });
    if (status === 410) {
      // As the problem says: what is not listed anew is dropped.
      mirror.clear();
      restarts += 1;
      since = "start";
      return true;
    }
    if (status !== 200) throw new Unanswered(`${status} ${text}`);
    const { data, page } = JSON.parse(text) as { data: Change[]; page: { next: string } };
    for (const { sequence, kind, articleId, article } of data) {
      if (["unpublished", "deleted", "withdrawn"].includes(kind)) mirror.delete(articleId);
      else if (article != null) mirror.set(articleId, article);
      if (sequence !== null) told.push(sequence);
    }
    const isAtEnd = page.next === since;
    since = page.next;
    return !isAtEnd;
  };
  /** The same, whatever becomes of the server. */
  const pollOn = () =>
    poll().catch(async (error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
      await sleep(50);
      return true;
    });
  const following = (async () => {
    while (!stopping.signal.aborted) await pollOn();
  })();

  return {
    /** How often it was told to start anew. */
    restarts: () => restarts,
    /** An article as it was last told of. */
    has: (id: string) => mirror.get(id),
    /**
     * Reads until there is no more, and ends.
     *
     * @param patience for how long it may take, in milliseconds
     */
    async finish(patience = Infinity): Promise<void> {
      const until = performance.now() + patience;
      stopping.abort();
      await following;
      while ((await pollOn()) && performance.now() < until);
    },
    /** Holds what was told against the log, and the mirror against what readers get. */
    async verify(book: Ledger, database: pg.Client): Promise<number> {
      const { rows } = await database.query<{ sequence: string }>("SELECT sequence FROM changes ORDER BY 1");
      const log = rows.map(({ sequence }) => Number(sequence)).filter((one) => one >= (told[0] ?? 0));
      if (JSON.stringify(told) !== JSON.stringify(log)) {
        const lacking = log.filter((one) => !told.includes(one));
        book.failures.push(
          `the change feed told ${told.length} changes of ${log.length}; it lacks ${lacking.slice(0, 20).join(", ")}`,
        );
      }
      const { rows: editions } = await database.query(
        "SELECT article_id FROM editions GROUP BY article_id HAVING max(version) <> count(*)",
      );
      for (const { article_id } of editions) book.failures.push(`${article_id} lacks an edition`);
      const { rows: live } = await database.query<{ article_id: string }>("SELECT article_id FROM live");
      if (live.length !== mirror.size)
        book.failures.push(`the mirror has ${mirror.size} articles of ${live.length} that are live`);
      for (const { article_id } of live) {
        const { text } = await insist(reader, { method: "GET", path: `/v1/articles/${article_id}` });
        const { shareCounts: _, shareTotal: __, ...edition } = JSON.parse(text) as Record<string, unknown>;
        if (JSON.stringify(edition) !== JSON.stringify(mirror.get(article_id)))
          book.failures.push(`the mirror has another edition of ${article_id}`);
      }
      return log.length;
    },
  };
}

/** A partner that listens to the stream of changes from now on, and comes back to where it was when that ends. */
export async function listener(url: string) {
  const told: number[] = [];
  let last: string | undefined;
  let connections = 0;
  const stopping = new AbortController();
  let close = () => {};

  const connect = async () => {
    const headers = last === undefined ? {} : { "last-event-id": last };
    const request = get(`${url}/v1/changes/stream?fields=id`, { headers, agent: false });
    close = () => request.destroy();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    connections += 1;
    return response;
  };
  const listen = async (response: IncomingMessage) => {
    let rest = "";
    response.setEncoding("utf8");
    for await (const chunk of response) {
      const events = (rest + String(chunk)).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const id = /^id: (.*)$/m.exec(event)?.[1];
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (id === undefined || data === undefined) continue;
        last = id;
        told.push(Number((JSON.parse(data) as Change).sequence));
      }
    }
  };
  const first = await connect();
  const listening = (async () => {
    await listen(first).catch(() => {});
    while (!stopping.signal.aborted) {
      await sleep(50);
      await connect()
        .then(listen)
        .catch(() => {});
    }
  })();

  return {
    /** How often it had to come back. */
    returned: () => connections - 1,
    /** Ends it, and holds what it was told against the log after a number. */
    async verify(book: Ledger, database: pg.Client, after: number): Promise<number> {
      stopping.abort();
      close();
      await listening;
      const { rows } = await database.query<{ sequence: string }>(
        "SELECT sequence FROM changes WHERE sequence > $1 ORDER BY 1",
        [after],
      );
      const log = rows.map(({ sequence }) => Number(sequence));
      if (JSON.stringify(told) !== JSON.stringify(log))
        book.failures.push(
          `the stream told ${told.length} changes of ${log.length}; the first that differs is ${log.find((one, index) => one !== told[index])}`,
        );
      return told.length;
    },
  };
}

/** A partner's server that takes what webhooks send, and notes which changes it was told. */
export async function receiver() {
  const ids = new Map<number, Set<string>>();
  let messages = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const { data } = JSON.parse(text) as { data: { sequence: number } };
      messages += 1;
      ids.set(
        data.sequence,
        (ids.get(data.sequence) ?? new Set()).add(String(request.headers["webhook-id"])),
      );
      response.writeHead(204).end();
    });
    request.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages: () => messages,
    /** Waits until every change of the log after a number has come, each under one id. */
    async verify(book: Ledger, database: pg.Client, after: number, patience: number): Promise<void> {
      const until = Date.now() + patience;
      for (;;) {
        const { rows } = await database.query<{ sequence: string }>(
          "SELECT sequence FROM changes WHERE sequence > $1 ORDER BY 1",
          [after],
        );
        const lacking = rows.map(({ sequence }) => Number(sequence)).filter((one) => !ids.has(one));
        if (lacking.length === 0) break;
        if (Date.now() > until) {
          book.failures.push(
            `${lacking.length} of ${rows.length} changes did not reach the webhook: ${lacking.slice(0, 20).join(", ")}`,
          );
          break;
        }
        await sleep(250);
      }
      for (const [sequence, names] of ids)
        if (names.size > 1)
          book.failures.push(`change ${sequence} came to the webhook under ${names.size} ids`);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
