import { beforeAll, describe, expect, it } from "vitest";
import { change, draft, live, seen, unpublish } from "../support/articles.ts";
import { everything, planned } from "../support/desk.ts";
import { unknownId } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const far = "2100-01-01T06:00:00Z";
const farOut = "2100-01-01T06:00:00.000Z";
const key = (id: string) => id.replaceAll("-", "");

const rehearse = (reference: string, body: object = {}) =>
  newsroom.editor.post(`/v1/articles/${reference}/publish?dryRun=true`).send(body);

/** What a rehearsal says, which must change nothing at all. */
async function said(reference: string, body: object = {}) {
  const before = await everything(newsroom);
  const answer = await rehearse(reference, body);
  expect(answer.status, answer.text).toBe(200);
  expect(await everything(newsroom)).toEqual(before);
  return answer.body;
}

// No job may write while tables are compared.
beforeAll(() => newsroom.newsroom.jobs.stop());

describe("a rehearsal of publishing", () => {
  it("says what would come, who would be told and what be purged, and changes nothing", async () => {
    const { id } = await draft(newsroom, {
      headline: "Dress rehearsal",
      body: [{ type: "paragraph", text: "All set." }],
    });
    const waiting = await live(newsroom, {
      headline: "Waits for it",
      relatedLinks: [{ title: "Dress rehearsal" }],
    });
    const report = await said(id);
    expect(report).toEqual({
      possible: true,
      version: 1,
      liveFrom: expect.any(String),
      problems: [],
      changes: ["published"],
      purges: ["articles", key(id), key(waiting.id)],
    });
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 404, "not-found");
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      status: "draft",
      version: 0,
    });
    expect((await seen(newsroom, waiting.id)).relatedLinks).toMatchObject([{ articleId: null }]);
  });

  it("says the same of what would be told at its time", async () => {
    const { id } = await live(newsroom, {
      headline: "To be moved",
      slug: "from-here",
      body: [{ type: "rule" }],
    });
    await change(newsroom, id, { slug: "to-there" });
    expect(await said(id, { at: far, correction: "It was there." })).toEqual({
      possible: true,
      version: 2,
      liveFrom: farOut,
      problems: [],
      changes: ["corrected", "moved"],
      purges: ["articles", key(id)],
    });
    await planned(newsroom, id, { at: far });
    expect(await said(id)).toMatchObject({ version: 2, changes: ["updated", "moved"] });
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      scheduledFor: farOut,
    });
  });

  it("says that nothing would come of an article that is live and unchanged", async () => {
    const { id } = await live(newsroom, { headline: "As it is" });
    expect(await said(id)).toMatchObject({ possible: true, version: 1, changes: [], purges: [] });
  });

  it("lists what readers would miss", async () => {
    const gone = await live(newsroom, { headline: "Gone" });
    await unpublish(newsroom, gone.id);
    const trashed = await draft(newsroom, { headline: "Trashed" });
    const { id } = await draft(newsroom, {
      headline: "Full of holes",
      body: [
        { type: "image", url: "https://example.org/a.jpg" },
        { type: "image", url: "https://example.org/b.jpg", alt: "A harbour" },
      ],
      relatedLinks: [
        { articleId: gone.id },
        { articleId: trashed.id },
        { title: "Never written" },
        { url: "https://example.org/" },
      ],
      embargoedUntil: far,
    });
    await newsroom.editor.delete(`/v1/articles/${trashed.id}`).set("if-match", "*");
    const report = await said(id);
    expect(report).toMatchObject({ possible: true, version: 1, liveFrom: farOut, changes: ["published"] });
    expect(report.problems.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
      "#/body/0/alt",
      "#/embargoedUntil",
      "#/relatedLinks/0",
      "#/relatedLinks/1",
      "#/relatedLinks/2",
    ]);
  });

  it.each([
    [{ at: "2020-01-01T00:00:00Z" }, "#/at"],
    [{ correction: "It was two days." }, "#/correction"],
  ])("says why it is not possible: %j", async (body, pointer) => {
    const { id } = await draft(newsroom, { headline: "Not possible" });
    expect(await said(id, body)).toMatchObject({
      possible: false,
      version: null,
      liveFrom: null,
      problems: [{ pointer }],
      changes: [],
      purges: [],
    });
  });

  it("says why it is not possible after its end, and of what was withdrawn", async () => {
    const { id } = await live(newsroom, { headline: "Ends before", expiresAt: "2099-01-01T00:00:00Z" });
    expect(await said(id, { at: far })).toMatchObject({ possible: false, problems: [{ pointer: "#/at" }] });
    await newsroom.editor.post(`/v1/articles/${id}/kill`).send({ reason: "Injunction" });
    const report = await said(id);
    expect(report).toMatchObject({ possible: false, problems: [{ pointer: "#" }] });
    expect(JSON.stringify(report)).not.toContain("Injunction");
  });

  it("answers what asks for it wrongly as publishing does", async () => {
    const { id } = await draft(newsroom, { headline: "Asked wrongly" });
    expectProblem(await rehearse(unknownId), 404, "not-found");
    expectProblem(await rehearse(id, { at: "soon" }), 422, "invalid-content");
    expectProblem(await rehearse(id).set("if-match", '"77-x"'), 412, "precondition-failed");
    expectProblem(
      await newsroom.editor.post(`/v1/articles/${id}/publish?dryRun=maybe`),
      400,
      "invalid-parameter",
    );
    expectProblem(await newsroom.reader.post(`/v1/articles/${id}/publish?dryRun=true`), 401, "key-required");
    const writer = await newsroom.withScopes(["articles:write", "drafts:read"]);
    expectProblem(await writer.post(`/v1/articles/${id}/publish?dryRun=true`), 403, "scope-missing");
  });

  it("does not stand in the way of publishing, nor of the same key", async () => {
    const { id } = await draft(newsroom, { headline: "Rehearsed, then played" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => rehearse(id).set("idempotency-key", "once")),
    );
    expect(new Set(answers.map(({ body }) => body.version))).toEqual(new Set([1]));
    const published = await newsroom.editor.post(`/v1/articles/${id}/publish`).set("idempotency-key", "once");
    expect(published.body).toMatchObject({ status: "published", version: 1 });
  });
});
