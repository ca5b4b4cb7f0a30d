import { describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

describe("publishing", () => {
  it("puts the working copy before readers", async () => {
    const { id } = await draft(newsroom, {
      headline: "Ferry service returns",
      body: [{ type: "paragraph", text: "Boats sail at dawn." }],
    });
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
    const answer = await newsroom.editor.post(`/v1/articles/${id}/publish`).send({});
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id, status: "published", version: 1, hasUnpublishedChanges: false });
    expect(answer.headers.etag).toMatch(/^"\d+-/);
    const read = await newsroom.reader.get("/v1/articles/ferry-service-returns");
    expect(read.status).toBe(200);
    expect(read.body).toMatchObject({
      id,
      status: "published",
      version: 1,
      body: [{ type: "paragraph", text: "Boats sail at dawn." }],
    });
  });

  it("needs articles:publish", async () => {
    const { id } = await draft(newsroom, { headline: "Who may publish" });
    const writer = await newsroom.withScopes(["articles:write", "drafts:read"]);
    expect((await newsroom.reader.post(`/v1/articles/${id}/publish`)).status).toBe(401);
    expect((await writer.post(`/v1/articles/${id}/publish`)).status).toBe(403);
    expect((await writer.post(`/v1/articles/${id}/unpublish`)).status).toBe(403);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
  });

  it("answers 404 for an article that is not there", async () => {
    expect((await newsroom.editor.post("/v1/articles/no-such-article/publish")).status).toBe(404);
    expect(
      (await newsroom.editor.post("/v1/articles/0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e/unpublish")).status,
    ).toBe(404);
  });

  it("makes no new edition when nothing has changed", async () => {
    const { id } = await live(newsroom, { headline: "Nothing new" });
    const first = await newsroom.reader.get(`/v1/articles/${id}`);
    const again = await newsroom.editor.post(`/v1/articles/${id}/publish`);
    expect(again.body.version).toBe(1);
    const second = await newsroom.reader.get(`/v1/articles/${id}`);
    expect(second.text).toBe(first.text);
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(await newsroom.database.edition.count({ where: { articleId: id } })).toBe(1);
  });

  it("makes no new edition after a change to what it was already", async () => {
    const { id } = await live(newsroom, {
      headline: "Same again",
      keyPoints: ["One"],
      tags: [{ name: "Same" }],
    });
    await change(newsroom, id, { headline: "Same again", tags: ["same"] });
    expect((await publish(newsroom, id)).version).toBe(1);
  });

  it("counts an edition up for each publication of a change", async () => {
    const { id } = await live(newsroom, { headline: "Counted" });
    for (const version of [2, 3, 4]) {
      await change(newsroom, id, { standfirst: `Edition ${version}` });
      expect((await seen(newsroom, id)).version).toBe(version - 1);
      expect((await publish(newsroom, id)).version).toBe(version);
      expect(await seen(newsroom, id)).toMatchObject({ version, standfirst: `Edition ${version}` });
    }
  });

  it("refuses a stale If-Match and changes nothing", async () => {
    const { id } = await draft(newsroom, { headline: "Stale" });
    const { etag } = (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).headers;
    await change(newsroom, id, { standfirst: "Newer" });
    expect(
      (await newsroom.editor.post(`/v1/articles/${id}/publish`).set("If-Match", etag ?? "")).status,
    ).toBe(412);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
  });

  it("refuses a parameter that it does not know, rather than publish in spite of it", async () => {
    const { id } = await draft(newsroom, { headline: "Not by mistake" });
    expect((await newsroom.editor.post(`/v1/articles/${id}/publish?dryRn=true`)).status).toBe(400);
    expect(
      (await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ att: "2100-01-01T00:00:00Z" })).status,
    ).toBe(422);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
  });

  it("replays the answer to a repeated Idempotency-Key", async () => {
    const { id } = await draft(newsroom, { headline: "Sent twice" });
    const send = () =>
      newsroom.editor.post(`/v1/articles/${id}/publish`).set("Idempotency-Key", '"publish-once"');
    const first = await send();
    await change(newsroom, id, { standfirst: "Not to be published by the repetition" });
    const second = await send();
    expect(second.text).toBe(first.text);
    expect((await seen(newsroom, id)).version).toBe(1);
  });
});

