import { beforeAll, describe, expect, it } from "vitest";
import { draftOf, expectRefused, makeDraft, publishDraft, unknownId } from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

async function keyOf(input: object): Promise<Agent> {
  const answer = await newsroom.editor.post("/v1/keys").send({ name: "Ana's own", ...input });
  expect(answer.status, answer.text).toBe(201);
  return newsroom.withHeaders({ authorization: `Bearer ${answer.body.secret}` });
}

async function idsOf(agent: Agent, query = ""): Promise<string[]> {
  const answer = await agent.get(`/v1/articles?version=draft&limit=100${query}`);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.data as { id: string }[]).map(({ id }) => id);
}

beforeAll(async () => {
  for (const name of ["Ana Lima", "Bo Chen"]) await newsroom.editor.post("/v1/authors").send({ name });
  for (const name of ["Sport", "Culture", "World"]) await newsroom.editor.post("/v1/sections").send({ name });
});

describe("a key with a role", () => {
  it("has that role's scopes, and says so", async () => {
    const { body } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Desk", role: "publisher", author: "ana-lima", sections: ["sport", "culture", "sport"] });
    expect(body).toMatchObject({
      role: "publisher",
      scopes: expect.arrayContaining(["drafts:read", "articles:publish"]),
      author: { name: "Ana Lima", slug: "ana-lima" },
      sections: ["culture", "sport"],
    });
    const { secret, ...shown } = body as { secret: string };
    const me = await newsroom.withHeaders({ authorization: `Bearer ${secret}` }).get("/v1/me");
    expect(me.body).toEqual(shown);
  });

  it("can be bound to an author by the id", async () => {
    const { body: author } = await newsroom.editor.get("/v1/authors/bo-chen");
    const agent = await keyOf({ role: "contributor", authorId: author.id });
    expect((await agent.get("/v1/me")).body.author.slug).toBe("bo-chen");
  });

  it.for([
    [{ role: "editor", scopes: ["drafts:read"] }, "#/scopes"],
    [{ role: "owner" }, "#/role"],
    [{ role: "editor", author: "nobody" }, "#/author"],
    [{ role: "editor", authorId: unknownId }, "#/authorId"],
    [{ role: "editor", author: "ana-lima", authorId: unknownId }, "#/authorId"],
    [{ role: "editor", sections: ["sport", "gossip"] }, "#/sections/1"],
    [{ role: "editor", sections: [] }, "#/sections"],
  ] as const)("is refused as %j", async ([input, pointer]) => {
    const { length } = await newsroom.database.key.findMany();
    expectRefused(await newsroom.editor.post("/v1/keys").send({ name: "Wrong", ...input }), 422, pointer);
    expect(await newsroom.database.key.findMany()).toHaveLength(length);
  });

  it("is not made by whoever lacks one of its scopes, or is kept to a section", async () => {
    const manager = await newsroom.withScopes(["keys:manage", "drafts:read"]);
    const role = { name: "More", role: "contributor" };
    expectProblem(await manager.post("/v1/keys").send(role), 403, "scope-missing");
    const kept = await keyOf({ role: "admin", sections: ["sport"] });
    expectProblem(await kept.post("/v1/keys").send(role), 403, "out-of-reach");
    expect((await newsroom.editor.post("/v1/keys").send(role)).status).toBe(201);
  });

  it("keeps its author and its sections from being deleted until it is revoked", async () => {
    await newsroom.editor.post("/v1/authors").send({ name: "Leaving Soon" });
    await newsroom.editor.post("/v1/sections").send({ name: "Short Lived" });
    const bound = ["/v1/authors/leaving-soon", "/v1/sections/short-lived"];
    const { body: key } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Bound", role: "editor", author: "leaving-soon", sections: ["short-lived"] });
    for (const path of bound) expectProblem(await newsroom.editor.delete(path), 409, "in-use");
    expect((await newsroom.editor.delete(`/v1/keys/${key.id}`)).status).toBe(204);
    for (const path of bound) expect((await newsroom.editor.delete(path)).status).toBe(204);
  });

  it("asks who it is, which needs a key and no scope", async () => {
    expectProblem(await newsroom.reader.get("/v1/me"), 401, "key-required");
    const partner = await keyOf({ role: "partner" });
    expect((await partner.get("/v1/me")).body).toMatchObject({
      role: "partner",
      scopes: ["embargo:read", "webhooks:own"],
    });
    expect((await partner.get("/v1/me")).headers["cache-control"]).toBe("private, no-store");
  });
});

