import { describe, expect, it, vi } from "vitest";
import { draft, live } from "../support/articles.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface Result {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown> | null;
}

const bulk = (operations: object[], atomic: boolean, agent: Agent = newsroom.editor) =>
  agent.post("/v1/bulk").send({ atomic, operations });
const resultsOf = (answer: { body: { results: Result[] } }) => answer.body.results;
const statuses = (answer: { body: { results: Result[] } }) => resultsOf(answer).map(({ status }) => status);
const make = (headline: string) => ({ method: "POST", path: "/v1/articles", body: { headline } });
const rename = (id: string, headline: string, match = "*") => ({
  method: "PATCH",
  path: `/v1/articles/${id}`,
  headers: { "If-Match": match },
  body: { headline },
});
const working = async (id: string) => (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body;

describe("a bulk whose operations stand alone", () => {
  it("answers each in order with what it would answer by itself, and does what can be done", async () => {
    const one = await draft(newsroom, { headline: "Ferry runs" });
    const answer = await bulk(
      [
        make("Harbour opens"),
        rename(one.id, "Ferry stops", '"0-stale"'),
        { method: "DELETE", path: `/v1/articles/${one.id}`, headers: { "If-Match": "*" } },
        { method: "PATCH", path: "/v1/articles/nothing", headers: { "If-Match": "*" }, body: {} },
      ],
      false,
    );
    expect(answer.status).toBe(200);
    expect(statuses(answer)).toEqual([201, 412, 204, 404]);
    const [made, stale, gone] = resultsOf(answer);
    expect(made?.headers).toMatchObject({
      location: `/v1/articles/${String(made?.body?.id)}`,
      etag: expect.stringMatching(/^"1-/),
    });
    expect(stale?.body).toMatchObject({ type: "/problems/precondition-failed", status: 412 });
    expect(gone?.body).toBeNull();
    expect(await working(String(made?.body?.id))).toMatchObject({ headline: "Harbour opens" });
  });

  it("lets an operation take the id that an earlier one answered with, and leaves it when that failed", async () => {
    const answer = await bulk(
      [
        make("Pier repaired"),
        { method: "POST", path: "/v1/articles/{0.id}/publish" },
        { method: "POST", path: "/v1/articles", body: {} },
        { method: "POST", path: "/v1/articles/{2.id}/publish" },
      ],
      false,
    );
    expect(statuses(answer)).toEqual([201, 200, 422, 424]);
    const id = String(resultsOf(answer)[0]?.body?.id);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).body).toMatchObject({ version: 1 });
  });

  it("is held to what the key may do, operation by operation", async () => {
    const writer = await newsroom.withScopes(["articles:write"]);
    const operations = [make("Written by a writer"), { method: "POST", path: "/v1/articles/{0.id}/publish" }];
    expect(statuses(await bulk(operations, false, writer))).toEqual([201, 403]);
    expect(statuses(await bulk(operations, false, newsroom.reader))).toEqual([401, 424]);
  });

  it("takes a news page as text", async () => {
    const answer = await bulk(
      [
        {
          method: "POST",
          path: "/v1/imports",
          headers: { "Content-Type": "text/plain" },
          body: "Bridge closes\n\nIt closed at noon.\n",
        },
      ],
      false,
    );
    expect(resultsOf(answer)[0]).toMatchObject({ status: 201, body: { headline: "Bridge closes" } });
  });

  it("is done once with an Idempotency-Key, each POST within too, and keeps no secret", async () => {
    const operations = [
      make("Once only"),
      { method: "POST", path: "/v1/keys", body: { name: "Bulk", scopes: ["drafts:read"] } },
    ];
    const send = () => bulk(operations, false).set("Idempotency-Key", "bulk-each");
    const first = await send();
    const again = await send();
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(resultsOf(again)[0]).toEqual(resultsOf(first)[0]);
    const secret = String(resultsOf(first)[1]?.body?.secret);
    expect(secret).toMatch(/^dateline_/);
    expect(resultsOf(again)[1]?.body?.secret).toBeNull();
    const kept = await newsroom.database.idempotencyRecord.findMany();
    expect(JSON.stringify(kept.map(({ body }) => body))).not.toContain(secret);
    // A process that died before it could keep the whole has kept the parts.
    await newsroom.database.idempotencyRecord.deleteMany({ where: { route: "POST /v1/bulk" } });
    expect(resultsOf(await send())[0]?.body).toEqual(resultsOf(first)[0]?.body);
    expectProblem(
      await bulk([make("Another")], false).set("Idempotency-Key", "bulk-each"),
      422,
      "idempotency-key-reused",
    );
  });
});

