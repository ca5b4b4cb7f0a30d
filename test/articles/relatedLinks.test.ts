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

const url = "https://example.com/a";
const listOf = (draft: Draft) => `${draft.address}/related-links`;
const linksOf = async (draft: Draft) => (await readDraft(newsroom.editor, draft)).article.relatedLinks;

describe("a related link", () => {
  it.each(["alsoRead", "background", "source", "external"])("may be of the kind %s", async (kind) => {
    const { article } = await makeDraft(newsroom.editor, { relatedLinks: [{ kind, title: "x" }] });
    expect(article.relatedLinks[0]?.kind).toBe(kind);
  });

  it("names a url, with a title or without", async () => {
    const { article } = await makeDraft(newsroom.editor, {
      relatedLinks: [{ url }, { url: "/about/us?x=1#y", title: "About" }],
    });
    expect(article.relatedLinks).toMatchObject([
      { kind: "alsoRead", title: null, url, articleId: null },
      { title: "About", url: "/about/us?x=1#y", articleId: null },
    ]);
  });

  it("to an article shows that article's headline and address, and follows both", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Crane arrives", slug: "crane" });
    const draft = await makeDraft(newsroom.editor, {
      relatedLinks: [{ articleId: target.id.toUpperCase() }],
    });
    expect(draft.article.relatedLinks[0]).toMatchObject({
      title: "Crane arrives",
      url: expect.stringMatching(/\bcrane$/),
      articleId: target.id,
    });
    await patchDraft(newsroom.editor, target, { headline: "Crane leaves", slug: "crane-leaves" });
    expect((await linksOf(draft))[0]).toMatchObject({
      title: "Crane leaves",
      url: expect.stringMatching(/\bcrane-leaves$/),
    });
  });

  it("to a live article shows what readers know of it, not what is in the works", async () => {
    const target = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Known to all" }),
    );
    await patchDraft(newsroom.editor, target, { headline: "Known to few" });
    const { article } = await makeDraft(newsroom.editor, { relatedLinks: [{ articleId: target.id }] });
    expect(article.relatedLinks[0]?.title).toBe("Known to all");
  });

  it("that is a bare title leads to the article with that headline once one is published", async () => {
    const draft = await makeDraft(newsroom.editor, {
      relatedLinks: [{ title: "Mayor’s  speech – in FULL" }],
    });
    expect(draft.article.relatedLinks[0]).toMatchObject({
      title: "Mayor’s  speech – in FULL",
      url: null,
      articleId: null,
    });
    const target = await makeDraft(newsroom.editor, { headline: "Mayor's speech - in full" });
    expect((await linksOf(draft))[0]?.articleId).toBeNull();
    await publishDraft(newsroom.editor, target);
    expect((await linksOf(draft))[0]).toMatchObject({
      id: draft.article.relatedLinks[0]?.id,
      articleId: target.id,
      title: "Mayor's speech - in full",
    });
  });

  it("that is a bare title leads at once to an article that is live with that headline", async () => {
    const target = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Already out" }),
    );
    const { article } = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "already out" }] });
    expect(article.relatedLinks[0]).toMatchObject({ articleId: target.id, title: "Already out" });
  });

  it("with a url stays what it is when an article with its title is published", async () => {
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "Elsewhere too", url }] });
    await publishDraft(newsroom.editor, await makeDraft(newsroom.editor, { headline: "Elsewhere too" }));
    expect(await linksOf(draft)).toEqual(draft.article.relatedLinks);
  });

  it("cannot lead into the trash, but one that does already stands in nobody's way", async () => {
    const target = await makeDraft(newsroom.editor);
    const draft = await makeDraft(newsroom.editor, {
      relatedLinks: [{ articleId: target.id }, { title: "Other" }],
    });
    await newsroom.editor.delete(target.address).set("If-Match", "*");
    expectRefused(
      await newsroom.editor
        .post("/v1/articles")
        .send({ headline: "A", relatedLinks: [{ articleId: target.id }] }),
      422,
      "#/relatedLinks/0/articleId",
    );
    expect((await newsroom.editor.post(listOf(draft)).send({ title: "Third" })).status).toBe(201);
    const ids = (await linksOf(draft)).map(({ id }) => ({ id })).toReversed();
    expect((await newsroom.editor.put(listOf(draft)).set("If-Match", "*").send(ids)).status).toBe(200);
    expect((await linksOf(draft)).map(({ title }) => title)).toEqual(["Third", "Other", "Harbour reopens"]);
  });

  it.each<[string, unknown, string]>([
    ["nothing", {}, "#"],
    ["nothing but nulls", { title: null, url: null, articleId: null }, "#"],
    ["a blank title", { title: " " }, "#/title"],
    ["a title too long", { title: "x".repeat(501) }, "#/title"],
    ["an unknown kind", { title: "x", kind: "readAlso" }, "#/kind"],
    ["an unknown property", { title: "x", href: url }, "#/href"],
    ["a script", { url: "javascript:alert(1)" }, "#/url"],
    ["an address of another host in disguise", { url: "//evil.example/x" }, "#/url"],
    ["the same with a backslash", { url: "/\\evil.example/x" }, "#/url"],
    ["no address", { url: "example.com" }, "#/url"],
    ["an address with a space", { url: "https://example.com/a b" }, "#/url"],
    ["an address too long", { url: `https://example.com/${"x".repeat(2048)}` }, "#/url"],
    ["a path too long", { url: `/${"x".repeat(2048)}` }, "#/url"],
    ["an article that is none", { articleId: "first" }, "#/articleId"],
    ["an article that does not exist", { articleId: unknownId }, "#/articleId"],
    ["an article by its slug", { articleId: "harbour-reopens" }, "#/articleId"],
  ])("is refused when it says %s", async (_, content, pointer) => {
    const draft = await makeDraft(newsroom.editor);
    expectRefused(await newsroom.editor.post(listOf(draft)).send(content as object), 422, pointer);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("is refused when it names an article and an address of its own", async () => {
    const target = await makeDraft(newsroom.editor);
    const draft = await makeDraft(newsroom.editor);
    expectRefused(
      await newsroom.editor.post(listOf(draft)).send({ articleId: target.id, url }),
      422,
      "#/url",
    );
  });
});

