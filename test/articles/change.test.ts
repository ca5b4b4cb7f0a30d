import { describe, expect, it } from "vitest";
import {
  type Draft,
  draftOf,
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  unknownId,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const patch = (draft: Draft, change: unknown) =>
  newsroom.editor
    .patch(draft.address)
    .set("If-Match", "*")
    .send(change as object);
const put = (draft: Draft, content: unknown) =>
  newsroom.editor
    .put(draft.address)
    .set("If-Match", "*")
    .send(content as object);

const whole = {
  headline: "Storm passes",
  standfirst: "Ferries wait",
  dateline: "OBAN, Scotland",
  language: "gd",
  section: { name: "Weather" },
  tags: [{ name: "Wind" }, { name: "Rain" }],
  authors: [{ name: "Mara Holm" }],
  body: [{ id: "lead", type: "paragraph", text: "The wind fell at noon." }],
  keyPoints: ["The wind fell", { text: "No one was hurt", blockId: "lead" }],
  relatedLinks: [{ kind: "external", title: "Forecast", url: "https://example.com/forecast" }],
  publishedAt: "2020-02-02T02:02:02.000Z",
};

describe("PATCH on an article", () => {
  it.each([
    "application/merge-patch+json",
    "application/json",
    "application/merge-patch+json; charset=utf-8",
  ])("takes %s", async (type) => {
    const draft = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor
      .patch(draft.address)
      .set("If-Match", draft.etag)
      .type(type)
      .send('{"standfirst":"At last"}');
    expect(draftOf(answer, 200).article.standfirst).toBe("At last");
  });

  it.each(["text/plain", "application/json-patch+json", "application/x-www-form-urlencoded"])(
    "refuses %s with 415",
    async (type) => {
      const draft = await makeDraft(newsroom.editor);
      expectRefused(
        await newsroom.editor.patch(draft.address).set("If-Match", draft.etag).type(type).send("[]"),
        415,
      );
    },
  );

  it("changes what it names, leaves the rest, and moves the time of the change", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    const changed = await patchDraft(newsroom.editor, draft, { headline: "Storm has passed" });
    expect(changed.article).toEqual({
      ...draft.article,
      headline: "Storm has passed",
      updatedAt: changed.article.updatedAt,
    });
    expect(Date.parse(changed.article.updatedAt)).toBeGreaterThanOrEqual(Date.parse(draft.article.updatedAt));
    expect(await readDraft(newsroom.editor, draft)).toEqual(changed);
  });

  it("empties what is null", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    const nothing = Object.fromEntries(
      Object.keys(whole)
        .filter((name) => name !== "headline")
        .map((name) => [name, null]),
    );
    expect((await patchDraft(newsroom.editor, draft, nothing)).article).toMatchObject({
      headline: "Storm passes",
      standfirst: null,
      dateline: null,
      language: "en",
      section: null,
      tags: [],
      authors: [],
      body: [],
      keyPoints: [],
      relatedLinks: [],
      publishedAt: null,
    });
  });

  it.each([
    ["the headline is null", { headline: null }, "#/headline"],
    ["the slug is null", { slug: null }, "#/slug"],
    ["the headline is blank", { headline: "" }, "#/headline"],
    ["a property is unknown", { keypoints: [] }, "#/keypoints"],
    ["a property is the server's own", { version: 7 }, "#/version"],
    ["a key point lacks its text", { keyPoints: [{ blockId: null }] }, "#/keyPoints/0/text"],
    ["it is a list", [{ op: "remove", path: "/standfirst" }], "#"],
    [
      "a block names an unknown link",
      { body: [{ type: "rule" }, { type: "relatedLink", relatedLinkId: unknownId }] },
      "#/body/1/relatedLinkId",
    ],
  ])("answers 422 and changes nothing when %s", async (_, change, pointer) => {
    const draft = await makeDraft(newsroom.editor, whole);
    expectRefused(await patch(draft, change), 422, pointer);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("changes nothing, of other resources either, when one part is at fault", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    const change = {
      headline: "B",
      tags: [{ name: "Half made" }],
      keyPoints: ["x"],
      body: [],
      section: "nowhere",
    };
    expectRefused(await patch(draft, change), 422, "#/section");
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
    expect((await newsroom.reader.get("/v1/tags/half-made")).status).toBe(404);
  });

  it("keeps the ids of items that name theirs and gives new ones to the others", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one", "two", "three"] });
    const [one, two, three] = draft.article.keyPoints;
    const { article } = await patchDraft(newsroom.editor, draft, {
      keyPoints: [{ id: three?.id }, "new", { id: one?.id, text: "uno" }],
    });
    expect(article.keyPoints).toMatchObject([
      { id: three?.id, text: "three", position: 0 },
      { text: "new", position: 1 },
      { id: one?.id, text: "uno", position: 2 },
    ]);
    expect([one?.id, two?.id, three?.id]).not.toContain(article.keyPoints[1]?.id);
  });

  it("takes back what was fetched, as it was, for no change at all", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Trains run" });
    const draft = await makeDraft(newsroom.editor, {
      ...whole,
      relatedLinks: [{ articleId: target.id }, { title: "A bare title" }, { url: "/about" }],
    });
    const {
      slug,
      headline,
      standfirst,
      dateline,
      language,
      section,
      tags,
      authors,
      body,
      keyPoints,
      relatedLinks,
      publishedAt,
    } = draft.article;
    const written = {
      slug,
      headline,
      standfirst,
      dateline,
      language,
      section,
      tags,
      authors,
      body,
      keyPoints,
      relatedLinks,
      publishedAt,
    };
    expect(await patchDraft(newsroom.editor, draft, written)).toEqual(draft);
    expect(draftOf(await put(draft, written), 200)).toEqual(draft);
  });

  it("touches no readers until it is published", async () => {
    const live = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "As published" }),
    );
    const before = await newsroom.reader.get(live.address);
    const changed = await patchDraft(newsroom.editor, live, {
      headline: "In the works",
      keyPoints: ["secret"],
    });
    expect(changed.article).toMatchObject({ status: "published", hasUnpublishedChanges: true, version: 1 });
    const after = await newsroom.reader.get(live.address);
    expect(after.body).toEqual(before.body);
    expect(after.headers.etag).toBe(before.headers.etag);
  });

  it("does not move the time of a publication that has been", async () => {
    const live = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor));
    expectRefused(await patch(live, { publishedAt: "2001-01-01T00:00:00Z" }), 409);
    expect(draftOf(await patch(live, { publishedAt: live.article.publishedAt }), 200).etag).toBe(live.etag);
  });

  it("is 404 for an article that does not exist", async () => {
    expectRefused(
      await newsroom.editor.patch(`/v1/articles/${unknownId}`).set("If-Match", "*").send({}),
      404,
    );
  });

  it("is 401 without a key and 403 without the scope", async () => {
    const draft = await makeDraft(newsroom.editor);
    const publisher = await newsroom.withScopes(["articles:publish", "drafts:read"]);
    expectRefused(await newsroom.reader.patch(draft.address).set("If-Match", "*").send({}), 401);
    expectRefused(await publisher.patch(draft.address).set("If-Match", "*").send({}), 403);
  });

  it("writes an article of ten thousand blocks, and a change of one of them", async () => {
    const body = Array.from({ length: 10_000 }, (_, index) => ({
      id: `p${index}`,
      type: "paragraph",
      text: `Paragraph ${index}`,
    }));
    const draft = await makeDraft(newsroom.editor, { body });
    const changed = await patchDraft(newsroom.editor, draft, {
      body: body.with(9_999, { id: "p9999", type: "paragraph", text: "The end" }),
    });
    expect(changed.article.body).toHaveLength(10_000);
    expect(changed.article.body[9_999]).toEqual({ id: "p9999", type: "paragraph", text: "The end" });
  });
});

