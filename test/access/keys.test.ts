import { describe, expect, it } from "vitest";
import type { Scope } from "../../src/access/scopes.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface MadeKey {
  id: string;
  name: string;
  hint: string;
  secret: string;
}

async function makeKey(input: {
  scopes: Scope[];
  name?: string;
  expiresAt?: string | null;
}): Promise<MadeKey> {
  const answer = await newsroom.editor.post("/v1/keys").send({ name: "Website", ...input });
  expect(answer.status).toBe(201);
  return answer.body as MadeKey;
}

const withKey = (secret: string) => newsroom.withHeaders({ authorization: `Bearer ${secret}` });
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

describe("making a key", () => {
  it("answers with the secret, its particulars and where to find them", async () => {
    const answer = await newsroom.editor.post("/v1/keys").send({ name: "Website", scopes: ["shares:write"] });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ name: "Website", scopes: ["shares:write"], expiresAt: null });
    expect(answer.body.secret).toMatch(/^dateline_[0-9A-Za-z]{46}$/);
    expect(answer.body.secret.startsWith(answer.body.hint)).toBe(true);
    expect(answer.headers.location).toBe(`/v1/keys/${answer.body.id}`);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  });

  it("shows the secret this once alone", async () => {
    const { id, secret } = await makeKey({ scopes: ["drafts:read"] });
    const fetched = await newsroom.editor.get(`/v1/keys/${id}`);
    const listed = await newsroom.editor.get("/v1/keys").query({ limit: 100 });
    expect(fetched.status).toBe(200);
    expect(fetched.body).not.toHaveProperty("secret");
    expect(fetched.text + listed.text).not.toContain(secret);
  });

  it("stores a digest and never the secret", async () => {
    const { id, secret, hint } = await makeKey({ scopes: ["drafts:read"] });
    const [row] = await newsroom.database.$queryRaw<[{ text: string; digest: Uint8Array }]>`
      SELECT k::text AS text, digest FROM keys k WHERE id = ${id}::uuid`;
    const random = secret.slice(hint.length);
    expect(row.text).not.toContain(random);
    expect(Buffer.from(row.digest).toString("latin1")).not.toContain(random);
    expect(row.digest).toHaveLength(32);
    expect(hint.length).toBeLessThan(secret.length / 2);
  });

  it("works at once", async () => {
    const { secret } = await makeKey({ scopes: ["drafts:read"] });
    expect((await withKey(secret).get("/v1/articles?version=draft")).status).toBe(200);
  });

  it("takes each scope once, however often it is named", async () => {
    const answer = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Twice", scopes: ["drafts:read", "drafts:read"] });
    expect(answer.body.scopes).toEqual(["drafts:read"]);
  });

  it("gives no two keys the same secret", async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => makeKey({ scopes: ["drafts:read"] })));
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(10);
  });

  it.for([
    [{ scopes: ["drafts:read"] }, "#/name"],
    [{ name: " ", scopes: ["drafts:read"] }, "#/name"],
    [{ name: "n".repeat(201), scopes: ["drafts:read"] }, "#/name"],
    [{ name: "None", scopes: [] }, "#/scopes"],
    [{ name: "None" }, "#/scopes"],
    [{ name: "Wrong", scopes: ["everything"] }, "#/scopes/0"],
    [{ name: "Past", scopes: ["drafts:read"], expiresAt: "2020-01-01T00:00:00Z" }, "#/expiresAt"],
    [{ name: "Vague", scopes: ["drafts:read"], expiresAt: "tomorrow" }, "#/expiresAt"],
    [{ name: "Own", scopes: ["drafts:read"], secret: "chosen" }, "#/secret"],
    [{ name: "Own", scopes: ["drafts:read"], origin: "environment" }, "#/origin"],
  ] as const)("is refused with %j, pointing to %s", async ([input, pointer]) => {
    const found = expectProblem(await newsroom.editor.post("/v1/keys").send(input), 422, "invalid-content");
    expect(found.errors?.map((error) => error.pointer)).toContain(pointer);
  });
});

describe("a key manager", () => {
  it("cannot grant a scope that it lacks", async () => {
    const manager = await newsroom.withScopes(["keys:manage"]);
    const found = expectProblem(
      await manager.post("/v1/keys").send({ name: "More", scopes: ["keys:manage", "articles:write"] }),
      403,
      "scope-missing",
    );
    expect(found.detail).toContain("articles:write");
  });

  it("can grant those that it has", async () => {
    const manager = await newsroom.withScopes(["keys:manage", "drafts:read"]);
    expect((await manager.post("/v1/keys").send({ name: "Part", scopes: ["drafts:read"] })).status).toBe(201);
  });
});

describe("a key that expires", () => {
  it("works until then, and is told from one that does not", async () => {
    const expiresAt = inMinutes(10);
    const { id, secret } = await makeKey({ scopes: ["drafts:read"], expiresAt });
    expect((await withKey(secret).get("/v1/articles?version=draft")).status).toBe(200);
    expect((await newsroom.editor.get(`/v1/keys/${id}`)).body.expiresAt).toBe(expiresAt);
  });

  it("is refused afterwards, even where no key is needed", async () => {
    const expired = await newsroom.withScopes(["drafts:read"], inMinutes(-1));
    expectProblem(await expired.get("/v1/articles"), 401, "key-invalid");
  });
});

