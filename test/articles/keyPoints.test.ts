import { describe, expect, it } from "vitest";
import {
  type Draft,
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  times,
  unknownId,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const listOf = (draft: Draft) => `${draft.address}/key-points`;
const textsOf = async (draft: Draft) =>
  (await readDraft(newsroom.editor, draft)).article.keyPoints.map(({ text }) => text);
const body = [
  { id: "lead", type: "paragraph", text: "x" },
  { id: "end", type: "rule" },
];

describe("adding a key point", () => {
  it("puts it at the end, with its address and the article's new tag", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    const answer = await newsroom.editor.post(listOf(draft)).send({ text: "two" });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ id: answer.body.id, text: "two", position: 1, blockId: null });
    expect(answer.headers.location).toBe(`${listOf(draft)}/${answer.body.id}`);
    const read = await newsroom.editor.get(`${answer.headers.location}?version=draft`);
    expect([read.body, read.headers.etag]).toEqual([answer.body, answer.headers.etag]);
  });

  it.each([
    [0, ["new", "one", "two"]],
    [1, ["one", "new", "two"]],
    [2, ["one", "two", "new"]],
    [100, ["one", "two", "new"]],
  ])("at position %i moves the others along", async (position, texts) => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one", "two"] });
    const answer = await newsroom.editor.post(listOf(draft)).send({ text: "new", position });
    expect(answer.body.position).toBe(texts.indexOf("new"));
    expect(await textsOf(draft)).toEqual(texts);
  });

  it("takes an id of the caller's and the block that it sums up", async () => {
    const draft = await makeDraft(newsroom.editor, { body });
    const id = "0199b2a0-5f5a-7c11-9d0e-00000000a001";
    const answer = await newsroom.editor.post(listOf(draft)).send({ id, text: "x", blockId: "lead" });
    expect(answer.body).toEqual({ id, text: "x", position: 0, blockId: "lead" });
  });

  it.each<[string, unknown, string]>([
    ["nothing", {}, "#/text"],
    ["blank text", { text: " " }, "#/text"],
    ["text too long", { text: "x".repeat(1001) }, "#/text"],
    ["a string", '"x"', "#"],
    ["an unknown block", { text: "x", blockId: "nowhere" }, "#/blockId"],
    ["an unknown property", { text: "x", weight: 1 }, "#/weight"],
    ["a position before the first", { text: "x", position: -1 }, "#/position"],
    ["half a position", { text: "x", position: 0.5 }, "#/position"],
    ["an id that is none", { text: "x", id: "k1" }, "#/id"],
  ])("refuses %s", async (_, content, pointer) => {
    const draft = await makeDraft(newsroom.editor, { body });
    expectRefused(
      await newsroom.editor
        .post(listOf(draft))
        .type("json")
        .send(content as object),
      422,
      pointer,
    );
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("refuses the id of another, be it of this article or of another one", async () => {
    const other = await makeDraft(newsroom.editor, { keyPoints: ["theirs"] });
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["ours"] });
    for (const id of [other.article.keyPoints[0]?.id, draft.article.keyPoints[0]?.id]) {
      expectRefused(await newsroom.editor.post(listOf(draft)).send({ id, text: "x" }), 422, "#/id");
    }
    expect(await textsOf(other)).toEqual(["theirs"]);
  });

  it("gives an id that sixteen articles want at once to one of them", async () => {
    const drafts = await Promise.all(Array.from({ length: 16 }, () => makeDraft(newsroom.editor)));
    const id = "0199b2a0-5f5a-7c11-9d0e-00000000a016";
    const answers = await Promise.all(
      drafts.map((draft) => newsroom.editor.post(listOf(draft)).send({ id, text: "x" })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.every((status) => [201, 409, 422].includes(status))).toBe(true);
  });

  it("ends at a hundred", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: times(100, "x") });
    expectRefused(await newsroom.editor.post(listOf(draft)).send({ text: "x" }), 422, "#");
  });

  it("is 404 for an article that does not exist", async () => {
    expectRefused(
      await newsroom.editor.post(`/v1/articles/${unknownId}/key-points`).send({ text: "x" }),
      404,
    );
    expectRefused(
      await newsroom.editor.post("/v1/articles/no-such-slug/key-points").send({ text: "x" }),
      404,
    );
  });
});

