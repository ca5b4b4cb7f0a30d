import { once } from "node:events";
import { type Socket, connect } from "node:net";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { client, insist } from "../../chaos/http.ts";
import { draft, live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sendBytes } from "../support/socket.ts";

/** Places for those who work on the database, and for those who wait for one. */
const PLACES = 2;
const WAITING = 10 * PLACES;
/** For what comes in the end, however busy the machine is. */
const PATIENCE = { timeout: 10_000 };
const newsroom = useNewsroom({ DATABASE_POOL: String(PLACES) });

let holder: pg.Client;
let id: string;
const sockets: Socket[] = [];
beforeAll(async () => {
  holder = new pg.Client({ connectionString: newsroom.databaseUrl });
  await holder.connect();
  ({ id } = await live(newsroom, { headline: "Read by all" }));
  await newsroom.reader.get(`/v1/articles/${id}`);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => holder.end());

/** Has whoever reads or writes working copies stand still until `ROLLBACK`, in the places that they have. */
async function lock() {
  await holder.query("BEGIN");
  await holder.query("LOCK TABLE articles");
}

/** Until so many stand still. */
async function untilStill(count: number) {
  await vi.waitFor(async () => {
    const { rows } = await holder.query(
      "SELECT count(*)::int AS count FROM pg_locks WHERE relation = 'articles'::regclass AND NOT granted",
    );
    expect(rows[0].count).toBeGreaterThanOrEqual(count);
  }, PATIENCE);
}

async function figure(name: string): Promise<number> {
  const { text } = await newsroom.reader.get("/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

const readDrafts = async () =>
  newsroom.editor.get("/v1/articles?version=draft").set("origin", "https://news.example");

describe("when more is asked than can be done", () => {
  it("as many work as have a place, as many wait as it is worth for, and the others are refused at once", async () => {
    await lock();
    const refused: { status: number; headers: Record<string, string>; body: unknown }[] = [];
    const all = Array.from({ length: PLACES + WAITING + 30 }, async () => {
      const answer = await readDrafts();
      if (answer.status === 503) refused.push(answer);
      return answer;
    });
    await untilStill(PLACES);
    await vi.waitFor(() => expect(refused.length).toBeGreaterThanOrEqual(30), PATIENCE);

    // Nobody is asked to wait who asks nothing of the database.
    expect((await newsroom.reader.get("/healthz")).status).toBe(200);
    const { status, body } = await newsroom.reader.get(`/v1/articles/${id}`);
    expect([status, body.headline]).toEqual([200, "Read by all"]);

    // Those who wait are told in the end that it is in vain; those who work are not disturbed.
    await vi.waitFor(() => expect(refused).toHaveLength(WAITING + 30), PATIENCE);
    await holder.query("ROLLBACK");
    const served = (await Promise.all(all)).filter((answer) => answer.status !== 503);
    expect(served.map((answer) => answer.status)).toEqual(Array.from({ length: PLACES }, () => 200));
    for (const answer of refused) {
      expect(answer.headers["retry-after"]).toBe("1");
      expect(answer.headers["access-control-allow-origin"]).toBe("*");
      expect(answer.body).toMatchObject({
        type: "/problems/unavailable",
        status: 503,
        detail: "More is asked of Dateline than it can do. Try again a little later.",
        instance: "/v1/articles",
        requestId: answer.headers["x-request-id"],
      });
    }
    expect(await figure("dateline_refused_total")).toBeGreaterThan(0);
    expect((await readDrafts()).status).toBe(200);
  });

  it("what is acknowledged is done, and what is refused is not", async () => {
    const headlines = Array.from({ length: 150 }, (_, number) => `One of many ${number}`);
    const answers = await Promise.all(
      headlines.map(async (headline) => newsroom.editor.post("/v1/articles").send({ headline })),
    );
    const acknowledged = headlines.filter((_, index) => answers[index]?.status === 201);
    for (const { status } of answers) expect([201, 503]).toContain(status);
    expect(await manyThereAre()).toEqual(acknowledged.toSorted());

    // Whoever asks again, as they were told to, gets everything done once.
    const sender = client(newsroom.url, { authorization: `Bearer ${newsroom.adminKey}` });
    const repeated = await Promise.all(
      headlines
        .filter((headline) => !acknowledged.includes(headline))
        .map(async (headline, number) => {
          const headers = { "idempotency-key": `overload-${number}` };
          return insist(sender, { method: "POST", path: "/v1/articles", headers, body: { headline } });
        }),
    );
    sender.close();
    for (const { status, text } of repeated) expect(status, text).toBe(201);
    expect(await manyThereAre()).toEqual(headlines.toSorted());
  });

  it("each share that is acknowledged counts, and no other", async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, async () =>
        newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" }),
      ),
    );
    for (const { status } of answers) expect([201, 503]).toContain(status);
    const { body } = await newsroom.reader.get(`/v1/articles/${id}/share-counts/x`);
    expect(body.count).toBe(answers.filter(({ status }) => status === 201).length);
  });

  it("a bulk needs one place, whatever it holds", async () => {
    const operations = Array.from({ length: 10 }, (_, number) => ({
      method: "POST",
      path: "/v1/articles",
      body: { headline: `In a bulk ${number}` },
    }));
    const bulks = await Promise.all(
      Array.from({ length: 6 }, async (_, number) =>
        newsroom.editor.post("/v1/bulk").send({ atomic: number % 2 === 0, operations }),
      ),
    );
    for (const { body } of bulks)
      expect(body.results.map(({ status }: { status: number }) => status)).toEqual(operations.map(() => 201));
  });

  it("whatever the answer is, it gives the place back", async () => {
    const { editor, withHeaders } = newsroom;
    const wrong = withHeaders({ authorization: "Bearer wrong" });
    const statuses = [];
    for (let turn = 0; turn <= PLACES; turn += 1)
      statuses.push(
        (await wrong.get("/v1/keys")).status,
        (await editor.get("/v1/articles/none?version=draft")).status,
        (await editor.get("/v1/articles?version=draft&limit=0")).status,
        (await editor.post("/v1/articles").send({})).status,
        (await editor.post("/v1/articles").set("content-type", "application/json").send("{")).status,
      );
    expect(new Set(statuses)).toEqual(new Set([400, 401, 404, 422]));
    expect(await figure("dateline_places_taken")).toBe(0);
  });

  it("whoever goes away while waiting gives the place back", async () => {
    await lock();
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${newsroom.adminKey}` };
    const gone = Array.from({ length: 10 }, async () =>
      fetch(`${newsroom.url}/v1/articles?version=draft`, { headers, signal: leaving.signal }),
    );
    await untilStill(PLACES);
    leaving.abort();
    expect((await Promise.allSettled(gone)).every(({ status }) => status === "rejected")).toBe(true);
    await holder.query("ROLLBACK");
    await vi.waitFor(async () => expect(await figure("dateline_places_taken")).toBe(0), PATIENCE);
    expect(await figure("dateline_places_waiting")).toBe(0);
    expect((await readDrafts()).status).toBe(200);
  });
});

describe("beside those who take their time all others are served", () => {
  it("bodies that do not come", async () => {
    const body = JSON.stringify({ headline: "Slow" });
    const head =
      `POST /v1/articles HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${newsroom.adminKey}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`;
    const slow: Socket[] = [];
    // No more at once than can wait for a place until their key was looked up.
    while (slow.length < 100) {
      const some = await open(WAITING, head);
      const heard = await Promise.all(some.map(next));
      expect(new Set(heard.map(statusOf))).toEqual(new Set([100]));
      await readDrafts();
      slow.push(...some);
    }
    await expectServed();
    const [first, last] = [slow[0], slow.at(-1)] as Socket[];
    for (const socket of [first, last]) {
      const answered = next(socket as Socket);
      socket?.write(body);
      expect(statusOf(await answered)).toBe(201);
    }
  });

  it("headers that do not end, and connections that say nothing or no more", async () => {
    await open(100, "GET /v1/articles HTTP/1.1\r\nhost: x\r\nx-slow: a");
    await open(100, "");
    const served = await open(100, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(new Set((await Promise.all(served.map(next))).map(statusOf))).toEqual(new Set([200]));
    await expectServed();
  });

  it("readers that ask for much and take nothing", async () => {
    const request = "GET /v1/articles?limit=100 HTTP/1.1\r\nhost: x\r\n\r\n";
    await open(50, request.repeat(20));
    await expectServed();
  });

  it("requests of 100,000 header fields, which are refused", async () => {
    const fields = Array.from({ length: 100_000 }, (_, number) => `x-${number}: y\r\n`).join("");
    const request = `GET /v1/articles HTTP/1.1\r\nhost: x\r\n${fields}\r\n`;
    const answers = await Promise.all(Array.from({ length: 4 }, () => sendBytes(newsroom.url, request)));
    // Whoever still writes may find the connection gone before having read why.
    for (const { status } of answers) expect(["431", "NaN"]).toContain(String(status));
    await expectServed();
  });
});

/** The headlines that were written at once, in order. */
async function manyThereAre(): Promise<string[]> {
  const headlines: string[] = [];
  for (let path = "/v1/articles?version=draft&limit=100", more = true; more;) {
    const { body } = await newsroom.editor.get(path);
    headlines.push(...body.data.map(({ headline }: { headline: string }) => headline));
    more = body.page.next !== null;
    path = `/v1/articles?version=draft&limit=100&cursor=${body.page.next}`;
  }
  return headlines.filter((headline) => headline.startsWith("One of many")).toSorted();
}

async function expectServed() {
  expect((await newsroom.reader.get("/healthz")).status).toBe(200);
  expect((await newsroom.reader.get("/readyz")).status).toBe(200);
  expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(200);
  await draft(newsroom, { headline: "As ever" });
}

/** Opens connections and sends some bytes on each; what comes is not taken until it is asked for. */
async function open(count: number, first: string): Promise<Socket[]> {
  const { port, hostname } = new URL(newsroom.url);
  const opened = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      await once(socket, "connect");
      if (first !== "") socket.write(first);
      return socket;
    }),
  );
  sockets.push(...opened);
  return opened;
}

/** The next that comes. */
async function next(socket: Socket): Promise<string> {
  const coming = once(socket, "data") as Promise<[Buffer]>;
  socket.resume();
  const [chunk] = await coming;
  socket.pause();
  return chunk.toString();
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}
