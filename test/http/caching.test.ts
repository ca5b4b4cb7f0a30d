import { beforeAll, describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();
const patient = useNewsroom({ DATELINE_MAX_AGE: "60" });
let at = "";
let ids: Record<string, string> = {};

beforeAll(async () => {
  const tags = Array.from({ length: 40 }, (_, number) => ({ name: `Canal ${number}` }));
  const { body: article } = await newsroom.editor
    .post("/v1/articles")
    .send({ headline: "Canal opens", section: { name: "Water" }, tags });
  at = `/v1/articles/${article.id}`;
  await newsroom.editor.post(`${at}/publish`);
  await newsroom.reader.post(`${at}/shares`).send({ network: "x" });
  const { body: section } = await newsroom.reader.get("/v1/sections/water");
  ids = { article: article.id, section: section.id };
});

const publicPaths = () => [
  at,
  "/v1/articles/canal-opens",
  `${at}/key-points`,
  `${at}/related-links`,
  `${at}/share-counts`,
  `${at}/share-counts/x`,
  "/v1/articles",
  "/v1/sections",
  "/v1/sections/water",
  "/v1/tags",
  "/v1/authors",
];

describe("an answer that anyone may have", () => {
  it("says how long it may be kept and by what it varies", async () => {
    for (const path of publicPaths()) {
      const { headers } = await newsroom.reader.get(path);
      expect(headers["cache-control"]).toBe(
        "public, max-age=1, stale-while-revalidate=30, stale-if-error=60",
      );
      expect(headers.vary).toMatch(/^Authorization\b/);
    }
  });

  it("names what it can be purged by, in both headers alike", async () => {
    for (const path of publicPaths()) {
      const { headers } = await newsroom.reader.get(path);
      const keys = (headers["surrogate-key"] ?? "").split(" ");
      expect(keys.length).toBeLessThanOrEqual(32);
      for (const key of keys) expect(key).toMatch(/^[a-z0-9-]{1,32}$/);
      expect(headers["cache-groups"]).toBe(keys.map((key) => `"${key}"`).join(", "));
    }
  });

  it("is purged by its article's id without dashes, first, and by its section's", async () => {
    for (const path of [at, `${at}/key-points`, `${at}/share-counts/x`]) {
      const keys = ((await newsroom.reader.get(path)).headers["surrogate-key"] ?? "").split(" ");
      expect(keys[0]).toBe(ids.article?.replaceAll("-", ""));
      expect(keys).toContain(ids.section?.replaceAll("-", ""));
    }
  });

  it("may be kept as long as DATELINE_MAX_AGE says", async () => {
    expect((await patient.reader.get("/v1/articles")).headers["cache-control"]).toBe(
      "public, max-age=60, stale-while-revalidate=30, stale-if-error=60",
    );
  });
});

describe("an answer to a request with a key", () => {
  it("is for nobody else, whatever it is", async () => {
    const paths = [
      ...publicPaths(),
      "/v1/keys",
      `${at}?version=draft`,
      "/v1/articles?version=draft",
      "/v1/articles/none",
      "/v1/articles?limit=0",
    ];
    for (const path of paths) {
      const { headers } = await newsroom.editor.get(path);
      expect({ path, caching: headers["cache-control"] }).toEqual({ path, caching: "private, no-store" });
    }
    const created = await newsroom.editor.post("/v1/tags").send({ name: "Locks" });
    expect(created.headers["cache-control"]).toBe("private, no-store");
  });
});

describe("an answer to a write, also one without a key", () => {
  it("is never to be kept", async () => {
    const answer = await newsroom.reader.post(`${at}/shares`).send({ network: "x" });
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  });
});

describe("a problem", () => {
  it("is never to be kept, but for articles that are not there, which caches ask after each time", async () => {
    for (const path of ["/nowhere", "/v1/articles?limit=0", "/v1/keys", "/v1/sections/none"]) {
      expect((await newsroom.reader.get(path)).headers["cache-control"]).toBe("no-store");
    }
    const missing = await newsroom.reader.get("/v1/articles/none");
    expect(missing.headers).toMatchObject({
      "cache-control": "public, max-age=0",
      vary: "Authorization, Accept-Encoding",
    });
  });
});

describe("a former slug", () => {
  it("leads on for a moment to the public, and privately with a key", async () => {
    const { body: article } = await newsroom.editor.post("/v1/articles").send({ headline: "Old name" });
    await newsroom.editor.post(`/v1/articles/${article.id}/publish`);
    await newsroom.editor.patch(`/v1/articles/${article.id}`).set("if-match", "*").send({ slug: "new-name" });
    await newsroom.editor.post(`/v1/articles/${article.id}/publish`);
    for (const [path, location] of [
      ["/v1/articles/old-name", "/v1/articles/new-name"],
      ["/v1/articles/old%2Dname?fields=headline", "/v1/articles/new-name?fields=headline"],
      ["/v1/articles/old-name/key-points", "/v1/articles/new-name/key-points"],
    ] as const) {
      const answer = await newsroom.reader.get(path).redirects(0);
      expect(answer.status).toBe(301);
      expect(answer.headers).toMatchObject({
        location,
        "cache-control": expect.stringMatching(/^public, max-age=1\b/),
        vary: "Authorization, Accept-Encoding",
      });
      expect(answer.headers["surrogate-key"]).toBe(String(article.id).replaceAll("-", ""));
      expect((await newsroom.editor.get(path).redirects(0)).headers["cache-control"]).toBe(
        "private, no-store",
      );
    }
  });
});
