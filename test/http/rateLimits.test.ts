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
  /** As the policy of wrong keys is documented: so many a minute from one address. */
  const WRONG = 20;
  const trying = (key: string, address: string) =>
    newsroom
      .withHeaders({ authorization: `Bearer ${key}`, "x-forwarded-for": address })
      .get("/v1/articles")
      .send();
  const guess = (count: number, address: string) =>
    Promise.all(Array.from({ length: count }, (_, number) => trying(`guess-${number}-${address}`, address)));
  const makeKey = async () =>
    (await newsroom.editor.post("/v1/keys").send({ name: "Desk", scopes: ["drafts:read"] })).body as {
      id: string;
      secret: string;
    };

  it("ends after a few from one address: not even the right one is told from the others then", async () => {
    const address = "192.0.2.20";
    expect(new Set((await guess(WRONG, address)).map(({ status }) => status))).toEqual(new Set([401]));
    const { secret } = await makeKey();
    for (const key of ["another-guess", secret]) {
      const answer = await trying(key, address);
      expectProblem(answer, 429, "too-many-requests");
      expect(answer.headers["retry-after"]).toMatch(/^[1-9]\d?$/);
      expect(answer.headers["ratelimit-policy"]).toBe(`"wrong-keys";q=${WRONG};w=60`);
      expect(answer.headers.ratelimit).toMatch(/^"wrong-keys";r=0;t=\d+$/);
    }
    expect((await trying(secret, "192.0.2.21")).status).toBe(200);
    const reader = newsroom.reader.get("/v1/articles").set("x-forwarded-for", address);
    expect((await reader).status).toBe(200);
  });

  it("ends over a whole network of IPv6", async () => {
    await guess(WRONG, "2001:db8:7:7::1");
    expectProblem(await trying("one-more", "2001:db8:7:7::2"), 429, "too-many-requests");
  });

  it("does not shut out those whose keys were good from there before", async () => {
    const address = "192.0.2.22";
    const { id, secret } = await makeKey();
    expect((await trying(secret, address)).status).toBe(200);
    await guess(WRONG, address);
    expect((await trying(secret, address)).status).toBe(200);
    await newsroom.editor.delete(`/v1/keys/${id}`);
    expect((await trying(secret, address)).status).toBe(401);
    expectProblem(await trying(secret, address), 429, "too-many-requests");
  });

  it("is no guessing when the same wrong key comes again and again", async () => {
    const address = "192.0.2.23";
    await trying("revoked-long-ago", address);
    const again = await Promise.all(Array.from({ length: 50 }, () => trying("revoked-long-ago", address)));
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([401]));
    expect((await trying((await makeKey()).secret, address)).status).toBe(200);
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
});

describe("what lies outside of the API", () => {
  it("counts for the address as well: pages, previews, styles, documentation and what there is not", async () => {
    const { body: one } = await newsroom.editor.post("/v1/articles").send({ headline: "Market page" });
    await newsroom.editor.post(`/v1/articles/${one.id}/publish`);
    const left = async (path: string) => {
      const { headers } = await fetch(newsroom.url + path, { headers: { "x-forwarded-for": "192.0.2.30" } });
      return Number(/^"minute";r=(\d+);t=\d+$/.exec(headers.get("ratelimit") ?? "")?.[1]);
    };
    const first = await left("/v1/articles");
    const paths = [
      "/a/market-page",
      "/preview/none",
      "/styles/none",
      "/docs/",
      "/openapi.json",
      "/problems/gone",
      "/none",
      "/v1/none",
    ];
    for (const [index, path] of paths.entries())
      expect([path, await left(path)]).toEqual([path, first - index - 1]);
  });

  it("is never refused where operators ask how a process is", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const answer = await newsroom.reader.get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty("ratelimit");
    }
  });
});