describe("a bulk that is sent several times at once with one Idempotency-Key", () => {
  it("answers each repetition with what was done, and never with what was in its way", async () => {
    const { id } = await draft(newsroom, { headline: "Contended" });
    const operations = [
      rename(id, "Renamed once"),
      {
        method: "POST",
        path: `/v1/articles/${id}/key-points`,
        headers: { "If-Match": "*" },
        body: { text: "Once" },
      },
      make("Made once"),
    ];
    const send = () =>
      newsroom.editor.post("/v1/bulk").set("idempotency-key", "at-once").send({ atomic: false, operations });
    await Promise.all([send(), send(), send(), send()]);
    await vi.waitFor(async () => expect(statuses(await send())).toEqual([200, 201, 201]));
    expect((await send()).headers["idempotency-replayed"]).toBe("true");
    expect((await working(id)).keyPoints).toHaveLength(1);
  });
});

describe("an atomic bulk", () => {
  it("does all of it", async () => {
    const answer = await bulk(
      [
        make("Lighthouse lit"),
        { method: "POST", path: "/v1/articles/{0.id}/key-points", body: { text: "It shines again" } },
        { method: "POST", path: "/v1/articles/{0.id}/publish", headers: { "Idempotency-Key": "lit" } },
      ],
      true,
    );
    expect(answer.status).toBe(200);
    expect(statuses(answer)).toEqual([201, 201, 200]);
    const { body } = await newsroom.reader.get("/v1/articles/lighthouse-lit");
    expect(body).toMatchObject({ keyPoints: [{ text: "It shines again" }] });
  });

  it("does nothing when one fails, and says which and why", async () => {
    const article = await live(newsroom, { headline: "Tide rises" });
    const answer = await bulk(
      [
        { method: "POST", path: "/v1/tags", body: { name: "Tides" } },
        rename(article.id, "Tide falls"),
        { method: "POST", path: `/v1/articles/${article.id}/publish` },
        { method: "POST", path: `/v1/articles/${article.id}/shares`, body: { network: "x" } },
        { method: "POST", path: "/v1/tags", body: { name: "Tides" } },
        make("Never made"),
      ],
      true,
    );
    const found = expectProblem(answer, 409, "bulk-undone");
    expect(found.detail).toMatch(/#\/operations\/4 failed, POST \/v1\/tags: The slug tides is taken/);
    expect(statuses(answer)).toEqual([424, 424, 424, 424, 409, 424]);
    expect((await newsroom.reader.get("/v1/tags/tides")).status).toBe(404);
    expect(await working(article.id)).toMatchObject({
      headline: "Tide rises",
      version: 1,
      shareCounts: {},
    });
    expect((await newsroom.reader.get(`/v1/articles/${article.id}`)).body.headline).toBe("Tide rises");
    expect((await newsroom.reader.get("/v1/articles?q=never")).body.data).toEqual([]);
  });

  it("rehearses what is to be rehearsed, and does the rest", async () => {
    const { id } = await draft(newsroom, { headline: "Not yet for readers" });
    const before = await working(id);
    const answer = await bulk(
      [
        { method: "POST", path: `/v1/articles/${id}/publish?dryRun=true` },
        {
          method: "POST",
          path: `/v1/articles/${id}/publish?dryRun=true`,
          body: { at: new Date(Date.now() + 3_600_000).toISOString() },
        },
        {
          method: "POST",
          path: "/v1/imports?dryRun=true",
          headers: { "Content-Type": "text/plain" },
          body: `<rss version="2.0"><channel><title>Wire</title><item><guid>wire-1</guid><title>Rehearsed item</title></item></channel></rss>`,
        },
        make("Done beside it"),
      ],
      true,
    );
    expect(answer.status, answer.text).toBe(200);
    expect(statuses(answer)).toEqual([200, 200, 200, 201]);
    expect(resultsOf(answer)[0]?.body).toMatchObject({ possible: true, changes: ["published"] });
    expect(resultsOf(answer)[2]?.body).toMatchObject({ dryRun: true, created: 1 });
    expect(await working(id)).toEqual(before);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).status).toBe(404);
    expect((await newsroom.editor.get("/v1/articles?version=draft&limit=100")).text).not.toContain(
      "Rehearsed item",
    );
    expect(await working(String(resultsOf(answer)[3]?.body?.id))).toMatchObject({
      headline: "Done beside it",
    });
  });

  it("shows what it made live to readers once it is committed", async () => {
    const article = await live(newsroom, { headline: "Quay built" });
    await newsroom.reader.get(`/v1/articles/${article.id}`);
    const publish = { method: "POST", path: `/v1/articles/${article.id}/publish` };
    expect((await bulk([rename(article.id, "Quay extended"), publish], true)).status).toBe(200);
    expect((await newsroom.reader.get(`/v1/articles/${article.id}`)).body.headline).toBe("Quay extended");
  });

  it("is done once with an Idempotency-Key, and again after it failed", async () => {
    const send = (operations: object[]) => bulk(operations, true).set("Idempotency-Key", "bulk-all");
    const failing = [make("Buoy laid"), { method: "POST", path: "/v1/articles", body: {} }];
    expect((await send(failing)).status).toBe(409);
    expect((await send(failing)).status).toBe(409);
    const first = await send([make("Buoy laid")]);
    const again = await send([make("Buoy laid")]);
    expect(again.body).toEqual(first.body);
    expect(again.headers["idempotency-replayed"]).toBe("true");
  });

  it("is refused as its operations are: without a key, without the scope", async () => {
    const answer = await bulk([make("Not allowed")], true, newsroom.reader);
    expectProblem(answer, 409, "bulk-undone");
    expect(statuses(answer)).toEqual([401]);
  });

  it("wins through when others change the same articles in another order", async () => {
    const ids = await Promise.all(
      Array.from(
        { length: 6 },
        async (_, index) => (await draft(newsroom, { headline: `Berth ${index}` })).id,
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, round) => {
        const ordered = round % 2 === 0 ? ids : ids.toReversed();
        return bulk(
          ordered.map((id) => rename(id, `Berth of round ${round}`)),
          true,
        );
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const headlines = await Promise.all(ids.map(async (id) => (await working(id)).headline as string));
    expect(new Set(headlines).size).toBe(1);
  });

  it("is run again as a whole when PostgreSQL ends it to resolve a deadlock", async () => {
    const { database } = newsroom;
    // A sequence does not go back with a rollback, so the first attempt alone fails.
    await database.$executeRaw`CREATE SEQUENCE attempts`;
    await database.$executeRaw`
      CREATE FUNCTION lose_first() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'lost' USING ERRCODE = 'deadlock_detected'; END IF;
        RETURN NEW;
      END $$`;
    await database.$executeRaw`
      CREATE TRIGGER lose_first BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION lose_first()`;
    const operations = [make("Twice begun"), { method: "POST", path: "/v1/tags", body: { name: "Begun" } }];
    const answer = await bulk(operations, true);
    await database.$executeRaw`DROP TRIGGER lose_first ON tags`;
    expect(answer.status, answer.text).toBe(200);
    expect(statuses(answer)).toEqual([201, 201]);
    expect(await database.article.count({ where: { headline: "Twice begun" } })).toBe(1);
  });

  it("leaves the connections to others when many come at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        bulk([make(`Crowd ${index}`), make("Crowd")], index % 2 === 0),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.flatMap(statuses)).toEqual(answers.flatMap(() => [201, 201]));
  });
});