describe("an edition", () => {
  it("is never changed, whoever asks the database", async () => {
    const { id } = await live(newsroom, { headline: "Carved in stone" });
    const rewrite = newsroom.database.edition.update({
      where: { articleId_version: { articleId: id, version: 1 } },
      data: { document: {} },
    });
    await expect(rewrite).rejects.toThrow("rows of editions are never changed");
    expect((await seen(newsroom, id)).headline).toBe("Carved in stone");
  });

  it("stays as it was when later ones follow", async () => {
    const { id } = await live(newsroom, { headline: "First words" });
    await change(newsroom, id, { headline: "Second words" });
    await publish(newsroom, id);
    const editions = await newsroom.database.edition.findMany({
      where: { articleId: id },
      orderBy: { version: "asc" },
    });
    expect(
      editions.map(({ version, document }) => [version, (document as { headline: string }).headline]),
    ).toEqual([
      [1, "First words"],
      [2, "Second words"],
    ]);
  });
});

describe("the times of an article", () => {
  it("are null before the first edition, and one moment at it", async () => {
    const made = await draft(newsroom, { headline: "On time" });
    expect(made).toMatchObject({ firstPublishedAt: null, publishedAt: null });
    const published = await publish(newsroom, made.id);
    expect(published.firstPublishedAt).toBe(published.publishedAt);
    expect(published.updatedAt).toBe(published.publishedAt);
    expect(await seen(newsroom, made.id)).toMatchObject({
      firstPublishedAt: published.publishedAt,
      publishedAt: published.publishedAt,
      updatedAt: published.publishedAt,
    });
  });

  it("keep publishedAt at a later edition, and move updatedAt", async () => {
    const first = await live(newsroom, { headline: "Moved on" });
    await change(newsroom, first.id, { standfirst: "More" });
    await publish(newsroom, first.id);
    const now = await seen(newsroom, first.id);
    expect(now.publishedAt).toBe(first.publishedAt);
    expect(now.firstPublishedAt).toBe(first.firstPublishedAt);
    expect(now.updatedAt > first.updatedAt).toBe(true);
  });

  it("do not move for readers with a change that is not published", async () => {
    const first = await live(newsroom, { headline: "Unmoved" });
    await change(newsroom, first.id, { standfirst: "Only a draft" });
    expect((await seen(newsroom, first.id)).updatedAt).toBe(first.updatedAt);
  });

  it("take publishedAt anew when it goes live again, and keep firstPublishedAt", async () => {
    const first = await live(newsroom, { headline: "Gone and back" });
    await unpublish(newsroom, first.id);
    const back = await publish(newsroom, first.id);
    expect(back.version).toBe(2);
    expect(back.firstPublishedAt).toBe(first.firstPublishedAt);
    expect((back.publishedAt ?? "") > (first.publishedAt ?? "")).toBe(true);
  });

  it("are those it was carried over with, at every edition", async () => {
    const publishedAt = "2019-03-04T05:06:07.000Z";
    const { id } = await live(newsroom, {
      headline: "From the archive",
      publishedAt: "2019-03-04T06:06:07+01:00",
    });
    expect(await seen(newsroom, id)).toMatchObject({ publishedAt, firstPublishedAt: publishedAt });
    await change(newsroom, id, { standfirst: "Digitised" });
    await publish(newsroom, id);
    expect(await seen(newsroom, id)).toMatchObject({
      publishedAt,
      firstPublishedAt: publishedAt,
      version: 2,
    });
    const rewritten = await newsroom.editor
      .patch(`/v1/articles/${id}`)
      .set("If-Match", "*")
      .send({ publishedAt: "2020-01-01T00:00:00Z" });
    expect(rewritten.status).toBe(409);
  });
});

