import { once } from "node:events";
import { type IncomingMessage, get as httpGet } from "node:http";
import { describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

describe("a former slug", () => {
  it("leads to the present one, with the sub-path and the query kept", async () => {
    const { id } = await live(newsroom, { headline: "Old address", slug: "old-address" });
    await change(newsroom, id, { slug: "new-address" });
    await publish(newsroom, id);
    for (const rest of [
      "",
      "?fields=headline,slug",
      "/key-points",
      "/related-links?version=published",
      "/share-counts",
      "/share-counts/x",
    ]) {
      const moved = await newsroom.reader.get(`/v1/articles/old-address${rest}`);
      expect([rest, moved.status, moved.headers.location]).toEqual([
        rest,
        301,
        `/v1/articles/new-address${rest}`,
      ]);
    }
    expect((await newsroom.reader.head("/v1/articles/old-address")).status).toBe(301);
    expect((await newsroom.reader.get("/v1/articles/old-address").redirects(1)).body.id).toBe(id);
  });

  it("leads on when it is written with escapes, and not to itself", async () => {
    const { id } = await live(newsroom, { headline: "Escaped", slug: "escaped-before" });
    await change(newsroom, id, { slug: "escaped-after" });
    await publish(newsroom, id);
    const moved = await newsroom.reader.get("/v1/articles/escaped%2Dbefore/key-points?version=published");
    expect([moved.status, moved.headers.location]).toEqual([
      301,
      "/v1/articles/escaped-after/key-points?version=published",
    ]);
  });

  it("leads on when the whole address is sent, as to a proxy", async () => {
    const { id } = await live(newsroom, { headline: "Proxied", slug: "proxied-before" });
    await change(newsroom, id, { slug: "proxied-after" });
    await publish(newsroom, id);
    const { hostname, port } = new URL(newsroom.url);
    const path = "http://a/v1/articles/proxied-before";
    const [moved] = (await once(httpGet({ hostname, port, path }), "response")) as [IncomingMessage];
    moved.resume();
    expect([moved.statusCode, moved.headers.location]).toEqual([301, "/v1/articles/proxied-after"]);
  });

  it("is an answer that caches may keep and purge with the article", async () => {
    const { id } = await live(newsroom, { headline: "Purged", slug: "purged-before" });
    await change(newsroom, id, { slug: "purged-after" });
    await publish(newsroom, id);
    const { headers } = await newsroom.reader.get("/v1/articles/purged-before");
    expect(headers["cache-control"]).toMatch(/^public, max-age=\d+/);
    expect(headers["surrogate-key"]).toBe(id.replaceAll("-", ""));
  });

  it("leads to the newest in one step, however many there were", async () => {
    const { id } = await live(newsroom, { headline: "Chain", slug: "chain-0" });
    for (const slug of ["chain-1", "chain-2", "chain-3"]) {
      await change(newsroom, id, { slug });
      await publish(newsroom, id);
    }
    for (const slug of ["chain-0", "chain-1", "chain-2"]) {
      const moved = await newsroom.reader.get(`/v1/articles/${slug}`);
      expect([moved.status, moved.headers.location]).toEqual([301, "/v1/articles/chain-3"]);
    }
  });

  it("can be taken back by its own article, and then leads nowhere else", async () => {
    const { id } = await live(newsroom, { headline: "There and back", slug: "there" });
    for (const slug of ["elsewhere", "there"]) {
      await change(newsroom, id, { slug });
      await publish(newsroom, id);
    }
    expect((await newsroom.reader.get("/v1/articles/there")).status).toBe(200);
    expect((await newsroom.reader.get("/v1/articles/elsewhere")).headers.location).toBe("/v1/articles/there");
  });

  it("cannot be taken by another article, by choice or by headline", async () => {
    const { id } = await live(newsroom, { headline: "Once mine", slug: "once-mine" });
    await change(newsroom, id, { slug: "now-mine" });
    await publish(newsroom, id);
    const refused = await newsroom.editor
      .post("/v1/articles")
      .send({ headline: "Usurper", slug: "once-mine" });
    expect([refused.status, refused.body.type]).toEqual([409, "/problems/slug-taken"]);
    const other = await draft(newsroom, { headline: "Once mine" });
    expect(other.slug).toBe("once-mine-2");
    const renamed = await newsroom.editor
      .patch(`/v1/articles/${other.id}`)
      .set("If-Match", "*")
      .send({ slug: "once-mine" });
    expect(renamed.status).toBe(409);
    expect((await newsroom.reader.get("/v1/articles/once-mine")).headers.location).toBe(
      "/v1/articles/now-mine",
    );
  });

  it("names the article for readers who share it and editors who write to it", async () => {
    const { id } = await live(newsroom, { headline: "Known as", slug: "known-as-before" });
    await change(newsroom, id, { slug: "known-as" });
    await publish(newsroom, id);
    expect(
      (await newsroom.reader.post("/v1/articles/known-as-before/shares").send({ network: "x" })).body,
    ).toMatchObject({ count: 1 });
    expect((await newsroom.editor.get("/v1/articles/known-as-before?version=draft")).body.id).toBe(id);
  });

  it("answers 410 once the article is gone, and leads again once it is back", async () => {
    const { id } = await live(newsroom, { headline: "Comes and goes", slug: "comes" });
    await change(newsroom, id, { slug: "goes" });
    await publish(newsroom, id);
    await unpublish(newsroom, id);
    expect((await newsroom.reader.get("/v1/articles/comes")).status).toBe(410);
    expect((await newsroom.reader.get("/v1/articles/goes")).status).toBe(410);
    await change(newsroom, id, { slug: "returns" });
    await publish(newsroom, id);
    for (const slug of ["comes", "goes"]) {
      expect((await newsroom.reader.get(`/v1/articles/${slug}`)).headers.location).toBe(
        "/v1/articles/returns",
      );
    }
  });
});

describe("a slug that only the working copy has", () => {
  it("is 404 to readers until it is published, and the present one stays", async () => {
    const { id } = await live(newsroom, { headline: "Planned move", slug: "planned-move" });
    await change(newsroom, id, { slug: "planned-goal" });
    expect((await newsroom.reader.get("/v1/articles/planned-goal")).status).toBe(404);
    expect((await newsroom.reader.get("/v1/articles/planned-goal/key-points")).status).toBe(404);
    expect(
      (await newsroom.reader.post("/v1/articles/planned-goal/shares").send({ network: "x" })).status,
    ).toBe(404);
    expect((await seen(newsroom, "planned-move")).slug).toBe("planned-move");
    expect((await newsroom.editor.get("/v1/articles/planned-goal?version=draft")).body.id).toBe(id);
    await publish(newsroom, id);
    expect((await seen(newsroom, "planned-goal")).id).toBe(id);
  });

  it("is free for others once it is given up unpublished", async () => {
    const { id } = await live(newsroom, { headline: "Undecided", slug: "undecided" });
    await change(newsroom, id, { slug: "tried-out" });
    await change(newsroom, id, { slug: "undecided" });
    expect((await draft(newsroom, { headline: "Taker", slug: "tried-out" })).slug).toBe("tried-out");
  });

  it("is 404 to readers even while the article is unpublished", async () => {
    const { id } = await live(newsroom, { headline: "Hidden goal", slug: "hidden-before" });
    await unpublish(newsroom, id);
    await change(newsroom, id, { slug: "hidden-after" });
    expect((await newsroom.reader.get("/v1/articles/hidden-after")).status).toBe(404);
    expect((await newsroom.reader.get("/v1/articles/hidden-before")).status).toBe(410);
  });
});
