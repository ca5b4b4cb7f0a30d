import { describe, expect, it } from "vitest";
import { purgeTrash } from "../../src/trash/purge.ts";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

const remove = async (id: string) => {
  const answer = await newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
  expect(answer.status, answer.text).toBe(204);
};
const restore = (id: string) => newsroom.editor.post(`/v1/articles/${id}/restore`);
const purge = async (id: string) => {
  const answer = await newsroom.editor.delete(`/v1/trash/${id}`).set("If-Match", "*");
  expect(answer.status, answer.text).toBe(204);
};
const age = (id: string, days: number) =>
  newsroom.database
    .$executeRaw`UPDATE articles SET deleted_at = now() - ${days} * interval '1 day' WHERE id = ${id}::uuid`;
const trash = async () => {
  const { body } = await newsroom.editor.get("/v1/trash?limit=100");
  return (body.data as { id: string }[]).map(({ id }) => id);
};
const tables = async (id: string) => {
  const counts = await newsroom.database.$queryRaw<Record<string, bigint>[]>`
    SELECT (SELECT count(*) FROM articles WHERE id = ${id}::uuid) AS articles,
      (SELECT count(*) FROM editions WHERE article_id = ${id}::uuid) AS editions,
      (SELECT count(*) FROM blocks WHERE article_id = ${id}::uuid) AS blocks,
      (SELECT count(*) FROM share_counts WHERE article_id = ${id}::uuid) AS shares,
      (SELECT count(*) FROM related_links WHERE article_id = ${id}::uuid) AS links`;
  return Object.values(counts[0] ?? {}).map(Number);
};

describe("the trash", () => {
  it("lists what was deleted last first, page by page, and says until when", async () => {
    const made: string[] = [];
    for (const headline of ["Crane one", "Crane two", "Crane three"])
      made.push((await draft(newsroom, { headline })).id);
    for (const id of made) await remove(id);
    const found = [];
    let address = "/v1/trash?limit=1&count=true";
    for (let page = 0; page < 3; page += 1) {
      const { body } = await newsroom.editor.get(address);
      expect(body.page.total).toBe(3);
      found.push(body.data[0].id);
      address = `/v1/trash?limit=1&count=true&cursor=${String(body.page.next)}`;
    }
    expect(found).toEqual(made.toReversed());
    const { body: one } = await newsroom.editor.get(`/v1/trash/${made[0]}`);
    expect(Date.parse(one.purgeAt) - Date.parse(one.deletedAt)).toBe(30 * 86_400_000);
    expect(one).not.toHaveProperty("body");
    const { body: drafts } = await newsroom.editor.get("/v1/articles?version=draft&limit=100");
    expect((drafts.data as { id: string }[]).filter(({ id }) => made.includes(id))).toEqual([]);
  });

  it.each(["newest", "oldest", "updated"])(
    "holds what lists of a tag and an author leave out and do not count, sort=%s",
    async (sort) => {
      const { body: tag } = await newsroom.editor.post("/v1/tags").send({ name: `Docks ${sort}` });
      const { body: author } = await newsroom.editor.post("/v1/authors").send({ name: `Ana Lima ${sort}` });
      const made: string[] = [];
      for (const headline of ["Winch one", "Winch two", "Winch three"])
        made.push((await draft(newsroom, { headline, tags: [tag.slug], authors: [author.slug] })).id);
      await draft(newsroom, { headline: "Winch four", tags: [tag.slug] });
      const [first = "", second, third] = made;
      await remove(first);
      for (const more of ["", "&status=draft"]) {
        const { body } = await newsroom.editor.get(
          `/v1/articles?version=draft&tag=${tag.slug}&author=${author.slug}&sort=${sort}&count=true${more}`,
        );
        const found = (body.data as { id: string }[]).map(({ id }) => id);
        expect(found).toEqual(sort === "oldest" ? [second, third] : [third, second]);
        expect(body.page.total).toBe(2);
      }
    },
  );

  it("refuses a cursor that is not its own", async () => {
    expectProblem(await newsroom.editor.get("/v1/trash?cursor=x"), 400, "invalid-parameter");
  });
});

