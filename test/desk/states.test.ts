import { describe, expect, it } from "vitest";
import { type Action, statesInWords, transitions } from "../../src/desk/states.ts";
import type { ArticleStatus } from "../../src/database/generated/client.ts";
import { draft, live } from "../support/articles.ts";
import { statusesOf } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const far = "2100-01-01T06:00:00Z";
const actions = Object.keys(transitions) as Action[];

const post = (id: string, path: string, body: object = {}) =>
  newsroom.editor.post(`/v1/articles/${id}/${path}`).send(body);
const take = (action: Action, id: string) => {
  if (action === "schedule") return post(id, "publish", { at: far });
  return post(id, action, action === "return" ? { note: "Who says so?" } : {});
};
const copyOf = async (id: string) =>
  (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body as { status: string; version: number };

/** How an article comes to stand so. */
const made: Record<string, { status: ArticleStatus; isPlanned?: boolean; make: () => Promise<string> }> = {
  draft: { status: "draft", make: async () => (await draft(newsroom, { headline: "A draft" })).id },
  "in review": { status: "in_review", make: () => after("draft", "submit") },
  scheduled: { status: "scheduled", isPlanned: true, make: () => after("draft", "schedule") },
  published: { status: "published", make: async () => (await live(newsroom, { headline: "Live" })).id },
  "published, with a plan": {
    status: "published",
    isPlanned: true,
    make: () => after("published", "schedule"),
  },
  unpublished: { status: "unpublished", make: () => after("published", "unpublish") },
  "in review again": { status: "in_review", make: () => after("unpublished", "submit") },
  "scheduled again": { status: "scheduled", isPlanned: true, make: () => after("unpublished", "schedule") },
};

async function after(state: string, action: Action): Promise<string> {
  const id = (await made[state]?.make()) ?? "";
  expect((await take(action, id)).status).toBe(200);
  return id;
}

/** What the table says of an article that stands so. */
function expected(
  action: Action,
  { status, isPlanned = false }: { status: ArticleStatus; isPlanned?: boolean },
) {
  const from: readonly ArticleStatus[] = transitions[action].from;
  return from.includes(status) && (action !== "cancel" || isPlanned);
}

describe.each(Object.entries(made))("an article that is %s", (state, standing) => {
  it.each(actions)("does as the table says on %s", async (action) => {
    const id = await standing.make();
    const before = await copyOf(id);
    expect(before.status).toBe(standing.status);
    const steps = (await newsroom.editor.get(`/v1/articles/${id}/transitions`)).body;
    const allowed = actions.filter((one) => expected(one, standing));
    expect(steps.allowed).toEqual(allowed);
    const answer = await take(action, id);
    if (!expected(action, standing)) {
      expectProblem(answer, 409, "wrong-state");
      expect(answer.body.allowed).toEqual(allowed);
      expect(answer.body.detail).toContain(standing.status);
      expect(await copyOf(id)).toEqual(before);
      expect((await newsroom.editor.get(`/v1/articles/${id}/transitions`)).body).toEqual(steps);
      return;
    }
    expect(answer.status, answer.text).toBe(200);
    const ended: readonly ArticleStatus[] = transitions[action].to;
    const staysLive = standing.status === "published" && ["schedule", "cancel"].includes(action);
    const isAgain = state.endsWith("again") || before.version > 0;
    expect(answer.body.status).toBe(staysLive ? "published" : (isAgain && ended[1]) || ended[0]);
    expect(await copyOf(id)).toEqual(answer.body);
  });
});

describe("the way over the desk", () => {
  it("is kept with who, when and what was said", async () => {
    const { id } = await draft(newsroom, { headline: "Talks resume" });
    const writer = await newsroom.withScopes(["articles:write"]);
    await writer.post(`/v1/articles/${id}/submit`).send({ note: "Ready from my side." });
    await post(id, "return", { note: "Name the source." });
    await post(id, "submit");
    await post(id, "publish");
    const { data } = (await newsroom.editor.get(`/v1/articles/${id}/transitions`)).body;
    expect(data).toMatchObject([
      { action: "publish", from: "in_review", to: "published", note: null },
      { action: "submit", from: "draft", to: "in_review", note: null },
      { action: "return", from: "in_review", to: "draft", note: "Name the source." },
      {
        action: "submit",
        from: "draft",
        to: "in_review",
        note: "Ready from my side.",
        actor: "articles:write",
      },
    ]);
    const times = (data as { at: string }[]).map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(
      (
        await newsroom
          .withScopes(["articles:write"])
          .then((agent) => agent.get(`/v1/articles/${id}/transitions`))
      ).status,
    ).toBe(403);
  });

  it("gives nothing back to an author without a note", async () => {
    const { id } = await draft(newsroom, { headline: "Unsaid" });
    await post(id, "submit");
    for (const body of [undefined, {}, { note: "" }, { note: null }, { note: 7 }, { note: "x", more: 1 }]) {
      const answer = await newsroom.editor.post(`/v1/articles/${id}/return`).send(body);
      expect(answer.status, JSON.stringify(body)).toBe(422);
    }
    expect((await copyOf(id)).status).toBe("in_review");
  });

  it("goes one step at a time when two take it at once", async () => {
    const { id } = await draft(newsroom, { headline: "Handed in twice" });
    const answers = await Promise.all([post(id, "submit"), post(id, "submit"), post(id, "submit")]);
    expect(statusesOf(answers)).toEqual([200, 409, 409]);
  });

  it("holds to If-Match", async () => {
    const { id } = await draft(newsroom, { headline: "Seen before" });
    const { etag = "" } = (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).headers;
    await newsroom.editor.patch(`/v1/articles/${id}`).set("if-match", etag).send({ standfirst: "Newer" });
    for (const action of ["submit", "publish", "kill"])
      expect(
        (await post(id, action, action === "kill" ? { reason: "x" } : {}).set("if-match", etag)).status,
      ).toBe(412);
    expect((await copyOf(id)).status).toBe("draft");
  });

  it("stands in the OpenAPI document as the table has it", async () => {
    const { body } = await newsroom.reader.get("/openapi.json");
    expect(body.paths["/v1/articles/{article}/submit"].post.description).toContain(statesInWords);
    for (const action of actions) expect(statesInWords).toContain(`\`${action}\``);
  });
});