describe("a contributor", () => {
  let ana: Agent;
  beforeAll(async () => {
    ana = await keyOf({ role: "contributor", author: "ana-lima" });
  });

  it("stands on what it makes, also beside others and by import", async () => {
    const slugs = async (content: object) =>
      (await makeDraft(ana, content)).article.authors.map(({ slug }) => slug);
    expect(await slugs({})).toEqual(["ana-lima"]);
    expect(await slugs({ authors: ["bo-chen"] })).toEqual(["bo-chen", "ana-lima"]);
    expect(await slugs({ authors: ["ana-lima", "bo-chen"] })).toEqual(["ana-lima", "bo-chen"]);
    const imported = await ana.post("/v1/imports").type("text/plain").send("Ferry stops\n\nAt noon.\n");
    expect(draftOf(imported, 201).article.authors).toMatchObject([{ slug: "ana-lima" }]);
  });

  it("finds its own drafts in lists, those that an editor gave it, and no others", async () => {
    const own = await makeDraft(ana);
    const given = await makeDraft(newsroom.editor, { authors: ["ana-lima"] });
    const others = await makeDraft(newsroom.editor, { authors: ["bo-chen"] });
    const ids = await idsOf(ana);
    expect(ids).toContain(own.id);
    expect(ids).toContain(given.id);
    expect(ids).not.toContain(others.id);
    const answer = await ana.get(
      `/v1/articles?version=draft&count=true&ids=${[others.id, own.id, unknownId].join(",")}`,
    );
    expect((answer.body.data as { id: string }[]).map(({ id }) => id)).toEqual([own.id]);
    expect(answer.body.missing).toEqual([
      { id: others.id, reason: "not-found" },
      { id: unknownId, reason: "not-found" },
    ]);
    const counted = await ana.get("/v1/articles?version=draft&limit=1&count=true");
    expect(counted.body.page.total).toBe(ids.length);
  });

  it("is refused a parameter that is none like everyone, also when it is called version", async () => {
    for (const path of ["/v1/tags?version=draft", "/v1/changes?version=draft"])
      expectProblem(await ana.get(path), 400, "invalid-parameter");
  });

  it("is told the same of another's draft as of nothing, by id and by slug", async () => {
    const { id, article } = await makeDraft(newsroom.editor, { headline: "Merger talks" });
    for (const reference of [id, article.slug]) {
      const told = expectProblem(await ana.get(`/v1/articles/${reference}?version=draft`), 404, "not-found");
      expect(told.detail).toBe(`There is no article ${reference}.`);
      const changed = await ana.patch(`/v1/articles/${reference}`).set("if-match", "*").send({ headline: 1 });
      expectProblem(changed, 404, "not-found");
    }
    const nothing = await ana.get("/v1/articles/nothing-of-the-kind?version=draft");
    expect(expectProblem(nothing, 404, "not-found").detail).toBe("There is no article nothing-of-the-kind.");
  });

  it("hands its draft in, loses sight of it, and gets it back with the desk's note", async () => {
    const { address } = await makeDraft(ana);
    expect((await ana.post(`${address}/submit`)).body.status).toBe("in_review");
    expectProblem(await ana.get(`${address}?version=draft`), 404, "not-found");
    expectProblem(await ana.delete(address).set("if-match", "*"), 404, "not-found");
    expectProblem(await ana.post(`${address}/return`).send({ note: "Mine" }), 404, "not-found");
    await newsroom.editor.post(`${address}/return`).send({ note: "Name the harbour." });
    expect((await ana.get(`${address}?version=draft`)).body.status).toBe("draft");
    expect((await ana.get(`${address}/transitions`)).text).toContain("Name the harbour.");
    expect((await ana.patch(address).set("if-match", "*").send({ standfirst: "Süd" })).status).toBe(200);
  });

  it("knows nothing of its article while that is scheduled, or taken from readers", async () => {
    const draft = await makeDraft(ana);
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await newsroom.editor.post(`${draft.address}/publish`).send({ at });
    expect(scheduled.body.status).toBe("scheduled");
    expectProblem(await ana.get(`${draft.address}?version=draft`), 404, "not-found");
    await publishDraft(newsroom.editor, draft);
    await newsroom.editor.post(`${draft.address}/unpublish`);
    expectProblem(await ana.patch(draft.address).set("if-match", "*").send({}), 404, "not-found");
  });

  it("cannot change its article once it is published, and reads it as all do", async () => {
    const draft = await makeDraft(ana);
    await publishDraft(newsroom.editor, draft);
    const told = await ana.patch(draft.address).set("if-match", "*").send({ headline: "Changed" });
    expectProblem(told, 403, "out-of-reach");
    expect((await ana.get(draft.address)).status).toBe(200);
  });

  it("may not learn of what is published under an embargo", async () => {
    const embargoedUntil = new Date(Date.now() + 60_000).toISOString();
    const draft = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor, { embargoedUntil }));
    expectProblem(await ana.patch(draft.address).set("if-match", "*").send({}), 404, "not-found");
  });

  it("cannot give a draft that it did not make wholly away", async () => {
    const given = await makeDraft(newsroom.editor, { authors: ["ana-lima"] });
    const away = await ana
      .patch(given.address)
      .set("if-match", "*")
      .send({ authors: ["bo-chen"] });
    expectProblem(away, 403, "out-of-reach");
    const own = await makeDraft(ana);
    expect((await ana.patch(own.address).set("if-match", "*").send({ authors: [] })).status).toBe(200);
    expect((await ana.get(`${own.address}?version=draft`)).status).toBe(200);
  });

  it("does not learn of another's draft by linking to it", async () => {
    const hidden = await makeDraft(newsroom.editor, { headline: "Nobody knows yet" });
    const out = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor));
    const link = (articleId: string) =>
      ana.post("/v1/articles").send({ headline: "Links", relatedLinks: [{ articleId }] });
    expectRefused(await link(hidden.id), 422, "#/relatedLinks/0/articleId");
    expect((await link(out.id)).status).toBe(201);
  });

  it("learns nothing by a link of what has become of an article since readers lost it", async () => {
    const out = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Seen by all" }),
    );
    const own = await makeDraft(ana, { headline: "Links", relatedLinks: [{ articleId: out.id }] });
    expect(own.article.relatedLinks).toMatchObject([{ title: "Seen by all" }]);
    await newsroom.editor.post(`${out.address}/unpublish`);
    const secret = { headline: "Minister to resign", slug: "minister-to-resign" };
    await newsroom.editor.patch(out.address).set("if-match", "*").send(secret);
    const answers = [
      await ana.get(`${own.address}?version=draft`),
      await ana.get(`${own.address}/related-links?version=draft`),
      await ana.get("/v1/articles?version=draft&limit=100"),
      await ana.patch(own.address).set("if-match", "*").send({ standfirst: "More" }),
      // Merged with what it has become since, and set back.
      await ana
        .patch(own.address)
        .set("if-match", own.etag)
        .set("prefer", "merge")
        .send({ dateline: "OBAN, Scotland" }),
      await ana.post(`${own.address}/revisions/1/restore`).set("if-match", "*"),
    ];
    for (const { status, text } of answers) {
      expect(status, text).toBe(200);
      expect(text).toContain(out.id);
      expect(text).not.toMatch(/minister/i);
    }
    expect((await newsroom.editor.get(`${own.address}?version=draft`)).text).toContain("Minister to resign");
  });

  it("makes no sections, tags or authors on the way", async () => {
    const tagged = await ana
      .post("/v1/articles")
      .send({ headline: "Tags", tags: [{ name: "Of My Own" }], section: { name: "Mine" } });
    expectRefused(tagged, 422, "#/section", "#/tags/0");
    expectProblem(await newsroom.reader.get("/v1/tags/of-my-own"), 404, "not-found");
  });

  it("works for itself alone where the key is bound to no author", async () => {
    const one = await keyOf({ role: "contributor" });
    const { address, article } = await makeDraft(one);
    expect(article.authors).toEqual([]);
    expect((await one.get(`${address}?version=draft`)).status).toBe(200);
    expectProblem(await ana.get(`${address}?version=draft`), 404, "not-found");
  });
});

