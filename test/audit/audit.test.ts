import { describe, expect, it } from "vitest";
import type { Agent } from "../support/newsroom.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { makeDraft, publishDraft, unknownId } from "../support/drafts.ts";
import { expectProblem } from "../support/problems.ts";
import { runToEnd } from "../support/process.ts";

const newsroom = useNewsroom();

interface Entry {
  id: string;
  at: string;
  outcome: string;
  count: number;
  actor: { id: string | null; name: string | null };
  operation: string;
  path: string | null;
  resource: { kind: string; id: string } | null;
  articleId: string | null;
  status: number | null;
}

async function entries(query: Record<string, string>, agent: Agent = newsroom.editor): Promise<Entry[]> {
  const answer = await agent.get("/v1/audit").query({ limit: 100, ...query });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as Entry[];
}

async function lines(query = ""): Promise<Entry[]> {
  const answer = await newsroom.editor
    .get(`/v1/audit${query}`)
    .set("accept", "application/x-ndjson")
    .buffer(true)
    .parse((response, done) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => {
        done(null, text);
      });
    });
  expect(answer.headers["content-type"]).toBe("application/x-ndjson");
  const text = answer.body as string;
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);
}

describe("the audit log", () => {
  it("tells of each accepted write who did what to what, when and from where", async () => {
    const draft = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor
      .patch(`/v1/articles/${draft.article.slug}?`)
      .set({ "if-match": "*", "user-agent": "Desk/1.0", "x-request-id": "of-the-test" })
      .send({ standfirst: "Boats again" });
    expect(answer.status).toBe(200);
    const [changed, created] = await entries({ article: draft.id });
    expect(changed).toMatchObject({
      outcome: "done",
      count: 1,
      actor: { id: expect.any(String), name: "DATELINE_ADMIN_KEY" },
      operation: "updateArticle",
      method: "PATCH",
      path: `/v1/articles/${draft.article.slug}`,
      resource: { kind: "articles", id: draft.id },
      articleId: draft.id,
      status: 200,
      address: "127.0.0.1",
      userAgent: "Desk/1.0",
      requestId: "of-the-test",
    });
    expect(Math.abs(Date.parse(changed?.at ?? "") - Date.now())).toBeLessThan(10_000);
    expect(created).toMatchObject({ operation: "createArticle", status: 201 });
  });

  it("names parts of an article by their ids, and the article they are of", async () => {
    const { id, article } = await makeDraft(newsroom.editor, { keyPoints: ["One"] });
    const path = `/v1/articles/${article.slug}/key-points`;
    const added = await newsroom.editor.post(path).set("if-match", "*").send({ text: "Two" });
    await newsroom.editor.delete(`${path}/${added.body.id}`).set("if-match", "*");
    const found = await entries({ article: id });
    const resource = { kind: "key-points", id: added.body.id as string };
    expect(found.map((entry) => ({ operation: entry.operation, resource: entry.resource }))).toEqual([
      { operation: "deleteKeyPoint", resource },
      { operation: "createKeyPoint", resource },
      { operation: "createArticle", resource: { kind: "articles", id } },
    ]);
  });

  it("names a tag by its id when the path has its slug", async () => {
    const { body: tag } = await newsroom.editor.post("/v1/tags").send({ name: "Tides" });
    await newsroom.editor.delete("/v1/tags/tides");
    const [entry] = await entries({ operation: "deleteTag" });
    expect(entry).toMatchObject({ resource: { kind: "tags", id: tag.id }, articleId: null, status: 204 });
  });

  it("has no entry of what was refused or failed, which changed nothing", async () => {
    const { id, etag } = await makeDraft(newsroom.editor);
    await newsroom.editor.patch(`/v1/articles/${id}`).set("if-match", etag).send({ headline: "Two" });
    for (const [patch, tag] of [
      [{ headline: "Three" }, etag],
      [{ section: "nowhere" }, "*"],
    ] as const) {
      const answer = await newsroom.editor.patch(`/v1/articles/${id}`).set("if-match", tag).send(patch);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    expect(await entries({ article: id })).toHaveLength(2);
  });

  it("has one entry of a POST that was repeated with its Idempotency-Key", async () => {
    const post = () =>
      newsroom.editor
        .post("/v1/articles")
        .set("idempotency-key", "audited-once")
        .send({ headline: "Once alone" });
    const { body } = await post();
    expect((await post()).headers["idempotency-replayed"]).toBe("true");
    expect(await entries({ article: body.id })).toHaveLength(1);
  });

  it("has no write without its entry: when none can be written, nothing is changed", async () => {
    await newsroom.database
      .$executeRaw`ALTER TABLE audit_entries ADD CONSTRAINT no_room CHECK (operation <> 'createSection')`;
    expect((await newsroom.editor.post("/v1/sections").send({ name: "Unseen" })).status).toBe(500);
    expectProblem(await newsroom.reader.get("/v1/sections/unseen"), 404, "not-found");
    await newsroom.database.$executeRaw`ALTER TABLE audit_entries DROP CONSTRAINT no_room`;
  });

  it("leaves out what readers share", async () => {
    const draft = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor));
    for (const headers of [{}, { "idempotency-key": "a-share" }]) {
      const shared = await newsroom.reader
        .post(`${draft.address}/shares`)
        .set(headers)
        .send({ network: "x" });
      expect(shared.status).toBe(201);
    }
    const found = await entries({ article: draft.id });
    expect(found.map(({ operation }) => operation)).toEqual(["publishArticle", "createArticle"]);
  });

  it("holds no secret of a key", async () => {
    const { body: key } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Website", scopes: ["drafts:read"] });
    const [entry] = await entries({ operation: "createKey" });
    expect(entry?.resource).toEqual({ kind: "keys", id: key.id });
    expect(JSON.stringify(await lines())).not.toContain(key.secret);
  });

  it("holds no token of a preview, which would open it to whoever reads the log", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const { body: preview } = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({});
    const [entry] = await entries({ operation: "createPreview" });
    expect(entry).toMatchObject({ resource: { kind: "articles", id } });
    expect(JSON.stringify(await newsroom.database.auditEntry.findMany())).not.toContain(preview.token);
  });

  it("keeps the name that a key had, and what a key did that is revoked", async () => {
    const { body: key } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Freelancer", scopes: ["articles:write"] });
    const agent = newsroom.withHeaders({ authorization: `Bearer ${key.secret}` });
    const draft = await makeDraft(agent);
    await newsroom.editor.delete(`/v1/keys/${key.id}`);
    for (const actor of [key.id as string, "Freelancer"])
      expect((await entries({ actor })).map(({ articleId }) => articleId)).toEqual([draft.id]);
  });

  it("has the commands of the command line", async () => {
    const { code } = await runToEnd(
      ["src/cli/dateline.ts", "create-key", "Lost", "--scopes", "drafts:read"],
      {
        DATABASE_URL: newsroom.databaseUrl,
      },
    );
    expect(code).toBe(0);
    const [entry] = await entries({ operation: "dateline create-key" });
    const { id } = await newsroom.database.key.findFirstOrThrow({ where: { name: "Lost" } });
    expect(entry).toMatchObject({
      actor: { id: null, name: "Command line" },
      resource: { kind: "keys", id },
      path: null,
    });
  });

  it("is only ever added to, whatever the statement", async () => {
    const { database } = newsroom;
    const before = await database.auditEntry.count();
    for (const refused of [
      () => database.$executeRaw`UPDATE audit_entries SET actor_name = 'nobody'`,
      () => database.$executeRaw`DELETE FROM audit_entries`,
      () => database.$executeRaw`TRUNCATE audit_entries`,
      () => database.$executeRaw`TRUNCATE audit_entries CASCADE`,
    ])
      await expect(refused()).rejects.toThrow(/only added to/);
    expect(await database.auditEntry.count()).toBe(before);
  });
});