describe("PUT on an article", () => {
  it("empties what it leaves out, but for the slug and the dates", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    const { article } = draftOf(await put(draft, { headline: "Storm over" }), 200);
    expect(article).toMatchObject({
      id: draft.id,
      headline: "Storm over",
      standfirst: null,
      dateline: null,
      language: "en",
      section: null,
      tags: [],
      authors: [],
      body: [],
      keyPoints: [],
      relatedLinks: [],
      slug: draft.article.slug,
      publishedAt: draft.article.publishedAt,
      createdAt: draft.article.createdAt,
    });
  });

  it("needs a headline", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    expectRefused(await put(draft, { standfirst: "x" }), 422, "#/headline");
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("keeps the ids of items that name theirs", async () => {
    const draft = await makeDraft(newsroom.editor, whole);
    const [first, second] = draft.article.keyPoints;
    const { article } = draftOf(
      await put(draft, {
        headline: "B",
        keyPoints: [{ id: second?.id, text: "No one was harmed" }, { id: first?.id }],
      }),
      200,
    );
    expect(article.keyPoints.map(({ id, text }) => ({ id, text }))).toEqual([
      { id: second?.id, text: "No one was harmed" },
      { id: first?.id, text: first?.text },
    ]);
  });

  it("does not make an article at an id of the caller's choice", async () => {
    expectRefused(
      await newsroom.editor.put(`/v1/articles/${unknownId}`).set("If-Match", "*").send({ headline: "A" }),
      404,
    );
  });
});