describe("adding a related link", () => {
  it("inserts it at its position, with its address and the article's new tag", async () => {
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "A" }, { title: "B" }] });
    const answer = await newsroom.editor
      .post(listOf(draft))
      .send({ kind: "source", title: "New", url, position: 1 });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: answer.body.id,
      kind: "source",
      title: "New",
      url,
      articleId: null,
      position: 1,
    });
    expect(answer.headers.location).toBe(`${listOf(draft)}/${answer.body.id}`);
    const read = await newsroom.editor.get(`${answer.headers.location}?version=draft`);
    expect([read.body, read.headers.etag]).toEqual([answer.body, answer.headers.etag]);
    expect((await linksOf(draft)).map(({ title, position }) => [title, position])).toEqual([
      ["A", 0],
      ["New", 1],
      ["B", 2],
    ]);
  });

  it("refuses the id of another", async () => {
    const other = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "theirs" }] });
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "ours" }] });
    for (const id of [other.article.relatedLinks[0]?.id, draft.article.relatedLinks[0]?.id]) {
      expectRefused(await newsroom.editor.post(listOf(draft)).send({ id, title: "x" }), 422, "#/id");
    }
  });

  it("ends at a hundred", async () => {
    const draft = await makeDraft(newsroom.editor, { relatedLinks: times(100, { title: "x" }) });
    expectRefused(await newsroom.editor.post(listOf(draft)).send({ title: "x" }), 422, "#");
  });
});

describe("changing a related link", () => {
  const changed = async (link: object, change: object) => {
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [link, { title: "Last" }] });
    const address = `${listOf(draft)}/${draft.article.relatedLinks[0]?.id}`;
    return { draft, answer: await newsroom.editor.patch(address).set("If-Match", draft.etag).send(change) };
  };

  it("changes what it names and leaves the rest", async () => {
    const { draft, answer } = await changed({ kind: "source", title: "A", url }, { title: "B" });
    expect(answer.body).toEqual({ ...draft.article.relatedLinks[0], title: "B" });
  });

  it("moves it", async () => {
    const { draft, answer } = await changed({ title: "A" }, { position: 1 });
    expect(answer.body.position).toBe(1);
    expect((await linksOf(draft)).map(({ title }) => title)).toEqual(["Last", "A"]);
  });

  it("gives a bare title its address", async () => {
    expect((await changed({ title: "A" }, { url })).answer.body).toMatchObject({
      title: "A",
      url,
      articleId: null,
    });
  });

  it("leads it from an address to an article, and back", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Target" });
    expect((await changed({ title: "A", url }, { articleId: target.id })).answer.body).toMatchObject({
      title: "Target",
      articleId: target.id,
    });
    expect((await changed({ title: "A", articleId: target.id }, { url })).answer.body).toMatchObject({
      title: "A",
      url,
      articleId: null,
    });
    expect(
      (await changed({ title: "A", articleId: target.id }, { url, title: "Target" })).answer.body,
    ).toMatchObject({ title: "Target", url });
    expect(
      (await changed({ title: "A", articleId: target.id }, { articleId: null })).answer.body,
    ).toMatchObject({ title: "A", url: null, articleId: null });
  });

  it("cannot take away all that it names", async () => {
    expectRefused((await changed({ title: "A" }, { title: null })).answer, 422, "#");
    expectRefused((await changed({ url }, { url: null })).answer, 422, "#");
  });

  it("that changes nothing keeps the tag, whatever the link leads to", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Same" });
    for (const link of [
      { title: "A" },
      { url },
      { articleId: target.id },
      { articleId: target.id, title: "Of its own" },
    ]) {
      const draft = await makeDraft(newsroom.editor, { relatedLinks: [link] });
      const [shown] = draft.article.relatedLinks;
      if (shown === undefined) throw new Error("the draft has no link");
      const { id, ...rest } = shown;
      const answer = await newsroom.editor
        .patch(`${listOf(draft)}/${id}`)
        .set("If-Match", draft.etag)
        .send(rest);
      expect([answer.status, answer.body]).toEqual([200, shown]);
      expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
    }
  });

  it("is 404 for a link of another article, or of none", async () => {
    const other = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "theirs" }] });
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "ours" }] });
    for (const id of [other.article.relatedLinks[0]?.id, unknownId, "first"]) {
      expectRefused(
        await newsroom.editor
          .patch(`${listOf(draft)}/${id}`)
          .set("If-Match", "*")
          .send({ title: "x" }),
        404,
      );
      expectRefused(await newsroom.editor.delete(`${listOf(draft)}/${id}`).set("If-Match", "*"), 404);
    }
  });
});