describe("changing a key point", () => {
  const changed = async (change: object) => {
    const draft = await makeDraft(newsroom.editor, {
      body,
      keyPoints: [{ text: "one", blockId: "lead" }, "two", "three"],
    });
    const point = draft.article.keyPoints[0];
    const answer = await newsroom.editor
      .patch(`${listOf(draft)}/${point?.id}`)
      .set("If-Match", draft.etag)
      .send(change);
    return { draft, point, answer };
  };

  it("changes its text and leaves the rest", async () => {
    const { draft, point, answer } = await changed({ text: "uno" });
    expect(answer.body).toEqual({ ...point, text: "uno" });
    expect(await textsOf(draft)).toEqual(["uno", "two", "three"]);
  });

  it("moves it", async () => {
    const { draft, point, answer } = await changed({ position: 2 });
    expect(answer.body).toEqual({ ...point, position: 2 });
    expect(await textsOf(draft)).toEqual(["two", "three", "one"]);
  });

  it("ties it to another block, or to none", async () => {
    expect((await changed({ blockId: "end" })).answer.body.blockId).toBe("end");
    expect((await changed({ blockId: null })).answer.body.blockId).toBeNull();
    expectRefused((await changed({ blockId: "nowhere" })).answer, 422, "#/blockId");
  });

  it("is no place for another id, nor for no text", async () => {
    expectRefused((await changed({ id: unknownId })).answer, 422, "#/id");
    expectRefused((await changed({ text: null })).answer, 422, "#/text");
  });

  it("that changes nothing keeps the tag", async () => {
    const { draft, answer } = await changed({ text: "one", position: 0, blockId: "lead" });
    expect(answer.status).toBe(200);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("takes a merge patch, and refuses what is none", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    const address = `${listOf(draft)}/${draft.article.keyPoints[0]?.id}`;
    const send = (type: string) =>
      newsroom.editor.patch(address).set("If-Match", "*").type(type).send('{"text":"uno"}');
    expect((await send("application/merge-patch+json")).status).toBe(200);
    expectRefused(await send("application/json-patch+json"), 415);
  });

  it("of another article, or of none, is 404", async () => {
    const other = await makeDraft(newsroom.editor, { keyPoints: ["theirs"] });
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["ours"] });
    for (const id of [other.article.keyPoints[0]?.id, unknownId, "first"]) {
      expectRefused(
        await newsroom.editor
          .patch(`${listOf(draft)}/${id}`)
          .set("If-Match", "*")
          .send({ text: "x" }),
        404,
      );
      expectRefused(await newsroom.editor.delete(`${listOf(draft)}/${id}`).set("If-Match", "*"), 404);
      expectRefused(await newsroom.editor.get(`${listOf(draft)}/${id}?version=draft`), 404);
    }
  });
});

describe("removing a key point", () => {
  it("closes the gap", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one", "two", "three"] });
    const address = `${listOf(draft)}/${draft.article.keyPoints[1]?.id}`;
    expect((await newsroom.editor.delete(address).set("If-Match", draft.etag)).status).toBe(204);
    const { article } = await readDraft(newsroom.editor, draft);
    expect(article.keyPoints.map(({ text, position }) => [text, position])).toEqual([
      ["one", 0],
      ["three", 1],
    ]);
    expectRefused(await newsroom.editor.get(`${address}?version=draft`), 404);
  });
});

