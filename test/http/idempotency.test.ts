import { describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

let number = 0;
/** A key that no other test has used. */
const newKey = () => `"key ${(number += 1)}"`;

/** Articles whose headline is this, working copies included. */
async function howMany(headline: string): Promise<number> {
  return newsroom.database.article.count({ where: { headline } });
}

const create = (headline: string, key: string) =>
  newsroom.editor.post("/v1/articles").set("idempotency-key", key).send({ headline });

async function liveArticle(headline: string): Promise<{ id: string; slug: string }> {
  const { body } = await newsroom.editor.post("/v1/articles").send({ headline });
  await newsroom.editor.post(`/v1/articles/${body.id}/publish`);
  return body as { id: string; slug: string };
}

describe("a POST with an Idempotency-Key", () => {
  it("is done once and answered alike each time, byte for byte", async () => {
    const key = newKey();
    const first = await create("Mill burns", key);
    const second = await create("Mill burns", key);
    expect(first.status).toBe(201);
    expect(second.status).toBe(201);
    expect(second.text).toBe(first.text);
    for (const name of ["etag", "location", "content-type", "cache-control"])
      expect(second.headers[name]).toBe(first.headers[name]);
    expect(first.headers).not.toHaveProperty("idempotency-replayed");
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(second.headers["x-request-id"]).not.toBe(first.headers["x-request-id"]);
    expect(await howMany("Mill burns")).toBe(1);
  });

  it("is answered as at first, whatever has become of the article since", async () => {
    const key = newKey();
    const first = await create("Mill rebuilt", key);
    await newsroom.editor
      .patch(first.headers.location ?? "")
      .set("if-match", "*")
      .send({ headline: "Mill reopened" });
    await newsroom.editor.delete(first.headers.location ?? "").set("if-match", "*");
    expect((await create("Mill rebuilt", key)).text).toBe(first.text);
  });

  it.for([
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ["bare-token", '"bare-token"'],
  ] as const)("takes the quoted string and the bare token for the same: %s", async ([one, other]) => {
    const first = await create(`Mill ${one}`, one);
    const second = await create(`Mill ${one}`, other);
    expect(second.text).toBe(first.text);
  });

  it.for(["", '""', '"open', "two words", `"${"x".repeat(256)}"`, "ä", '"a" "b"'])(
    "is 400 when the key is %.12s",
    async (key) => {
      const found = expectProblem(await create("Mill sold", key), 400, "invalid-parameter");
      expect(found.errors?.[0]?.pointer).toBe("Idempotency-Key");
      expect(await howMany("Mill sold")).toBe(0);
    },
  );

  it("is 422 with another body, and does nothing", async () => {
    const key = newKey();
    await create("Mill closes", key);
    expectProblem(await create("Mill closes for good", key), 422, "idempotency-key-reused");
    expect(await howMany("Mill closes for good")).toBe(0);
  });

  it("is 422 with another query", async () => {
    const key = newKey();
    const importing = (query: string) =>
      newsroom.editor
        .post(`/v1/imports${query}`)
        .set({ "idempotency-key": key, "content-type": "text/plain" })
        .send("Mill imported\n\nIt came by sea.\n");
    expect((await importing("")).status).toBe(201);
    expectProblem(await importing("?publish=true"), 422, "idempotency-key-reused");
    expect(await howMany("Mill imported")).toBe(1);
  });

  it("counts per caller", async () => {
    const key = newKey();
    const other = await newsroom.withScopes(["articles:write"]);
    const first = await create("Two mills", key);
    const second = await other
      .post("/v1/articles")
      .set("idempotency-key", key)
      .send({ headline: "Two mills" });
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
  });

  it("counts per operation and address", async () => {
    const key = newKey();
    const sent = { name: "Mills" };
    const made = await Promise.all(
      ["sections", "tags", "authors"].map((list) =>
        newsroom.editor.post(`/v1/${list}`).set("idempotency-key", key).send(sent),
      ),
    );
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(3);
  });

  it("leaves no record when it fails, so that a mended request goes through", async () => {
    const key = newKey();
    expectProblem(
      await newsroom.editor.post("/v1/articles").set("idempotency-key", key).send({ headline: "" }),
      422,
      "invalid-content",
    );
    await newsroom.editor.post("/v1/articles").send({ headline: "Taken", slug: "mill-taken" });
    const clash = { headline: "Mill again", slug: "mill-taken" };
    expectProblem(
      await newsroom.editor.post("/v1/articles").set("idempotency-key", key).send(clash),
      409,
      "slug-taken",
    );
    const again = await create("Mill again", key);
    expect(again.status).toBe(201);
    expect(again.headers).not.toHaveProperty("idempotency-replayed");
  });

  it("makes one article however many arrive at once", async () => {
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create("Twenty mills", key)));
    expect(await howMany("Twenty mills")).toBe(1);
    const made = answers.filter(({ status }) => status === 201);
    expect(made.filter(({ headers }) => headers["idempotency-replayed"] === undefined)).toHaveLength(1);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers) {
      if (answer.status === 201) continue;
      expectProblem(answer, 409, "still-running");
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    }
    expect((await create("Twenty mills", key)).text).toBe(made[0]?.text);
  });

  it("is taken without one as often as it is sent", async () => {
    for (const _ of [1, 2]) await newsroom.editor.post("/v1/articles").send({ headline: "No key" });
    expect(await howMany("No key")).toBe(2);
  });
});

