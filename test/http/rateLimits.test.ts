import { beforeAll, describe, expect, it } from "vitest";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom({ DATELINE_RATE_LIMIT: "on", DATELINE_TRUST_PROXY: "127.0.0.1" });
const unlimited = useNewsroom();
/** As the policy of sharing is documented: so many a minute from one address. */
const SHARES = 60;
let shares = "";

beforeAll(async () => {
  const { body: article } = await newsroom.editor.post("/v1/articles").send({ headline: "Market day" });
  await newsroom.editor.post(`/v1/articles/${article.id}/publish`);
  shares = `/v1/articles/${article.id}/shares`;
});

const share = (agent: Agent, address: string) =>
  agent.post(shares).set("x-forwarded-for", address).send({ network: "x" });
const atOnce = async (times: number, agent: Agent, address: string) =>
  (await Promise.all(Array.from({ length: times }, () => share(agent, address)))).map(({ status }) => status);

/** Uses up what one address may share. */
async function exhaust(agent: Agent, address: string): Promise<void> {
  expect(await atOnce(SHARES, agent, address)).toEqual(Array(SHARES).fill(201));
}

describe("sharing without a key", () => {
  it("is limited per address, and says when to come back", async () => {
    await exhaust(newsroom.reader, "192.0.2.1");
    const answer = await share(newsroom.reader, "192.0.2.1");
    expectProblem(answer, 429, "too-many-requests");
    expect(answer.headers["retry-after"]).toMatch(/^[1-9]\d?$/);
    expect(answer.headers["ratelimit-policy"]).toBe(`"minute";q=${SHARES};w=60`);
    expect(answer.headers.ratelimit).toMatch(/^"minute";r=0;t=\d+$/);
    expect((await share(newsroom.reader, "192.0.2.2")).status).toBe(201);
  });

  it("is limited over all articles together", async () => {
    await exhaust(newsroom.reader, "192.0.2.3");
    const { body: other } = await newsroom.editor.post("/v1/articles").send({ headline: "Market night" });
    await newsroom.editor.post(`/v1/articles/${other.id}/publish`);
    const answer = await newsroom.reader
      .post(`/v1/articles/${other.id}/shares`)
      .set("x-forwarded-for", "192.0.2.3")
      .send({ network: "x" });
    expectProblem(answer, 429, "too-many-requests");
  });

  it("is limited per network of IPv6, of which everyone has a whole one", async () => {
    await exhaust(newsroom.reader, "2001:db8:1:2::1");
    expectProblem(await share(newsroom.reader, "2001:db8:1:2:ffff::9"), 429, "too-many-requests");
    expect((await share(newsroom.reader, "2001:db8:1:3::1")).status).toBe(201);
  });

  it("leaves reading alone", async () => {
    await exhaust(newsroom.reader, "192.0.2.4");
    expect((await newsroom.reader.get("/v1/articles").set("x-forwarded-for", "192.0.2.4")).status).toBe(200);
  });
});

describe("sharing with a key", () => {
  it("with shares:write is not held to the limit of the public", async () => {
    const widget = await newsroom.withScopes(["shares:write"]);
    expect(new Set(await atOnce(SHARES + 20, widget, "192.0.2.5"))).toEqual(new Set([201]));
  });

  it("without shares:write is limited per key", async () => {
    const [one, other] = [
      await newsroom.withScopes(["drafts:read"]),
      await newsroom.withScopes(["drafts:read"]),
    ];
    await exhaust(one, "192.0.2.6");
    expectProblem(await share(one, "192.0.2.7"), 429, "too-many-requests");
    expect((await share(other, "192.0.2.6")).status).toBe(201);
  });
});

describe("trying keys", () => {
  it("counts against the address, and cannot go on for ever", async () => {
    const guess = (number: number) =>
      share(newsroom.withHeaders({ authorization: `Bearer dateline_guess${number}` }), "192.0.2.8");
    const answers = await Promise.all(Array.from({ length: SHARES }, (_, number) => guess(number)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expectProblem(await guess(SHARES), 429, "too-many-requests");
  });
});

describe("every answer", () => {
  it("tells what is left of the caller's limit", async () => {
    const headers = async (agent: Agent) =>
      (await agent.get("/v1/articles").set("x-forwarded-for", "192.0.2.9")).headers;
    const first = await headers(newsroom.reader);
    const second = await headers(newsroom.reader);
    const left = (ratelimit = "") => Number(/;r=(\d+);/.exec(ratelimit)?.[1]);
    expect(first["ratelimit-policy"]).toMatch(/^"minute";q=\d+;w=60$/);
    expect(left(second.ratelimit)).toBe(left(first.ratelimit) - 1);
    const keyed = await headers(newsroom.editor);
    expect(keyed["ratelimit-policy"]).not.toBe(first["ratelimit-policy"]);
    expect(Object.keys(first).filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
  });
});

describe("with DATELINE_RATE_LIMIT=off", () => {
  it("nothing is limited, and nothing said of it", async () => {
    const { body: article } = await unlimited.editor.post("/v1/articles").send({ headline: "Market closed" });
    await unlimited.editor.post(`/v1/articles/${article.id}/publish`);
    const path = `/v1/articles/${article.id}/shares`;
    const answers = await Promise.all(
      Array.from({ length: SHARES + 20 }, () => unlimited.reader.post(path).send({ network: "x" })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(answers[0]?.headers).not.toHaveProperty("ratelimit");
  });
});

describe("a partner's requests", () => {
  it("are limited as its entitlement says, over everything that it asks for, pages included", async () => {
    const { agent, entitle } = await partnerOf(newsroom, { requestsPerMinute: 5 });
    for (const path of ["/v1/articles", "/v1/me", "/v1/feeds/rss.xml", "/a/market-day"]) {
      const answer = await agent.get(path);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.headers["ratelimit-policy"]).toBe('"minute";q=5;w=60');
    }
    expect((await agent.get("/v1/me")).headers.ratelimit).toMatch(/^"minute";r=0;t=\d+$/);
    for (const path of ["/v1/articles", "/a/market-day"])
      expectProblem(await agent.get(path), 429, "too-many-requests");
    await entitle({ requestsPerMinute: null });
    expect((await agent.get("/v1/me")).status).toBe(200);
  });

  it("do not limit readers, who see pages as often as they like", async () => {
    const answer = await newsroom.reader.get("/a/market-day");
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("ratelimit-policy");
  });
});
