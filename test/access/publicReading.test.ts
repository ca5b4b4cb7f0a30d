import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, live } from "../support/articles.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { makeTerms, partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom({ DATELINE_PUBLIC_READING: "off" });

/** The operations that are for machines, not for readers. */
const open = new Set([
  "/healthz",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/openapi.yaml",
  "/problems/{name}",
  "/styles/{name}",
  // The link is the key.
  "/preview/{token}",
]);

let article: ShownArticle;
let partner: Agent;

beforeAll(async () => {
  await makeTerms(newsroom, { sections: ["world", "sport"] });
  article = await live(newsroom, { headline: "Harbour opens", section: "world" });
  await live(newsroom, { headline: "Cup final", section: "sport" });
  ({ agent: partner } = await partnerOf(newsroom, { sections: ["world"] }));
});

describe("with public reading switched off", () => {
  it("nothing is read without a key, by any operation, though it was read with one", async () => {
    const { body: document } = await newsroom.reader.get("/openapi.json");
    const paths = Object.entries(document.paths as Record<string, object>).filter(
      ([path, operations]) => "get" in operations && !open.has(path),
    );
    expect(paths.length).toBeGreaterThan(30);
    for (const path of ["/v1/articles", `/v1/articles/${article.id}`, "/v1/feeds/rss.xml"])
      expect((await newsroom.editor.get(path)).status).toBe(200);
    for (const [path] of paths) {
      const address = path.replace("{article}", article.id).replaceAll(/\{\w+\}/g, "x");
      const refused = expectProblem(await newsroom.reader.get(address), 401, "key-required");
      expect(refused.detail).not.toContain("Harbour");
    }
  });

  it("no share is counted, and nothing is told of what there is", async () => {
    for (const id of [article.id, "nothing-here"]) {
      const sharing = newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
      expectProblem(await sharing, 401, "key-required");
    }
    expectProblem(await newsroom.reader.get("/a/harbour-opens"), 401, "key-required");
    const wrong = newsroom.withHeaders({ authorization: "Bearer dateline_wrong" });
    expectProblem(await wrong.get("/a/harbour-opens"), 401, "key-invalid");
  });

  it("a key reads what it is entitled to, pages included", async () => {
    expect((await partner.get(`/v1/articles/${article.id}`)).status).toBe(200);
    expect((await partner.get("/a/harbour-opens")).text).toContain("Harbour opens");
    expectProblem(await partner.get("/v1/articles/cup-final"), 404, "not-found");
    expect((await partner.get("/a/cup-final")).status).toBe(404);
    const plain = await newsroom.withScopes(["shares:write"]);
    expect((await plain.get("/v1/articles")).body.data).toHaveLength(2);
  });
});
