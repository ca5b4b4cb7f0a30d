import { describe, expect, it } from "vitest";
import { purgeTrash } from "../../src/trash/purge.ts";
import { change, draft, live, publish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
const remove = (id: string, agent = newsroom.editor) =>
  agent.delete(`/v1/articles/${id}`).set("If-Match", "*");
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const kinds = async (articleId: string) => {
  const rows = await newsroom.database.change.findMany({
    where: { articleId },
    orderBy: { sequence: "asc" },
  });
  return rows.map(({ kind }) => kind);
};

describe("restoring", () => {
  it("leaves a revision and a step over the desk, as deleting did", async () => {
    const { id } = await draft(newsroom, { headline: "Buoy adrift" });
    await remove(id);
    expect((await newsroom.editor.post(`/v1/articles/${id}/restore`)).status).toBe(200);
    const { body: revisions } = await newsroom.editor.get(`/v1/articles/${id}/revisions`);
    expect((revisions.data as { action: string }[]).map(({ action }) => action)).toEqual([
      "recovered",
      "trashed",
      "created",
    ]);
    const { body } = await newsroom.editor.get(`/v1/articles/${id}/transitions`);
    expect(body.data).toMatchObject([
      { action: "restore", from: "draft", to: "draft" },
      { action: "delete", from: "draft", to: "draft" },
    ]);
  });

  it("brings back no plan: that was given up when the article was deleted", async () => {
    const { id } = await draft(newsroom, { headline: "Lighthouse lit" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ at: inAnHour() });
    expect((await remove(id)).status).toBe(204);
    const { body } = await newsroom.editor.post(`/v1/articles/${id}/restore`);
    expect(body).toMatchObject({ status: "draft", scheduledFor: null });
    expect(await newsroom.database.edition.count({ where: { articleId: id } })).toBe(0);
  });
});

describe("purging", () => {
  it("takes all that hangs on the article, and tells readers' change log nothing", async () => {
    const { id } = await live(newsroom, { headline: "Pilot boat" });
    await change(newsroom, id, { headline: "Pilot boats" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: "There are two." });
    await newsroom.editor.post(`/v1/articles/${id}/comments`).send({ text: "Two?" });
    await remove(id);
    const before = await kinds(id);
    expect(before.at(-1)).toBe("deleted");
    const answer = await newsroom.editor.delete(`/v1/trash/${id}`).set("If-Match", "*");
    expect(answer.status, answer.text).toBe(204);
    const where = { articleId: id };
    const { database } = newsroom;
    expect([
      await database.revision.count({ where }),
      await database.comment.count({ where }),
      await database.correction.count({ where }),
      await database.transition.count({ where }),
      await database.edition.count({ where }),
    ]).toEqual([0, 0, 0, 0, 0]);
    expect(await kinds(id)).toEqual(before);
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 410, "gone");
    const now = new Date().toISOString();
    for (const reference of [id, "pilot-boat"])
      expectProblem(await newsroom.reader.get(`/v1/articles/${reference}?asOf=${now}`), 410, "gone");
    const before2000 = await newsroom.reader.get(`/v1/articles/${id}?asOf=2000-01-01T00:00:00Z`);
    expectProblem(before2000, 404, "not-found");
    const { body: audit } = await newsroom.editor.get("/v1/audit?operation=purgeArticle&limit=1");
    expect(audit.data).toHaveLength(1);
  });

  it("by itself has an entry in the audit log", async () => {
    const { id } = await draft(newsroom, { headline: "Old mooring" });
    await remove(id);
    await newsroom.database
      .$executeRaw`UPDATE articles SET deleted_at = now() - interval '31 days' WHERE id = ${id}::uuid`;
    expect(await purgeTrash(newsroom.database)).toBe(1);
    const { body } = await newsroom.editor.get("/v1/audit?operation=purgeTrash");
    expect(body.data).toMatchObject([{ actor: { name: "Dateline" } }]);
  });
});

it("shows a key that is bound to its own drafts those alone", async () => {
  const contributor = await newsroom.withKey({ name: "Contributor", role: "contributor" });
  const { body: own } = await contributor.post("/v1/articles").send({ headline: "My jetty" });
  const other = await draft(newsroom, { headline: "Their jetty" });
  await publish(newsroom, other.id);
  for (const id of [own.id as string, other.id]) await remove(id);
  const { body } = await contributor.get("/v1/trash?count=true");
  expect({ ids: (body.data as { id: string }[]).map(({ id }) => id), total: body.page.total }).toEqual({
    ids: [own.id],
    total: 1,
  });
  expectProblem(await contributor.get(`/v1/trash/${other.id}`), 404, "not-found");
  expectProblem(await contributor.post(`/v1/articles/${other.id}/restore`), 404, "not-found");
  expect((await contributor.post(`/v1/articles/${own.id}/restore`)).status).toBe(200);
});