describe("DELETE on an article", () => {
  it("puts it where nobody finds it", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    const answer = await newsroom.editor.delete(draft.address).set("If-Match", draft.etag);
    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    for (const path of ["", "/key-points", "/related-links"])
      expectRefused(await newsroom.editor.get(`${draft.address}${path}?version=draft`), 404);
    expectRefused(await newsroom.editor.get(`/v1/articles/${draft.article.slug}?version=draft`), 404);
    expectRefused(await patch(draft, { headline: "B" }), 404);
    expectRefused(await newsroom.editor.delete(draft.address).set("If-Match", "*"), 404);
    expectRefused(await newsroom.editor.post(`${draft.address}/publish`), 404);
    expectRefused(await newsroom.editor.post(`${draft.address}/key-points`).send({ text: "x" }), 404);
    const list = await newsroom.editor.get(`/v1/articles?version=draft&ids=${draft.id}`);
    expect(list.body).toMatchObject({ data: [], missing: [{ id: draft.id }] });
  });

  it("keeps it: the trash is no shredder", async () => {
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    await newsroom.editor.delete(draft.address).set("If-Match", draft.etag);
    expect(await newsroom.database.article.findUnique({ where: { id: draft.id } })).toMatchObject({
      deletedAt: expect.any(Date),
    });
    expect(await newsroom.database.keyPoint.count({ where: { articleId: draft.id } })).toBe(1);
  });

  it("takes a live one from readers, for a key that may publish", async () => {
    const live = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor));
    const writer = await newsroom.withScopes(["articles:write"]);
    expectRefused(await writer.delete(live.address).set("If-Match", "*"), 403);
    expect((await newsroom.reader.get(live.address)).status).toBe(200);
    expect((await newsroom.editor.delete(live.address).set("If-Match", live.etag)).status).toBe(204);
    expectRefused(await newsroom.reader.get(live.address), 410);
    expectRefused(await newsroom.reader.get(`/v1/articles/${live.article.slug}`), 410);
  });

  it("of a draft needs no right to publish", async () => {
    const draft = await makeDraft(newsroom.editor);
    const writer = await newsroom.withScopes(["articles:write"]);
    expect((await writer.delete(draft.address).set("If-Match", "*")).status).toBe(204);
  });
});

describe("an article that waits for its time", () => {
  it("says whether it was changed since it was planned", async () => {
    const draft = await makeDraft(newsroom.editor, { standfirst: "One" });
    const plan = (at: string) => newsroom.editor.post(`${draft.address}/publish`).send({ at });
    const says = async () => (await readDraft(newsroom.editor, draft)).article.hasUnpublishedChanges;
    expect((await plan("2098-01-01T00:00:00Z")).body.hasUnpublishedChanges).toBe(false);
    expect(await says()).toBe(false);
    expect((await patch(draft, { standfirst: "Two" })).body.hasUnpublishedChanges).toBe(true);
    expect(await says()).toBe(true);
    const { body } = await newsroom.editor.get("/v1/articles?version=draft&limit=1&sort=updated");
    expect(body.data).toMatchObject([{ id: draft.id, hasUnpublishedChanges: true }]);
    expect((await plan("2099-01-01T00:00:00Z")).body.hasUnpublishedChanges).toBe(false);
    await newsroom.editor.post(`${draft.address}/cancel`);
    expect(await says()).toBe(false);
  });
});

describe("the dates of an article", () => {
  it("stay when another is put in its place without them, and go when they are null", async () => {
    const dates = {
      embargoedUntil: "2099-01-01T00:00:00.000Z",
      expiresAt: "2099-02-01T00:00:00.000Z",
      publishedAt: "2020-01-01T00:00:00.000Z",
    };
    const draft = await makeDraft(newsroom.editor, { headline: "Budget", ...dates });
    expect((await put(draft, { headline: "Budget, corrected" })).body).toMatchObject(dates);
    const emptied = { embargoedUntil: null, expiresAt: null, publishedAt: null };
    expect((await put(draft, { headline: "Budget", ...emptied })).body).toMatchObject(emptied);
  });

  it("have no embargo that what waits for its time would not keep", async () => {
    const draft = await makeDraft(newsroom.editor, { headline: "Budget" });
    await newsroom.editor.post(`${draft.address}/publish`).send({ at: "2098-01-01T00:00:00Z" });
    const late = { embargoedUntil: "2099-01-01T00:00:00.000Z" };
    for (const answer of [await patch(draft, late), await put(draft, { headline: "Budget", ...late })]) {
      expectRefused(answer, 409);
      expect(answer.body.type).toBe("/problems/wrong-state");
    }
    expect((await patch(draft, { embargoedUntil: "2097-01-01T00:00:00.000Z" })).status).toBe(200);
    await newsroom.editor.post(`${draft.address}/cancel`);
    expect((await patch(draft, late)).body).toMatchObject(late);
  });
});
