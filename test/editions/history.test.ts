import { beforeEach, describe, expect, it } from "vitest";
import { type Draft, makeDraft, patchDraft, publishDraft } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

let draft: Draft;
beforeEach(async () => {
  draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
  for (const headline of ["First", "Second", "Third"]) {
    const { etag } = await patchDraft(newsroom.editor, draft, { headline });
    draft = await publishDraft(newsroom.editor, { ...draft, etag });
  }
});
const editions = (query = "") => newsroom.editor.get(`${draft.address}/editions${query}`);

describe("the editions of an article", () => {
  it("are listed with who published them, when, and of which revision, the newest first", async () => {
    const publisher = await newsroom.withScopes(["articles:publish"]);
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ headline: "Fourth" });
    await publisher.post(`${draft.address}/publish`);
    const { body } = await editions("?count=true");
    expect(body.page).toEqual({ limit: 20, next: null, total: 4 });
    expect(body.data).toMatchObject([
      { version: 4, by: { id: expect.any(String), name: "articles:publish" }, revision: 9 },
      { version: 3, revision: 7 },
      { version: 2, revision: 5 },
      { version: 1, revision: 3 },
    ]);
    expect(body.data[1].createdAt).toBe(draft.article.updatedAt);
    expect(body.data[0]).not.toHaveProperty("document");
  });

  it("are paged by cursor", async () => {
    const first = await editions("?limit=2");
    expect(first.headers.link).toContain('rel="next"');
    const second = await editions(`?limit=2&cursor=${first.body.page.next}`);
    const versions = [...first.body.data, ...second.body.data].map(({ version }) => version);
    expect(versions).toEqual([3, 2, 1]);
    expect(second.body.page.next).toBeNull();
  });

  it("are each as they were published, whatever came after", async () => {
    await newsroom.editor.post(`${draft.address}/unpublish`);
    const { body } = await newsroom.editor.get(`${draft.address}/editions/2`);
    expect(body).toMatchObject({
      version: 2,
      revision: 5,
      document: {
        id: draft.id,
        headline: "Second",
        status: "published",
        version: 2,
        keyPoints: [{ text: "one" }],
      },
    });
    expect(body.document).not.toHaveProperty("shareCounts");
  });

  it("have nobody to name when they are older than revisions", async () => {
    await newsroom.database.revision.deleteMany({ where: { articleId: draft.id } });
    const { body } = await editions();
    expect(body.data[0]).toMatchObject({ version: 3, by: null });
    expect((await newsroom.editor.get(`${draft.address}/editions/3`)).body).toMatchObject({ by: null });
  });

  it("are none before the first publication", async () => {
    draft = await makeDraft(newsroom.editor);
    expect((await editions()).body.data).toEqual([]);
  });

  it.for(["0", "4", "-1", "1.5", "first", "99999999999"])("are not found by %s", async (version) => {
    expectProblem(await newsroom.editor.get(`${draft.address}/editions/${version}`), 404, "not-found");
  });

  it("are not told to whoever may not read drafts, or of what is in the trash", async () => {
    expectProblem(await newsroom.reader.get(`${draft.address}/editions`), 401, "key-required");
    await newsroom.editor.delete(draft.address).set("If-Match", "*");
    expectProblem(await editions(), 404, "not-found");
  });
});
