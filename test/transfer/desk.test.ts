import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { freshDatabase } from "../support/database.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const production = useNewsroom();
let staging: TestNewsroom;
let close = async () => {};

beforeAll(async () => {
  const fresh = await freshDatabase();
  const started = await startNewsroom(fresh.url);
  staging = started.found;
  close = async () => {
    await started.close();
    await fresh.drop();
  };
});
afterAll(() => close());

async function exported(from: TestNewsroom): Promise<string> {
  const answer = await fetch(`${from.url}/v1/export`, {
    headers: { authorization: `Bearer ${from.adminKey}` },
  });
  return answer.text();
}
const sent = (file: string) =>
  staging.editor.post("/v1/import").set("content-type", "application/x-ndjson").send(file);
async function imported(file: string) {
  const answer = await sent(file);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as { created: number; updated: number; unchanged: number };
}
const bring = async () => imported(await exported(production));
const lineOf = (file: string, id: string) =>
  file
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .find((line) => line.kind === "article" && line.id === id);
const changes = async (articleId: string) => {
  const rows = await staging.database.change.findMany({ where: { articleId }, orderBy: { sequence: "asc" } });
  return rows.map(({ kind, version, detail }) => ({ kind, version, detail }));
};
const transitions = async (id: string) =>
  (await staging.editor.get(`/v1/articles/${id}/transitions`)).body.data as {
    action: string;
    to: string;
    note: string | null;
  }[];
const later = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();

describe("an import", () => {
  it("brings corrections and the spans of editions, and tells what changed for readers", async () => {
    const { id } = await live(production, { headline: "Lock gates open" });
    await bring();
    await change(production, id, { headline: "Lock gates opened", slug: "lock-gates-opened" });
    const corrected = await production.editor
      .post(`/v1/articles/${id}/publish`)
      .send({ correction: "They opened yesterday." });
    expect(corrected.status).toBe(200);
    await bring();
    await unpublish(production, id);
    await bring();
    expect(await changes(id)).toEqual([
      { kind: "published", version: 1, detail: null },
      { kind: "corrected", version: 2, detail: { correction: "They opened yesterday." } },
      { kind: "moved", version: 2, detail: { from: "lock-gates-open" } },
      { kind: "unpublished", version: 2, detail: null },
    ]);
    const spans = async ({ editor }: TestNewsroom) =>
      ((await editor.get(`/v1/articles/${id}/editions`)).body.data as Record<string, unknown>[]).map(
        (edition) => ({ ...edition, by: null }),
      );
    expect(await spans(staging)).toEqual(await spans(production));
    const there = await staging.editor.get(`/v1/articles/${id}?version=draft`);
    expect(there.body.corrections).toHaveLength(1);
    expect(await exported(staging)).toBe(await exported(production));
  });

  it("leaves a revision, an entry in the audit log, and no maker", async () => {
    const { id } = await draft(production, { headline: "Sluice" });
    await bring();
    await change(production, id, { standfirst: "Dry" });
    await bring();
    const { body } = await staging.editor.get(`/v1/articles/${id}/revisions`);
    expect(body.data).toMatchObject([
      { number: 2, action: "imported", changed: ["/standfirst"] },
      { number: 1, action: "imported" },
    ]);
    const { createdBy } = await staging.database.article.findUniqueOrThrow({ where: { id } });
    expect(createdBy).toBeNull();
    const audit = await staging.editor.get("/v1/audit?operation=importNewsroom&limit=1");
    expect(audit.body.data).toHaveLength(1);
  });

  it("counts revisions on where more was written here, and is then the same again", async () => {
    const { id } = await live(production, { headline: "Weir" });
    await bring();
    for (const standfirst of ["One", "Two", "Three"]) await change(staging, id, { standfirst });
    const before = await staging.editor.get(`/v1/articles/${id}?version=draft`);
    expect(await bring()).toMatchObject({ updated: 1 });
    const after = await staging.editor.get(`/v1/articles/${id}?version=draft`);
    expect(after.body).toMatchObject({ standfirst: null, hasUnpublishedChanges: false });
    expect(Number.parseInt(String(after.headers.etag).slice(1), 10)).toBe(
      Number.parseInt(String(before.headers.etag).slice(1), 10) + 1,
    );
    expect(await bring()).toMatchObject({ updated: 0 });
  });
});