describe("removing a related link", () => {
  it("closes the gap, in the text too", async () => {
    const id = "0199b2a0-5f5a-7c11-9d0e-00000000b001";
    const draft = await makeDraft(newsroom.editor, {
      relatedLinks: [{ id, title: "A" }, { title: "B" }],
      body: [
        { id: "x", type: "rule" },
        { id: "y", type: "relatedLink", relatedLinkId: id },
      ],
    });
    expect((await newsroom.editor.delete(`${listOf(draft)}/${id}`).set("If-Match", draft.etag)).status).toBe(
      204,
    );
    const { article } = await readDraft(newsroom.editor, draft);
    expect(article.relatedLinks).toMatchObject([{ title: "B", position: 0 }]);
    expect(article.body).toEqual([{ id: "x", type: "rule" }]);
  });
});

describe("PUT on the related links", () => {
  it("takes them as they were fetched though what they lead to has another address since", async () => {
    const target = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Pier opens" }),
    );
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ articleId: target.id }] });
    const { data } = (await newsroom.editor.get(`${listOf(draft)}?version=draft`)).body;
    await publishDraft(newsroom.editor, await patchDraft(newsroom.editor, target, { slug: "pier-opened" }));
    const put = (links: object) =>
      newsroom.editor.put(listOf(draft)).set("If-Match", draft.etag).send({ data: links });
    const elsewhere = [{ ...data[0], url: "https://elsewhere.example/story" }];
    expectRefused(await put(elsewhere), 422, "#/data/0/url");
    const answer = await put(data);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.data).toMatchObject([{ articleId: target.id, url: "/a/pier-opened" }]);
  });

  it("reorders by ids alone and leaves the text's places alone", async () => {
    const id = "0199b2a0-5f5a-7c11-9d0e-00000000b002";
    const draft = await makeDraft(newsroom.editor, {
      relatedLinks: [
        { id, title: "A" },
        { kind: "source", title: "B", url },
      ],
      body: [{ id: "y", type: "relatedLink", relatedLinkId: id }],
    });
    const reversed = draft.article.relatedLinks.toReversed();
    const answer = await newsroom.editor
      .put(listOf(draft))
      .set("If-Match", draft.etag)
      .send(reversed.map((link) => ({ id: link.id })));
    expect(answer.body.data).toEqual(reversed.map((link, position) => ({ ...link, position })));
    expect((await readDraft(newsroom.editor, draft)).article.body).toEqual(draft.article.body);
  });

  it.each<[string, unknown, string]>([
    ["an empty item", [{ title: "x" }, {}], "#/1"],
    ["a string", ["x"], "#/0"],
    ["an unknown article", [{ articleId: unknownId }], "#/0/articleId"],
    ["an unknown article in a list as answered", { data: [{ articleId: unknownId }] }, "#/data/0/articleId"],
    ["an unknown property", [{ title: "x", text: "y" }], "#/0/text"],
    ["more than a hundred", times(101, { title: "x" }), "#"],
  ])("refuses %s and changes nothing", async (_, content, pointer) => {
    const draft = await makeDraft(newsroom.editor, { relatedLinks: [{ title: "A" }] });
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