describe("listing the audit log", () => {
  it("goes page by page, newest first and each entry once, also where times are equal", async () => {
    const at = new Date("2020-01-01T00:00:00Z");
    const made = Array.from({ length: 7 }, () => ({ at, outcome: "done" as const, operation: "paged" }));
    await newsroom.database.auditEntry.createMany({ data: made });
    const seen: string[] = [];
    let address: string | undefined = "/v1/audit?operation=paged&limit=3&count=true";
    while (address !== undefined) {
      const answer = await newsroom.editor.get(address);
      expect(answer.body.page).toMatchObject({ limit: 3, total: 7 });
      seen.push(...(answer.body.data as Entry[]).map(({ id }) => id));
      address = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? "")?.[1];
    }
    expect(seen).toHaveLength(7);
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
  });

  it("is narrowed by time", async () => {
    const first = "2019-05-01T00:00:00.000Z";
    const second = "2019-05-02T00:00:00.000Z";
    await newsroom.database.auditEntry.createMany({
      data: [first, second].map((at) => ({ at, outcome: "done" as const, operation: "timed" })),
    });
    const times = async (query: Record<string, string>) =>
      (await entries({ operation: "timed", ...query })).map(({ at }) => at);
    expect(await times({})).toEqual([second, first]);
    expect(await times({ after: first })).toEqual([second]);
    expect(await times({ before: second })).toEqual([first]);
    expect(await times({ after: first, before: second })).toEqual([]);
  });

  it.for([
    ["after=yesterday", "after"],
    ["article=harbour-reopens", "article"],
    ["actor=", "actor"],
    ["operation=" + "x".repeat(101), "operation"],
    ["cursor=made-up", "cursor"],
    ["limit=0", "limit"],
    ["who=x", "who"],
  ])("is refused with %.40s", async ([query, pointer]) => {
    const found = expectProblem(await newsroom.editor.get(`/v1/audit?${query}`), 400, "invalid-parameter");
    expect(found.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("finds nothing of an article or a key that is not there", async () => {
    expect(await entries({ article: unknownId })).toEqual([]);
    expect(await entries({ actor: unknownId })).toEqual([]);
  });

  it("is for audit:read alone", async () => {
    expectProblem(await newsroom.reader.get("/v1/audit"), 401, "key-required");
    const writer = await newsroom.withScopes(["articles:write", "keys:manage"]);
    expectProblem(await writer.get("/v1/audit"), 403, "scope-missing");
  });

  it("is answered by an index, however it is filtered", async () => {
    const { database } = newsroom;
    await database.$executeRaw`INSERT INTO audit_entries (id, at, outcome, operation, actor_id, actor_name, article_id)
      SELECT gen_random_uuid(), now() - n * interval '1 second', 'done', 'op' || n % 50,
        md5((n % 20)::text)::uuid, 'key ' || n % 20, md5((n % 500)::text)::uuid FROM generate_series(1, 20000) n`;
    await database.$executeRaw`ANALYZE audit_entries`;
    for (const filter of [
      "true",
      "operation = 'op3'",
      "actor_id = md5('3')::uuid",
      "actor_name = 'key 3'",
      "article_id = md5('3')::uuid",
    ]) {
      const plan = JSON.stringify(
        await database.$queryRawUnsafe(`EXPLAIN SELECT * FROM audit_entries WHERE ${filter} AND at <= now()
          AND (at < now() OR id < '${unknownId}') ORDER BY at DESC, id DESC LIMIT 21`),
      );
      expect(plan).toMatch(/Index Scan/);
      expect(plan).not.toMatch(/Seq Scan|Sort/);
    }
  });
});

describe("exporting the audit log", () => {
  it("sends all that the filters leave as JSON Lines, oldest first", async () => {
    const made = Array.from({ length: 1203 }, (_, index) => ({
      at: new Date(Date.UTC(2018, 0, 1) + Math.floor(index / 2)),
      outcome: "done" as const,
      operation: "exported",
    }));
    await newsroom.database.auditEntry.createMany({ data: made });
    const found = await lines("?operation=exported");
    expect(found).toHaveLength(1203);
    expect(new Set(found.map(({ id }) => id)).size).toBe(1203);
    expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).toSorted());
  });

  it("is empty where there is nothing, and has the shape of the list's entries", async () => {
    expect(await lines("?operation=nothing")).toEqual([]);
    const [entry] = await lines("?operation=createArticle");
    expect(Object.keys(entry ?? {})).toEqual(Object.keys((await entries({}))[0] ?? {}));
  });

  it("answers HEAD without reading the log", async () => {
    const answer = await newsroom.editor.head("/v1/audit").set("accept", "application/x-ndjson");
    expect(answer.status).toBe(200);
  });

  it("is refused as another media type", async () => {
    expectProblem(await newsroom.editor.get("/v1/audit").set("accept", "text/csv"), 406, "not-acceptable");
  });
});

