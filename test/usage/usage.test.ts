import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { change, live, publish } from "../support/articles.ts";
import { changesOf } from "../support/changes.ts";
import { unknownId } from "../support/drafts.ts";
import { openEvents } from "../support/events.ts";
import { type Agent, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { hookTo, receiver, until } from "../webhooks/receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });

interface Usage {
  days: { day: string; requests: number; bytes: number; articles: number }[];
  total: { requests: number; bytes: number; articles: number };
  lastCursor: {
    cursor: string;
    usedAt: string;
    behind: { changes: number; seconds: number };
    isExpired: boolean;
  } | null;
}

async function partner(): Promise<{ id: string; secret: string; agent: Agent }> {
  const { body } = await newsroom.editor.post("/v1/keys").send({ name: "Partner", scopes: ["shares:write"] });
  const { id, secret } = body as { id: string; secret: string };
  return { id, secret, agent: newsroom.withHeaders({ authorization: `Bearer ${secret}` }) };
}

async function usageOf(id: string, query = ""): Promise<Usage> {
  const answer = await newsroom.editor.get(`/v1/keys/${id}/usage${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Usage;
}

/** What is counted once it adds up to something. */
async function settled(id: string, fits: (usage: Usage) => boolean): Promise<Usage> {
  await until(async () => fits(await usageOf(id)), 5000);
  return usageOf(id);
}

let articles: { id: string; slug: string }[];
beforeAll(async () => {
  articles = [];
  for (const headline of ["First", "Second", "Third"]) articles.push(await live(newsroom, { headline }));
});

describe("what a key fetched", () => {
  it("is counted by requests, bytes of bodies and articles given away, on the day in UTC", async () => {
    const { id, agent } = await partner();
    const [first] = articles;
    const asked = [
      [`/v1/articles/${first?.id}`, 1],
      [`/v1/articles/${first?.slug}?fields=headline`, 1],
      [`/v1/articles/${first?.id}?format=markdown`, 1],
      [`/v1/articles/${first?.id}?asOf=${new Date().toISOString()}`, 1],
      ["/v1/articles", 3],
      ["/v1/articles?limit=2", 2],
      ["/v1/articles?q=second", 1],
      ["/v1/articles?format=ninjs", 3],
      [`/v1/articles?ids=${articles.map((one) => one.id).join(",")}`, 3],
      ["/v1/feeds/rss.xml", 3],
      ["/v1/feeds/sitemap-page.xml", 0],
      ["/v1/changes", 3],
      ["/v1/changes?fields=", 0],
      ["/v1/sections", 0],
      [`/v1/articles/${unknownId}`, 0],
    ] as const;
    let bytes = 0;
    for (const [address] of asked) {
      const { headers, status } = await agent.get(address).set("accept-encoding", "identity");
      expect([200, 404]).toContain(status);
      bytes += Number(headers["content-length"]);
    }
    const given = asked.reduce((sum, [, count]) => sum + count, 0);
    const expected = { requests: asked.length, bytes, articles: given };
    const usage = await settled(id, ({ total }) => total.requests === asked.length);
    expect(usage.total).toEqual(expected);
    expect(usage.days).toEqual([{ day: new Date().toISOString().slice(0, 10), ...expected }]);
  });

  it("is nothing where nothing was given: of what it has, of HEAD, of refusals the request alone", async () => {
    const { id, agent } = await partner();
    const address = `/v1/articles/${articles[0]?.id}`;
    const whole = await agent.get(address).set("accept-encoding", "identity");
    expect((await agent.get(address).set("if-none-match", whole.headers.etag ?? "")).status).toBe(304);
    expect((await agent.head(address)).status).toBe(200);
    const refused = await agent.get("/v1/keys");
    expect(refused.status).toBe(403);
    const bytes = Number(whole.headers["content-length"]) + Number(refused.headers["content-length"]);
    const { total } = await settled(id, (usage) => usage.total.requests === 4);
    expect(total).toEqual({ requests: 4, bytes, articles: 1 });
  });

  it("counts compressed answers as they are sent, and streamed ones as they pass", async () => {
    const { body } = await newsroom.editor.post("/v1/keys").send({ name: "Twin", scopes: ["transfer"] });
    const headers = { authorization: `Bearer ${body.secret}` };
    const packed = await fetch(`${newsroom.url}/v1/articles`, {
      headers: { ...headers, "accept-encoding": "br" },
    });
    expect(packed.headers.get("content-encoding")).toBe("br");
    await packed.arrayBuffer();
    const lines = await (await fetch(`${newsroom.url}/v1/export`, { headers })).arrayBuffer();
    const bytes = Number(packed.headers.get("content-length")) + lines.byteLength;
    const { total } = await settled(body.id as string, (usage) => usage.total.bytes >= bytes);
    expect(total).toEqual({ requests: 2, bytes, articles: 3 });
  });

  it("adds up what many ask of several processes at once, and what is fetched just before one stops", async () => {
    const { id, secret } = await partner();
    const other = await startNewsroom(newsroom.databaseUrl);
    const urls = [newsroom.url, other.found.url];
    const ask = (url: string) =>
      fetch(`${url}/v1/articles/${articles[0]?.id}`, { headers: { authorization: `Bearer ${secret}` } });
    await Promise.all(
      Array.from({ length: 60 }, async (_, number) => (await ask(urls[number % 2] ?? "")).arrayBuffer()),
    );
    await other.close();
    const { total } = await settled(id, (usage) => usage.total.requests >= 60);
    expect(total).toMatchObject({ requests: 60, articles: 60 });
  });

  it("is written in batches, none of them for a request without a key", async () => {
    const { id, agent } = await partner();
    /** Changes whenever the row is written. */
    const writing = async () => {
      const [row] = await newsroom.database.$queryRaw<[{ version: bigint }]>`
        SELECT xmin::text::bigint AS version FROM key_usage WHERE key_id = ${id}::uuid`;
      return row?.version;
    };
    await Promise.all(Array.from({ length: 40 }, () => agent.get("/v1/sections")));
    await settled(id, (usage) => usage.total.requests === 40);
    const before = await writing();
    await newsroom.reader.get("/v1/articles");
    await sleep(1200);
    expect(await writing()).toBe(before);
  });

  it("waits while the database is away", async () => {
    const { id, agent } = await partner();
    await newsroom.database.$executeRaw`ALTER TABLE key_usage RENAME TO key_usage_away`;
    await agent.get("/v1/sections");
    await sleep(1300);
    await newsroom.database.$executeRaw`ALTER TABLE key_usage_away RENAME TO key_usage`;
    await agent.get("/v1/sections");
    expect((await settled(id, (usage) => usage.total.requests > 0)).total.requests).toBe(2);
  });

  it("counts what its webhooks are sent", async () => {
    const { id, agent } = await partner();
    const there = await receiver();
    await hookTo(newsroom, there.url, { keyId: id });
    await agent.get("/v1/me");
    const { id: article } = await live(newsroom, { headline: "Sent" });
    await until(() => there.received.length === 1);
    await newsroom.editor.delete(`/v1/articles/${article}`).set("if-match", "*");
    await until(() => there.received.length === 2);
    const sent = there.received.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    const { total } = await settled(id, (usage) => usage.total.bytes > sent);
    expect(total).toMatchObject({ requests: 1, articles: 1 });
  });
});

describe("where a key is in the change log", () => {
  it("is the cursor that it came back with, and how far that lies behind", async () => {
    const { id, agent } = await partner();
    expect((await usageOf(id)).lastCursor).toBeNull();
    const { page } = await changesOf(agent, { since: "now" });
    await changesOf(agent, { since: page.next });
    const there = await settled(id, ({ lastCursor }) => lastCursor !== null);
    expect(there.lastCursor).toEqual({
      cursor: page.next,
      usedAt: expect.any(String),
      behind: { changes: 0, seconds: 0 },
      isExpired: false,
    });
    for (const headline of ["Missed", "Missed too"]) await live(newsroom, { headline });
    await sleep(50);
    const { lastCursor: late } = await usageOf(id);
    expect(late?.behind.changes).toBe(2);
    expect(late?.behind.seconds).toBeGreaterThan(0.05);
    expect(late?.behind.seconds).toBeLessThan(10);
    const { page: caught } = await changesOf(agent, { since: page.next });
    await changesOf(agent, { since: caught.next });
    const { lastCursor } = await settled(id, (usage) => usage.lastCursor?.behind.changes === 0);
    expect(lastCursor?.cursor).toBe(caught.next);
  });

  it("follows a stream as it goes, whose events and articles are counted", async () => {
    const { id, secret } = await partner();
    const stream = await openEvents(`${newsroom.url}/v1/changes/stream`, {
      authorization: `Bearer ${secret}`,
    });
    const article = await live(newsroom, { headline: "Streamed" });
    await change(newsroom, article.id, { standfirst: "Again" });
    await publish(newsroom, article.id);
    const events = await stream.until(2);
    const usage = await settled(id, ({ total }) => total.articles === 2);
    stream.close();
    expect(usage.total.requests).toBe(1);
    const [retry, ...texts] = stream
      .text()
      .replaceAll(/^:\n\n/gm, "")
      .split("\n\n");
    expect(retry).toMatch(/^retry/);
    expect(usage.total.bytes).toBe(Buffer.byteLength(texts.join("\n\n")));
    expect(usage.lastCursor).toMatchObject({ cursor: events[1]?.id, behind: { changes: 0 } });
  });

  it("says when what follows is kept no more", async () => {
    const { id, agent } = await partner();
    const { page } = await changesOf(agent, { since: "now" });
    await changesOf(agent, { since: page.next });
    await settled(id, ({ lastCursor }) => lastCursor !== null);
    const { changesPrunedTo: before } = await newsroom.database.installation.findFirstOrThrow();
    await newsroom.database.installation.updateMany({ data: { changesPrunedTo: 1_000_000n } });
    expect((await usageOf(id)).lastCursor?.isExpired).toBe(true);
    await newsroom.database.installation.updateMany({ data: { changesPrunedTo: before } });
  });
});

describe("asking for usage", () => {
  it("takes days from one to another, both included, and keeps them when the key is revoked", async () => {
    const { id } = await partner();
    const day = (date: string) => ({
      keyId: id,
      day: new Date(date),
      requests: 2n,
      bytes: 9_007_199_254n,
      articles: 1n,
    });
    await newsroom.database.keyUsage.createMany({
      data: ["2025-03-31", "2025-04-01", "2025-04-30", "2025-05-01"].map(day),
    });
    await newsroom.editor.delete(`/v1/keys/${id}`);
    const usage = await usageOf(id, "?from=2025-04-01&until=2025-04-30");
    expect(usage.days.map((one) => one.day)).toEqual(["2025-04-01", "2025-04-30"]);
    expect(usage.total).toEqual({ requests: 4, bytes: 18_014_398_508, articles: 2 });
    expect((await usageOf(id, "?until=2025-04-30")).days).toHaveLength(2);
    expect((await usageOf(id)).days).toEqual([]);
  });

  it("refuses days that are none, in the wrong order or too many, and keys that are none", async () => {
    const { id } = await partner();
    for (const [query, pointer] of [
      ["from=yesterday", "from"],
      ["until=2025-02-30", "until"],
      ["until=2025-04-30T00:00:00Z", "until"],
      ["from=2025-05-01&until=2025-04-30", "from"],
      ["from=2020-01-01&until=2025-04-30", "from"],
      ["day=2025-04-30", "day"],
    ] as const) {
      const answer = await newsroom.editor.get(`/v1/keys/${id}/usage?${query}`);
      expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe(pointer);
    }
    for (const none of [unknownId, "nonsense"])
      expectProblem(await newsroom.editor.get(`/v1/keys/${none}/usage`), 404, "not-found");
  });
});
