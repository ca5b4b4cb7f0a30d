import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { changesOf, inMs, planned, until } from "../support/desk.ts";
import { unknownId } from "../support/drafts.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
/** A newsroom whose jobs do not run: what is seen at a moment is up to the clock alone. */
const still = useNewsroom();
const far = "2100-01-01T06:00:00Z";

const plan = (id: string, body: object, where = newsroom) =>
  where.editor.post(`/v1/articles/${id}/publish`).send(body);
const get = (path: string, where = newsroom) => where.reader.get(`/v1/articles${path}`).redirects(0);
const copyOf = async (id: string, where = newsroom) =>
  (await where.editor.get(`/v1/articles/${id}?version=draft`)).body;

beforeAll(async () => {
  await still.newsroom.jobs.stop();
  for (const where of [newsroom, still]) {
    await where.editor.post("/v1/sections").send({ name: "World", slug: "world" });
    await where.editor.post("/v1/tags").send({ name: "Talks", slug: "talks" });
    await where.editor.post("/v1/authors").send({ name: "Ana Lima", slug: "ana-lima" });
  }
});

const filed = {
  section: "world",
  tags: ["talks"],
  authors: ["ana-lima"],
  language: "pt",
  keyPoints: ["A point"],
};
const lists = [
  "?sort=newest",
  "?sort=oldest",
  "?sort=updated",
  "?section=world",
  "?tag=talks",
  "?author=ana-lima",
  "?language=pt",
  "?section=world&tag=talks&author=ana-lima&language=pt",
  "?q=zarzuela",
  "?q=zarzuella",
  "?q=zarzuela&sort=newest",
  "?q=zarzuela&section=world",
  "?publishedAfter=2025-01-01",
  "?updatedAfter=2025-01-01&section=world",
  "?publishedAfter=2025-01-01&sort=updated&count=true",
];

