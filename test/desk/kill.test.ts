import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { change, draft, live, seen, unpublish } from "../support/articles.ts";
import { changesOf, inMs, planned } from "../support/desk.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const reason = "Injunction 4 O 123/26, do not name the plaintiff";
const publicReason = "Withdrawn by order of a court.";
const far = "2100-01-01T06:00:00Z";

const kill = (id: string, body: object = { reason, publicReason }) =>
  newsroom.editor.post(`/v1/articles/${id}/kill`).send(body);
const get = (path: string) => newsroom.reader.get(`/v1/articles${path}`).redirects(0);

describe("an article withdrawn for good", () => {
  it("is 451 with the public reason alone, at once and in every process", async () => {
    const other = await startNewsroom(newsroom.databaseUrl);
    try {
      const { id, slug } = await live(newsroom, {
        headline: "Narwhal affair",
        slug: "first-slug",
        keyPoints: ["One"],
      });
      await change(newsroom, id, { slug: "second-slug" });
      await newsroom.editor.post(`/v1/articles/${id}/publish`);
      for (const { reader } of [newsroom, other.found])
        for (const _ of [1, 2]) await reader.get(`/v1/articles/${id}`);
      expect((await kill(id)).body).toMatchObject({ status: "unpublished", scheduledFor: null });
      for (const path of [
        `/${id}`,
        `/${slug}`,
        "/second-slug",
        `/${id}/key-points`,
        `/${id}/related-links`,
        `/${id}/share-counts`,
      ]) {
        const answer = await get(path);
        const { detail } = expectProblem(answer, 451, "withdrawn");
        expect(detail).toContain(publicReason);
        expect(answer.text).not.toContain("Injunction");
      }
      const shared = await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
      expectProblem(shared, 451, "withdrawn");
      await vi.waitFor(
        async () => expectProblem(await other.found.reader.get(`/v1/articles/${id}`), 451, "withdrawn"),
        { timeout: 500, interval: 5 },
      );
      for (const list of ["", "?q=narwhal", "?sort=mostShared", "?sort=updated"])
        expect((await get(list)).text).not.toContain(id);
      const asked = (await get(`?ids=${id}`)).body;
      expect(asked).toMatchObject({ data: [], missing: [{ id, reason: "gone" }] });
    } finally {
      await other.close();
    }
  });

  it("shows its editions to those who may read the audit log alone", async () => {
    const { id } = await live(newsroom, { headline: "Kept under lock" });
    await kill(id);
    const reading = await newsroom.withScopes(["drafts:read"]);
    const auditing = await newsroom.withScopes(["drafts:read", "audit:read"]);
    for (const path of ["editions", "editions/1"]) {
      expectProblem(await reading.get(`/v1/articles/${id}/${path}`), 451, "withdrawn");
      expect((await auditing.get(`/v1/articles/${id}/${path}`)).status).toBe(200);
      expect((await newsroom.reader.get(`/v1/articles/${id}/${path}`)).status).toBe(401);
    }
  });

  it("takes no step any more", async () => {
    const { id } = await live(newsroom, { headline: "The end" });
    await kill(id);
    for (const [path, body] of [
      ["publish", {}],
      ["publish", { at: far }],
      ["publish", { correction: "x" }],
      ["submit", {}],
      ["kill", { reason }],
      ["previews", {}],
    ] as const) {
      const answer = await newsroom.editor.post(`/v1/articles/${id}/${path}`).send(body);
      expectProblem(answer, 451, "withdrawn");
      expect(answer.text).not.toContain("Injunction");
    }
    const steps = (await newsroom.editor.get(`/v1/articles/${id}/transitions`)).body;
    expect(steps).toMatchObject({
      allowed: [],
      data: [{ action: "kill", from: "published", to: "unpublished", note: reason }, {}],
    });
  });

  it("is told to partners with the public reason, once", async () => {
    const { id } = await live(newsroom, { headline: "Told to partners" });
    await kill(id);
    await kill(id);
    const changes = await changesOf(newsroom, id);
    expect(changes).toMatchObject([
      { kind: "published" },
      { kind: "withdrawn", version: 1, detail: { reason: publicReason } },
    ]);
    expect(JSON.stringify(changes)).not.toContain("Injunction");
  });

  it("goes from the links of others, also of what waits for its time", async () => {
    const { id } = await live(newsroom, { headline: "Linked to" });
    const linking = await live(newsroom, {
      headline: "Links to it",
      relatedLinks: [{ articleId: id }, { title: "Linked to" }],
    });
    const waiting = await live(newsroom, { headline: "Will link to it" });
    await change(newsroom, waiting.id, { relatedLinks: [{ articleId: id }, { title: "Linked to" }] });
    const at = inMs(600);
    await newsroom.newsroom.jobs.stop();
    await planned(newsroom, waiting.id, { at });
    await kill(id);
    expect((await seen(newsroom, linking.id)).relatedLinks).toEqual([]);
    await sleep(700);
    const article = await newsroom.reader.get(`/v1/articles/${waiting.id}`);
    expect(article.body.version).toBe(2);
    expect(article.text).not.toContain(id);
    expect(article.body.relatedLinks.filter(({ url }: { url: string | null }) => url !== null)).toEqual([]);
  });
});

