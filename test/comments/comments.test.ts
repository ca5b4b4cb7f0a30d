import { beforeAll, describe, expect, it } from "vitest";
import {
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  statusesOf,
  unknownId,
} from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface Shown {
  id: string;
  text: string;
  blockId: string | null;
  blockGone: boolean;
  inReplyTo: string | null;
  resolved: boolean;
}

const body = [{ id: "b1", type: "paragraph", text: "The ferry runs again." }];
let ana: Agent;
let bo: Agent;
beforeAll(async () => {
  ana = await newsroom.withKey({ name: "Ana", role: "editor" });
  bo = await newsroom.withKey({ name: "Bo", role: "editor" });
});

async function comment(address: string, input: object, agent = ana): Promise<Shown & { etag: string }> {
  const answer = await agent.post(`${address}/comments`).send(input);
  expect(answer.status, answer.text).toBe(201);
  return { ...(answer.body as Shown), etag: answer.headers.etag ?? "" };
}

async function listed(address: string, query = ""): Promise<Shown[]> {
  const answer = await ana.get(`${address}/comments${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as Shown[];
}

function change(address: string, id: string, patch: object, agent = ana) {
  return agent.patch(`${address}/comments/${id}`).set("if-match", "*").send(patch);
}

describe("a comment", () => {
  it("says who wrote what, on which block, and can be fetched where it is said to be", async () => {
    const { id, address } = await makeDraft(newsroom.editor, { body });
    const answer = await ana
      .post(`${address}/comments`)
      .send({ text: "Which one? “Süd”", blockId: "b1", name: "Ana Lima" });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      articleId: id,
      text: "Which one? “Süd”",
      blockId: "b1",
      blockGone: false,
      inReplyTo: null,
      author: { key: { id: expect.any(String), name: "Ana" }, name: "Ana Lima" },
      resolved: false,
      resolvedAt: null,
      resolvedBy: null,
    });
    const fetched = await bo.get(answer.headers.location ?? "");
    expect(fetched.body).toEqual(answer.body);
    expect(fetched.headers.etag).toBe(answer.headers.etag);
    const same = await bo.get(answer.headers.location ?? "").set("if-none-match", answer.headers.etag ?? "");
    expect(same.status).toBe(304);
  });

  it("is on the article as a whole when it names no block", async () => {
    const { address } = await makeDraft(newsroom.editor);
    expect(await comment(address, { text: "Too long" })).toMatchObject({ blockId: null, blockGone: false });
  });

  it("stays when its block goes, says so, and is whole again when the block is back", async () => {
    const draft = await makeDraft(newsroom.editor, { body });
    const { id } = await comment(draft.address, { text: "Which one?", blockId: "b1" });
    const gone = await patchDraft(newsroom.editor, draft, { body: [] });
    expect(await listed(draft.address)).toMatchObject([{ id, blockId: "b1", blockGone: true }]);
    await patchDraft(newsroom.editor, gone, { body });
    expect(await listed(draft.address)).toMatchObject([{ id, blockId: "b1", blockGone: false }]);
  });

  it("changes neither the article nor its tag", async () => {
    const draft = await makeDraft(newsroom.editor, { body });
    await comment(draft.address, { text: "Which one?", blockId: "b1" });
    const read = await ana.get(`${draft.address}?version=draft`);
    expect(read.headers.etag).toBe(draft.etag);
    expect(read.body).toEqual(draft.article);
  });

  it.for([
    [{}, "#/text"],
    [{ text: " \n" }, "#/text"],
    [{ text: "t".repeat(5001) }, "#/text"],
    [{ text: "a\0" }, "#/text"],
    [{ text: "On what?", blockId: "b9" }, "#/blockId"],
    [{ text: "To whom?", inReplyTo: unknownId }, "#/inReplyTo"],
    [{ text: "To whom?", inReplyTo: "b1" }, "#/inReplyTo"],
    [{ text: "Done", resolved: true }, "#/resolved"],
  ] as const)("is refused as %.60j", async ([input, pointer]) => {
    const { address } = await makeDraft(newsroom.editor, { body });
    expectRefused(await ana.post(`${address}/comments`).send(input), 422, pointer);
    expect(await listed(address)).toEqual([]);
  });

  it("is made once by a POST that is repeated with its Idempotency-Key", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const post = () => ana.post(`${address}/comments`).set("idempotency-key", "c1").send({ text: "Once" });
    expect((await post()).body.id).toBe((await post()).body.id);
    expect(await listed(address)).toHaveLength(1);
  });

  it("is 404 where there is no article, in the trash, and under another article", async () => {
    const one = await makeDraft(newsroom.editor);
    const other = await makeDraft(newsroom.editor);
    const { id } = await comment(one.address, { text: "Here" });
    for (const reference of [id, unknownId, "nothing"])
      expectProblem(await ana.get(`${other.address}/comments/${reference}`), 404, "not-found");
    expectProblem(await change(other.address, id, { resolved: true }), 404, "not-found");
    const reply = await ana.post(`${other.address}/comments`).send({ text: "Reply", inReplyTo: id });
    expectRefused(reply, 422, "#/inReplyTo");
    await newsroom.editor.delete(one.address).set("if-match", "*");
    expectProblem(await ana.get(`${one.address}/comments`), 404, "not-found");
    expectProblem(await ana.post(`${one.address}/comments`).send({ text: "Late" }), 404, "not-found");
  });

  it("goes with the article's row", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    const head = await comment(address, { text: "Head" });
    await comment(address, { text: "Reply", inReplyTo: head.id });
    await newsroom.database.article.delete({ where: { id } });
    expect(await newsroom.database.comment.count({ where: { articleId: id } })).toBe(0);
  });
});

describe("resolving", () => {
  it("says who did and when, and can be taken back", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const { id } = await comment(address, { text: "Check the figure" });
    const resolved = await change(address, id, { resolved: true }, bo);
    expect(resolved.body).toMatchObject({ resolved: true, resolvedBy: "Bo", resolvedAt: expect.any(String) });
    const reopened = await change(address, id, { resolved: false });
    expect(reopened.body).toMatchObject({ resolved: false, resolvedBy: null, resolvedAt: null });
  });

  it("twice is the same as once", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const { id } = await comment(address, { text: "Check the figure" });
    const first = await change(address, id, { resolved: true }, bo);
    const again = await change(address, id, { resolved: true }, ana);
    expect(again.body).toEqual(first.body);
    expect(again.headers.etag).toBe(first.headers.etag);
  });

  it("is of a comment with its replies, and narrows lists", async () => {
    const { address } = await makeDraft(newsroom.editor, { body });
    const done = await comment(address, { text: "Done", blockId: "b1" });
    const reply = await comment(address, { text: "Yes", inReplyTo: done.id }, bo);
    const open = await comment(address, { text: "Open" });
    expect(reply).toMatchObject({ inReplyTo: done.id, blockId: "b1" });
    await change(address, done.id, { resolved: true });
    const ids = async (query: string) => (await listed(address, query)).map(({ id }) => id);
    expect(await ids("?resolved=true")).toEqual([done.id, reply.id]);
    expect(await ids("?resolved=false")).toEqual([open.id]);
    expect(await ids("?blockId=b1")).toEqual([done.id, reply.id]);
    expect(await ids("")).toEqual([done.id, reply.id, open.id]);
    expect((await listed(address)).map(({ resolved }) => resolved)).toEqual([true, true, false]);
    expectRefused(await change(address, reply.id, { resolved: false }), 422, "#/resolved");
  });
});

describe("replying", () => {
  it("goes one deep, on the block of what it answers", async () => {
    const { address } = await makeDraft(newsroom.editor, { body });
    const head = await comment(address, { text: "Head" });
    const reply = await comment(address, { text: "Reply", inReplyTo: head.id });
    const post = (input: object) => ana.post(`${address}/comments`).send({ text: "More", ...input });
    expectRefused(await post({ inReplyTo: reply.id }), 422, "#/inReplyTo");
    expectRefused(await post({ inReplyTo: head.id, blockId: "b1" }), 422, "#/blockId");
  });

  it("keeps what it answers from being deleted, also at the same moment", async () => {
    const { address } = await makeDraft(newsroom.editor);
    for (let round = 0; round < 5; round += 1) {
      const { id } = await comment(address, { text: "Head" });
      const answers = await Promise.all([
        ana.delete(`${address}/comments/${id}`).set("if-match", "*"),
        bo.post(`${address}/comments`).send({ text: "Reply", inReplyTo: id }),
      ]);
      expect(["201,409", "204,422", "204,409"]).toContain(statusesOf(answers).join());
      const left = (await listed(address)).filter((one) => one.id === id || one.inReplyTo === id);
      expect(left.length === 0 || left.length === 2).toBe(true);
    }
  });
});

describe("changing a comment", () => {
  it("needs If-Match, and a tag that still fits", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const { id, etag } = await comment(address, { text: "First" });
    const path = `${address}/comments/${id}`;
    expectProblem(await ana.patch(path).send({ text: "Second" }), 428, "precondition-required");
    expectProblem(await ana.delete(path), 428, "precondition-required");
    const changed = await ana.patch(path).set("if-match", etag).send({ text: "Second" });
    expect(changed.body).toMatchObject({ text: "Second" });
    expectProblem(
      await ana.patch(path).set("if-match", etag).send({ text: "Third" }),
      412,
      "precondition-failed",
    );
    expectProblem(await ana.delete(path).set("if-match", etag), 412, "precondition-failed");
    expect((await ana.delete(path).set("if-match", changed.headers.etag ?? "")).status).toBe(204);
    expectProblem(await ana.get(path), 404, "not-found");
  });

  it("lets one of two win who change it with the same tag", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const { id, etag } = await comment(address, { text: "First" });
    const answers = await Promise.all(
      ["Second", "Third"].map((text) =>
        ana.patch(`${address}/comments/${id}`).set("if-match", etag).send({ text }),
      ),
    );
    expect(statusesOf(answers)).toEqual([200, 412]);
  });

  it("keeps a tag that fits when its block goes meanwhile", async () => {
    const draft = await makeDraft(newsroom.editor, { body });
    const { id, etag } = await comment(draft.address, { text: "Which one?", blockId: "b1" });
    await patchDraft(newsroom.editor, draft, { body: [] });
    const path = `${draft.address}/comments/${id}`;
    expect((await ana.get(path).set("if-none-match", etag)).status).toBe(200);
    expect((await ana.patch(path).set("if-match", etag).send({ resolved: true })).status).toBe(200);
  });

  it("leaves another's words alone", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const { id } = await comment(address, { text: "Mine" });
    expectProblem(await change(address, id, { text: "Yours" }, bo), 403, "out-of-reach");
    const deleted = await bo.delete(`${address}/comments/${id}`).set("if-match", "*");
    expectProblem(deleted, 403, "out-of-reach");
    expect(await listed(address)).toMatchObject([{ id, text: "Mine" }]);
  });

  it("is in the audit log, without its text", async () => {
    const { id: article, address } = await makeDraft(newsroom.editor);
    const { id } = await comment(address, { text: "Told in confidence" });
    await change(address, id, { resolved: true });
    const answer = await newsroom.editor.get(`/v1/audit?article=${article}`);
    expect(answer.body.data).toMatchObject([
      { operation: "updateComment", resource: { kind: "comments", id } },
      { operation: "createComment", resource: { kind: "comments", id } },
      { operation: "createArticle" },
    ]);
    expect(answer.text).not.toContain("confidence");
  });
});

describe("listing comments", () => {
  it("goes page by page, the oldest first and each once", async () => {
    const { address } = await makeDraft(newsroom.editor);
    const made = [];
    for (let number = 1; number <= 5; number += 1)
      made.push((await comment(address, { text: `Number ${number}` })).id);
    const seen: string[] = [];
    let next: string | undefined = `${address}/comments?limit=2&count=true`;
    while (next !== undefined) {
      const answer = await ana.get(next);
      expect(answer.body.page.total).toBe(5);
      seen.push(...(answer.body.data as Shown[]).map(({ id }) => id));
      next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? "")?.[1];
    }
    expect(seen).toEqual(made);
  });

  it.for(["resolved=maybe", "blockId=", "cursor=made-up", "open=true"])(
    "is refused with %s",
    async (query) => {
      const { address } = await makeDraft(newsroom.editor);
      const found = expectProblem(await ana.get(`${address}/comments?${query}`), 400, "invalid-parameter");
      expect(found.errors?.map(({ pointer }) => pointer)).toEqual([query.split("=")[0]]);
    },
  );
});

describe("readers and comments", () => {
  it("never meet: not in an edition, a list, a search or its parts", async () => {
    const draft = await makeDraft(newsroom.editor, {
      headline: "Ferry timetable",
      body,
      keyPoints: ["Hourly"],
    });
    await comment(draft.address, { text: "Zeitungsgeheimnis before", blockId: "b1" });
    await publishDraft(newsroom.editor, draft);
    await comment(draft.address, { text: "Zeitungsgeheimnis after" });
    for (const path of [
      draft.address,
      `/v1/articles/${draft.article.slug}`,
      "/v1/articles?limit=100",
      "/v1/articles?q=ferry",
      `${draft.address}/key-points`,
      `${draft.address}/share-counts`,
    ]) {
      const answer = await newsroom.reader.get(path);
      expect(answer.status).toBe(200);
      expect(answer.text.toLowerCase()).not.toMatch(/zeitungsgeheimnis|comment/);
    }
    expect((await newsroom.reader.get("/v1/articles?q=zeitungsgeheimnis")).body.data).toEqual([]);
    const edition = await newsroom.database.edition.findFirstOrThrow({ where: { articleId: draft.id } });
    expect(JSON.stringify(edition.document)).not.toMatch(/zeitungsgeheimnis/i);
    expectProblem(await newsroom.reader.get(`${draft.address}/comments`), 401, "key-required");
    const partner = await newsroom.withKey({ name: "Partner", role: "partner" });
    expectProblem(await partner.get(`${draft.address}/comments`), 403, "scope-missing");
  });
});

it("are in no preview either, neither as a page nor as JSON", async () => {
  const { address } = await makeDraft(newsroom.editor, { body });
  await comment(address, { text: "Zeitungsgeheimnis", blockId: "b1" });
  const made = await newsroom.editor.post(`${address}/previews`).send({});
  expect(made.status).toBe(201);
  for (const accept of ["text/html", "application/json"]) {
    const shown = await newsroom.reader.get(`/preview/${made.body.token}`).set("accept", accept);
    expect(shown.status).toBe(200);
    expect(shown.text).toContain("The ferry runs again.");
    expect(shown.text.toLowerCase()).not.toMatch(/zeitungsgeheimnis|comment/);
  }
});

describe("a contributor", () => {
  it("comments on its own drafts, answers the desk there, and hears nothing of other articles", async () => {
    const contributor = await newsroom.withKey({ name: "Freelancer", role: "contributor" });
    const own = await makeDraft(contributor);
    const head = await comment(own.address, { text: "Source?" });
    await comment(own.address, { text: "The ministry", inReplyTo: head.id }, contributor);
    const answer = await contributor.get(`${own.address}/comments`);
    expect((answer.body.data as Shown[]).map(({ text }) => text)).toEqual(["Source?", "The ministry"]);
    const others = await makeDraft(newsroom.editor);
    const { id } = await comment(others.address, { text: "Not for all" });
    expectProblem(await contributor.get(`${others.address}/comments`), 404, "not-found");
    expectProblem(await contributor.get(`${others.address}/comments/${id}`), 404, "not-found");
    expectProblem(await contributor.post(`${others.address}/comments`).send({ text: "?" }), 404, "not-found");
  });
});