describe("an article scheduled while no job runs", () => {
  it("is nowhere before its second, and everywhere from it on", async () => {
    const { id, slug } = await draft(still, { headline: "Zarzuela returns", ...filed });
    const other = await live(still, {
      headline: "Links to it",
      relatedLinks: [{ title: "Zarzuela returns" }, { articleId: id }],
    });
    const at = inMs(2500);
    expect(await planned(still, id, { at })).toMatchObject({
      status: "scheduled",
      scheduledFor: at,
      version: 0,
    });

    const unknown = await get(`/${unknownId}`, still);
    for (const path of ["", "/key-points", "/related-links", "/share-counts", "/share-counts/x"]) {
      for (const [reference, absent] of [
        [id, unknownId],
        [slug, "no-such-slug"],
      ] as const) {
        const answer = await get(`/${reference}${path}`, still);
        const { detail } = expectProblem(answer, 404, "not-found");
        expect(detail).toBe(unknown.body.detail.replace(unknownId, reference));
        expect({ ...answer.headers, "x-request-id": "", date: "" }).toEqual({
          ...(await get(`/${absent}${path}`, still)).headers,
          "x-request-id": "",
          date: "",
          "content-length": answer.headers["content-length"],
        });
      }
    }
    expectProblem(
      await still.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" }),
      404,
      "not-found",
    );
    expectProblem(
      await still.reader.post(`/v1/articles/${slug}/shares`).send({ network: "x" }),
      404,
      "not-found",
    );
    for (const list of lists) expect((await get(list, still)).text, list).not.toContain(id);
    for (const list of lists.filter((one) => one.includes("zarz") || one.includes("section"))) {
      const { body } = await get(
        `${list}&count=true`.replace("&count=true&count=true", "&count=true"),
        still,
      );
      expect(body.page.total, list).toBe(0);
    }
    const asked = (await get(`?ids=${id}`, still)).body;
    expect(asked).toMatchObject({ data: [], missing: [{ id, reason: "not-found" }] });
    expect((await seen(still, other.id)).relatedLinks.map(({ articleId }) => articleId)).toEqual([null]);
    expect(Date.now()).toBeLessThan(Date.parse(at));

    await until(at);
    const article = await get(`/${id}`, still);
    expect(article.status, article.text).toBe(200);
    expect(article.body).toMatchObject({
      status: "published",
      version: 1,
      publishedAt: at,
      updatedAt: at,
      scheduledFor: null,
    });
    for (const path of [`/${slug}`, `/${slug}/key-points`, `/${id}/related-links`, `/${id}/share-counts`])
      expect((await get(path, still)).status, path).toBe(200);
    for (const list of lists) expect((await get(list, still)).text, list).toContain(id);
    expect((await get(`?ids=${id}`, still)).body).toMatchObject({ data: [{ id, version: 1 }], missing: [] });
    expect((await still.reader.post(`/v1/articles/${slug}/shares`).send({ network: "x" })).status).toBe(201);
    expect((await get("?sort=mostShared&window=24h", still)).text).toContain(id);
  });

  it("that has been shared before is not among the most shared until its second", async () => {
    const { id } = await live(still, { headline: "Shared, gone, and back" });
    await still.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    await unpublish(still, id);
    const at = inMs(900);
    await planned(still, id, { at });
    for (const window of ["1h", "24h", "7d", "all"])
      expect((await get(`?sort=mostShared&window=${window}&limit=100`, still)).text).not.toContain(id);
    expectProblem(await get(`/${id}`, still), 410, "gone");
    await until(at);
    for (const window of ["1h", "24h", "7d", "all"])
      expect((await get(`?sort=mostShared&window=${window}&limit=100`, still)).text).toContain(id);
  });

  it("takes the place of what is live at its second, its slug included", async () => {
    const { id } = await live(still, { headline: "Old words", slug: "old-words", section: "world" });
    await change(still, id, { headline: "New words", slug: "new-words" });
    const at = inMs(1000);
    await planned(still, id, { at });
    expect((await get("/old-words", still)).body).toMatchObject({ headline: "Old words", version: 1 });
    expectProblem(await get("/new-words", still), 404, "not-found");
    expect((await get("?section=world&fields=headline", still)).text).toContain("Old words");
    await until(at);
    for (const path of [`/${id}`, "/new-words"])
      expect((await get(path, still)).body).toMatchObject({ headline: "New words", version: 2 });
    const moved = await get("/old-words", still);
    expect(moved.status).toBe(301);
    expect(moved.headers.location).toBe("/v1/articles/new-words");
    const list = (await get("?section=world&fields=headline", still)).text;
    expect(list).toContain("New words");
    expect(list).not.toContain("Old words");
  });

  it("is what readers see when it is changed, whether or not the job has run", async () => {
    const acts = {
      unpublish: async (id: string) =>
        expect((await still.editor.post(`/v1/articles/${id}/unpublish`)).body).toMatchObject({
          status: "unpublished",
          version: 1,
        }),
      publish: async (id: string) => {
        await change(still, id, { standfirst: "More" });
        expect(await publish(still, id)).toMatchObject({ status: "published", version: 2 });
      },
      kill: async (id: string) => {
        expect(
          (await still.editor.post(`/v1/articles/${id}/kill`).send({ reason: "Injunction" })).status,
        ).toBe(200);
        expectProblem(await get(`/${id}`, still), 451, "withdrawn");
      },
      delete: async (id: string) => {
        expect((await still.editor.delete(`/v1/articles/${id}`).set("if-match", "*")).status).toBe(204);
        expectProblem(await get(`/${id}`, still), 410, "gone");
      },
      cancel: async (id: string) => {
        expectProblem(await still.editor.post(`/v1/articles/${id}/cancel`), 409, "wrong-state");
        await unpublish(still, id);
      },
      reschedule: async (id: string) => {
        await change(still, id, { standfirst: "More" });
        expect(await planned(still, id, { at: far })).toMatchObject({ status: "published", version: 1 });
      },
    };
    const at = inMs(900);
    const ids = await Promise.all(
      Object.keys(acts).map(async (name) => {
        const { id } = await draft(still, { headline: `Due, then ${name}` });
        await planned(still, id, { at });
        return id;
      }),
    );
    await until(at);
    for (const [index, act] of Object.values(acts).entries()) {
      const id = ids[index] ?? "";
      expect((await get(`/${id}`, still)).status).toBe(200);
      await act(id);
      expect((await changesOf(still, id))[0]).toMatchObject({ kind: "published", version: 1, at });
      expect(await still.database.edition.findFirst({ where: { articleId: id, version: 1 } })).not.toBeNull();
    }
  });

  it("has followed what it missed as soon as a process does jobs again", async () => {
    const { id } = await draft(still, { headline: "Fell due while all was down" });
    const ended = await live(still, { headline: "Ended while all was down" });
    const both = await draft(still, { headline: "Came and went meanwhile" });
    const at = inMs(500);
    const end = inMs(800);
    await planned(still, id, { at });
    await still.editor.post(`/v1/articles/${ended.id}/unpublish`).send({ at: end });
    await change(still, both.id, { expiresAt: end });
    await planned(still, both.id, { at });
    // It will have ended when its next edition comes.
    const gap = await live(still, { headline: "Ends, and comes again" });
    const again = inMs(1000);
    await change(still, gap.id, { standfirst: "Again" });
    await planned(still, gap.id, { at: again });
    await still.editor.post(`/v1/articles/${gap.id}/unpublish`).send({ at: end });
    await until(again);
    expect((await get(`/${gap.id}`, still)).body).toMatchObject({ version: 2 });
    expectProblem(await get(`/${both.id}`, still), 410, "gone");
    expect(await changesOf(still, id)).toEqual([]);
    const started = await startNewsroom(still.databaseUrl);
    try {
      await vi.waitFor(async () => expect(await changesOf(still, gap.id)).toHaveLength(3), { timeout: 3000 });
      expect(await changesOf(still, id)).toMatchObject([{ kind: "published", at }]);
      expect(await changesOf(still, ended.id)).toMatchObject([
        { kind: "published" },
        { kind: "unpublished", at: end },
      ]);
      expect(await changesOf(still, both.id)).toMatchObject([
        { kind: "published", at },
        { kind: "unpublished", at: end },
      ]);
      expect(await changesOf(still, gap.id)).toMatchObject([
        { kind: "published", version: 1 },
        { kind: "unpublished", version: 1, at: end },
        { kind: "published", version: 2, at: again },
      ]);
      expect(await copyOf(both.id, still)).toMatchObject({ status: "unpublished", expiresAt: null });
      expect(await copyOf(gap.id, still)).toMatchObject({ status: "published", version: 2, expiresAt: null });
    } finally {
      await started.close();
    }
  });
});

