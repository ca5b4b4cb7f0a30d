import { describe, expect, it } from "vitest";
import {
  draftOf,
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  statusesOf,
  times,
  unknownId,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const slugOf = async (headline: string) => (await makeDraft(newsroom.editor, { headline })).article.slug;

describe("a slug made from a headline", () => {
  it.each([
    ["Port’s crew: “back at work” – at last!", "ports-crew-back-at-work-at-last"],
    ["  Ærø & Ñuñoa, 50% up  ", "aero-and-nunoa-50-up"],
    ["Порт открыт", "port-otkryt"],
    ["x".repeat(300), "x".repeat(80)],
    [`${"long ".repeat(30)}end`, times(16, "long").join("-")],
  ])("is in plain words: %s", async (headline, slug) => {
    expect(await slugOf(headline)).toMatch(
      slug.startsWith("aero") ? /^aero-(and-)?nunoa-50-up$/ : new RegExp(`^${slug}$`),
    );
  });

  it.each(["港口重新开放", "الميناء يفتح", "בנמל", "बंदरगाह", "부산항 재개", "Θάλασσα"])(
    "is made from any script: %s",
    async (headline) => {
      expect(await slugOf(headline)).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    },
  );

  it("is made up where the headline has no letters", async () => {
    const [one, other] = [await slugOf("🚢🚢🚢"), await slugOf("!?…")];
    expect(one).toMatch(/^article-[0-9a-f]{12}$/);
    expect(other).toMatch(/^article-[0-9a-f]{12}$/);
    expect(one).not.toBe(other);
  });

  it("is not taken for an id when the headline is one", async () => {
    const draft = await makeDraft(newsroom.editor, { headline: unknownId });
    expect(draft.article.slug).toMatch(/^article-/);
    expect((await readDraft(newsroom.editor, { address: `/v1/articles/${draft.article.slug}` })).id).toBe(
      draft.id,
    );
  });

  it("takes the first number that makes it free", async () => {
    expect(await slugOf("Bridge closes")).toBe("bridge-closes");
    await slugOf("Bridge closes 2031");
    expect(await slugOf("Bridge closes")).toBe("bridge-closes-2");
    expect(await slugOf("Bridge closes")).toBe("bridge-closes-3");
    expect(await slugOf("bridge, closes?")).toBe("bridge-closes-4");
  });

  it("finds a number even after the highest that anyone would give", async () => {
    for (const slug of ["ferry-late-999999999", "ferry-late-1000000000"])
      await makeDraft(newsroom.editor, { slug });
    expect([await slugOf("Ferry late"), await slugOf("Ferry late"), await slugOf("Ferry late")]).toEqual([
      "ferry-late",
      "ferry-late-2",
      "ferry-late-3",
    ]);
  });

  it("is unique among sixteen that are made at once", async () => {
    const made = await Promise.all(
      Array.from({ length: 16 }, () =>
        newsroom.editor.post("/v1/articles").send({ headline: "Lighthouse lit" }),
      ),
    );
    expect(made.map(({ status }) => status)).toEqual(times(16, 201));
    const expected = [
      "lighthouse-lit",
      ...Array.from({ length: 15 }, (_, index) => `lighthouse-lit-${index + 2}`),
    ];
    expect(new Set(made.map(({ body }) => body.slug))).toEqual(new Set(expected));
  });

  it("stays when the headline changes", async () => {
    const draft = await makeDraft(newsroom.editor, { headline: "Quay flooded" });
    expect((await patchDraft(newsroom.editor, draft, { headline: "Quay dry again" })).article.slug).toBe(
      "quay-flooded",
    );
  });
});

describe("a slug of the editor's choice", () => {
  it("is taken as it is", async () => {
    expect((await makeDraft(newsroom.editor, { slug: "my-own-slug-7" })).article.slug).toBe("my-own-slug-7");
  });

  it("is refused with 409 when another article has it, and nothing is made", async () => {
    await makeDraft(newsroom.editor, { slug: "tides" });
    const before = await newsroom.database.article.count();
    const answer = await newsroom.editor
      .post("/v1/articles")
      .send({ headline: "A", slug: "tides", tags: [{ name: "Left behind" }] });
    expectRefused(answer, 409, "#/slug");
    expect(answer.body.type).toBe("/problems/slug-taken");
    expect(await newsroom.database.article.count()).toBe(before);
    expect((await newsroom.reader.get("/v1/tags/left-behind")).status).toBe(404);
  });

  it("goes to one alone of sixteen who want it at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor.post("/v1/articles").send({ headline: `Wish ${index}`, slug: "one-for-all" }),
      ),
    );
    expect(statusesOf(answers)).toEqual([201, ...times(15, 409)]);
  });

  it.each([
    "Harbour",
    "two--hyphens",
    "-start",
    "end-",
    "under_score",
    "with space",
    "naïve",
    "a/b",
    "..",
    "",
    unknownId,
  ])("is refused when it is no slug: %j", async (slug) => {
    expectRefused(await newsroom.editor.post("/v1/articles").send({ headline: "A", slug }), 422, "#/slug");
  });

  it("may look like an id cut short, or like a number", async () => {
    for (const slug of [unknownId.slice(0, -1), unknownId.replaceAll("-", ""), "42"]) {
      const draft = await makeDraft(newsroom.editor, { slug });
      expect((await readDraft(newsroom.editor, { address: `/v1/articles/${slug}` })).id).toBe(draft.id);
    }
  });

  it("can be changed while nobody has read the article under it, and is free again then", async () => {
    const draft = await makeDraft(newsroom.editor, { slug: "working-title" });
    const moved = await patchDraft(newsroom.editor, draft, { slug: "final-title" });
    expect(moved.article.slug).toBe("final-title");
    expectRefused(await newsroom.editor.get("/v1/articles/working-title?version=draft"), 404);
    expect((await makeDraft(newsroom.editor, { slug: "working-title" })).id).not.toBe(draft.id);
  });

  it("stays with an article that was published under it", async () => {
    const draft = await makeDraft(newsroom.editor, { slug: "first-name" });
    const live = await publishDraft(newsroom.editor, draft);
    const moved = await patchDraft(newsroom.editor, live, { slug: "second-name" });
    expectRefused(
      await newsroom.editor.post("/v1/articles").send({ headline: "A", slug: "first-name" }),
      409,
      "#/slug",
    );
    expect((await patchDraft(newsroom.editor, moved, { slug: "first-name" })).article.slug).toBe(
      "first-name",
    );
  });

  it("cannot be changed to one that is taken, and the rest of that change is not made either", async () => {
    await makeDraft(newsroom.editor, { slug: "occupied" });
    const draft = await makeDraft(newsroom.editor, { keyPoints: ["one"] });
    const answer = await newsroom.editor
      .patch(draft.address)
      .set("If-Match", draft.etag)
      .send({ slug: "occupied", headline: "B", keyPoints: [] });
    expectRefused(answer, 409, "#/slug");
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("is swapped by two articles at once for one of them at most", async () => {
    const one = await makeDraft(newsroom.editor, { slug: "swap-a" });
    const other = await makeDraft(newsroom.editor, { slug: "swap-b" });
    const answers = await Promise.all([
      newsroom.editor.patch(one.address).set("If-Match", "*").send({ slug: "swap-b" }),
      newsroom.editor.patch(other.address).set("If-Match", "*").send({ slug: "swap-a" }),
    ]);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    const slugs = [
      (await readDraft(newsroom.editor, one)).article.slug,
      (await readDraft(newsroom.editor, other)).article.slug,
    ];
    expect(new Set(slugs).size).toBe(2);
  });

  it("of an article in the trash is still its own", async () => {
    const draft = await makeDraft(newsroom.editor, { slug: "thrown-away" });
    await newsroom.editor.delete(draft.address).set("If-Match", draft.etag);
    expectRefused(
      await newsroom.editor.post("/v1/articles").send({ headline: "A", slug: "thrown-away" }),
      409,
      "#/slug",
    );
  });

  it("names the article in every address", async () => {
    const draft = await makeDraft(newsroom.editor, { slug: "by-its-name", keyPoints: ["one"] });
    const patched = await newsroom.editor
      .patch("/v1/articles/by-its-name")
      .set("If-Match", draft.etag)
      .send({ standfirst: "x" });
    expect(draftOf(patched, 200).id).toBe(draft.id);
    const point = draft.article.keyPoints[0]?.id;
    expect(
      (await newsroom.editor.get(`/v1/articles/by-its-name/key-points/${point}?version=draft`)).status,
    ).toBe(200);
    expect((await readDraft(newsroom.editor, { address: `/v1/articles/${draft.id.toUpperCase()}` })).id).toBe(
      draft.id,
    );
  });
});
