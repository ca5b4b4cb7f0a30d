import { beforeEach, describe, expect, it } from "vitest";
import { type Draft, makeDraft, patchDraft, publishDraft, readDraft } from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const { stringify } = JSON;

interface Revision {
  number: number;
  action: string;
  changed: string[];
  edition: number | null;
  restoredFrom: number | null;
  by: { id: string | null; name: string };
  createdAt: string;
}

const revisionsOf = async ({ address }: Draft, query = ""): Promise<Revision[]> => {
  const answer = await newsroom.editor.get(`${address}/revisions${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data;
};
const actionsOf = async (draft: Draft) => (await revisionsOf(draft)).map(({ action }) => action).toReversed();
/** The working copy as a revision has it. */
const copyAt = async ({ address }: Draft, number: number) => {
  const answer = await newsroom.editor.get(`${address}/revisions/${number}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.article;
};
const revisionOf = ({ etag }: Draft) => Number(/^"(\d+)-/.exec(etag)?.[1]);

let draft: Draft;
beforeEach(async () => {
  draft = await makeDraft(newsroom.editor, {
    headline: "Harbour reopens",
    body: [
      { id: "b1", type: "paragraph", text: "The harbour opened at noon." },
      { id: "b2", type: "paragraph", text: "Ships wait." },
    ],
    keyPoints: ["It is open", { text: "Ships wait", blockId: "b2" }],
    relatedLinks: [{ kind: "source", title: "Notice", url: "https://example.com/notice" }],
    section: { name: "World" },
    tags: [{ name: "Ports" }],
    authors: [{ name: "Ana Lima" }],
  });
});

describe("the revisions of an article", () => {
  it("name every accepted write, the newest first, with what it changed", async () => {
    const point = draft.article.keyPoints[0]?.id ?? "";
    const link = draft.article.relatedLinks[0]?.id ?? "";
    const { editor } = newsroom;
    const any = { "If-Match": "*" };
    await editor.patch(draft.address).set(any).send({ headline: "Harbour open", standfirst: "At last" });
    await editor.patch(`${draft.address}/key-points/${point}`).set(any).send({ text: "It is open again" });
    await editor.delete(`${draft.address}/related-links/${link}`).set(any);
    const { body: added } = await editor.post(`${draft.address}/key-points`).send({ text: "More soon" });
    await editor.patch(`${draft.address}/key-points/${added.id}`).set(any).send({ position: 0 });
    await publishDraft(editor, draft);
    await editor.post(`${draft.address}/unpublish`);
    await editor.put(draft.address).set(any).send({ headline: "Harbour open" });
    const revisions = await revisionsOf(draft);
    expect(revisions.map(({ number }) => number)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(revisions.map(({ action, edition }) => [action, edition]).toReversed()).toEqual([
      ["created", null],
      ["changed", null],
      ["changed", null],
      ["changed", null],
      ["changed", null],
      ["changed", null],
      ["published", 1],
      ["unpublished", null],
      ["changed", null],
    ]);
    const changed = revisions.map((revision) => revision.changed).toReversed();
    expect(changed.slice(0, 8)).toEqual([
      [],
      ["/headline", "/standfirst"],
      [`/keyPoints/${point}`],
      [`/relatedLinks/${link}`],
      [`/keyPoints/${added.id}`],
      ["/keyPoints"],
      ["/publishedAt"],
      [],
    ]);
    expect(changed[8]).toEqual(
      expect.arrayContaining(["/standfirst", "/section", "/tags/ports", "/body/b1", `/keyPoints/${point}`]),
    );
  });

  it("have the number that the ETag begins with", async () => {
    draft = await patchDraft(newsroom.editor, draft, { standfirst: "At last" });
    expect((await revisionsOf(draft))[0]?.number).toBe(revisionOf(draft));
  });

  it("tell who did it, by the key's id and its name", async () => {
    const desk = await newsroom.withScopes(["articles:write"]);
    await desk.patch(draft.address).set("If-Match", "*").send({ dateline: "PORT SUDAN" });
    const [theirs, mine] = await revisionsOf(draft);
    expect(theirs?.by).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: "articles:write" });
    expect(mine?.by.id).not.toBe(theirs?.by.id);
    expect(Date.parse(theirs?.createdAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  it("come of imports, and of the publication that goes with one", async () => {
    const { body: article } = await newsroom.editor
      .post("/v1/imports?publish=true")
      .set("content-type", "text/plain")
      .send("Ferry stops\n\nThe last one left at noon.\n");
    const imported = await readDraft(newsroom.editor, { address: `/v1/articles/${article.id}` });
    expect(await actionsOf(imported)).toEqual(["imported", "published"]);
  });

  it("do not come of what was refused, or changed nothing", async () => {
    const { editor } = newsroom;
    await editor.patch(draft.address).set("If-Match", '"9-x"').send({ headline: "Stale" });
    await editor.patch(draft.address).set("If-Match", "*").send({ section: "no-such-section" });
    await editor.patch(draft.address).set("If-Match", "*").send({ headline: draft.article.headline });
    await publishDraft(editor, draft);
    await publishDraft(editor, draft);
    expect(await actionsOf(draft)).toEqual(["created", "published"]);
  });

  it("are paged by cursor, and counted when asked", async () => {
    for (const standfirst of ["one", "two", "three", "four"])
      draft = await patchDraft(newsroom.editor, draft, { standfirst });
    const seen: number[] = [];
    let path: string | null = `${draft.address}/revisions?limit=2&count=true`;
    while (path !== null) {
      const answer = await newsroom.editor.get(path);
      expect(answer.body.page).toMatchObject({ limit: 2, total: 5 });
      seen.push(...answer.body.data.map(({ number }: Revision) => number));
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.link ?? "")?.[1] ?? null;
      expect(path === null).toBe(answer.body.page.next === null);
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });

  it("refuse a cursor of another article's list", async () => {
    await patchDraft(newsroom.editor, draft, { standfirst: "two" });
    const other = await makeDraft(newsroom.editor);
    const { body } = await newsroom.editor.get(`${draft.address}/revisions?limit=1`);
    const answer = await newsroom.editor.get(`${other.address}/revisions?cursor=${body.page.next}`);
    expectProblem(answer, 400, "invalid-parameter");
  });

  it("begin, for an article older than they are, with how it stood before its next change", async () => {
    await newsroom.database.revision.deleteMany({ where: { articleId: draft.id } });
    expect(await revisionsOf(draft)).toEqual([]);
    await patchDraft(newsroom.editor, draft, { headline: "Harbour open" });
    expect(await actionsOf(draft)).toEqual(["recorded", "changed"]);
    expect(await revisionsOf(draft, "?limit=2")).toMatchObject([
      { changed: ["/headline"] },
      { by: { id: null, name: "Dateline" }, createdAt: draft.article.updatedAt },
    ]);
    expect((await copyAt(draft, 1)).headline).toBe("Harbour reopens");
  });

  it("come one for each write when sixteen are made at once", async () => {
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor
          .patch(draft.address)
          .set("If-Match", "*")
          .send({ standfirst: `${index}` }),
      ),
    );
    const revisions = await revisionsOf(draft);
    expect(revisions.map(({ number }) => number)).toEqual(
      Array.from({ length: 17 }, (_, index) => 17 - index),
    );
    const copies = await Promise.all(revisions.map(({ number }) => copyAt(draft, number)));
    expect(new Set(copies.map(({ standfirst }) => standfirst)).size).toBe(17);
    expect(copies[0].standfirst).toBe((await readDraft(newsroom.editor, draft)).article.standfirst);
  });
});

describe("a revision", () => {
  it("has the whole working copy as it was, whatever came after", async () => {
    const { article } = draft;
    await newsroom.editor.put(draft.address).set("If-Match", "*").send({ headline: "Gone" });
    const copy = await copyAt(draft, 1);
    expect(article).toMatchObject(copy);
    expect(Object.keys(copy)).toEqual(
      expect.arrayContaining([
        "slug",
        "headline",
        "section",
        "tags",
        "authors",
        "body",
        "keyPoints",
        "publishedAt",
      ]),
    );
    expect(Object.keys(copy)).not.toContain("shareCounts");
  });

  it("keeps text of any script and length exactly", async () => {
    const body = [
      { id: "x", type: "paragraph", text: '“Ünï” – \u2028 \n\t 👩🏽‍🚀 \\n "q"' },
      { id: "ar", type: "quote", text: "قال إن الميناء مفتوح", attribution: "المدير" },
      ...Array.from({ length: 2000 }, (_, index) => ({
        id: `p${index}`,
        type: "paragraph",
        text: `${index} ${"The harbour is open to ships. ".repeat(5)}`,
      })),
    ];
    draft = await patchDraft(newsroom.editor, draft, { body, keyPoints: [] });
    const moved = body.toReversed();
    draft = await patchDraft(newsroom.editor, draft, { body: moved });
    await patchDraft(newsroom.editor, draft, { body: moved.slice(0, 1500), headline: "Short" });
    expect((await copyAt(draft, 2)).body).toEqual(body);
    expect((await copyAt(draft, 3)).body).toEqual(moved);
    expect((await copyAt(draft, 4)).body).toEqual(moved.slice(0, 1500));
  });

  it("keeps related links as they were written", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Pilots strike" });
    draft = await patchDraft(newsroom.editor, draft, {
      relatedLinks: [{ articleId: target.id }, { title: "Bare" }],
      body: [],
    });
    await patchDraft(newsroom.editor, target, { headline: "Pilots at work" });
    expect((await copyAt(draft, 2)).relatedLinks).toMatchObject([
      { title: null, url: null, articleId: target.id, position: 0 },
      { title: "Bare", url: null, articleId: null, position: 1 },
    ]);
    expect(await actionsOf(draft)).toHaveLength(2);
  });

  it.for(["0", "3", "-1", "1.5", "first", "99999999999", "1e0"])("is not found by %s", async (number) => {
    expectProblem(await newsroom.editor.get(`${draft.address}/revisions/${number}`), 404, "not-found");
    expectProblem(await newsroom.editor.get(`${draft.address}/revisions/1/diff/${number}`), 404, "not-found");
    const restoring = await newsroom.editor.post(`${draft.address}/revisions/${number}/restore`);
    expectProblem(restoring, 404, "not-found");
  });

  it("cannot be changed in the database", async () => {
    const change = newsroom.database.revision.updateMany({
      where: { articleId: draft.id },
      data: { actorName: "Nobody" },
    });
    await expect(change).rejects.toThrow("never changed");
  });

  it("is not there for an article that is not there, or in the trash", async () => {
    expectProblem(await newsroom.editor.get("/v1/articles/no-such-one/revisions"), 404, "not-found");
    await newsroom.editor.delete(draft.address).set("If-Match", "*");
    expectProblem(await newsroom.editor.get(`${draft.address}/revisions`), 404, "not-found");
    const kept = await newsroom.database.revision.findMany({
      where: { articleId: draft.id },
      orderBy: { number: "asc" },
    });
    expect(kept.map(({ action }) => action)).toEqual(["created", "trashed"]);
  });
});

describe("restoring a revision", () => {
  const restore = ({ address }: Draft, number: number, agent: Agent = newsroom.editor) =>
    agent.post(`${address}/revisions/${number}/restore`);

  it("makes a new revision with the old content, ids included", async () => {
    const { article } = draft;
    await newsroom.editor.put(draft.address).set("If-Match", "*").send({ headline: "All new" });
    const answer = await restore(draft, 1);
    expect(answer.status, answer.text).toBe(200);
    const { updatedAt: _, ...content } = article;
    expect(answer.body).toMatchObject(content);
    expect(answer.headers.etag).toMatch(/^"3-/);
    expect((await revisionsOf(draft))[0]).toMatchObject({ number: 3, action: "restored", restoredFrom: 1 });
    expect(await copyAt(draft, 3)).toEqual(await copyAt(draft, 1));
    expect((await readDraft(newsroom.editor, draft)).article).toEqual(answer.body);
  });

  it("shows readers nothing until it is published", async () => {
    await publishDraft(newsroom.editor, draft);
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ headline: "Harbour shut" });
    await publishDraft(newsroom.editor, draft);
    expect((await restore(draft, 1)).body.hasUnpublishedChanges).toBe(true);
    expect((await newsroom.reader.get(draft.address)).body.headline).toBe("Harbour shut");
    await publishDraft(newsroom.editor, draft);
    expect((await newsroom.reader.get(draft.address)).body.headline).toBe("Harbour reopens");
  });

  it("leaves the slug, and the date of what has been published, as they are", async () => {
    await publishDraft(newsroom.editor, draft);
    const { body: now } = await newsroom.editor
      .patch(draft.address)
      .set("If-Match", "*")
      .send({ slug: `moved-${draft.article.slug}`, headline: "Moved" });
    const { body } = await restore(draft, 1);
    expect(body).toMatchObject({
      headline: "Harbour reopens",
      slug: now.slug,
      publishedAt: now.publishedAt,
    });
  });

  it("changes nothing when there is no difference", async () => {
    const answer = await restore(draft, 1);
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toBe(draft.etag);
    expect(await actionsOf(draft)).toEqual(["created"]);
  });

  it("is refused with 412 when If-Match is out of date, and done when it fits", async () => {
    const next = await patchDraft(newsroom.editor, draft, { standfirst: "At last" });
    expectProblem(await restore(draft, 1).set("If-Match", draft.etag), 412, "precondition-failed");
    expect((await restore(draft, 1).set("If-Match", next.etag)).status).toBe(200);
  });

  it("names what the revision names that has been deleted since, and changes nothing", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Pilots strike" });
    draft = await makeDraft(newsroom.editor, {
      section: { name: "Old section" },
      tags: [{ name: "Kept tag" }, { name: "Old tag" }],
      authors: [{ name: "Old Author" }],
      relatedLinks: [{ title: "Bare" }, { articleId: target.id }],
    });
    await newsroom.editor.put(draft.address).set("If-Match", "*").send({ headline: "Bare" });
    for (const path of ["sections/old-section", "tags/old-tag", "authors/old-author"])
      expect((await newsroom.editor.delete(`/v1/${path}`)).status).toBe(204);
    await newsroom.editor.delete(target.address).set("If-Match", "*");
    const before = await readDraft(newsroom.editor, draft);
    const found = expectProblem(await restore(draft, 1), 422, "invalid-content");
    expect(found.detail).toContain("old-section");
    expect(found.errors?.map(({ pointer }) => pointer)).toEqual([
      "#/section",
      "#/tags/1",
      "#/authors/0",
      "#/relatedLinks/1/articleId",
    ]);
    expect(stringify(found.errors)).toContain("old-tag");
    expect(await readDraft(newsroom.editor, draft)).toEqual(before);
  });

  it("goes on when a link leads to the trash already", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Pilots strike" });
    draft = await patchDraft(newsroom.editor, draft, { relatedLinks: [{ articleId: target.id }], body: [] });
    await newsroom.editor.delete(target.address).set("If-Match", "*");
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ headline: "Other" });
    expect((await restore(draft, 2)).body.headline).toBe("Harbour reopens");
  });

  it("is done once with an Idempotency-Key, and refuses a body with anything in it", async () => {
    await patchDraft(newsroom.editor, draft, { standfirst: "At last" });
    const key = { "Idempotency-Key": "restore-once" };
    const first = await restore(draft, 1).set(key);
    const again = await restore(draft, 1).set(key);
    expect(again.body).toEqual(first.body);
    expect(await actionsOf(draft)).toHaveLength(3);
    expectProblem(await restore(draft, 1).send({ at: "now" }), 422, "invalid-content");
    expectProblem(await restore(draft, 1).query({ dryRun: "true" }), 400, "invalid-parameter");
  });
});