describe("the job that follows a schedule", () => {
  it("makes it official within a second, once for any number of processes", async () => {
    const second = await startNewsroom(newsroom.databaseUrl);
    try {
      const { id } = await draft(newsroom, { headline: "On time" });
      const bare = await live(newsroom, { headline: "Waits for it", relatedLinks: [{ title: "On time" }] });
      const at = inMs(1200);
      const before = await planned(newsroom, id, { at });
      expect(before).toMatchObject({ publishedAt: null, firstPublishedAt: null });
      await until(at);
      await vi.waitFor(async () => expect(await copyOf(id)).toMatchObject({ status: "published" }), {
        timeout: 1000,
        interval: 20,
      });
      expect(await copyOf(id)).toMatchObject({
        version: 1,
        publishedAt: at,
        firstPublishedAt: at,
        scheduledFor: null,
        hasUnpublishedChanges: false,
      });
      await sleep(1500);
      expect(await changesOf(newsroom, id)).toEqual([{ kind: "published", version: 1, at, detail: null }]);
      const { data } = (await newsroom.editor.get(`/v1/articles/${id}/transitions`)).body;
      expect(data).toMatchObject([
        { action: "publish", from: "scheduled", to: "published", actor: "Dateline" },
        { action: "schedule", from: "draft", to: "scheduled" },
      ]);
      expect((await seen(newsroom, bare.id)).relatedLinks).toMatchObject([{ articleId: id }]);
    } finally {
      await second.close();
    }
  });

  it("publishes what was planned, not what was written since", async () => {
    const { id } = await draft(newsroom, { headline: "As planned", slug: "as-planned" });
    const at = inMs(700);
    await planned(newsroom, id, { at });
    await change(newsroom, id, { headline: "Written since", slug: "written-since" });
    await until(at);
    await vi.waitFor(async () => expect((await copyOf(id)).status).toBe("published"), {
      timeout: 1000,
      interval: 20,
    });
    expect(await seen(newsroom, "as-planned")).toMatchObject({ headline: "As planned", version: 1 });
    expect(await copyOf(id)).toMatchObject({ headline: "Written since", hasUnpublishedChanges: true });
  });
});