describe("a bulk that cannot be", () => {
  const refused = async (operations: object[], pointer: string) => {
    for (const atomic of [true, false]) {
      const found = expectProblem(await bulk(operations, atomic), 422, "invalid-content");
      expect(found.errors?.map((error) => error.pointer)).toContain(pointer);
    }
  };

  it("has more than a hundred operations, or none", async () => {
    const before = await newsroom.database.article.count();
    await refused(
      Array.from({ length: 101 }, () => make("Too many")),
      "#/operations",
    );
    await refused([], "#/operations");
    expect(await newsroom.database.article.count()).toBe(before);
  });

  it("leads elsewhere than below /v1/, reads, refers forward or sets headers that are not an operation's", async () => {
    for (const path of [
      "/healthz",
      "//evil.example/v1/",
      "https://evil.example/v1/articles",
      "/v1/a b",
      "/v1/#x",
    ])
      await refused([{ method: "POST", path }], "#/operations/0/path");
    await refused([{ method: "GET", path: "/v1/articles" }], "#/operations/0/method");
    await refused([{ method: "POST", path: "/v1/articles/{0.id}/publish" }], "#/operations/0/path");
    await refused(
      [{ ...make("Sly"), headers: { Authorization: "Bearer x" } }],
      "#/operations/0/headers/Authorization",
    );
  });

  it("is part of another, however it is spelt", async () => {
    for (const path of ["/v1/bulk", "/v1/%62ulk", "/v1/x/../bulk"]) {
      const answer = await bulk(
        [{ method: "POST", path, body: { atomic: false, operations: [make("Nested")] } }],
        false,
      );
      expect([404, 409]).toContain(resultsOf(answer)[0]?.status);
    }
    expect(await newsroom.database.article.count({ where: { headline: "Nested" } })).toBe(0);
  });
});