describe("restoring", () => {
  it("brings a draft back as it was, under its slug, which nobody could take meanwhile", async () => {
    const made = await draft(newsroom, {
      headline: "Gangway",
      body: [{ type: "paragraph", text: "It is up." }],
    });
    await remove(made.id);
    expect((await draft(newsroom, { headline: "Gangway" })).slug).toBe("gangway-2");
    const answer = await restore(made.id);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "draft", slug: "gangway", body: [{ text: "It is up." }] });
    expect(answer.headers.etag).toMatch(/^"3-/);
    await publish(newsroom, made.id);
    expect((await seen(newsroom, "gangway")).headline).toBe("Gangway");
  });

  it("brings what was live back unpublished, by its slug too; readers go on getting 410", async () => {
    const { id, slug } = await live(newsroom, { headline: "Slipway" });
    await remove(id);
    expect(await trash()).toContain(id);
    const answer = await restore(slug);
    expect(answer.body).toMatchObject({ status: "unpublished", hasUnpublishedChanges: false, version: 1 });
    expectProblem(await newsroom.reader.get(`/v1/articles/${slug}`), 410, "gone");
    expect(await trash()).not.toContain(id);
  });

  it("is refused for what is not in the trash, unknown or of another revision", async () => {
    const { id } = await draft(newsroom, { headline: "Anchor" });
    expectProblem(await restore(id), 409, "wrong-state");
    expectProblem(await restore("no-such-thing"), 404, "not-found");
    await remove(id);
    expectProblem(await restore(id).set("If-Match", '"1-x"'), 412, "precondition-failed");
    const { headers } = await newsroom.editor.get(`/v1/trash/${id}`);
    expect((await restore(id).set("If-Match", headers.etag ?? "")).status).toBe(200);
    expectProblem(await restore(id), 409, "wrong-state");
  });
});