describe("a plan", () => {
  it("is replaced by the next one", async () => {
    const { id } = await draft(newsroom, { headline: "Sooner or later" });
    await planned(newsroom, id, { at: far });
    const first = inMs(400);
    await planned(newsroom, id, { at: first });
    const at = inMs(1000);
    expect(await planned(newsroom, id, { at })).toMatchObject({ scheduledFor: at, version: 0 });
    await until(first);
    await sleep(100);
    expectProblem(await get(`/${id}`), 404, "not-found");
    await until(at);
    expect((await get(`/${id}`)).body).toMatchObject({ version: 1, publishedAt: at });
  });

  it("is replaced by publishing now", async () => {
    const { id } = await draft(newsroom, { headline: "Not waiting" });
    const at = inMs(600);
    await planned(newsroom, id, { at });
    await change(newsroom, id, { standfirst: "With this" });
    expect(await publish(newsroom, id)).toMatchObject({
      status: "published",
      version: 1,
      scheduledFor: null,
    });
    await until(at);
    await sleep(700);
    expect(await changesOf(newsroom, id)).toMatchObject([{ kind: "published", version: 1 }]);
    expect(await copyOf(id)).toMatchObject({ version: 1, hasUnpublishedChanges: false });
  });

  it("that is given up leaves nothing, and lets its slug go", async () => {
    const { id } = await draft(newsroom, { headline: "Given up", slug: "given-up" });
    const at = inMs(600);
    await planned(newsroom, id, { at });
    await change(newsroom, id, { slug: "other-slug" });
    expect(
      (await newsroom.editor.post("/v1/articles").send({ headline: "Taken", slug: "given-up" })).status,
    ).toBe(409);
    const answer = await newsroom.editor.post(`/v1/articles/${id}/cancel`).send({ note: "Not today" });
    expect(answer.body).toMatchObject({ status: "draft", scheduledFor: null, version: 0 });
    await draft(newsroom, { headline: "Takes the slug", slug: "given-up" });
    await change(newsroom, id, { slug: "third-slug" });
    await draft(newsroom, { headline: "Takes that, too", slug: "other-slug" });
    await until(at);
    await sleep(700);
    expectProblem(await get(`/${id}`), 404, "not-found");
    expect(await changesOf(newsroom, id)).toEqual([]);
    expect((await newsroom.editor.get(`/v1/articles/${id}/editions`)).body.data).toEqual([]);
  });

  it("goes with its article into the trash", async () => {
    const { id, slug } = await draft(newsroom, { headline: "Into the trash with it" });
    const at = inMs(500);
    await planned(newsroom, id, { at });
    const writer = await newsroom.withScopes(["articles:write"]);
    expect((await writer.delete(`/v1/articles/${id}`).set("if-match", "*")).status).toBe(403);
    expect((await newsroom.editor.delete(`/v1/articles/${id}`).set("if-match", "*")).status).toBe(204);
    await until(at);
    await sleep(700);
    for (const reference of [id, slug]) expectProblem(await get(`/${reference}`), 404, "not-found");
    expect(await changesOf(newsroom, id)).toEqual([]);
  });

  it("for a live article can be given up, and it stays as it is", async () => {
    const { id } = await live(newsroom, { headline: "Stays" });
    expect(await planned(newsroom, id, { at: far })).toMatchObject({
      status: "published",
      scheduledFor: expect.any(String),
      hasUnpublishedChanges: false,
    });
    const answer = await newsroom.editor.post(`/v1/articles/${id}/cancel`);
    expect(answer.body).toMatchObject({
      status: "published",
      version: 1,
      scheduledFor: null,
      hasUnpublishedChanges: false,
    });
    expect((await get(`/${id}`)).body).toMatchObject({ version: 1 });
    expectProblem(await newsroom.editor.post(`/v1/articles/${id}/cancel`), 409, "wrong-state");
  });

  it.each([
    [{ at: "2020-01-01T00:00:00Z" }, "#/at"],
    [{ at: new Date().toISOString() }, "#/at"],
    [{ at: "tomorrow" }, "#/at"],
    [{ at: "2100-02-30T00:00:00Z" }, "#/at"],
    [{ at: "2100-01-01" }, "#/at"],
    [{ at: 4_102_444_800_000 }, "#/at"],
    [{ at: null }, "#/at"],
    [{ at: "" }, "#/at"],
    [{ when: far }, "#/when"],
    [{ at: far, correction: "" }, "#/correction"],
  ])("is refused when it is not for a time to come: %j", async (body, pointer) => {
    const { id } = await draft(newsroom, { headline: "Badly planned" });
    const before = await copyOf(id);
    const answer = await plan(id, body);
    expectProblem(answer, 422, "invalid-content");
    expect(answer.body.errors).toMatchObject([{ pointer }]);
    expect(await copyOf(id)).toEqual(before);
  });
});

