import { describe, expect, it } from "vitest";
import { draft, live, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sharers } from "../support/sharing.ts";

const newsroom = useNewsroom();

const address = (article: string, network: string) => `/v1/articles/${article}/share-counts/${network}`;
const put = (
  article: string,
  network: string,
  count: unknown,
  headers: Record<string, string> = { "If-Match": "*" },
) => newsroom.editor.put(address(article, network)).set(headers).send({ count });
const etagOf = async (article: string, network: string) =>
  (await newsroom.reader.get(address(article, network))).headers.etag ?? "";

describe("setting a share count", () => {
  it("makes it, then replaces it, and readers see it at once", async () => {
    const { id, slug } = await live(newsroom, { headline: "Counted elsewhere" });
    const made = await put(id, "facebook", 120);
    expect([made.status, made.headers.location]).toEqual([201, address(id, "facebook")]);
    expect(made.body).toMatchObject({ network: "facebook", count: 120 });
    const replaced = await put(slug, "facebook", 90);
    expect([replaced.status, replaced.body.count]).toEqual([200, 90]);
    expect(replaced.headers.location).toBeUndefined();
    expect(await seen(newsroom, id)).toMatchObject({
      shareCounts: { facebook: 90 },
      shareTotal: 90,
      version: 1,
    });
    expect(await etagOf(id, "facebook")).toBe(replaced.headers.etag);
  });

  it("takes what fits 2^53 and comes out exactly", async () => {
    const { id } = await live(newsroom, { headline: "Exact" });
    for (const count of [0, 1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]) {
      expect((await put(id, "x", count)).text).toContain(`"count":${count},`);
      expect((await newsroom.reader.get(address(id, "x"))).text).toContain(`"count":${count},`);
      expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts`)).text).toContain(
        `"count":${count},`,
      );
      expect((await newsroom.reader.get(`/v1/articles/${id}`)).text).toContain(
        `"shareCounts":{"x":${count}},"shareTotal":${count}`,
      );
      expect((await newsroom.reader.get(`/v1/articles?ids=${id}`)).text).toContain(
        `"shareCounts":{"x":${count}},"shareTotal":${count}`,
      );
    }
  });

  it.each([-1, 1.5, 2 ** 53, "7", null, [7], undefined])("refuses %j", async (count) => {
    const { id } = await live(newsroom, { headline: "Not a count" });
    const refused = await put(id, "x", count);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, "#/count"]);
  });

  it("needs shares:write", async () => {
    const { id } = await live(newsroom, { headline: "Who may set" });
    const writer = await newsroom.withScopes(["articles:write", "articles:publish", "drafts:read"]);
    const partner = await newsroom.withScopes(["shares:write"]);
    expect((await newsroom.reader.put(address(id, "x")).set("If-Match", "*").send({ count: 1 })).status).toBe(
      401,
    );
    expect((await writer.put(address(id, "x")).set("If-Match", "*").send({ count: 1 })).status).toBe(403);
    expect((await writer.delete(address(id, "x")).set("If-Match", "*")).status).toBe(403);
    expect((await partner.put(address(id, "x")).set("If-Match", "*").send({ count: 1 })).status).toBe(201);
  });

  it("does not tell a partner of drafts, and takes counts for them from who may read them", async () => {
    const { id, slug } = await draft(newsroom, { headline: "Quiet draft" });
    const gone = await live(newsroom, { headline: "Quietly gone" });
    await unpublish(newsroom, gone.id);
    const partner = await newsroom.withScopes(["shares:write"]);
    for (const [reference, status] of [
      [id, 404],
      [slug, 404],
      ["no-such-article", 404],
      [gone.id, 410],
    ] as const) {
      expect(
        (await partner.put(address(reference, "x")).set("If-Match", "*").send({ count: 1 })).status,
      ).toBe(status);
      expect((await partner.delete(address(reference, "x")).set("If-Match", "*")).status).toBe(status);
    }
    expect((await put(id, "x", 3)).status).toBe(201);
    expect((await newsroom.reader.get(address(id, "x"))).status).toBe(404);
    const shown = await newsroom.editor.get(`${address(id, "x")}?version=draft`);
    expect([shown.status, shown.body.count]).toEqual([200, 3]);
  });

  it("needs a precondition, and minds it", async () => {
    const { id } = await live(newsroom, { headline: "Guarded" });
    expect((await put(id, "x", 1, {})).status).toBe(428);
    expect((await put(id, "x", 1, { "If-Match": '"made-up"' })).status).toBe(412);
    expect((await put(id, "x", 1, { "If-None-Match": "*" })).status).toBe(201);
    expect((await put(id, "x", 2, { "If-None-Match": "*" })).status).toBe(412);
    const etag = await etagOf(id, "x");
    expect((await put(id, "x", 2, { "If-Match": etag })).status).toBe(200);
    expect((await put(id, "x", 3, { "If-Match": etag })).status).toBe(412);
    expect((await put(id, "x", 3, { "If-Match": `W/${await etagOf(id, "x")}` })).status).toBe(412);
    expect((await put(id, "x", 3, { "If-Match": "no quotes" })).status).toBe(400);
    expect((await newsroom.reader.get(address(id, "x"))).body.count).toBe(2);
  });

  it("refuses an ETag that a reader's share has made stale", async () => {
    const { id } = await live(newsroom, { headline: "Overtaken" });
    await put(id, "x", 5);
    const etag = await etagOf(id, "x");
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    expect((await put(id, "x", 5, { "If-Match": etag })).status).toBe(412);
    expect((await newsroom.editor.delete(address(id, "x")).set("If-Match", etag)).status).toBe(412);
    expect((await newsroom.reader.get(address(id, "x"))).body.count).toBe(6);
  });

  it("lets one of many through that hold the same ETag", async () => {
    const { id } = await live(newsroom, { headline: "Contested" });
    await put(id, "x", 1);
    const etag = await etagOf(id, "x");
    const answers = await Promise.all(
      [10, 20, 30, 40, 50, 60].map((count) => put(id, "x", count, { "If-Match": etag })),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect([winners.length, answers.filter(({ status }) => status === 412).length]).toEqual([1, 5]);
    expect((await newsroom.reader.get(address(id, "x"))).body.count).toBe(winners[0]?.body.count);
  });

  it("lets one of many make a count that ask for there being none", async () => {
    const { id } = await live(newsroom, { headline: "First come" });
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((count) => put(id, "x", count, { "If-None-Match": "*" })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201, 412, 412, 412, 412, 412,
    ]);
  });

  it("loses no share that comes at the same time", async () => {
    const { id } = await live(newsroom, { headline: "Set and shared" });
    const { share, close } = sharers(newsroom.url, 8);
    const shares = Promise.all(Array.from({ length: 200 }, () => share(id, "x")));
    const sets = Promise.all(Array.from({ length: 5 }, () => put(id, "x", 1_000_000)));
    const [recorded, set] = await Promise.all([shares, sets]);
    close();
    expect([...recorded, ...set].filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    // After the last setting each share counts one up from it.
    const counts = new Set(recorded.map(({ count }) => count));
    const { count } = (await newsroom.reader.get(address(id, "x"))).body as { count: number };
    const since = count - 1_000_000;
    expect(since).toBeGreaterThanOrEqual(0);
    for (let step = 1; step <= since; step += 1) expect(counts.has(1_000_000 + step)).toBe(true);
  });
});

describe("removing a share count", () => {
  it("takes it from the article, and a later share begins at one", async () => {
    const { id } = await live(newsroom, { headline: "Removed" });
    await put(id, "x", 5);
    await put(id, "email", 2);
    expect((await newsroom.editor.delete(address(id, "x"))).status).toBe(428);
    expect((await newsroom.editor.delete(address(id, "x")).set("If-Match", '"stale"')).status).toBe(412);
    const removed = await newsroom.editor.delete(address(id, "x")).set("If-Match", await etagOf(id, "x"));
    expect([removed.status, removed.text]).toEqual([204, ""]);
    expect(await seen(newsroom, id)).toMatchObject({ shareCounts: { email: 2 }, shareTotal: 2 });
    expect((await newsroom.reader.get(address(id, "x"))).status).toBe(404);
    expect((await newsroom.editor.delete(address(id, "x")).set("If-Match", "*")).status).toBe(404);
    expect((await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" })).body.count).toBe(
      1,
    );
  });
});

describe("reading share counts", () => {
  it("lists them by network, and tells an unknown one from a malformed one", async () => {
    const { id } = await live(newsroom, { headline: "Read counts" });
    expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts`)).body).toEqual({
      data: [],
      page: { limit: 100, next: null },
    });
    for (const network of ["whatsapp", "email", "x"]) await put(id, network, 1);
    const list = await newsroom.reader.get(`/v1/articles/${id}/share-counts`);
    expect(list.body.data.map(({ network }: { network: string }) => network)).toEqual([
      "email",
      "whatsapp",
      "x",
    ]);
    expect((await newsroom.reader.get(address(id, "telegram"))).status).toBe(404);
    expect((await newsroom.reader.get(address(id, "NotANetwork"))).status).toBe(400);
  });

  it("answers 304 to the ETag of an unchanged count, and not once it moved", async () => {
    const { id } = await live(newsroom, { headline: "Unmoved count" });
    await put(id, "x", 5);
    const etag = await etagOf(id, "x");
    const again = () => newsroom.reader.get(address(id, "x")).set("If-None-Match", etag);
    expect((await again()).status).toBe(304);
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    expect((await again()).status).toBe(200);
  });
});
