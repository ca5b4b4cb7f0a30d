import { beforeAll, describe, expect, it } from "vitest";
import { forgetPresences } from "../../src/editing/presence.ts";
import { expectRefused, makeDraft, patchDraft, unknownId } from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface Present {
  key: { id: string; name: string };
  name: string | null;
  blockId: string | null;
  since: string;
  until: string;
}

let ana: Agent;
let bo: Agent;
beforeAll(async () => {
  ana = await newsroom.withKey({ name: "Ana", role: "editor" });
  bo = await newsroom.withKey({ name: "Bo", role: "editor" });
});

async function enter(agent: Agent, address: string, input?: object): Promise<Present[]> {
  const request = agent.put(`${address}/editing`);
  const answer = await (input === undefined ? request : request.send(input));
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as Present[];
}

async function present(address: string): Promise<Present[]> {
  const answer = await newsroom.editor.get(`${address}/editing`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as Present[];
}

/** As if so many seconds had gone by. */
async function wait(articleId: string, seconds: number): Promise<void> {
  await newsroom.database.$executeRaw`UPDATE presences SET since = since - ${seconds} * interval '1 second',
    expires_at = expires_at - ${seconds} * interval '1 second' WHERE article_id = ${articleId}::uuid`;
}

describe("who is in an article", () => {
  it("is told to whoever enters and whoever asks, the longest there first", async () => {
    const { id, address, article } = await makeDraft(newsroom.editor);
    expect(await enter(ana, address)).toMatchObject([{ key: { name: "Ana" }, name: null, blockId: null }]);
    await wait(id, 5);
    const both = await enter(bo, `/v1/articles/${article.slug}`, { name: "Bo Chen", blockId: "b1" });
    expect(both).toMatchObject([
      { key: { name: "Ana" } },
      { key: { name: "Bo" }, name: "Bo Chen", blockId: "b1" },
    ]);
    expect(await present(address)).toEqual(both);
  });

  it("counts for 60 seconds by the database's clock, and longer when it is said again", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    const [first] = await enter(ana, address);
    expect(Date.parse(first?.until ?? "") - Date.parse(first?.since ?? "")).toBe(60_000);
    await wait(id, 50);
    const [again] = await enter(ana, address, { blockId: "b2" });
    expect(Date.parse(again?.until ?? "") - Date.parse(again?.since ?? "")).toBeGreaterThan(100_000);
    expect(again?.blockId).toBe("b2");
    await wait(id, 59);
    expect(await present(address)).toHaveLength(1);
    await wait(id, 2);
    expect(await present(address)).toEqual([]);
    const [later] = await enter(ana, address);
    expect(Date.parse(later?.until ?? "") - Date.parse(later?.since ?? "")).toBe(60_000);
  });

  it("tells people apart who use one key, and each can leave alone or all together", async () => {
    const { address } = await makeDraft(newsroom.editor);
    for (const name of ["Ana", "Ben", "Cleo"]) await enter(ana, address, { name });
    await enter(bo, address);
    const leave = (query = "") => ana.delete(`${address}/editing${query}`);
    expect((await leave("?name=Ben")).status).toBe(204);
    const names = async () => (await present(address)).map(({ name }) => name);
    expect(new Set(await names())).toEqual(new Set(["Ana", "Cleo", null]));
    expect((await leave("?name=Nobody")).status).toBe(204);
    expect((await leave()).status).toBe(204);
    expect(await names()).toEqual([null]);
  });

  it("keeps nobody from writing, and changes neither the article nor its tag", async () => {
    const draft = await makeDraft(newsroom.editor);
    await enter(ana, draft.address);
    const read = await newsroom.editor.get(`${draft.address}?version=draft`);
    expect(read.headers.etag).toBe(draft.etag);
    expect((await patchDraft(bo, draft, { headline: "Written by Bo" })).article.headline).toBe(
      "Written by Bo",
    );
  });

  it("is of each article by itself, and of one that is published as well", async () => {
    const one = await makeDraft(newsroom.editor);
    const other = await makeDraft(newsroom.editor);
    await newsroom.editor.post(`${one.address}/publish`);
    await enter(ana, one.address);
    expect(await present(one.address)).toHaveLength(1);
    expect(await present(other.address)).toEqual([]);
    expect((await newsroom.reader.get(one.address)).text).not.toContain("editing");
  });

  it("says the same when one says it many times at once", async () => {
    const { address } = await makeDraft(newsroom.editor);
    await Promise.all(Array.from({ length: 10 }, () => enter(ana, address, { name: "Ana" })));
    expect(await present(address)).toHaveLength(1);
  });

  it("is 404 where there is no article, and in the trash", async () => {
    const { address } = await makeDraft(newsroom.editor);
    await newsroom.editor.delete(address).set("if-match", "*");
    for (const path of [address, `/v1/articles/${unknownId}`, "/v1/articles/nowhere"]) {
      expectProblem(await ana.put(`${path}/editing`), 404, "not-found");
      expectProblem(await ana.get(`${path}/editing`), 404, "not-found");
      expectProblem(await ana.delete(`${path}/editing`), 404, "not-found");
    }
  });

  it.for([
    [{ name: " " }, "#/name"],
    [{ name: "n".repeat(201) }, "#/name"],
    [{ blockId: "" }, "#/blockId"],
    [{ blockId: "a\0b" }, "#/blockId"],
    [{ lock: true }, "#/lock"],
  ] as const)("is refused as %j", async ([input, pointer]) => {
    const { address } = await makeDraft(newsroom.editor);
    expectRefused(await ana.put(`${address}/editing`).send(input), 422, pointer);
    expect(await present(address)).toEqual([]);
  });

  it("is limited to 100, of whom each can stay", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    const times = { since: new Date(), expiresAt: new Date(Date.now() + 30_000) };
    await newsroom.database.presence.createMany({
      data: Array.from({ length: 99 }, (_, index) => ({
        ...times,
        articleId: id,
        keyId: unknownId,
        person: `Person ${index}`,
        keyName: "Crowd",
      })),
    });
    expect(await enter(ana, address)).toHaveLength(100);
    expectProblem(await bo.put(`${address}/editing`), 409, "conflict");
    expect(await enter(ana, address)).toHaveLength(100);
  });

  it("is forgotten once it is over", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    await enter(ana, address);
    await wait(id, 3600);
    await enter(bo, address);
    await forgetPresences(newsroom.database);
    expect(await newsroom.database.presence.findMany({ where: { articleId: id } })).toMatchObject([
      { keyName: "Bo" },
    ]);
  });

  it("leaves no entry in the audit log", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    await enter(ana, address);
    await ana.delete(`${address}/editing`);
    const { body } = await newsroom.editor.get(`/v1/audit?article=${id}`);
    expect(body.data).toMatchObject([{ operation: "createArticle" }]);
  });
});