describe("PUT on the key points", () => {
  it("reorders by ids alone, keeping texts and anchors", async () => {
    const draft = await makeDraft(newsroom.editor, {
      body,
      keyPoints: ["one", { text: "two", blockId: "end" }, "three"],
    });
    const reversed = draft.article.keyPoints.toReversed();
    const answer = await newsroom.editor
      .put(listOf(draft))
      .set("If-Match", draft.etag)
      .send(reversed.map(({ id }) => ({ id })));
    expect(answer.body.data).toEqual(reversed.map((point, position) => ({ ...point, position })));
    expect(answer.body.page).toEqual({ limit: 100, next: null });
  });

  it("takes the list as it was answered, in another order", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one", "two"] });
    const { body: list } = await newsroom.editor.get(`${listOf(draft)}?version=draft`);
    const answer = await newsroom.editor
      .put(listOf(draft))
      .set("If-Match", draft.etag)
      .send({ ...list, data: list.data.toReversed() });
    expect(answer.body.data.map(({ text }: { text: string }) => text)).toEqual(["two", "one"]);
  });

  it("replaces: what is not named is gone, strings and objects are new", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one", "two"] });
    const answer = await newsroom.editor
      .put(listOf(draft))
      .set("If-Match", draft.etag)
      .send(["a", { text: "b" }, { id: draft.article.keyPoints[1]?.id }]);
    expect(answer.body.data).toMatchObject([
      { text: "a" },
      { text: "b" },
      draft.article.keyPoints[1] === undefined ? {} : { id: draft.article.keyPoints[1].id, text: "two" },
    ]);
    await newsroom.editor.put(listOf(draft)).set("If-Match", "*").send([]);
    expect(await textsOf(draft)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ["an item without text", ["x", {}], "#/1/text"],
    ["a blank text", [{ text: "" }], "#/0/text"],
    ["an unknown block", [{ text: "x", blockId: "nowhere" }], "#/0/blockId"],
    ["an unknown property", [{ text: "x", kind: "y" }], "#/0/kind"],
    [
      "one id twice",
      [
        { id: unknownId, text: "x" },
        { id: unknownId, text: "y" },
      ],
      "#/1/id",
    ],
    ["more than a hundred", times(101, "x"), "#"],
    ["an item without text in a list as answered", { data: ["x", {}] }, "#/data/1/text"],
    [
      "an unknown block in a list as answered",
      { data: [{ text: "x", blockId: "nowhere" }] },
      "#/data/0/blockId",
    ],
    ["an unknown property beside a list as answered", { data: [], items: [] }, "#/items"],
  ])("refuses %s and changes nothing", async (_, content, pointer) => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    expectRefused(
      await newsroom.editor
        .put(listOf(draft))
        .set("If-Match", draft.etag)
        .send(content as object),
      422,
      pointer,
    );
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });
});

describe("a key point and the block that it sums up", () => {
  it("stay together when the body moves around", async () => {
    const draft = await makeDraft(newsroom.editor, { body, keyPoints: [{ text: "x", blockId: "lead" }] });
    const { article } = await patchDraft(newsroom.editor, draft, { body: body.toReversed() });
    expect(article.keyPoints[0]?.blockId).toBe("lead");
  });

  it("part when the block goes: the point stays, tied to none", async () => {
    const draft = await makeDraft(newsroom.editor, { body, keyPoints: [{ text: "x", blockId: "lead" }] });
    const { article } = await patchDraft(newsroom.editor, draft, { body: [body[1]] });
    expect(article.keyPoints[0]).toMatchObject({ text: "x", blockId: null });
  });

  it("may come in one request, the point naming the block's given id", async () => {
    const draft = await makeDraft(newsroom.editor);
    const { article } = await patchDraft(newsroom.editor, draft, {
      body,
      keyPoints: [{ text: "x", blockId: "end" }],
    });
    expect(article.keyPoints[0]?.blockId).toBe("end");
  });
});

describe("reading key points", () => {
  it("follows the article's rule: the edition for the public, the working copy for those who may", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    expectRefused(await newsroom.reader.get(listOf(draft)), 404);
    expectRefused(await newsroom.reader.get(`${listOf(draft)}?version=draft`), 401);
    const live = await publishDraft(newsroom.editor, draft);
    await patchDraft(newsroom.editor, live, { keyPoints: ["changed"] });
    expect((await newsroom.reader.get(listOf(draft))).body.data).toMatchObject([
      { text: "one", position: 0 },
    ]);
    expect((await newsroom.editor.get(`${listOf(draft)}?version=draft`)).body.data).toMatchObject([
      { text: "changed" },
    ]);
    await newsroom.editor.post(`${draft.address}/unpublish`);
    expectRefused(await newsroom.reader.get(listOf(draft)), 410);
  });
});