describe("an end that is planned", () => {
  it("is kept at its second, with and without the job", async () => {
    for (const where of [newsroom, still]) {
      const { id, slug } = await draft(where, { headline: "For a while", section: "world" });
      await change(where, id, { expiresAt: inMs(60_000) });
      await publish(where, id);
      const at = inMs(900);
      const answer = await where.editor.post(`/v1/articles/${id}/unpublish`).send({ at });
      expect(answer.body).toMatchObject({ status: "published", expiresAt: at });
      expect((await get(`/${id}`, where)).status).toBe(200);
      expect((await get("?section=world", where)).text).toContain(id);
      await until(at);
      for (const path of [`/${id}`, `/${slug}`, `/${slug}/key-points`, `/${id}/share-counts`])
        expectProblem(await get(path, where), 410, "gone");
      for (const list of ["?section=world", "?q=while", "?sort=newest"])
        expect((await get(list, where)).text).not.toContain(id);
      expect((await get(`?ids=${id}`, where)).body.missing).toEqual([{ id, reason: "gone" }]);
      expectProblem(await where.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" }), 410, "gone");
      if (where === still) continue;
      await vi.waitFor(async () => expect((await copyOf(id)).status).toBe("unpublished"), {
        timeout: 1000,
        interval: 20,
      });
      expect(await changesOf(where, id)).toMatchObject([
        { kind: "published" },
        { kind: "unpublished", version: 1, at },
      ]);
      // An end that has been reached does not stand in the way of what comes after.
      expect(await publish(where, id)).toMatchObject({ status: "published", version: 2, expiresAt: null });
    }
  });

  it("holds for the edition that comes in between, too", async () => {
    const { id } = await live(still, { headline: "Updated, then ended" });
    await change(still, id, { standfirst: "Second" });
    const at = inMs(500);
    const end = inMs(1000);
    await planned(still, id, { at });
    await still.editor.post(`/v1/articles/${id}/unpublish`).send({ at: end });
    await until(at);
    expect((await get(`/${id}`, still)).body.version).toBe(2);
    await until(end);
    expectProblem(await get(`/${id}`, still), 410, "gone");
  });

  it("may come sooner, or be lifted, with the edition that waits", async () => {
    const sooner = await live(still, { headline: "Sooner" });
    const lifted = await draft(still, { headline: "Lifted" });
    const end = inMs(1100);
    await change(still, lifted.id, { expiresAt: end });
    await publish(still, lifted.id);
    await change(still, sooner.id, { expiresAt: end });
    await change(still, lifted.id, { expiresAt: null });
    const at = inMs(500);
    for (const { id } of [sooner, lifted]) await planned(still, id, { at });
    await until(end);
    expectProblem(await get(`/${sooner.id}`, still), 410, "gone");
    expect((await get("?limit=100", still)).text).not.toContain(sooner.id);
    expect((await get(`/${lifted.id}`, still)).body).toMatchObject({ version: 2, expiresAt: null });
    expect((await get("?limit=100", still)).text).toContain(lifted.id);
  });

  it("is refused before the article is there, and for what is not live", async () => {
    const { id } = await draft(newsroom, {
      headline: "Over before it began",
      expiresAt: "2099-01-01T00:00:00Z",
    });
    const answer = await plan(id, { at: far });
    expectProblem(answer, 422, "invalid-content");
    expect(answer.body.errors).toMatchObject([{ pointer: "#/at", detail: expect.stringContaining("2099") }]);
    expectProblem(
      await newsroom.editor.post(`/v1/articles/${id}/unpublish`).send({ at: far }),
      409,
      "wrong-state",
    );
    const { id: other } = await live(newsroom, { headline: "Still live" });
    for (const at of ["2020-01-01T00:00:00Z", "soon", null])
      expectProblem(
        await newsroom.editor.post(`/v1/articles/${other}/unpublish`).send({ at }),
        422,
        "invalid-content",
      );
    const patched = await newsroom.editor
      .patch(`/v1/articles/${id}`)
      .set("if-match", "*")
      .send({ expiresAt: "2020-01-01T00:00:00Z" });
    expectProblem(patched, 422, "invalid-content");
  });
});