describe("revoking a key", () => {
  it("stops it at once", async () => {
    const { id, secret } = await makeKey({ scopes: ["drafts:read"] });
    const agent = withKey(secret);
    expect((await agent.get("/v1/articles")).status).toBe(200);
    expect((await newsroom.editor.delete(`/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await agent.get("/v1/articles"), 401, "key-invalid");
  });

  it("takes it from the list and from its address", async () => {
    const { id } = await makeKey({ scopes: ["drafts:read"] });
    await newsroom.editor.delete(`/v1/keys/${id}`);
    expectProblem(await newsroom.editor.get(`/v1/keys/${id}`), 404, "not-found");
    expectProblem(await newsroom.editor.delete(`/v1/keys/${id}`), 404, "not-found");
    expect((await newsroom.editor.get("/v1/keys").query({ limit: 100 })).text).not.toContain(id);
  });

  it.for(["no-id", "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", "..%2f..%2farticles"])(
    "answers 404 for %s",
    async (id) => {
      expectProblem(await newsroom.editor.delete(`/v1/keys/${id}`), 404, "not-found");
    },
  );

  it("is refused for the key that DATELINE_ADMIN_KEY sets", async () => {
    const listed = await newsroom.editor.get("/v1/keys").query({ limit: 100 });
    const { id } = (listed.body.data as MadeKey[]).find(({ name }) => name === "DATELINE_ADMIN_KEY") ?? {
      id: "",
    };
    expectProblem(await newsroom.editor.delete(`/v1/keys/${id}`), 409, "in-use");
    expect((await newsroom.editor.get("/v1/keys")).status).toBe(200);
  });
});

describe("listing keys", () => {
  it("goes through all of them page by page, newest first and each once", async () => {
    const made = [];
    for (let number = 1; number <= 5; number += 1)
      made.push(await makeKey({ scopes: ["drafts:read"], name: `Page ${number}` }));
    const seen: string[] = [];
    let address: string | undefined = "/v1/keys?limit=2&count=true";
    while (address !== undefined) {
      const answer = await newsroom.editor.get(address);
      expect(answer.status).toBe(200);
      expect(answer.body.page.limit).toBe(2);
      seen.push(...(answer.body.data as MadeKey[]).map(({ id }) => id));
      const link = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? "")?.[1];
      expect(link === undefined).toBe(answer.body.page.next === null);
      if (link === undefined) expect(answer.body.page.total).toBe(seen.length);
      address = link;
    }
    expect(seen.slice(0, 5)).toEqual(made.map(({ id }) => id).toReversed());
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe("the last key that manages keys", () => {
  const own = useNewsroom();

  it("stays, also when two managers revoke each other at once", async () => {
    const [first, second] = await Promise.all(
      [own.editor, own.editor].map((editor) =>
        editor.post("/v1/keys").send({ name: "Manager", scopes: ["keys:manage"] }),
      ),
    );
    await own.database.key.deleteMany({ where: { origin: "environment" } });
    const agents = [first, second].map((made) =>
      own.withHeaders({ authorization: `Bearer ${made?.body.secret}` }),
    );
    const [one, two] = await Promise.all([
      agents[0]?.delete(`/v1/keys/${second?.body.id}`),
      agents[1]?.delete(`/v1/keys/${first?.body.id}`),
    ]);
    expect(new Set([one?.status, two?.status])).toEqual(new Set([204, 409]));
    const left = own.withHeaders({
      authorization: `Bearer ${one?.status === 204 ? first?.body.secret : second?.body.secret}`,
    });
    const listed = await left.get("/v1/keys");
    expect(listed.body.data).toHaveLength(1);
    expectProblem(await left.delete(`/v1/keys/${listed.body.data[0].id}`), 409, "in-use");
  });

  it("is not replaced by one that expires", async () => {
    const [row] = await own.database.key.findMany({ where: { revokedAt: null } });
    const holder = await own.withScopes(["keys:manage"], inMinutes(60));
    expectProblem(await holder.delete(`/v1/keys/${row?.id}`), 409, "in-use");
  });
});

describe("the Authorization header", () => {
  it.for([
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwYXNz",
    "bearer wrong wrong",
    "Token x",
    "Bearer " + "x".repeat(5000),
  ])("is refused as %s", async (authorization) => {
    const answer = await newsroom.withHeaders({ authorization }).get("/v1/articles");
    const found = expectProblem(answer, 401, "key-invalid");
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="dateline"/);
    expect(found.detail).not.toContain("xxx");
  });

  it("takes the scheme's name in any case", async () => {
    const answer = await newsroom
      .withHeaders({ authorization: `BEARER ${newsroom.adminKey}` })
      .get("/v1/keys");
    expect(answer.status).toBe(200);
  });
});
