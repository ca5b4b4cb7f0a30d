import { beforeAll, describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

const unlimited = {
  sections: [],
  tags: [],
  languages: [],
  embargoed: false,
  content: "full",
  formats: [],
  requestsPerMinute: null,
  from: null,
  until: null,
};

const partner = (input: object = {}) =>
  newsroom.editor.post("/v1/keys").send({ name: "Coastal News", role: "partner", ...input });

async function partnerId(entitlement: object): Promise<string> {
  const answer = await partner({ entitlement });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.id as string;
}

async function revisionOf(id: string): Promise<number> {
  const { entitlementRevision } = await newsroom.database.key.findUniqueOrThrow({ where: { id } });
  return entitlementRevision;
}

beforeAll(async () => {
  for (const slug of ["world", "sport"])
    await newsroom.editor.post("/v1/sections").send({ name: slug, slug });
  for (const slug of ["ports", "rail"]) await newsroom.editor.post("/v1/tags").send({ name: slug, slug });
});

describe("a key's entitlement", () => {
  it("is null while nobody gives it one, and then all is there to be read", async () => {
    const { body } = await partner();
    expect(body.entitlement).toBeNull();
  });

  it("is answered with what was left out as what limits nothing, wherever the key is", async () => {
    const given = {
      sections: ["world", "sport"],
      tags: ["ports"],
      languages: ["en", "pt-br"],
      embargoed: true,
      content: "summary",
      formats: ["ninjs", "json", "json"],
      requestsPerMinute: 600,
      from: "2025-01-01T01:00:00+01:00",
    };
    const shown = {
      ...unlimited,
      ...given,
      sections: ["sport", "world"],
      languages: ["en", "pt-BR"],
      formats: ["json", "ninjs"],
      from: "2025-01-01T00:00:00.000Z",
    };
    const made = await partner({ entitlement: given });
    expect(made.status).toBe(201);
    expect(made.body.entitlement).toEqual(shown);
    const { id, secret } = made.body;
    expect((await newsroom.editor.get(`/v1/keys/${id}`)).body.entitlement).toEqual(shown);
    const listed = (await newsroom.editor.get("/v1/keys").query({ limit: 100 })).body.data;
    expect(listed.find((key: { id: string }) => key.id === id).entitlement).toEqual(shown);
    const own = await newsroom.withHeaders({ authorization: `Bearer ${secret}` }).get("/v1/me");
    expect(own.body.entitlement).toEqual(shown);
    expect((await newsroom.editor.get(`/v1/keys/${await partnerId({})}`)).body.entitlement).toEqual(
      unlimited,
    );
  });

  it("is changed in part by a merge patch, and taken away by null", async () => {
    const id = await partnerId({ sections: ["world"], tags: ["ports"], until: "2026-01-01T00:00:00Z" });
    const changed = await newsroom.editor
      .patch(`/v1/keys/${id}`)
      .send({ name: "Inland News", entitlement: { tags: null, languages: ["en"], until: null } });
    expect(changed.status, changed.text).toBe(200);
    expect(changed.body).toMatchObject({
      name: "Inland News",
      entitlement: { ...unlimited, sections: ["world"], languages: ["en"] },
    });
    const rest = await newsroom.editor.patch(`/v1/keys/${id}`).send({ name: "Upland News" });
    expect(rest.body.entitlement).toEqual(changed.body.entitlement);
    const lifted = await newsroom.editor.patch(`/v1/keys/${id}`).send({ entitlement: null });
    expect(lifted.body.entitlement).toBeNull();
  });

  it("counts what changes of what it covers, and nothing else", async () => {
    const id = await partnerId({ sections: ["world"] });
    expect(await revisionOf(id)).toBe(1);
    const patch = (entitlement: object | null) =>
      newsroom.editor.patch(`/v1/keys/${id}`).send({ entitlement });
    await patch({ requestsPerMinute: 60, formats: ["json"], sections: ["world"] });
    await newsroom.editor.patch(`/v1/keys/${id}`).send({ name: "Other" });
    expect(await revisionOf(id)).toBe(1);
    await patch({ tags: ["rail"] });
    expect(await revisionOf(id)).toBe(2);
    await patch(null);
    expect(await revisionOf(id)).toBe(3);
    await patch({ sections: ["world"] });
    expect(await revisionOf(id)).toBe(4);
    const plain = (await partner()).body.id as string;
    expect(await revisionOf(plain)).toBe(0);
  });

  it("takes in changes that come at once one after the other", async () => {
    const id = await partnerId({});
    const patches = [
      { sections: ["world"] },
      { tags: ["ports"] },
      { languages: ["en"] },
      { content: "summary" },
    ];
    const answers = await Promise.all(
      patches.map((entitlement) => newsroom.editor.patch(`/v1/keys/${id}`).send({ entitlement })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await newsroom.editor.get(`/v1/keys/${id}`)).body.entitlement).toEqual({
      ...unlimited,
      sections: ["world"],
      tags: ["ports"],
      languages: ["en"],
      content: "summary",
    });
  });

  it.for([
    [{ sections: ["nowhere"] }, "#/entitlement/sections/0"],
    [{ tags: ["ports", "nothing"] }, "#/entitlement/tags/0"],
    [{ languages: ["not a language"] }, "#/entitlement/languages/0"],
    [{ embargoed: "yes" }, "#/entitlement/embargoed"],
    [{ content: "half" }, "#/entitlement/content"],
    [{ formats: ["pdf"] }, "#/entitlement/formats/0"],
    [{ requestsPerMinute: 0 }, "#/entitlement/requestsPerMinute"],
    [{ requestsPerMinute: 1.5 }, "#/entitlement/requestsPerMinute"],
    [{ from: "yesterday" }, "#/entitlement/from"],
    [{ from: "2025-01-01T00:00:00Z", until: "2025-01-01T00:00:00Z" }, "#/entitlement/until"],
    [{ sections: Array.from({ length: 51 }, (_, index) => `s-${index}`) }, "#/entitlement/sections"],
    [{ regions: ["north"] }, "#/entitlement/regions"],
  ] as const)("is refused with %j, pointing to %s, and changes nothing", async ([entitlement, pointer]) => {
    const found = expectProblem(await partner({ entitlement }), 422, "invalid-content");
    expect(found.errors?.map((error) => error.pointer)).toContain(pointer);
    const id = await partnerId({ sections: ["sport"] });
    expectProblem(
      await newsroom.editor.patch(`/v1/keys/${id}`).send({ entitlement }),
      422,
      "invalid-content",
    );
    expect((await newsroom.editor.get(`/v1/keys/${id}`)).body.entitlement).toEqual({
      ...unlimited,
      sections: ["sport"],
    });
  });

  it("does not go with scopes that reach past it, and embargoes need theirs", async () => {
    const make = (scopes: string[], entitlement: object) =>
      newsroom.editor.post("/v1/keys").send({ name: "Mixed", scopes, entitlement });
    const reaching = expectProblem(await make(["drafts:read", "embargo:read"], {}), 422, "invalid-content");
    expect(reaching.errors).toEqual([
      { pointer: "#/entitlement", detail: "does not go with drafts:read, which reaches past it" },
    ]);
    const early = expectProblem(await make(["shares:write"], { embargoed: true }), 422, "invalid-content");
    expect(early.errors?.[0]?.pointer).toBe("#/entitlement/embargoed");
    expect((await make(["shares:write"], {})).status).toBe(201);
  });

  it("keeps the sections and tags that it names from being deleted, until it goes", async () => {
    await newsroom.editor.post("/v1/sections").send({ name: "Weather", slug: "weather" });
    const id = await partnerId({ sections: ["weather"] });
    const removing = () => newsroom.editor.delete("/v1/sections/weather").set("if-match", "*");
    expectProblem(await removing(), 409, "in-use");
    await newsroom.editor.delete(`/v1/keys/${id}`);
    expect((await removing()).status).toBe(204);
  });
});

describe("changing a key", () => {
  it("moves its end, but not into the past, and leaves no newsroom without a manager", async () => {
    const id = (await partner()).body.id as string;
    const patch = (body: object, key = id) => newsroom.editor.patch(`/v1/keys/${key}`).send(body);
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    expect((await patch({ expiresAt })).body.expiresAt).toBe(expiresAt);
    expect((await patch({ expiresAt: null })).body.expiresAt).toBeNull();
    expectProblem(await patch({ expiresAt: "2020-01-01T00:00:00Z" }), 422, "invalid-content");
    const { body: me } = await newsroom.editor.get("/v1/me");
    expectProblem(await patch({ name: "Mine" }, me.id as string), 409, "in-use");
  });

  it("changes neither what it may do nor its secret", async () => {
    const id = (await partner()).body.id as string;
    for (const body of [{ scopes: ["keys:manage"] }, { role: "admin" }, { secret: "mine" }])
      expectProblem(await newsroom.editor.patch(`/v1/keys/${id}`).send(body), 422, "invalid-content");
    expectProblem(
      await newsroom.editor.patch("/v1/keys/0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e").send({}),
      404,
      "not-found",
    );
  });
});
