import { beforeAll, describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

const working = async (id: string) => (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body;
const remove = (id: string) => newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
const ids = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);

describe("a link to an article", () => {
  it("tells editors how that article is, and readers nothing of it", async () => {
    const target = await live(newsroom, { headline: "Target" });
    const { id } = await live(newsroom, {
      headline: "Linking",
      relatedLinks: [{ articleId: target.id }, { title: "Bare" }, { url: "https://example.com/" }],
    });
    const statuses = async () =>
      ((await working(id)).relatedLinks as { targetStatus?: string }[]).map((link) => link.targetStatus);
    expect(await statuses()).toEqual(["published", undefined, undefined]);
    for (const link of (await seen(newsroom, id)).relatedLinks)
      expect(link).not.toHaveProperty("targetStatus");
    await unpublish(newsroom, target.id);
    expect(await statuses()).toEqual(["unpublished", undefined, undefined]);
    expect((await seen(newsroom, id)).relatedLinks).toHaveLength(2);
    await remove(target.id);
    expect(await statuses()).toEqual(["deleted", undefined, undefined]);
  });

  it("can be sent back as it was fetched", async () => {
    const target = await draft(newsroom, { headline: "Sent back" });
    const { id } = await draft(newsroom, { headline: "Sending", relatedLinks: [{ articleId: target.id }] });
    const { relatedLinks } = await working(id);
    expect(relatedLinks).toMatchObject([{ targetStatus: "draft" }]);
    const after = await change(newsroom, id, { relatedLinks });
    expect(after.relatedLinks).toEqual(relatedLinks);
    const put = await newsroom.editor
      .put(`/v1/articles/${id}/related-links`)
      .set("If-Match", "*")
      .send(relatedLinks as object);
    expect(put.status).toBe(200);
  });
});

describe("backlinks", () => {
  let target: { id: string; slug: string };
  let linking: string[] = [];
  beforeAll(async () => {
    target = await live(newsroom, { headline: "Everyone links here" });
    linking = [];
    for (let number = 0; number < 5; number += 1) {
      const { id } = await live(newsroom, {
        headline: `Links ${number}`,
        relatedLinks: [{ articleId: target.id }, { articleId: target.id, title: "Twice" }],
      });
      linking.unshift(id);
    }
  });

  it("are the live articles that link to one, each once, newest first, page by page", async () => {
    const found: string[] = [];
    let address: string | undefined = `/v1/articles/${target.slug}/backlinks?limit=2&count=true`;
    while (address !== undefined) {
      const answer = await newsroom.reader.get(address);
      expect(answer.status).toBe(200);
      expect(answer.body.page.total).toBe(5);
      found.push(...ids(answer.body));
      address = /<([^>]+)>/.exec(answer.headers.link ?? "")?.[1];
    }
    expect(found).toEqual(linking);
    const { body, headers } = await newsroom.reader.get(`/v1/articles/${target.id}/backlinks`);
    expect(body.data[0]).toEqual({
      id: linking[0],
      slug: "links-4",
      headline: "Links 4",
      url: "/a/links-4",
      publishedAt: expect.any(String),
    });
    expect(headers["cache-control"]).toMatch(/^public/);
    expect(headers["surrogate-key"]).toContain(target.id.replaceAll("-", ""));
  });

  it("follow what goes live, is withdrawn or no longer links", async () => {
    const [first = "", second = ""] = linking;
    await unpublish(newsroom, first);
    await change(newsroom, second, { relatedLinks: [], headline: "Links no more" });
    const unpublished = await draft(newsroom, {
      headline: "A draft",
      relatedLinks: [{ articleId: target.id }],
    });
    const readers = await newsroom.reader.get(`/v1/articles/${target.id}/backlinks`);
    expect(ids(readers.body)).toEqual(linking.slice(1));
    const { body } = await newsroom.editor.get(
      `/v1/articles/${target.id}/backlinks?version=draft&count=true`,
    );
    expect(body.page.total).toBe(6);
    expect(body.data.slice(0, 3)).toMatchObject([
      { id: unpublished.id, status: "draft", isLive: false, isWorking: true },
      { id: first, status: "unpublished", isLive: false, isWorking: true },
      { id: second, headline: "Links no more", status: "published", isLive: true, isWorking: false },
    ]);
    const paged = await newsroom.editor.get(`/v1/articles/${target.id}/backlinks?version=draft&limit=1`);
    const next = await newsroom.editor.get(
      `/v1/articles/${target.id}/backlinks?version=draft&limit=2&cursor=${String(paged.body.page.next)}`,
    );
    expect(ids(next.body)).toEqual([first, second]);
    await publish(newsroom, second);
    const after = await newsroom.reader.get(`/v1/articles/${target.id}/backlinks`);
    expect(ids(after.body)).toEqual(linking.slice(2));
    await remove(unpublished.id);
    const drafts = await newsroom.editor.get(`/v1/articles/${target.id}/backlinks?version=draft`);
    expect(ids(drafts.body)).not.toContain(unpublished.id);
  });

  it("are not told of an article that readers do not know, nor with another list's cursor", async () => {
    const hidden = await draft(newsroom, { headline: "Hidden target" });
    await live(newsroom, { headline: "Hints", relatedLinks: [{ articleId: hidden.id }] });
    expectProblem(await newsroom.reader.get(`/v1/articles/${hidden.id}/backlinks`), 404, "not-found");
    const { body } = await newsroom.editor.get(`/v1/articles/${target.id}/backlinks?limit=1`);
    const cursor = String(body.page.next);
    for (const path of [`${target.id}/backlinks?version=draft&`, `${linking[3]}/backlinks?`]) {
      const answer = await newsroom.editor.get(`/v1/articles/${path}cursor=${cursor}`);
      expectProblem(answer, 400, "invalid-parameter");
    }
  });
});

describe("link health", () => {
  it("lists by kind what leads nowhere or out of here, in live articles alone, and counts it", async () => {
    const before = (await newsroom.editor.get("/v1/link-health?count=true")).body.counts;
    const target = await live(newsroom, { headline: "Soon gone" });
    const quiet = await draft(newsroom, { headline: "Not out" });
    const trashed = await draft(newsroom, { headline: "Trashed" });
    const purged = await draft(newsroom, { headline: "Purged" });
    const { id } = await live(newsroom, {
      headline: "Full of links",
      relatedLinks: [
        { articleId: target.id },
        { articleId: quiet.id },
        { articleId: trashed.id },
        { articleId: purged.id, title: "Was here" },
        { title: "Nobody wrote this" },
        { title: "A report", url: "https://example.com/report?a=b#c" },
        { url: "/about/us" },
      ],
    });
    await draft(newsroom, { headline: "Only a draft", relatedLinks: [{ title: "Nobody either" }] });
    await unpublish(newsroom, target.id);
    await remove(trashed.id);
    await remove(purged.id);
    await newsroom.editor.delete(`/v1/trash/${purged.id}`).set("If-Match", "*");
    // No route lets an address through that is none; one that came otherwise is found.
    await newsroom.database.$executeRaw`
      UPDATE publication_links SET url = 'javascript:alert(1)' WHERE article_id = ${id}::uuid AND url = '/about/us'`;
    const { body } = await newsroom.editor.get("/v1/link-health?count=true&article=full-of-links");
    const shown = (body.data as { kind: string; article: object; link: Record<string, unknown> }[])
      .map(({ kind, link }) => ({ kind, title: link.title, url: link.url, status: link.targetStatus }))
      .toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    expect(shown).toEqual([
      { kind: "external", title: "A report", url: "https://example.com/report?a=b#c", status: null },
      { kind: "malformed", title: null, url: "javascript:alert(1)", status: null },
      { kind: "notLive", title: "Not out", url: null, status: "draft" },
      { kind: "notLive", title: "Soon gone", url: null, status: "unpublished" },
      { kind: "notLive", title: "Trashed", url: null, status: "deleted" },
      { kind: "notLive", title: "Was here", url: null, status: "purged" },
      { kind: "unresolved", title: "Nobody wrote this", url: null, status: null },
    ]);
    expect(body.data[0].article).toEqual({ id, slug: "full-of-links", headline: "Full of links" });
    expect(body.counts).toEqual({ notLive: 4, unresolved: 1, malformed: 1, external: 1 });
    expect(body.page.total).toBe(7);
    const all = (await newsroom.editor.get("/v1/link-health?count=true")).body.counts;
    expect(all.notLive).toBe(before.notLive + 4);
    const found: string[] = [];
    let address: string | undefined = "/v1/link-health?kind=notLive&limit=1&article=full-of-links";
    while (address !== undefined) {
      const answer = await newsroom.editor.get(address);
      found.push(...(answer.body.data as { kind: string }[]).map(({ kind }) => kind));
      address = /<([^>]+)>/.exec(answer.headers.link ?? "")?.[1];
    }
    expect(found).toEqual(["notLive", "notLive", "notLive", "notLive"]);
    await publish(newsroom, quiet.id);
    await live(newsroom, { headline: "Nobody wrote this" });
    const mended = await newsroom.editor.get("/v1/link-health?count=true&article=full-of-links");
    expect(mended.body.counts).toEqual({ notLive: 3, unresolved: 0, malformed: 1, external: 1 });
  });

  it("refuses a kind, an article or a cursor that is none", async () => {
    expectProblem(await newsroom.editor.get("/v1/link-health?kind=broken"), 400, "invalid-parameter");
    expectProblem(await newsroom.editor.get("/v1/link-health?cursor=x"), 400, "invalid-parameter");
    expectProblem(await newsroom.editor.get("/v1/link-health?article=no-such-thing"), 404, "not-found");
  });
});

describe("links and the clock", () => {
  const soon = () => new Date(Date.now() + 3_600_000).toISOString();

  it("count a link from or to what waits for its time as one that is not there yet", async () => {
    const target = await draft(newsroom, { headline: "Opening night" });
    await newsroom.editor.post(`/v1/articles/${target.id}/publish`).send({ at: soon() });
    const linking = await live(newsroom, { headline: "Preview", relatedLinks: [{ articleId: target.id }] });
    const { body } = await newsroom.editor.get(`/v1/link-health?article=${linking.id}`);
    expect(body.data).toMatchObject([{ kind: "notLive", link: { targetStatus: "scheduled" } }]);
    const waiting = await draft(newsroom, {
      headline: "Review",
      relatedLinks: [{ articleId: linking.id }, { url: "https://example.com/" }],
    });
    await newsroom.editor.post(`/v1/articles/${waiting.id}/publish`).send({ at: soon() });
    expect((await newsroom.reader.get(`/v1/articles/${linking.id}/backlinks`)).body.data).toEqual([]);
    const drafts = await newsroom.editor.get(`/v1/articles/${linking.id}/backlinks?version=draft&count=true`);
    expect(drafts.body).toMatchObject({
      data: [{ id: waiting.id, isLive: false, isWorking: true, status: "scheduled" }],
      page: { total: 1 },
    });
    const { body: health } = await newsroom.editor.get(`/v1/link-health?article=${waiting.id}`);
    expect(health.data).toEqual([]);
  });
});

describe("a key that is bound to a section", () => {
  it("sees links of its section, and of other articles what all can read", async () => {
    const target = await live(newsroom, { headline: "Harbour plan", section: { name: "Harbour" } });
    const hidden = await draft(newsroom, {
      headline: "Secret dossier",
      relatedLinks: [{ articleId: target.id }],
    });
    const other = await live(newsroom, {
      headline: "City desk",
      relatedLinks: [{ articleId: target.id }, { articleId: hidden.id, title: "More" }],
    });
    await change(newsroom, other.id, { headline: "City desk, rewritten" });
    const own = await live(newsroom, {
      headline: "Own piece",
      section: "harbour",
      relatedLinks: [{ articleId: hidden.id, title: "More" }],
    });
    const { id: sectionId } = (await newsroom.editor.get("/v1/sections/harbour")).body;
    const kept = await newsroom.withKey({ name: "Harbour desk", role: "editor", sectionIds: [sectionId] });
    const { body } = await kept.get(`/v1/articles/${target.id}/backlinks?version=draft&count=true`);
    expect(body).toMatchObject({
      data: [{ id: other.id, headline: "City desk", isLive: true, isWorking: false, status: "published" }],
      page: { total: 1 },
    });
    const { body: health } = await kept.get("/v1/link-health?count=true");
    expect(health).toMatchObject({
      data: [{ article: { id: own.id }, link: { title: "More", targetStatus: null } }],
      counts: { notLive: 1, external: 0 },
    });
    expect(JSON.stringify(health)).not.toContain("Secret dossier");
    expectProblem(await kept.get(`/v1/link-health?article=${hidden.id}`), 404, "not-found");
  });
});