describe("the operations of a bulk", () => {
  it("are each in the audit log, with what they concerned", async () => {
    for (const atomic of [true, false]) {
      const answer = await bulk(
        [make("Audited"), { method: "POST", path: "/v1/tags", body: { name: `Audited ${atomic}` } }],
        atomic,
      );
      const [article, tag] = resultsOf(answer).map(({ body }) => String(body?.id));
      const { body } = await newsroom.editor.get("/v1/audit?limit=2");
      expect(body.data).toMatchObject([
        { operation: "createTag", resource: { kind: "tags", id: tag }, articleId: null },
        { operation: "createArticle", resource: { kind: "articles", id: article }, articleId: article },
      ]);
    }
  });

  it("are kept to what the key may reach", async () => {
    const contributor = await newsroom.withKey({ name: "Contributor", role: "contributor" });
    const foreign = await draft(newsroom, { headline: "Not hers" });
    const known = await live(newsroom, { headline: "Known to all" });
    const operations = [
      make("Hers"),
      rename("{0.id}", "Still hers"),
      rename(foreign.id, "Taken"),
      rename(known.id, "Taken"),
      { method: "POST", path: "/v1/tags", body: { name: "Taken" } },
      { method: "POST", path: "/v1/articles/{0.id}/publish" },
    ];
    const answer = await bulk(operations, false, contributor);
    expect(statuses(answer)).toEqual([201, 200, 404, 403, 403, 403]);
    const atomic = await bulk(operations.slice(0, 3), true, contributor);
    expectProblem(atomic, 409, "bulk-undone");
    expect(await working(foreign.id)).toMatchObject({ headline: "Not hers" });
  });

  it("see what those before them made live, in one transaction too", async () => {
    const answer = await bulk(
      [
        make("Quay one"),
        { method: "POST", path: "/v1/articles/{0.id}/publish" },
        {
          method: "POST",
          path: "/v1/articles",
          body: { headline: "Quay two", relatedLinks: [{ title: "Quay one" }] },
        },
        { method: "POST", path: "/v1/articles/{2.id}/publish" },
        { method: "POST", path: "/v1/articles/{0.id}/shares", body: { network: "x" } },
      ],
      true,
    );
    expect(answer.status, answer.text).toBe(200);
    const [one, , two] = resultsOf(answer).map(({ body }) => String(body?.id));
    const { relatedLinks } = await working(two ?? "");
    expect(relatedLinks).toMatchObject([{ articleId: one, targetStatus: "published" }]);
  });
});
