import { beforeEach, describe, expect, it } from "vitest";
import { type Draft, makeDraft, patchDraft, publishDraft, readDraft, times } from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface Stale {
  revision?: number;
  currentETag?: string;
  conflicts?: {
    field: string;
    changedBy: { id: string | null; name: string } | null;
    changedAt: string | null;
    revision: number | null;
  }[];
}

const body = ["b1", "b2", "b3", "b4"].map((id) => ({ id, type: "paragraph", text: `Text of ${id}.` }));
let draft: Draft;
let colleague: Agent;
beforeEach(async () => {
  draft = await makeDraft(newsroom.editor, {
    body,
    keyPoints: ["one", "two", "three"],
    relatedLinks: [{ title: "A" }, { title: "B" }],
  });
  colleague = await newsroom.withScopes(["articles:write", "drafts:read"]);
});

/** A colleague changes the article after the editor has fetched it. */
const meanwhile = async (change: object) => {
  const answer = await colleague.patch(draft.address).set("If-Match", "*").send(change);
  expect(answer.status, answer.text).toBe(200);
};
const stale = (change: object) =>
  newsroom.editor.patch(draft.address).set("If-Match", draft.etag).send(change);
const merging = (change: object) => stale(change).set("Prefer", "merge");
const merged = async (change: object) => {
  const answer = await merging(change);
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers["preference-applied"]).toBe("merge");
  expect((await readDraft(newsroom.editor, draft)).article).toEqual(answer.body);
  return answer.body as Draft["article"];
};
const pointId = (index: number) => draft.article.keyPoints[index]?.id ?? "";
const linkId = (index: number) => draft.article.relatedLinks[index]?.id ?? "";
const blockIds = (article: Draft["article"]) => article.body.map(({ id }) => id);
/** Expects a 412 that changed nothing and names these conflicts. */
const expectStale = async (send: () => Promise<Parameters<typeof expectProblem>[0]>, ...fields: string[]) => {
  const before = await readDraft(newsroom.editor, draft);
  const answer = await send();
  expectProblem(answer, 412, "precondition-failed");
  const found = answer.body as Stale;
  expect(found.conflicts?.map(({ field }) => field).toSorted()).toEqual(fields.toSorted());
  expect(await readDraft(newsroom.editor, draft)).toEqual(before);
  return found;
};
const sent = (request: Promise<Parameters<typeof expectProblem>[0]>) => () => request;

describe("a PATCH with a stale If-Match", () => {
  it("tells the current ETag, and who changed which of the fields sent and when", async () => {
    await meanwhile({ headline: "Harbour shut", dateline: "PORT SUDAN" });
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ standfirst: "At last" });
    const found = await expectStale(
      () => stale({ headline: "Harbour open", standfirst: "No", language: "fr" }),
      "/headline",
      "/standfirst",
    );
    expect(found.revision).toBe(3);
    expect(found.currentETag).toBe((await readDraft(newsroom.editor, draft)).etag);
    expect(found.conflicts).toMatchObject([
      { field: "/headline", changedBy: { name: "articles:write drafts:read" }, revision: 2 },
      { field: "/standfirst", changedBy: { id: expect.any(String) }, revision: 3 },
    ]);
    expect(Date.parse(found.conflicts?.[0]?.changedAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  it("succeeds when it is sent again with the ETag that the refusal named", async () => {
    await meanwhile({ dateline: "PORT SUDAN" });
    const { currentETag } = await expectStale(() => stale({ headline: "Harbour open" }));
    const again = await newsroom.editor
      .patch(draft.address)
      .set("If-Match", currentETag ?? "")
      .send({ headline: "Harbour open" });
    expect(again.body).toMatchObject({ headline: "Harbour open", dateline: "PORT SUDAN" });
  });

  it("tells the items of a list that others added, removed, changed or moved", async () => {
    await meanwhile({
      keyPoints: [{ id: pointId(2) }, { id: pointId(0), text: "uno" }, "four"],
      tags: [{ name: "Ports" }],
    });
    const four = (await readDraft(newsroom.editor, draft)).article.keyPoints[2]?.id;
    await expectStale(
      () => stale({ keyPoints: ["mine"] }),
      "/keyPoints",
      `/keyPoints/${pointId(0)}`,
      `/keyPoints/${pointId(1)}`,
      `/keyPoints/${four}`,
    );
  });

  it("names the newest of several who changed a field, and none for what was changed back", async () => {
    await meanwhile({ headline: "Harbour shut", standfirst: "x" });
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ headline: "Third" });
    await meanwhile({ standfirst: null });
    const found = await expectStale(() => stale({ headline: "Mine", standfirst: "y" }), "/headline");
    expect(found.conflicts?.[0]).toMatchObject({ revision: 3 });
  });

  it("has no conflicts to tell when the tag names a revision that is not kept", async () => {
    for (const tag of ['"77-x"', '"0-x"', '"99999999999999-x"', '"nothing"']) {
      for (const prefer of ["", "merge"]) {
        const answer = await newsroom.editor
          .patch(draft.address)
          .set({ "If-Match": tag, Prefer: prefer })
          .send({ headline: "x" });
        expectProblem(answer, 412, "precondition-failed");
        expect(answer.body).toMatchObject({ revision: 1, currentETag: draft.etag });
        expect(answer.body).not.toHaveProperty("conflicts");
      }
    }
  });

  it("names one key point alone when one alone was to be changed", async () => {
    await meanwhile({
      keyPoints: [
        { id: pointId(0), text: "uno" },
        { id: pointId(1), text: "due" },
      ],
    });
    const point = newsroom.editor.patch(`${draft.address}/key-points/${pointId(1)}`);
    await expectStale(
      sent(point.set("If-Match", draft.etag).send({ text: "dos" })),
      `/keyPoints/${pointId(1)}`,
    );
  });

  it("names a body of which very much was changed as a whole", async () => {
    await meanwhile({ body: Array.from({ length: 150 }, (_, id) => ({ id: `n${id}`, type: "rule" })) });
    const found = await expectStale(() => stale({ body }), "/body");
    expect(found.conflicts?.[0]).toMatchObject({ revision: 2 });
  });
});