describe("withdrawing for good", () => {
  it("tells the public nothing of what it never saw", async () => {
    for (const body of [{}, { at: far }]) {
      const { id, slug } = await draft(newsroom, { headline: "Never seen", embargoedUntil: far });
      if ("at" in body) await planned(newsroom, id, {});
      expect((await kill(id)).body).toMatchObject({ status: "draft", scheduledFor: null });
      for (const reference of [id, slug]) expectProblem(await get(`/${reference}`), 404, "not-found");
      expect(await changesOf(newsroom, id)).toEqual([]);
      const partner = await newsroom.withScopes(["embargo:read"]);
      expectProblem(await partner.get(`/v1/articles/${id}`), 404, "not-found");
    }
  });

  it("reaches what was unpublished before, and those who have it", async () => {
    const { id, slug } = await live(newsroom, { headline: "Gone already" });
    await change(newsroom, id, { slug: "never-public" });
    await unpublish(newsroom, id);
    expectProblem(await get(`/${id}`), 410, "gone");
    await kill(id);
    expectProblem(await get(`/${id}`), 451, "withdrawn");
    expectProblem(await get(`/${slug}`), 451, "withdrawn");
    expect((await changesOf(newsroom, id)).at(-1)).toMatchObject({ kind: "withdrawn", version: 1 });
    expect(
      await newsroom.database.change.findFirst({ where: { articleId: id, kind: "withdrawn" } }),
    ).toMatchObject({ slug });
  });

  it("gives up the edition that waits to replace what is live", async () => {
    const { id } = await live(newsroom, { headline: "Live and planned" });
    await change(newsroom, id, { headline: "Planned" });
    await planned(newsroom, id, { at: inMs(300) });
    await kill(id);
    await sleep(400);
    expectProblem(await get(`/${id}`), 451, "withdrawn");
    expect((await newsroom.editor.get(`/v1/articles/${id}/editions`)).body.data).toHaveLength(1);
  });

  it("has no plan to give up any more, which is 451 as the document says", async () => {
    const { id } = await live(newsroom, { headline: "Planned no more" });
    await planned(newsroom, id, { at: far });
    await kill(id);
    expectProblem(await newsroom.editor.post(`/v1/articles/${id}/cancel`), 451, "withdrawn");
  });

  it("says nothing of the reason where there is no public one", async () => {
    const { id } = await live(newsroom, { headline: "No comment" });
    await kill(id, { reason });
    const { detail } = expectProblem(await get(`/${id}`), 451, "withdrawn");
    expect(detail).toBe("The article was withdrawn for legal reasons.");
  });

  it.each([{}, { reason: "" }, { reason: "   " }, { publicReason }, { reason: 7 }, { reason, until: far }])(
    "is refused with %j",
    async (body) => {
      const { id } = await live(newsroom, { headline: "Not so" });
      expectProblem(await kill(id, body), 422, "invalid-content");
      expect((await get(`/${id}`)).status).toBe(200);
    },
  );

  it("needs its own scope", async () => {
    const { id } = await live(newsroom, { headline: "Not by anyone" });
    const publisher = await newsroom.withScopes([
      "articles:write",
      "articles:publish",
      "drafts:read",
      "audit:read",
    ]);
    expectProblem(await publisher.post(`/v1/articles/${id}/kill`).send({ reason }), 403, "scope-missing");
  });
});
