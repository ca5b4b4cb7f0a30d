import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { change, draft, live, publish, seen } from "../support/articles.ts";
import { changesOf, inMs, planned, until } from "../support/desk.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
let partner: Agent;
beforeAll(async () => {
  partner = await newsroom.withScopes(["embargo:read"]);
});

const far = "2100-01-01T06:00:00Z";
const paths = (id: string, slug: string) => [
  `/v1/articles/${id}`,
  `/v1/articles/${slug}`,
  `/v1/articles/${slug}/key-points`,
  `/v1/articles/${id}/related-links`,
  `/v1/articles/${id}/share-counts`,
];
const lists = (id: string) => [
  "/v1/articles",
  "/v1/articles?sort=updated",
  "/v1/articles?q=quokka",
  "/v1/articles?q=quokka&sort=newest",
  `/v1/articles?ids=${id}`,
];

describe("an article under embargo", () => {
  it("is there for keys with embargo:read alone until it ends, and then for all", async () => {
    const embargoedUntil = inMs(2000);
    const { id, slug } = await draft(newsroom, {
      headline: "Quokka census",
      embargoedUntil,
      keyPoints: ["Many"],
    });
    expect(await planned(newsroom, id, {})).toMatchObject({
      status: "scheduled",
      scheduledFor: embargoedUntil,
      version: 0,
    });
    for (const path of paths(id, slug)) {
      const answer = await partner.get(path);
      expect(answer.status, path).toBe(200);
      expect(answer.headers["cache-control"]).toBe("private, no-store");
      expectProblem(await newsroom.reader.get(path), 404, "not-found");
    }
    expect((await partner.get(`/v1/articles/${id}`)).body).toMatchObject({
      version: 1,
      embargoedUntil,
      status: "published",
    });
    const others = await Promise.all(
      (["drafts:read", "articles:write", "articles:publish", "audit:read", "shares:write"] as const).map(
        (scope) => newsroom.withScopes([scope]),
      ),
    );
    for (const agent of others) expectProblem(await agent.get(`/v1/articles/${id}`), 404, "not-found");
    for (const list of lists(id)) {
      const answer = await partner.get(list);
      expect(
        answer.body.data.map((article: { id: string }) => article.id),
        list,
      ).toContain(id);
      expect(answer.headers["cache-control"]).toBe("private, no-store");
      for (const agent of [newsroom.reader, ...others])
        expect(
          (await agent.get(list)).body.data.map((article: { id: string }) => article.id),
          list,
        ).not.toContain(id);
    }
    expect(Date.now()).toBeLessThan(Date.parse(embargoedUntil));
    expect(await changesOf(newsroom, id)).toEqual([]);
    await until(embargoedUntil);
    for (const path of [...paths(id, slug), ...lists(id)]) {
      const answer = await newsroom.reader.get(path);
      expect(answer.status, path).toBe(200);
    }
    await vi.waitFor(
      async () =>
        expect(await changesOf(newsroom, id)).toMatchObject([{ kind: "published", at: embargoedUntil }]),
      { timeout: 1500 },
    );
  });

  it("that is scheduled within it is there for partners at its time, and for the public at the embargo's end", async () => {
    const at = inMs(500);
    const embargoedUntil = inMs(1100);
    const { id } = await draft(newsroom, { headline: "Two steps", embargoedUntil });
    await planned(newsroom, id, { at });
    expectProblem(await partner.get(`/v1/articles/${id}`), 404, "not-found");
    expect((await partner.get("/v1/articles")).text).not.toContain(id);
    await until(at);
    expect((await partner.get(`/v1/articles/${id}`)).status).toBe(200);
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 404, "not-found");
    await until(embargoedUntil);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).body).toMatchObject({
      publishedAt: embargoedUntil,
    });
  });

  it("whose embargo has ended when its time comes is there for all at its time", async () => {
    const { id } = await draft(newsroom, { headline: "Later anyway", embargoedUntil: inMs(300) });
    const at = inMs(700);
    expect(await planned(newsroom, id, { at })).toMatchObject({ scheduledFor: at });
    await sleep(350);
    expectProblem(await partner.get(`/v1/articles/${id}`), 404, "not-found");
    await until(at);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(200);
  });

  it("is there at once when the embargo is lifted and it is published again", async () => {
    const { id } = await draft(newsroom, { headline: "Lifted early", embargoedUntil: far });
    await planned(newsroom, id, {});
    await change(newsroom, id, { embargoedUntil: null });
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 404, "not-found");
    expect(await publish(newsroom, id)).toMatchObject({ status: "published", version: 1 });
    expect(await seen(newsroom, id)).toMatchObject({ embargoedUntil: null });
  });

  it("is gone for partners, too, when it is given up", async () => {
    const { id } = await draft(newsroom, { headline: "Not after all", embargoedUntil: far });
    await planned(newsroom, id, {});
    expect((await partner.get(`/v1/articles/${id}`)).status).toBe(200);
    await newsroom.editor.post(`/v1/articles/${id}/cancel`);
    expectProblem(await partner.get(`/v1/articles/${id}`), 404, "not-found");
    expect((await partner.get("/v1/articles?limit=100")).text).not.toContain(id);
  });
});

describe("a new edition under embargo of what is live", () => {
  it("is there for partners alone, and the one before it for the public", async () => {
    const { id } = await live(newsroom, { headline: "Public words", slug: "public-words" });
    const embargoedUntil = inMs(1200);
    await change(newsroom, id, { headline: "Embargoed words", slug: "embargoed-words", embargoedUntil });
    expect(await planned(newsroom, id, {})).toMatchObject({
      status: "published",
      scheduledFor: embargoedUntil,
      version: 1,
    });
    expect(await seen(newsroom, "public-words")).toMatchObject({
      headline: "Public words",
      version: 1,
      embargoedUntil: null,
    });
    expectProblem(await newsroom.reader.get("/v1/articles/embargoed-words"), 404, "not-found");
    expect((await newsroom.reader.get("/v1/articles?limit=100")).text).not.toContain("mbargoed words");
    expect((await partner.get("/v1/articles/embargoed-words")).body).toMatchObject({
      headline: "Embargoed words",
      version: 2,
    });
    expect((await partner.get(`/v1/articles/${id}`)).body).toMatchObject({ version: 2 });
    expect((await partner.get("/v1/articles?limit=100")).text).toContain("Embargoed words");
    expect((await partner.get("/v1/articles/public-words").redirects(0)).headers.location).toBe(
      "/v1/articles/embargoed-words",
    );
    await until(embargoedUntil);
    expect(await seen(newsroom, "embargoed-words")).toMatchObject({ version: 2 });
  });
});

it.each(["tomorrow", "2100-13-01T00:00:00Z", 7, {}])(
  "an embargo until %j is refused",
  async (embargoedUntil) => {
    const answer = await newsroom.editor
      .post("/v1/articles")
      .send({ headline: "Until when", embargoedUntil });
    expectProblem(answer, 422, "invalid-content");
    expect(answer.body.errors).toMatchObject([{ pointer: "#/embargoedUntil" }]);
  },
);
