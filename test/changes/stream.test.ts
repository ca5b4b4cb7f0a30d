import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { change, draft, live, publish, unpublish } from "../support/articles.ts";
import { type Mirror, apply, changesOf } from "../support/changes.ts";
import { openEvents } from "../support/events.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { startProcess } from "../support/process.ts";

const newsroom = useNewsroom();
const open = (query = "", headers: Record<string, string> = {}, url = newsroom.url) =>
  openEvents(`${url}/v1/changes/stream${query}`, headers);
const headline = (name: string) => `${name} ${Math.random()}`;
const feedAfter = async (since: string) => changesOf(newsroom.reader, { since, limit: "100" });

describe("the stream of changes", () => {
  it("sends each change as an event, with the feed's cursor and shape", async () => {
    const since = (await feedAfter("now")).page.next;
    const stream = await open("", { accept: "text/event-stream", origin: "https://news.example" });
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "private, no-store",
      "access-control-allow-origin": "*",
      "x-request-id": expect.any(String),
    });
    expect(stream.headers).not.toHaveProperty("etag");
    const { id } = await live(newsroom, { headline: headline("Told") });
    await stream.until(1);
    await unpublish(newsroom, id);
    const events = await stream.until(2);
    stream.close();
    expect(stream.text()).toMatch(/^retry: \d+\n\n/);
    expect(events.map(({ event }) => event)).toEqual(["published", "unpublished"]);
    const { data, page } = await feedAfter(since);
    expect(events[1]?.data).toEqual(data[1]);
    expect(events[0]?.data).toEqual({ ...data[0], article: expect.objectContaining({ id }) });
    expect(events[1]?.id).toBe(page.next);
    expect((await feedAfter(events[0]?.id ?? "")).data).toEqual(data.slice(1));
  });

  it("goes on after Last-Event-ID, which goes before since", async () => {
    const stream = await open();
    for (const name of ["One", "Two", "Three"]) await live(newsroom, { headline: headline(name) });
    const [first] = await stream.until(3);
    stream.close();
    await live(newsroom, { headline: headline("Four") });
    const again = await open("?since=start&fields=headline", { "last-event-id": first?.id ?? "" });
    await live(newsroom, { headline: headline("Five") });
    const events = await again.until(4);
    again.close();
    expect(events.map(({ data }) => String(data.article?.headline).split(" ")[0])).toEqual([
      "Two",
      "Three",
      "Four",
      "Five",
    ]);
    expect(Object.keys(events[0]?.data.article ?? {}).toSorted()).toEqual(["headline", "id"]);
  });

  it("gives what is live from the start, and then what changes, to as many as ask", async () => {
    for (let number = 0; number < 12; number += 1) await live(newsroom, { headline: headline("Archive") });
    const total = (await newsroom.reader.get("/v1/articles?limit=1&count=true")).body.page.total as number;
    const streams = await Promise.all(Array.from({ length: 5 }, () => open("?since=start&fields=headline")));
    const { id } = await draft(newsroom, { headline: headline("New") });
    await publish(newsroom, id);
    for (const stream of streams) {
      const events = await stream.until(total + 1);
      stream.close();
      const mirror: Mirror = new Map();
      for (const { data } of events) apply(mirror, data);
      expect(mirror.size).toBe(total + 1);
      expect(events.at(-1)?.data.articleId).toBe(id);
    }
  });

  it("loses nothing and sends nothing twice while readers come and go and others publish", async () => {
    const other = await startNewsroom(newsroom.databaseUrl);
    const since = (await feedAfter("now")).page.next;
    const ids = await Promise.all(
      Array.from({ length: 8 }, async () => (await live(newsroom, { headline: headline("Busy") })).id),
    );
    let isOver = false;
    const reader = async (url: string) => {
      const numbers: number[] = [];
      let last = since;
      while (true) {
        const wasOver = isOver;
        const stream = await open("?fields=", { "last-event-id": last }, url);
        await sleep(wasOver ? 500 : Math.random() * 150);
        stream.close();
        for (const { data, id } of stream.events) {
          numbers.push(Number(data.sequence));
          last = id;
        }
        if (wasOver) return numbers;
      }
    };
    const readers = [newsroom.url, newsroom.url, other.found.url].map(reader);
    const writers = ids.map(async (id, index) => {
      for (let round = 0; round < 10; round += 1) {
        const at = (index + round) % 2 === 0 ? newsroom : other.found;
        await change(at, id, { headline: headline("Busy") });
        await publish(at, id);
      }
    });
    await Promise.all(writers);
    isOver = true;
    const expected = (await feedAfter(since)).data.map(({ sequence }) => Number(sequence));
    expect(expected).toHaveLength(88);
    for (const numbers of await Promise.all(readers)) expect(numbers).toEqual(expected);
    await other.close();
  });

  it("keeps no place for who has left before it was opened", async () => {
    const { hostname, port } = new URL(newsroom.url);
    const opened = async () =>
      Number(/^dateline_change_streams (\d+)/m.exec((await newsroom.reader.get("/metrics")).text)?.[1]);
    const before = await opened();
    for (let number = 0; number < 60; number += 1) {
      const socket = connect(Number(port), hostname).on("error", () => {});
      socket.write("GET /v1/changes/stream?since=start HTTP/1.1\r\nHost: a\r\n\r\n");
      await sleep(number % 4);
      socket.destroy();
    }
    await expect.poll(opened, { timeout: 5_000 }).toBe(before);
  });

  it("drops a reader who takes nothing, and goes on with the others", async () => {
    const slow = await open();
    slow.pause();
    const quick = await open("?fields=");
    const text = "x".repeat(60_000);
    const { id } = await live(newsroom, {
      headline: headline("Large"),
      body: Array.from({ length: 40 }, () => ({ type: "paragraph", text })),
    });
    const opened = async () =>
      Number(/^dateline_change_streams (\d+)/m.exec((await newsroom.reader.get("/metrics")).text)?.[1]);
    const before = await opened();
    for (let round = 0; round < 8; round += 1) {
      await change(newsroom, id, { standfirst: `Round ${round}` });
      await publish(newsroom, id);
    }
    await quick.until(9);
    await expect.poll(opened, { timeout: 5_000 }).toBe(before - 1);
    quick.close();
    slow.resume();
    await slow.ended;
    expect(slow.events.length).toBeLessThan(9);
    const again = await open("", { "last-event-id": slow.events.at(-1)?.id ?? "" });
    expect(await again.until(9 - slow.events.length)).toHaveLength(9 - slow.events.length);
    again.close();
  });

  it("ends when the server stops", async () => {
    const other = await startNewsroom(newsroom.databaseUrl);
    const stuck = await open("", {}, other.found.url);
    stuck.pause();
    const stream = await open("", {}, other.found.url);
    const began = performance.now();
    await Promise.all([other.close(), stream.ended]);
    expect(performance.now() - began).toBeLessThan(4_000);
    stuck.close();
  });

  it("ends, as waiting does, when the process is told to stop", async () => {
    const server = await startProcess({
      DATABASE_URL: newsroom.databaseUrl,
      DATELINE_ADMIN_KEY: newsroom.adminKey,
    });
    const stream = await open("", {}, server.url);
    const waiting = fetch(`${server.url}/v1/changes?since=now&wait=60`);
    await sleep(300);
    const began = performance.now();
    const code = server.end("SIGTERM");
    expect((await waiting).status).toBe(200);
    await stream.ended;
    expect(await code).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("is refused beyond what the process, a key or an address may have, until one is closed", async () => {
    const { found: other, close } = await startNewsroom(newsroom.databaseUrl, {
      DATELINE_STREAMS: "6",
      DATELINE_STREAMS_PER_KEY: "2",
      DATELINE_RATE_LIMIT: "on",
    });
    const path = "/v1/changes/stream";
    const { body: one } = await newsroom.editor.post("/v1/keys").send({ name: "One", role: "partner" });
    const { body: two } = await newsroom.editor.post("/v1/keys").send({ name: "Two", role: "partner" });
    const as = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` });
    const streams = await Promise.all([1, 2].map(() => open("", as(one), other.url)));
    const refused = await other.withHeaders(as(one)).get(path);
    expect(expectProblem(refused, 429, "too-many-requests").detail).toContain("2 streams");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    for (let number = 0; number < 3; number += 1) streams.push(await open("", {}, other.url));
    expectProblem(await other.reader.get(path), 429, "too-many-requests");
    streams.push(await open("", as(two), other.url));
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 200));
    const full = await other.withHeaders(as(two)).get(path);
    expect(expectProblem(full, 503, "unavailable").detail).toContain("6 streams");
    expect(Number(full.headers["retry-after"])).toBeGreaterThan(0);
    // What is refused for another reason takes no place.
    expectProblem(await other.reader.get(`${path}?since=nonsense`), 400, "invalid-parameter");
    streams[0]?.close();
    await streams[0]?.ended;
    let again = await open("", as(one), other.url);
    await expect
      .poll(async () => {
        if (again.status !== 200) again = await open("", as(one), other.url);
        return again.status;
      })
      .toBe(200);
    for (const stream of [...streams, again]) stream.close();
    await close();
  });

  it("is refused with a cursor that is none, and answers GET alone", async () => {
    for (const [query, headers, pointer] of [
      ["?since=nonsense", {}, "since"],
      ["?fields=nonsense", {}, "fields"],
      ["?limit=1", {}, "limit"],
      ["", { "last-event-id": "4711" }, "Last-Event-ID"],
    ] as const) {
      const answer = await newsroom.withHeaders(headers).get(`/v1/changes/stream${query}`);
      expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe(pointer);
    }
    expect((await fetch(`${newsroom.url}/v1/changes/stream`, { method: "HEAD" })).status).toBe(405);
    const json = await newsroom.withHeaders({ accept: "application/json" }).get("/v1/changes/stream");
    expectProblem(json, 406, "not-acceptable");
  });
});
