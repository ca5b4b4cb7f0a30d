import { beforeAll, describe, expect, it } from "vitest";
import {
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  unknownId,
} from "../support/drafts.ts";
import type { Agent } from "../support/newsroom.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

/** Headlines of the articles made below, in the order in which they were made. */
const made = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse"];
const ids: Record<string, string> = {};

beforeAll(async () => {
  const contents: Record<string, object> = {
    Alder: { section: { name: "Woods" }, tags: [{ name: "Green" }, { name: "Tall" }] },
    Birch: { section: "woods", authors: [{ name: "Ana Lima" }], language: "fr" },
    Cedar: { tags: ["green"], publishedAt: "2020-01-01T00:00:00Z" },
    Dogwood: { language: "fr" },
    Elm: { publishedAt: "2021-01-01T00:00:00Z" },
  };
  for (const headline of made)
    ids[headline] = (await makeDraft(newsroom.editor, { headline, ...contents[headline] })).id;
  const address = (headline: string) => ({ address: `/v1/articles/${ids[headline]}` });
  await publishDraft(newsroom.editor, await readDraft(newsroom.editor, address("Elm")));
  const fir = await publishDraft(newsroom.editor, await readDraft(newsroom.editor, address("Fir")));
  await newsroom.editor.post(`${fir.address}/unpublish`);
  await patchDraft(newsroom.editor, await readDraft(newsroom.editor, address("Birch")), {
    standfirst: "Changed last",
  });
});

const list = (query: string, agent: Agent = newsroom.editor) =>
  agent.get(`/v1/articles?version=draft${query}`);
const headlines = async (query: string) => {
  const answer = await list(query);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data.map(({ headline }: { headline: string }) => headline);
};