describe("purging", () => {
  it("leaves nothing of what was never published, and frees its slug", async () => {
    const { id } = await draft(newsroom, { headline: "Keel" });
    await remove(id);
    await purge(id);
    expect(await tables(id)).toEqual([0, 0, 0, 0, 0]);
    expect((await draft(newsroom, { headline: "Keel" })).slug).toBe("keel");
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 404, "not-found");
    expectProblem(await restore(id), 404, "not-found");
  });

  it("leaves 410 for ever under the id and each slug that readers knew, and keeps those slugs", async () => {
    const { id } = await live(newsroom, {
      headline: "Rudder",
      body: [{ type: "paragraph", text: "It is bent." }],
      relatedLinks: [{ title: "Rudder mended" }],
    });
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    await change(newsroom, id, { slug: "rudder-bent" });
    await publish(newsroom, id);
    await change(newsroom, id, { slug: "rudder-never-shown" });
    await remove(id);
    await purge(id);
    expect(await tables(id)).toEqual([0, 0, 0, 0, 0]);
    for (const reference of [id, "rudder", "rudder-bent"]) {
      expectProblem(await newsroom.reader.get(`/v1/articles/${reference}`), 410, "gone");
      expectProblem(await newsroom.reader.get(`/v1/articles/${reference}/key-points`), 410, "gone");
      const shared = await newsroom.reader.post(`/v1/articles/${reference}/shares`).send({ network: "x" });
      expectProblem(shared, 410, "gone");
    }
    expectProblem(await newsroom.reader.get("/v1/articles/rudder-never-shown"), 404, "not-found");
    const { body } = await newsroom.reader.get(`/v1/articles?ids=${id}`);
    expect(body.missing).toEqual([{ id, reason: "gone" }]);
    expect((await draft(newsroom, { headline: "Rudder" })).slug).toBe("rudder-2");
    const taken = await newsroom.editor.post("/v1/articles").send({ headline: "x", slug: "rudder-bent" });
    expectProblem(taken, 409, "slug-taken");
    expectProblem(await newsroom.editor.get(`/v1/articles/${id}?version=draft`), 404, "not-found");
  });

  it("makes links to it plain titles for editors, and goes on hiding them from readers", async () => {
    const target = await live(newsroom, { headline: "Mast" });
    const linking = await live(newsroom, {
      headline: "Sail",
      relatedLinks: [{ articleId: target.id }, { title: "The mast, seen again", articleId: target.id }],
    });
    expect((await seen(newsroom, linking.id)).relatedLinks).toHaveLength(2);
    await remove(target.id);
    await purge(target.id);
    const working = (await newsroom.editor.get(`/v1/articles/${linking.id}?version=draft`)).body;
    expect(working.relatedLinks).toMatchObject([
      { title: "Mast", url: null, articleId: null },
      { title: "The mast, seen again", url: null, articleId: null },
    ]);
    expect((await seen(newsroom, linking.id)).relatedLinks).toEqual([]);
    // Another article that the live one links to changes: it is rendered anew.
    await change(newsroom, linking.id, { standfirst: "Torn" });
    await publish(newsroom, linking.id);
    expect((await seen(newsroom, linking.id)).relatedLinks).toMatchObject([
      { title: "Mast" },
      { title: "The mast, seen again" },
    ]);
  });

  it("takes along an article that links to itself", async () => {
    const { id } = await draft(newsroom, { headline: "Knot" });
    await change(newsroom, id, { relatedLinks: [{ articleId: id }] });
    await remove(id);
    await purge(id);
    expect(await tables(id)).toEqual([0, 0, 0, 0, 0]);
  });

  it("is for what is in the trash alone, with If-Match", async () => {
    const { id } = await live(newsroom, { headline: "Bollard" });
    const asked = () => newsroom.editor.delete(`/v1/trash/${id}`);
    expectProblem(await asked().set("If-Match", "*"), 404, "not-found");
    await unpublish(newsroom, id);
    await remove(id);
    expectProblem(await asked(), 428, "precondition-required");
    expectProblem(await asked().set("If-Match", '"1-x"'), 412, "precondition-failed");
    const { headers } = await newsroom.editor.get(`/v1/trash/${id}`);
    expect((await asked().set("If-Match", headers.etag ?? "")).status).toBe(204);
    expectProblem(await asked().set("If-Match", "*"), 404, "not-found");
  });

  it("comes by itself after 30 days and not before, once however many processes do it", async () => {
    const old: string[] = [];
    for (let number = 0; number < 12; number += 1) {
      const { id } = await live(newsroom, { headline: `Old crate ${number}` });
      await remove(id);
      await age(id, 30);
      old.push(id);
    }
    const { id: young } = await draft(newsroom, { headline: "Young crate" });
    await remove(young);
    await age(young, 29.99);
    const purged = await Promise.all(Array.from({ length: 3 }, () => purgeTrash(newsroom.database)));
    expect(purged.reduce((sum, count) => sum + count)).toBe(12);
    const left = await trash();
    expect(left).toContain(young);
    expect(left.filter((id) => old.includes(id))).toEqual([]);
    expectProblem(await newsroom.reader.get("/v1/articles/old-crate-3"), 410, "gone");
    expect(await purgeTrash(newsroom.database)).toBe(0);
  });

  it("and restoring at the same moment leave one of the two done", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await draft(newsroom, { headline: `Contested ${round}` });
      await remove(id);
      const [restored, purged] = await Promise.all([
        restore(id),
        newsroom.editor.delete(`/v1/trash/${id}`).set("If-Match", "*"),
      ]);
      expect([
        [200, 404],
        [404, 204],
      ]).toContainEqual([restored.status, purged.status]);
    }
  });

  it("and linking to it at the same moment leave no link to nowhere", async () => {
    for (let round = 0; round < 5; round += 1) {
      const target = await draft(newsroom, { headline: `Target ${round}` });
      const linking = await draft(newsroom, {
        headline: `Linking ${round}`,
        relatedLinks: [{ articleId: target.id }],
      });
      await remove(target.id);
      const [purged, changed] = await Promise.all([
        newsroom.editor.delete(`/v1/trash/${target.id}`).set("If-Match", "*"),
        newsroom.editor
          .patch(`/v1/articles/${linking.id}`)
          .set("If-Match", "*")
          .send({ relatedLinks: [{ title: "Another first" }, { id: linking.relatedLinks[0]?.id }] }),
      ]);
      expect(purged.status).toBe(204);
      expect([200, 409, 422]).toContain(changed.status);
      const { body } = await newsroom.editor.get(`/v1/articles/${linking.id}?version=draft`);
      expect((body.relatedLinks as { articleId: null }[]).map(({ articleId }) => articleId)).not.toContain(
        target.id,
      );
    }
  });
});