describe("a key that is kept to sections", () => {
  let sport: Agent;
  let both: Agent;
  beforeAll(async () => {
    sport = await keyOf({ role: "publisher", sections: ["sport"] });
    both = await keyOf({ scopes: ["drafts:read", "articles:write"], sections: ["sport", "culture"] });
  });

  it("files what names no section under its only one", async () => {
    expect((await makeDraft(sport)).article.section).toBe("sport");
    const imported = await sport.post("/v1/imports").type("text/plain").send("Cup final\n\nAt noon.\n");
    expect(draftOf(imported, 201).article.section).toBe("sport");
  });

  it("makes nothing outside of them, and nothing without one where it has several", async () => {
    const before = await newsroom.database.article.count();
    for (const [agent, content] of [
      [sport, { section: "world" }],
      [both, { section: "world" }],
      [both, {}],
    ] as const) {
      const refused = await agent.post("/v1/articles").send({ headline: "Elsewhere", ...content });
      expectProblem(refused, 403, "out-of-reach");
    }
    expect(await newsroom.database.article.count()).toBe(before);
    expect((await makeDraft(both, { section: "culture" })).article.section).toBe("culture");
  });

  it("moves articles between them, and neither out nor in", async () => {
    const draft = await makeDraft(both, { section: "sport" });
    const move = (agent: Agent, section: string | null, address = draft.address) =>
      agent.patch(address).set("if-match", "*").send({ section });
    for (const section of ["world", null]) expectProblem(await move(both, section), 403, "out-of-reach");
    expect((await move(both, "culture")).status).toBe(200);
    expectProblem(await move(sport, "sport"), 404, "not-found");
    const foreign = await makeDraft(newsroom.editor, { section: "world" });
    expectProblem(await move(both, "sport", foreign.address), 404, "not-found");
    const put = await both.put(draft.address).set("if-match", "*").send({ headline: "Without a section" });
    expectProblem(put, 403, "out-of-reach");
    expect((await newsroom.editor.get(`${draft.address}?version=draft`)).body.section).toBe("culture");
  });

  it("lists the drafts of them alone, and all that is published", async () => {
    const mine = await makeDraft(newsroom.editor, { section: "sport" });
    const foreign = await makeDraft(newsroom.editor, { section: "world" });
    const none = await makeDraft(newsroom.editor);
    const ids = await idsOf(sport);
    expect(ids).toContain(mine.id);
    expect(ids).not.toContain(foreign.id);
    expect(ids).not.toContain(none.id);
    expect(await idsOf(sport, "&section=world")).toEqual([]);
    await publishDraft(newsroom.editor, foreign);
    expect((await sport.get(foreign.address)).status).toBe(200);
    expect((await sport.get("/v1/articles")).text).toContain(foreign.id);
  });

  it("publishes in them alone", async () => {
    const mine = await makeDraft(sport);
    expect((await publishDraft(sport, mine)).article.status).toBe("published");
    const foreign = await makeDraft(newsroom.editor, { section: "world" });
    expectProblem(await sport.post(`${foreign.address}/publish`), 404, "not-found");
    expectProblem(await newsroom.reader.get(foreign.address), 404, "not-found");
  });

  it("is held to them under the article's lock, when an editor moves it at the same moment", async () => {
    for (let round = 0; round < 5; round += 1) {
      const draft = await makeDraft(sport);
      const moved = newsroom.editor.patch(draft.address).set("if-match", "*").send({ section: "world" });
      const written = sport.patch(draft.address).set("if-match", "*").send({ standfirst: "Mine" });
      const [move, write] = await Promise.all([moved, written]);
      expect(move.status).toBe(200);
      expect([200, 404]).toContain(write.status);
      const { body } = await newsroom.editor.get(`${draft.address}?version=draft`);
      expect(body).toMatchObject({
        section: "world",
        standfirst: write.status === 200 ? "Mine" : null,
      });
    }
  });

  it("and is a contributor's is kept to its own in them", async () => {
    const agent = await keyOf({ role: "contributor", author: "bo-chen", sections: ["culture"] });
    const own = await makeDraft(agent);
    const others = await makeDraft(newsroom.editor, { section: "culture" });
    const elsewhere = await makeDraft(newsroom.editor, { section: "sport", authors: ["bo-chen"] });
    expect(await idsOf(agent)).toEqual([own.id]);
    for (const { address } of [others, elsewhere])
      expectProblem(await agent.get(`${address}?version=draft`), 404, "not-found");
  });
});

describe("a key from before there were roles", () => {
  it("keeps its scopes", async () => {
    const agent = await newsroom.withScopes(["drafts:read"]);
    expect((await agent.get("/v1/me")).body).toMatchObject({
      role: null,
      scopes: ["drafts:read"],
      author: null,
      sections: [],
    });
  });
});