describe("what is refused to a key", () => {
  const own = useNewsroom();
  const refused = async () => {
    await own.newsroom.refusals.settle();
    const answer = await own.editor.get("/v1/audit").query({ limit: 100 });
    return (answer.body.data as Entry[]).filter(({ outcome }) => outcome === "refused");
  };

  it("is one entry a minute for all that is alike, with a count", async () => {
    const wrong = own.withHeaders({ authorization: "Bearer dateline_wrong" });
    const weak = await own.withScopes(["shares:write"]);
    for (let attempt = 0; attempt < 3; attempt += 1) await wrong.get("/v1/articles");
    for (let attempt = 0; attempt < 2; attempt += 1) await weak.post("/v1/articles").send({ headline: "No" });
    await own.reader.post("/v1/articles").send({ headline: "No key was tried" });
    const found = await refused();
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(
      expect.objectContaining({
        count: 3,
        operation: "listArticles",
        status: 401,
        address: "127.0.0.1",
        actor: { id: null, name: null },
        path: null,
      }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        count: 2,
        operation: "createArticle",
        status: 403,
        actor: { id: expect.any(String), name: "shares:write" },
      }),
    );
    expect(JSON.stringify(found)).not.toContain("dateline_wrong");
  });

  it("is written when the process stops before the minute is over", async () => {
    const { found, close } = await startNewsroom(own.databaseUrl);
    await found.withHeaders({ authorization: "Bearer stopped" }).get("/v1/sections");
    await close();
    const answer = await own.editor.get("/v1/audit?operation=listSections");
    expect(answer.body.data).toMatchObject([{ outcome: "refused", count: 1, status: 401 }]);
  });

  it("does not fill the disk, however many kinds of it there are", async () => {
    const before = (await refused()).length;
    for (let number = 0; number < 200; number += 1) {
      own.newsroom.refusals.note({ operation: "listArticles", status: 401, address: `10.0.0.${number}` });
    }
    const found = (await refused()).slice(0, -before || undefined);
    expect(found).toHaveLength(21);
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(200);
    expect(found.find(({ operation }) => operation === "others")?.count).toBe(180);
  });
});