describe("the list of working copies", () => {
  it("is for keys that may read drafts", async () => {
    expectRefused(await list("", newsroom.reader), 401);
    expectRefused(await list("", await newsroom.withScopes(["articles:write"])), 403);
    const answer = await list("", await newsroom.withScopes(["drafts:read"]));
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  });

  it("has each as it is alone, but for the body", async () => {
    const { body } = await list("&limit=100");
    const { article } = await readDraft(newsroom.editor, { address: `/v1/articles/${ids.Alder}` });
    const { body: _, ...summary } = article;
    expect(body.data.find(({ id }: { id: string }) => id === ids.Alder)).toEqual(summary);
  });

  it.each([
    ["", ["Gorse", "Fir", "Elm", "Dogwood", "Cedar", "Birch", "Alder"]],
    ["&sort=newest", ["Gorse", "Fir", "Elm", "Dogwood", "Cedar", "Birch", "Alder"]],
    ["&sort=oldest", made],
    ["&sort=updated", ["Birch", "Fir", "Elm", "Gorse", "Dogwood", "Cedar", "Alder"]],
  ])("is in order, and pages through it without gap or repetition: %j", async (query, order) => {
    expect(await headlines(query)).toEqual(order);
    for (const limit of [1, 3, 7]) {
      const seen: string[] = [];
      let next: string | null = `/v1/articles?version=draft&limit=${limit}${query}`;
      while (next !== null) {
        const {
          body,
          headers,
        }: {
          body: { data: { headline: string }[]; page: { next: string | null } };
          headers: Record<string, string>;
        } = await newsroom.editor.get(next);
        seen.push(...body.data.map(({ headline }) => headline));
        const link = /^<([^>]+)>; rel="next"$/.exec(headers.link ?? "");
        expect(link === null).toBe(body.page.next === null);
        next = link?.[1] ?? null;
      }
      expect(seen).toEqual(order);
    }
  });

  it.each([
    ["&status=draft", ["Gorse", "Dogwood", "Cedar", "Birch", "Alder"]],
    ["&status=published", ["Elm"]],
    ["&status=unpublished", ["Fir"]],
    ["&status=in_review", []],
    ["&status=scheduled", []],
    ["&section=woods", ["Birch", "Alder"]],
    ["&section=nowhere", []],
    ["&tag=green", ["Cedar", "Alder"]],
    ["&tag=tall", ["Alder"]],
    ["&author=ana-lima", ["Birch"]],
    ["&language=fr", ["Dogwood", "Birch"]],
    ["&language=FR", ["Dogwood", "Birch"]],
    ["&publishedBefore=2020-06-01", ["Cedar"]],
    ["&publishedAfter=2020-01-01&publishedBefore=2022-01-01", ["Elm"]],
    ["&publishedAfter=2019-12-31T23:59:59Z&publishedBefore=2022-01-01T00:00:00%2B02:00", ["Elm", "Cedar"]],
    ["&updatedAfter=2999-01-01", []],
    ["&section=woods&language=fr&status=draft", ["Birch"]],
    ["&sort=oldest&tag=green", ["Alder", "Cedar"]],
  ])("is filtered by %s", async (query, expected) => {
    expect(await headlines(query)).toEqual(expected);
    expect((await list(`${query}&count=true&limit=1`)).body.page.total).toBe(expected.length);
  });

  it("is filtered by when it was changed, exactly", async () => {
    const { updatedAt } = (await readDraft(newsroom.editor, { address: `/v1/articles/${ids.Birch}` }))
      .article;
    expect(await headlines(`&updatedAfter=${updatedAt}`)).toEqual([]);
    expect(await headlines(`&updatedAfter=${new Date(Date.parse(updatedAt) - 1).toISOString()}`)).toEqual([
      "Birch",
    ]);
  });

  it("has those with given ids in the order asked, and says which are missing", async () => {
    const { body } = await list(`&ids=${ids.Elm},${unknownId},${ids.Alder}`);
    expect(body.data.map(({ headline }: { headline: string }) => headline)).toEqual(["Elm", "Alder"]);
    expect(body.missing).toEqual([{ id: unknownId, reason: "not-found" }]);
  });

  it("has those fields that are asked for", async () => {
    const { body } = await list("&fields=headline,section&limit=1");
    expect(body.data).toEqual([{ id: ids.Gorse, headline: "Gorse", section: null }]);
  });

  it("does not move under the reader's feet when articles are added while paging", async () => {
    const first = await list("&sort=oldest&limit=5");
    const added = await makeDraft(newsroom.editor, { headline: "Added" });
    const second = await list(`&sort=oldest&limit=5&cursor=${first.body.page.next}`);
    expect(second.body.data.map(({ headline }: { headline: string }) => headline)).toEqual([
      "Fir",
      "Gorse",
      "Added",
    ]);
    await newsroom.editor.delete(added.address).set("If-Match", "*");
    expect(await headlines("&sort=oldest")).toEqual(made);
  });

  it("answers If-None-Match with 304 as long as nothing changed", async () => {
    const first = await list("&status=published");
    const again = await list("&status=published").set("If-None-Match", first.headers.etag ?? "");
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  it.each([
    ["&status=live", "status"],
    ["&limit=0", "limit"],
    ["&limit=101", "limit"],
    ["&limit=ten", "limit"],
    ["&sort=upwards", "sort"],
    ["&section=Not%20a%20slug", "section"],
    ["&language=english%20please", "language"],
    ["&publishedAfter=yesterday", "publishedAfter"],
    ["&publishedAfter=0000-01-01", "publishedAfter"],
    ["&publishedBefore=9999-12-31T23:59:59-01:00", "publishedBefore"],
    ["&updatedAfter=2025-02-30", "updatedAfter"],
    ["&ids=one", "ids"],
    ["&fields=secret", "fields"],
    ["&cursor=bm9uc2Vuc2U", "cursor"],
    ["&cursor=%F0%9F%9A%A2", "cursor"],
    ["&page=2", "page"],
  ])("refuses %s with 400, naming the parameter", async (query, pointer) => {
    expectRefused(await list(query), 400, pointer);
  });

  it("refuses a cursor of another list", async () => {
    const { next } = (await list("&limit=1")).body.page;
    expectRefused(await list(`&limit=1&sort=oldest&cursor=${next}`), 400, "cursor");
    expectRefused(await newsroom.reader.get(`/v1/articles?cursor=${next}`), 400, "cursor");
    expectRefused(await newsroom.reader.get(`/v1/tags?cursor=${next}`), 400, "cursor");
  });

  it("has no status to filter by among what is published", async () => {
    expectRefused(await newsroom.reader.get("/v1/articles?status=draft"), 400, "status");
  });
});
