import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Mirror, type ShownChange, type ShownPage, apply } from "../support/changes.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();
const PUBLISHERS = 32;
const ACTIONS = 12;

let others: Awaited<ReturnType<typeof startNewsroom>>[] = [];
beforeAll(async () => {
  others = await Promise.all([startNewsroom(newsroom.databaseUrl), startNewsroom(newsroom.databaseUrl)]);
});
afterAll(() => Promise.all(others.map(({ close }) => close())));

const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/** What an editor does to an article, whatever its state; a refusal is none of a partner's business. */
const actions: ((at: TestNewsroom, id: string, number: string, target: string) => Promise<unknown>)[] = [
  async (at, id) => at.editor.post(`/v1/articles/${id}/publish`),
  async (at, id, number) => {
    await edit(at, id, { headline: `Headline ${number}` });
    return at.editor.post(`/v1/articles/${id}/publish`);
  },
  async (at, id, number) => {
    await edit(at, id, { slug: `slug-${number}` });
    return at.editor.post(`/v1/articles/${id}/publish`).send({ correction: `Correction ${number}.` });
  },
  async (at, id, _number, target) => {
    await edit(at, id, { relatedLinks: [{ articleId: target }] });
    return at.editor.post(`/v1/articles/${id}/publish`);
  },
  async (at, id) => at.editor.post(`/v1/articles/${id}/unpublish`),
  async (at, id) => at.editor.delete(`/v1/articles/${id}`).set("If-Match", "*"),
];
const kill = async (at: TestNewsroom, id: string) =>
  at.editor.post(`/v1/articles/${id}/kill`).set("If-Match", "*").send({ reason: "An injunction" });
const edit = (at: TestNewsroom, id: string, patch: object) =>
  at.editor.patch(`/v1/articles/${id}`).set("If-Match", "*").send(patch);

it("a partner that polls throughout ends with an exact mirror, while 32 publish, rename, unpublish, delete and kill at once", async () => {
  const everywhere = [newsroom, ...others.map(({ found }) => found)];
  const ids: string[] = [];
  for (let number = 0; number < 40; number += 1) {
    const { body } = await newsroom.editor.post("/v1/articles").send({ headline: `Article ${number}` });
    ids.push(body.id as string);
    if (number % 2 === 0) await newsroom.editor.post(`/v1/articles/${body.id}/publish`);
  }

  /** Whoever is told that there is no room for now comes back when it is told to. */
  const patiently = async (query: Record<string, string>): Promise<ShownPage> => {
    const answer = await oneOf(everywhere).reader.get(`/v1/changes?${new URLSearchParams(query).toString()}`);
    if (answer.status === 200) return answer.body as ShownPage;
    expect(answer.status, answer.text).toBe(503);
    await sleep(1000 * Number(answer.headers["retry-after"]));
    return patiently(query);
  };

  let isOver = false;
  /** Reads from the start until all is over, by whichever process, as a partner behind a balancer does. */
  const partner = async (query: Record<string, string>) => {
    const mirror: Mirror = new Map();
    const told: ShownChange[] = [];
    for (let since = "start"; ;) {
      const wasOver = isOver;
      const { data, page } = await patiently({ since, ...query });
      for (const one of data) apply(mirror, one);
      told.push(...data);
      if (page.next === since && wasOver) return { mirror, told };
      since = page.next;
    }
  };
  const partners = [partner({ limit: "3" }), partner({ limit: "100", wait: "1" }), partner({ limit: "7" })];
  const publisher = async (name: number) => {
    for (let round = 0; round < ACTIONS; round += 1) {
      const at = oneOf(everywhere);
      const number = `${name}-${round}`;
      if (round === ACTIONS - 1 && name % 8 === 0) await kill(at, oneOf(ids));
      else await oneOf(actions)(at, oneOf(ids), number, oneOf(ids));
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, (_, name) => publisher(name)));
  // Each process has heard of everything by then.
  await sleep(300);
  isOver = true;
  const found = await Promise.all(partners);

  const { data: list } = (await newsroom.reader.get("/v1/articles?limit=100&fields=id")).body;
  const exact: Mirror = new Map();
  for (const { id } of list as { id: string }[]) {
    const {
      shareCounts: _,
      shareTotal: __,
      ...edition
    } = (await newsroom.reader.get(`/v1/articles/${id}`)).body;
    exact.set(id, edition);
  }
  const log = await newsroom.database.change.findMany({ orderBy: { sequence: "asc" } });
  expect(log.length).toBeGreaterThan(100);
  expect(exact.size).toBeGreaterThan(0);
  for (const { mirror, told } of found) {
    expect(Object.fromEntries(mirror)).toEqual(Object.fromEntries(exact));
    const numbers = told.flatMap(({ sequence }) => sequence ?? []);
    const expected = log.map(({ sequence }) => Number(sequence)).filter((one) => one >= (numbers[0] ?? 0));
    expect(numbers).toEqual(expected);
    const snapshot = told.filter(({ sequence }) => sequence === null).map(({ articleId }) => articleId);
    expect(new Set(snapshot).size).toBe(snapshot.length);
    const withdrawn = new Set<string>();
    for (const { kind, articleId, article } of told) {
      if (withdrawn.has(articleId)) expect({ articleId, article }).toEqual({ articleId, article: null });
      if (kind === "withdrawn") withdrawn.add(articleId);
    }
  }
}, 120_000);