describe("unpublishing", () => {
  it("answers 410 at every address of the article, by id and by slug", async () => {
    const article = await live(newsroom, {
      headline: "Taken down",
      keyPoints: ["A point"],
      relatedLinks: [{ title: "Elsewhere", url: "https://example.com/elsewhere" }],
    });
    await newsroom.reader.post(`/v1/articles/${article.id}/shares`).send({ network: "x" });
    const answer = await newsroom.editor.post(`/v1/articles/${article.id}/unpublish`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "unpublished", version: 1 });
    const points = `key-points/${article.keyPoints[0]?.id}`;
    const links = `related-links/${article.relatedLinks[0]?.id}`;
    for (const reference of [article.id, article.id.toUpperCase(), article.slug]) {
      for (const path of [
        "",
        "/key-points",
        `/${points}`,
        "/related-links",
        `/${links}`,
        "/share-counts",
        "/share-counts/x",
      ]) {
        const gone = await newsroom.reader.get(`/v1/articles/${reference}${path}`);
        expect([path, gone.status, gone.body.type]).toEqual([path, 410, "/problems/gone"]);
      }
      expect(
        (await newsroom.reader.post(`/v1/articles/${reference}/shares`).send({ network: "x" })).status,
      ).toBe(410);
      expect((await newsroom.reader.head(`/v1/articles/${reference}`)).status).toBe(410);
    }
    const list = await newsroom.reader.get(`/v1/articles?ids=${article.id}`);
    expect(list.body).toMatchObject({ data: [], missing: [{ id: article.id, reason: "gone" }] });
  });

  it("leaves the working copy to editors", async () => {
    const { id, slug } = await live(newsroom, { headline: "Kept by editors", keyPoints: ["Still there"] });
    await unpublish(newsroom, id);
    const copy = await newsroom.editor.get(`/v1/articles/${slug}?version=draft`);
    expect(copy.body).toMatchObject({ id, status: "unpublished", keyPoints: [{ text: "Still there" }] });
  });

  it("is refused for what is not live", async () => {
    const { id } = await draft(newsroom, { headline: "Never live" });
    const refused = await newsroom.editor.post(`/v1/articles/${id}/unpublish`);
    expect([refused.status, refused.body.type]).toEqual([409, "/problems/wrong-state"]);
    await publish(newsroom, id);
    await unpublish(newsroom, id);
    expect((await newsroom.editor.post(`/v1/articles/${id}/unpublish`)).status).toBe(409);
  });

  it("is undone by publishing again", async () => {
    const { id, slug } = await live(newsroom, { headline: "Back again" });
    await unpublish(newsroom, id);
    await change(newsroom, id, { standfirst: "Corrected" });
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(410);
    await publish(newsroom, id);
    expect(await seen(newsroom, slug)).toMatchObject({
      id,
      version: 2,
      standfirst: "Corrected",
      status: "published",
    });
  });
});

describe("the trash", () => {
  it("takes a live article from readers with articles:publish alone", async () => {
    const { id, slug } = await live(newsroom, { headline: "Into the bin" });
    const writer = await newsroom.withScopes(["articles:write", "drafts:read"]);
    expect((await writer.delete(`/v1/articles/${id}`).set("If-Match", "*")).status).toBe(403);
    expect((await seen(newsroom, id)).slug).toBe(slug);
    const publisher = await newsroom.withScopes(["articles:write", "articles:publish"]);
    expect((await publisher.delete(`/v1/articles/${slug}`).set("If-Match", "*")).status).toBe(204);
    for (const reference of [id, slug]) {
      expect((await newsroom.reader.get(`/v1/articles/${reference}`)).status).toBe(410);
      expect((await newsroom.reader.get(`/v1/articles/${reference}/share-counts`)).status).toBe(410);
      expect((await newsroom.editor.get(`/v1/articles/${reference}?version=draft`)).status).toBe(404);
      expect((await newsroom.editor.post(`/v1/articles/${reference}/publish`)).status).toBe(404);
    }
  });

  it("takes a draft with articles:write, and readers never learn of it", async () => {
    const { id, slug } = await draft(newsroom, { headline: "Quietly dropped" });
    const writer = await newsroom.withScopes(["articles:write"]);
    expect((await writer.delete(`/v1/articles/${id}`)).status).toBe(428);
    expect((await writer.delete(`/v1/articles/${id}`).set("If-Match", "*")).status).toBe(204);
    for (const reference of [id, slug])
      expect((await newsroom.reader.get(`/v1/articles/${reference}`)).status).toBe(404);
  });

  it("takes what was unpublished with articles:write", async () => {
    const { id } = await live(newsroom, { headline: "Down, then out" });
    await unpublish(newsroom, id);
    const writer = await newsroom.withScopes(["articles:write"]);
    expect((await writer.delete(`/v1/articles/${id}`).set("If-Match", "*")).status).toBe(204);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(410);
  });
});