describe("making a key with an Idempotency-Key", () => {
  it("repeats the answer without the secret, and stores the secret nowhere", async () => {
    const key = newKey();
    const make = () =>
      newsroom.editor
        .post("/v1/keys")
        .set("idempotency-key", key)
        .send({ name: "Once", scopes: ["drafts:read"] });
    const first = await make();
    const second = await make();
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual({ ...first.body, secret: null });
    expect(second.headers.location).toBe(first.headers.location);
    const records = await newsroom.database.$queryRaw<
      { text: string }[]
    >`SELECT r::text AS text FROM idempotency_records r`;
    expect(records.map(({ text }) => text).join("\n")).not.toContain(String(first.body.secret).slice(13));
  });
});

describe("recording a share with an Idempotency-Key", () => {
  const share = (article: string, key: string, network = "whatsapp") =>
    newsroom.reader.post(`/v1/articles/${article}/shares`).set("idempotency-key", key).send({ network });

  it("counts it once", async () => {
    const { id } = await liveArticle("Weir breaks");
    const key = newKey();
    const first = await share(id, key);
    const second = await share(id, key);
    expect(first.body).toMatchObject({ network: "whatsapp", count: 1 });
    expect(second.text).toBe(first.text);
    expect(second.headers.location).toBe(first.headers.location);
    expectProblem(await share(id, key, "telegram"), 422, "idempotency-key-reused");
    expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts/whatsapp`)).body.count).toBe(1);
  });

  it("counts it once however many arrive at once", async () => {
    const { id } = await liveArticle("Weir mended");
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => share(id, key)));
    for (const { status } of answers) expect([201, 409]).toContain(status);
    expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts/whatsapp`)).body.count).toBe(1);
  });

  it("is answered as at first also when the article is live no more, by id and by slug", async () => {
    const { id, slug } = await liveArticle("Weir gone");
    const keys = [newKey(), newKey()] as const;
    const first = [await share(id, keys[0]), await share(slug, keys[1])];
    await newsroom.editor.post(`/v1/articles/${id}/unpublish`);
    const again = [await share(id, keys[0]), await share(slug, keys[1])];
    expect(again.map(({ text }) => text)).toEqual(first.map(({ text }) => text));
    expectProblem(await share(id, newKey()), 410, "gone");
  });
});

describe("publishing with an Idempotency-Key", () => {
  it("makes one edition, and answers as at first after a change", async () => {
    const { body: article } = await newsroom.editor.post("/v1/articles").send({ headline: "Lock opens" });
    const key = newKey();
    const publish = () =>
      newsroom.editor.post(`/v1/articles/${article.id}/publish`).set("idempotency-key", key);
    const first = await publish();
    await newsroom.editor
      .patch(`/v1/articles/${article.id}`)
      .set("if-match", "*")
      .send({ headline: "Lock opens at last" });
    const second = await publish();
    expect(first.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(await newsroom.database.edition.count({ where: { articleId: article.id } })).toBe(1);
  });
});

describe("importing with an Idempotency-Key", () => {
  it("makes one article, and is 422 with another page", async () => {
    const key = newKey();
    const importing = (page: string) =>
      newsroom.editor
        .post("/v1/imports")
        .set({ "idempotency-key": key, "content-type": "text/plain" })
        .send(page);
    const first = await importing("Sluice raised\n\nThe water fell.\n");
    const second = await importing("Sluice raised\n\nThe water fell.\n");
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.text).toBe(first.text);
    expectProblem(await importing("Sluice raised\n\nThe water rose.\n"), 422, "idempotency-key-reused");
    expect(await howMany("Sluice raised")).toBe(1);
  });
});