describe("Prefer: merge", () => {
  it("merges changes of different fields", async () => {
    await meanwhile({ headline: "Harbour shut", tags: [{ name: "Ports" }] });
    expect(await merged({ standfirst: "At last", section: { name: "World" } })).toMatchObject({
      headline: "Harbour shut",
      tags: ["ports"],
      standfirst: "At last",
      section: "world",
    });
  });

  it("is confirmed where nothing had to be merged, and not where it was not asked, or cannot be", async () => {
    await merged({ headline: "Harbour open" });
    const fresh = await readDraft(newsroom.editor, draft);
    const plain = await newsroom.editor
      .patch(draft.address)
      .set("If-Match", fresh.etag)
      .send({ headline: "x" });
    expect(plain.headers).not.toHaveProperty("preference-applied");
    const any = await newsroom.editor
      .patch(draft.address)
      .set({ "If-Match": "*", Prefer: "merge" })
      .send({ headline: "y" });
    expect(any.headers).not.toHaveProperty("preference-applied");
  });

  it.for(["merge", "Merge", "respond-async, merge", "merge; strict", "return=minimal,merge"])(
    "is read from %s",
    async (prefer) => {
      await meanwhile({ headline: "Harbour shut" });
      expect((await stale({ standfirst: "x" }).set("Prefer", prefer)).status).toBe(200);
    },
  );

  it.for(["merged", "no-merge", "return=merge", "x"])("is not read from %s", async (prefer) => {
    await meanwhile({ headline: "Harbour shut" });
    expectProblem(await stale({ standfirst: "x" }).set("Prefer", prefer), 412, "precondition-failed");
  });

  it("refuses with 412 what both changed in different ways, and changes nothing", async () => {
    await meanwhile({ headline: "Harbour shut", standfirst: "x" });
    await expectStale(() => merging({ headline: "Harbour open", dateline: "PORT SUDAN" }), "/headline");
  });

  it("takes what both changed alike once", async () => {
    await meanwhile({ headline: "Harbour shut" });
    expect((await merged({ headline: "Harbour shut", dateline: "X" })).headline).toBe("Harbour shut");
  });

  it("leaves what is sent as it was fetched to whoever changed it", async () => {
    await meanwhile({ headline: "Harbour shut" });
    const { headline, keyPoints } = draft.article;
    expect((await merged({ headline, keyPoints, standfirst: "x" })).headline).toBe("Harbour shut");
  });

  it("merges lists item by item: changes, additions, removals and a new order", async () => {
    await meanwhile({
      keyPoints: [{ id: pointId(0), text: "uno" }, { id: pointId(1) }, { id: pointId(2) }, "theirs"],
    });
    const { keyPoints } = await merged({
      keyPoints: [{ id: pointId(2) }, "mine", { id: pointId(0) }],
    });
    expect(keyPoints.map(({ text }) => text)).toEqual(["three", "mine", "theirs", "uno"]);
    expect(keyPoints.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
  });

  it("puts what both inserted at one place one after the other, under ids of their own", async () => {
    const paragraph = (text: string) => ({ type: "paragraph", text });
    await meanwhile({ body: [body[0], paragraph("theirs 1"), paragraph("theirs 2"), ...body.slice(1)] });
    const article = await merged({ body: [body[0], paragraph("mine"), ...body.slice(1), paragraph("end")] });
    expect(article.body.map((block) => "text" in block && block.text)).toEqual([
      "Text of b1.",
      "theirs 1",
      "theirs 2",
      "mine",
      "Text of b2.",
      "Text of b3.",
      "Text of b4.",
      "end",
    ]);
    expect(new Set(blockIds(article)).size).toBe(8);
  });

  it("merges a paragraph moved by one and changed by the other", async () => {
    await meanwhile({ body: [body[3], body[0], body[1], body[2]] });
    const article = await merged({
      body: body.with(3, { ...body[3], id: "b4", type: "paragraph", text: "New" }),
    });
    expect(blockIds(article)).toEqual(["b4", "b1", "b2", "b3"]);
    expect(article.body[0]).toMatchObject({ text: "New" });
  });

  it("collides when both changed one block, and names it", async () => {
    await meanwhile({
      body: body.map((block) => (block.id === "b2" ? { ...block, text: "Theirs" } : block)),
    });
    await expectStale(
      () => merging({ body: body.map((block) => ({ ...block, text: `${block.text} Mine.` })) }),
      "/body/b2",
    );
  });

  it("collides when one removed what the other changed, either way round", async () => {
    await meanwhile({ keyPoints: [{ id: pointId(0), text: "uno" }, { id: pointId(2) }] });
    await expectStale(
      () => merging({ keyPoints: [{ id: pointId(1), text: "due" }, { id: pointId(2) }] }),
      `/keyPoints/${pointId(0)}`,
      `/keyPoints/${pointId(1)}`,
    );
  });

  it("collides when both moved, unless to the same order", async () => {
    await meanwhile({ body: body.toReversed() });
    await expectStale(() => merging({ body: [body[1], body[0], body[2], body[3]] }), "/body");
    expect(blockIds(await merged({ body: body.toReversed(), standfirst: "x" }))).toEqual([
      "b4",
      "b3",
      "b2",
      "b1",
    ]);
  });

  it("collides when one removed the block that the other's key point now sums up", async () => {
    await meanwhile({ body: body.slice(1) });
    const change = { keyPoints: [{ id: pointId(0), blockId: "b1" }, { id: pointId(1) }, { id: pointId(2) }] };
    await expectStale(() => merging(change), "/body/b1");
  });

  it("collides when one removed the link that the other put into the body", async () => {
    await meanwhile({ relatedLinks: [{ id: linkId(1) }] });
    const change = { body: [...body, { type: "relatedLink", relatedLinkId: linkId(0) }] };
    const found = await expectStale(() => merging(change), `/relatedLinks/${linkId(0)}`);
    expect(found.conflicts?.[0]?.changedBy?.name).toBe("articles:write drafts:read");
  });

  it("collides when others put the link into the body that is to be removed", async () => {
    await meanwhile({ body: [...body, { id: "l1", type: "relatedLink", relatedLinkId: linkId(0) }] });
    await expectStale(() => merging({ relatedLinks: [{ id: linkId(1) }] }), "/body/l1");
  });

  it("says what else is wrong with the request as ever", async () => {
    await meanwhile({ headline: "Harbour shut" });
    const answer = await merging({ section: "no-such-section" });
    expect(expectProblem(answer, 422, "invalid-content").errors?.[0]?.pointer).toBe("#/section");
  });

  it("refuses more items than an article can have, of both together", async () => {
    draft = await patchDraft(newsroom.editor, draft, { keyPoints: times(99, "x") });
    const points = draft.article.keyPoints.map(({ id }) => ({ id }));
    await meanwhile({ keyPoints: [...points, "theirs"] });
    const answer = await merging({ keyPoints: [...points, "mine"] });
    expect(expectProblem(answer, 422, "invalid-content").errors?.[0]?.pointer).toBe("#/keyPoints");
  });

  it("goes through a publication, whose date stays", async () => {
    const published = await publishDraft(newsroom.editor, draft);
    const article = await merged({ headline: "Harbour open" });
    expect(article).toMatchObject({
      headline: "Harbour open",
      status: "published",
      hasUnpublishedChanges: true,
      publishedAt: published.article.publishedAt,
    });
  });

  it("moves the article to another slug, or leaves it where it was moved to", async () => {
    await meanwhile({ slug: `moved-${draft.article.slug}` });
    expect((await merged({ standfirst: "x" })).slug).toBe(`moved-${draft.article.slug}`);
    await expectStale(() => merging({ slug: `elsewhere-${draft.article.slug}` }), "/slug");
  });

  it("merges a PUT from what it differs in from the revision that was fetched", async () => {
    await meanwhile({
      standfirst: "Theirs",
      keyPoints: [{ id: pointId(0), text: "uno" }, { id: pointId(1) }],
    });
    const { headline, body: blocks, keyPoints, relatedLinks } = draft.article;
    const answer = await newsroom.editor
      .put(draft.address)
      .set({ "If-Match": draft.etag, Prefer: "merge" })
      .send({ headline: `${headline} at last`, body: blocks, keyPoints, relatedLinks });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({
      headline: `${headline} at last`,
      standfirst: "Theirs",
      keyPoints: [{ text: "uno" }, { text: "two" }],
    });
  });

  it("is a revision by whoever asked for it, which names their changes alone", async () => {
    await meanwhile({ headline: "Harbour shut" });
    await merged({ standfirst: "x" });
    const { body: list } = await newsroom.editor.get(`${draft.address}/revisions?limit=1`);
    expect(list.data[0]).toMatchObject({ number: 3, action: "changed", changed: ["/standfirst"] });
  });

  it("merges with many revisions in between", async () => {
    for (let round = 0; round < 30; round += 1) await meanwhile({ standfirst: `Round ${round}` });
    expect(await merged({ headline: "Mine" })).toMatchObject({ headline: "Mine", standfirst: "Round 29" });
  });
});

describe("Prefer: merge on key points and related links", () => {
  const asked = () => ({ "If-Match": draft.etag, Prefer: "merge" });
  const textsNow = async () =>
    (await readDraft(newsroom.editor, draft)).article.keyPoints.map(({ text }) => text);

  it("changes, removes, moves, adds and reorders where nobody else was", async () => {
    const list = `${draft.address}/key-points`;
    await meanwhile({ headline: "Harbour shut" });
    const { editor } = newsroom;
    const changed = await editor
      .patch(`${list}/${pointId(0)}`)
      .set(asked())
      .send({ text: "uno" });
    expect(changed.body).toMatchObject({ text: "uno", position: 0 });
    expect(changed.headers).toMatchObject({
      "preference-applied": "merge",
      etag: expect.stringMatching(/^"3-/),
    });
    const removed = await editor.delete(`${list}/${pointId(1)}`).set(asked());
    expect(removed.status).toBe(204);
    expect(removed.headers["preference-applied"]).toBe("merge");
    const added = await editor.post(list).set(asked()).send({ text: "four" });
    expect(added.status).toBe(201);
    expect(added.headers.location).toBe(`${list}/${added.body.id}`);
    expect(added.body.text).toBe("four");
    const moved = await editor
      .patch(`${list}/${pointId(2)}`)
      .set(asked())
      .send({ position: 0 });
    expect(moved.body.position).toBe(0);
    expect(await textsNow()).toEqual(["three", "four", "uno"]);
    const links = `${draft.address}/related-links`;
    const relinked = await editor
      .put(links)
      .set(asked())
      .send([{ id: linkId(1) }, { id: linkId(0) }]);
    expect(relinked.status).toBe(200);
    expect((await readDraft(editor, draft)).article.headline).toBe("Harbour shut");
  });

  it("refuses with 412 what another changed or removed", async () => {
    await meanwhile({ keyPoints: [{ id: pointId(0), text: "uno" }, { id: pointId(2) }] });
    const list = `${draft.address}/key-points`;
    const { editor } = newsroom;
    for (const [index, send] of [
      [0, () => editor.delete(`${list}/${pointId(0)}`).set(asked())],
      [
        0,
        () =>
          editor
            .patch(`${list}/${pointId(0)}`)
            .set(asked())
            .send({ text: "ein" }),
      ],
      [
        1,
        () =>
          editor
            .patch(`${list}/${pointId(1)}`)
            .set(asked())
            .send({ text: "zwei" }),
      ],
    ] as const)
      await expectStale(async () => send(), `/keyPoints/${pointId(index)}`);
  });

  it("takes an addition that arrives again under the same id once, and one of other text not at all", async () => {
    const id = `0199b2a0-5f5a-7c11-9d0e-${String(Date.now()).padStart(12, "0").slice(-12)}`;
    const add = (text: string) =>
      newsroom.editor.post(`${draft.address}/key-points`).set(asked()).send({ id, text });
    expect((await add("four")).status).toBe(201);
    expect((await add("four")).body).toMatchObject({ id, text: "four", position: 3 });
    await expectStale(async () => add("five"), `/keyPoints/${id}`);
    expect(await textsNow()).toEqual(["one", "two", "three", "four"]);
  });

  it("removes what another has removed already", async () => {
    await meanwhile({ keyPoints: [{ id: pointId(1) }, { id: pointId(2) }] });
    const answer = await newsroom.editor.delete(`${draft.address}/key-points/${pointId(0)}`).set(asked());
    expect(answer.status).toBe(204);
    expect(await textsNow()).toEqual(["two", "three"]);
  });
});

describe("at the same time", () => {
  const sixteen = Array.from({ length: 16 }, (_, index) => index);

  it("sixteen editors with one stale tag change a key point each, and all their changes are there", async () => {
    draft = await makeDraft(newsroom.editor, { keyPoints: sixteen.map((index) => `point ${index}`) });
    const points = draft.article.keyPoints.map(({ id }) => ({ id }));
    const answers = await Promise.all(
      sixteen.map((index) =>
        merging({
          keyPoints: points.with(index, { ...points[index], text: `changed ${index}` } as { id: string }),
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(times(16, 200));
    const { article } = await readDraft(newsroom.editor, draft);
    expect(article.keyPoints.map(({ text }) => text)).toEqual(sixteen.map((index) => `changed ${index}`));
    const { body: list } = await newsroom.editor.get(`${draft.address}/revisions?limit=100`);
    expect(list.data).toHaveLength(17);
  });

  it("sixteen editors change, remove and add key points at their own addresses", async () => {
    draft = await makeDraft(newsroom.editor, { keyPoints: sixteen.map((index) => `point ${index}`) });
    const asked = { "If-Match": draft.etag, Prefer: "merge" };
    const list = `${draft.address}/key-points`;
    const answers = await Promise.all(
      sixteen.map((index) => {
        const one = `${list}/${pointId(index)}`;
        if (index % 3 === 0) return newsroom.editor.delete(one).set(asked);
        if (index % 3 === 1)
          return newsroom.editor
            .patch(one)
            .set(asked)
            .send({ text: `changed ${index}` });
        return newsroom.editor
          .post(list)
          .set(asked)
          .send({ text: `added ${index}` });
      }),
    );
    expect(answers.every(({ status }) => status < 300)).toBe(true);
    const { article } = await readDraft(newsroom.editor, draft);
    const texts = article.keyPoints.map(({ text }) => text);
    expect(texts.slice(0, 10)).toEqual(
      sixteen
        .filter((index) => index % 3 !== 0)
        .map((index) => (index % 3 === 1 ? `changed ${index}` : `point ${index}`)),
    );
    expect(texts.slice(10).toSorted()).toEqual(
      sixteen
        .filter((index) => index % 3 === 2)
        .map((index) => `added ${index}`)
        .toSorted(),
    );
  });

  it("of sixteen who change one key point, one succeeds and the others learn by whom it was changed", async () => {
    const answers = await Promise.all(
      sixteen.map((index) =>
        newsroom.editor
          .patch(`${draft.address}/key-points/${pointId(0)}`)
          .set({ "If-Match": draft.etag, Prefer: "merge" })
          .send({ text: `changed ${index}` }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 412);
    expect(refused).toHaveLength(15);
    for (const { body: found } of refused)
      expect(found.conflicts).toMatchObject([{ field: `/keyPoints/${pointId(0)}`, revision: 2 }]);
  });
});