describe("what is planned", () => {
  it("stays behind: the article arrives as it is until then, with a note", async () => {
    const { id } = await draft(production, { headline: "Regatta begins" });
    const at = later(3_600_000);
    expect((await production.editor.post(`/v1/articles/${id}/publish`).send({ at })).status).toBe(200);
    const known = await live(production, { headline: "Regatta ends" });
    await change(production, known.id, { headline: "Regatta over" });
    await production.editor.post(`/v1/articles/${known.id}/publish`).send({ at });
    await bring();
    expect((await staging.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      status: "draft",
      scheduledFor: null,
      headline: "Regatta begins",
    });
    expect(await transitions(id)).toMatchObject([{ action: "import", to: "draft" }]);
    expect((await transitions(id))[0]?.note).toContain(at);
    expect((await seen(staging, known.id)).headline).toBe("Regatta ends");
    expect((await staging.editor.get(`/v1/articles/${known.id}?version=draft`)).body).toMatchObject({
      status: "published",
      headline: "Regatta over",
      hasUnpublishedChanges: true,
    });
    expect(await staging.database.edition.count({ where: { articleId: id } })).toBe(0);
    expect(await bring()).toMatchObject({ created: 0, updated: 0 });
  });

  it("here is given up, as is all that was changed here", async () => {
    const { id } = await draft(production, { headline: "Tide table" });
    await bring();
    await staging.editor.post(`/v1/articles/${id}/publish`).send({ at: later(3_600_000) });
    await bring();
    const { body } = await staging.editor.get(`/v1/articles/${id}?version=draft`);
    expect(body).toMatchObject({ status: "draft", scheduledFor: null });
    expect(await staging.database.edition.count({ where: { articleId: id } })).toBe(0);
    expect(await bring()).toMatchObject({ created: 0, updated: 0 });
  });
});

describe("what is to end", () => {
  it("ends here at its time too", async () => {
    const { id } = await draft(production, { headline: "Flash sale", expiresAt: later(2500) });
    await publish(production, id);
    await bring();
    expect((await seen(staging, id)).headline).toBe("Flash sale");
    await vi.waitFor(
      async () => {
        expect((await staging.reader.get(`/v1/articles/${id}`)).status).toBe(410);
        expect((await changes(id)).map(({ kind }) => kind)).toEqual(["published", "unpublished"]);
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it("has ended when the file arrives after it", async () => {
    const { id } = await draft(production, { headline: "Flood warning", expiresAt: later(1200) });
    await publish(production, id);
    const file = await exported(production);
    expect(lineOf(file, id)?.live).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    await imported(file);
    expect((await staging.reader.get(`/v1/articles/${id}`)).status).toBe(410);
    expect((await staging.editor.get(`/v1/articles/${id}?version=draft`)).body.status).toBe("unpublished");
    expect(await changes(id)).toEqual([]);
    expect(await imported(file)).toMatchObject({ created: 0, updated: 0 });
  });
});

describe("what was withdrawn for good", () => {
  it("is withdrawn here too, and cannot come back by an older file", async () => {
    const { id } = await live(production, { headline: "Alleged fraud" });
    const older = await exported(production);
    await imported(older);
    const kill = { reason: "Injunction", publicReason: "Withdrawn by court order." };
    expect((await production.editor.post(`/v1/articles/${id}/kill`).send(kill)).status).toBe(200);
    await bring();
    const answer = await staging.reader.get(`/v1/articles/${id}`);
    expect(expectProblem(answer, 451, "withdrawn").detail).toContain("Withdrawn by court order.");
    expect((await changes(id)).at(-1)).toMatchObject({
      kind: "withdrawn",
      detail: { reason: "Withdrawn by court order." },
    });
    const again = await sent(older);
    expectProblem(again, 422, "import-failed");
    const { report } = again.body as { report: { failures: { reason: string }[] } };
    expect(report.failures[0]?.reason).toMatch(/withdrawn for good here, so it cannot come back/);
    expect(await bring()).toMatchObject({ created: 0, updated: 0 });
  });

  it("stays so when it was purged", async () => {
    const { id } = await live(production, { headline: "Alleged theft" });
    await production.editor.post(`/v1/articles/${id}/kill`).send({ reason: "Injunction" });
    await production.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
    await production.editor.delete(`/v1/trash/${id}`).set("If-Match", "*");
    expectProblem(await production.reader.get(`/v1/articles/${id}`), 451, "withdrawn");
    expectProblem(await production.reader.get("/v1/articles/alleged-theft"), 451, "withdrawn");
    await bring();
    expectProblem(await staging.reader.get("/v1/articles/alleged-theft"), 451, "withdrawn");
  });
});
