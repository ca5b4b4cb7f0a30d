import { describe, expect, it, vi } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { changesOf, inMs, planned, until } from "../support/desk.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const far = "2100-01-01T06:00:00Z";
const first = "An earlier version misspelled the minister's name.";
const second = "The talks lasted two days, not three.";

describe("publishing with a correction", () => {
  it("numbers and dates it for readers, and tells partners", async () => {
    const { id } = await live(newsroom, { headline: "Talks end" });
    for (const correction of [first, second]) await planned(newsroom, id, { correction });
    const article = (await newsroom.reader.get(`/v1/articles/${id}`)).body;
    expect(article).toMatchObject({
      version: 3,
      corrections: [
        { number: 1, text: first },
        { number: 2, text: second, publishedAt: article.updatedAt },
      ],
    });
    expect((await newsroom.reader.get(`/v1/articles?ids=${id}`)).body.data[0].corrections).toHaveLength(2);
    const changes = await changesOf(newsroom, id);
    expect(changes.map(({ kind, version, detail }) => ({ kind, version, detail }))).toEqual([
      { kind: "published", version: 1, detail: null },
      { kind: "corrected", version: 2, detail: { correction: first } },
      { kind: "corrected", version: 3, detail: { correction: second } },
    ]);
    expect(changes[2]?.at).toBe(article.updatedAt);
  });

  it("is kept apart from small fixes, which are marked as updates", async () => {
    const { id } = await live(newsroom, { headline: "Typo hear" });
    await planned(newsroom, id, { correction: first });
    await change(newsroom, id, { headline: "Typo here" });
    await publish(newsroom, id);
    expect((await changesOf(newsroom, id)).map(({ kind }) => kind)).toEqual([
      "published",
      "corrected",
      "updated",
    ]);
    expect(await seen(newsroom, id)).toMatchObject({
      headline: "Typo here",
      corrections: [{ number: 1, text: first }],
    });
    const before = (await newsroom.editor.get(`/v1/articles/${id}/editions/1`)).body;
    expect(before.document.corrections).toEqual([]);
  });

  it("keeps them in what is published again after it was unpublished", async () => {
    const { id } = await live(newsroom, { headline: "Away and back" });
    await planned(newsroom, id, { correction: first });
    await unpublish(newsroom, id);
    await planned(newsroom, id, { correction: second });
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).body.corrections).toMatchObject([
      { number: 1 },
      { number: 2, text: second },
    ]);
    expect((await changesOf(newsroom, id)).at(-1)).toMatchObject({
      kind: "published",
      detail: { correction: second },
    });
  });

  it.each(["", "  ", "x".repeat(2001), 7, ["x"], null])("is refused as %j", async (correction) => {
    const { id } = await live(newsroom, { headline: "Wrongly corrected" });
    const answer = await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction });
    expectProblem(answer, 422, "invalid-content");
    expect(answer.body.errors).toMatchObject([{ pointer: "#/correction" }]);
    expect(await seen(newsroom, id)).toMatchObject({ version: 1 });
  });

  it("needs an edition that it corrects", async () => {
    const { id } = await draft(newsroom, { headline: "Nothing to correct" });
    for (const body of [{ correction: first }, { correction: first, at: far }]) {
      const answer = await newsroom.editor.post(`/v1/articles/${id}/publish`).send(body);
      expectProblem(answer, 422, "invalid-content");
      expect(answer.body.errors).toMatchObject([{ pointer: "#/correction" }]);
    }
    // A first edition that waits has not been published either.
    await planned(newsroom, id, { at: far });
    expectProblem(
      await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: first }),
      422,
      "invalid-content",
    );
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      status: "scheduled",
      scheduledFor: new Date(far).toISOString(),
    });
  });
});

describe("a correction that is planned", () => {
  it("is seen at its time and not before, and told with its time", async () => {
    const { id } = await live(newsroom, { headline: "To be corrected" });
    const at = inMs(700);
    await planned(newsroom, id, { at, correction: first });
    expect(await seen(newsroom, id)).toMatchObject({ version: 1, corrections: [] });
    expect((await newsroom.reader.get(`/v1/articles?ids=${id}`)).text).not.toContain(first);
    await until(at);
    expect(await seen(newsroom, id)).toMatchObject({
      version: 2,
      corrections: [{ number: 1, text: first, publishedAt: at }],
    });
    await vi.waitFor(
      async () =>
        expect((await changesOf(newsroom, id)).at(-1)).toEqual({
          kind: "corrected",
          version: 2,
          at,
          detail: { correction: first },
        }),
      { timeout: 1500 },
    );
  });

  it("goes with the plan that is given up or replaced", async () => {
    const { id } = await live(newsroom, { headline: "Planned and given up" });
    await planned(newsroom, id, { at: far, correction: first });
    const cancelled = await newsroom.editor.post(`/v1/articles/${id}/cancel`);
    expect(cancelled.body.corrections).toEqual([]);
    await planned(newsroom, id, { at: far, correction: first });
    await planned(newsroom, id, { correction: second });
    expect(await seen(newsroom, id)).toMatchObject({
      version: 2,
      corrections: [{ number: 1, text: second }],
    });
    await planned(newsroom, id, { at: far, correction: first });
    expect((await newsroom.editor.post(`/v1/articles/${id}/unpublish`)).body.corrections).toMatchObject([
      { text: second },
    ]);
  });
});
