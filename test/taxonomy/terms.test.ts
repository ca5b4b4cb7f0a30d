import { describe, expect, it } from "vitest";
import {
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  statusesOf,
  times,
  unknownId,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

interface Term {
  id: string;
  slug: string;
  name: string;
  description: string | null;
  createdAt: string;
  updatedAt: string;
}

/** Each kind, with how an article is filed under one of it and what of the article then names it. */
const kinds = [
  { plural: "sections", filed: (slug: string) => ({ section: slug }) },
  { plural: "tags", filed: (slug: string) => ({ tags: [slug] }) },
  { plural: "authors", filed: (slug: string) => ({ authors: [slug] }) },
];

describe.each(kinds)("$plural", ({ plural, filed }) => {
  const list = `/v1/${plural}`;
  const make = async (content: object) => {
    const answer = await newsroom.editor.post(list).send(content);
    expect(answer.status, answer.text).toBe(201);
    const term = answer.body as Term;
    return {
      term,
      address: `${list}/${term.id}`,
      etag: answer.headers.etag ?? "",
      location: answer.headers.location,
    };
  };

  it("are made from a name alone", async () => {
    const { term, address, location } = await make({ name: "Côte d’Azur" });
    expect(term).toEqual({ ...term, slug: "cote-dazur", name: "Côte d’Azur", description: null });
    expect(location).toBe(address);
  });

  it("take a slug and a description", async () => {
    const { term } = await make({ name: "Opinion", slug: "comment", description: "“Ours” alone 🖊" });
    expect(term).toMatchObject({ name: "Opinion", slug: "comment", description: "“Ours” alone 🖊" });
  });

  it("get a slug that is no id when their name has no letters, and articles name them by it", async () => {
    const { term } = await make({ name: "🌊🌊" });
    expect(term.slug).toMatch(/^[a-z]+-[0-9a-f]{12}$/);
    const draft = await makeDraft(newsroom.editor, filed(term.slug));
    const { section, tags, authors } = draft.article;
    expect(await patchDraft(newsroom.editor, draft, { section, tags, authors })).toEqual(draft);
  });

  it("are read by anyone, by id or slug, with the tag that was answered", async () => {
    const { term, etag, address } = await make({ name: "Readable" });
    for (const path of [address, `${list}/readable`, `${list}/${term.id.toUpperCase()}`]) {
      const read = await newsroom.reader.get(path);
      expect([read.status, read.body, read.headers.etag]).toEqual([200, term, etag]);
      expect(read.headers["cache-control"]).toMatch(/^public, max-age=\d+/);
    }
    const again = await newsroom.reader.get(address).set("If-None-Match", etag);
    expect([again.status, again.text, again.headers.etag]).toEqual([304, "", etag]);
  });

  it("are 404 when there is none", async () => {
    for (const path of [unknownId, "no-such-slug", "Not%20a%20slug"]) {
      expectRefused(await newsroom.reader.get(`${list}/${path}`), 404);
      expectRefused(await newsroom.editor.patch(`${list}/${path}`).send({ name: "x" }), 404);
      expectRefused(await newsroom.editor.delete(`${list}/${path}`), 404);
    }
  });

  it("are written with a key that may write articles alone", async () => {
    const { address } = await make({ name: "Guarded" });
    const publisher = await newsroom.withScopes(["articles:publish", "drafts:read"]);
    for (const [agent, status] of [
      [newsroom.reader, 401],
      [publisher, 403],
    ] as const) {
      expectRefused(await agent.post(list).send({ name: "x" }), status);
      expectRefused(await agent.patch(address).send({ name: "x" }), status);
      expectRefused(await agent.delete(address), status);
    }
    const writer = await newsroom.withScopes(["articles:write"]);
    expect((await writer.patch(address).send({ name: "Written" })).status).toBe(200);
  });

  it.each<[string, unknown, string]>([
    ["no name", {}, "#/name"],
    ["a blank name", { name: " " }, "#/name"],
    ["a name too long", { name: "x".repeat(201) }, "#/name"],
    ["a name with NUL", { name: "a\0b" }, "#/name"],
    ["a description too long", { name: "A", description: "x".repeat(2001) }, "#/description"],
    ["a slug that is none", { name: "A", slug: "A B" }, "#/slug"],
    ["a slug that looks like an id", { name: "A", slug: unknownId }, "#/slug"],
    ["an unknown property", { name: "A", colour: "red" }, "#/colour"],
  ])("are refused with %s", async (_, content, pointer) => {
    expectRefused(await newsroom.editor.post(list).send(content as object), 422, pointer);
  });

  it("have one slug each: another with it is 409, from a name too", async () => {
    await make({ name: "Only one" });
    for (const content of [{ name: "x", slug: "only-one" }, { name: "Only, one!" }]) {
      const answer = await newsroom.editor.post(list).send(content);
      expectRefused(answer, 409);
      expect(answer.body.type).toBe("/problems/slug-taken");
    }
    const { address } = await make({ name: "Another one" });
    expectRefused(await newsroom.editor.patch(address).send({ slug: "only-one" }), 409);
  });

  it("give a slug that sixteen want at once to one of them", async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => newsroom.editor.post(list).send({ name: "Wanted by all" })),
    );
    expect(statusesOf(answers)).toEqual([201, ...times(15, 409)]);
  });

  it.each(["application/merge-patch+json", "application/json"])(
    "are changed by a merge patch as %s",
    async (type) => {
      const { term, address } = await make({
        name: "Before",
        slug: `before-${type.length}`,
        description: "Kept",
      });
      const answer = await newsroom.editor.patch(address).type(type).send('{"name":"After"}');
      expect(answer.body).toEqual({ ...term, name: "After", updatedAt: answer.body.updatedAt });
      const read = await newsroom.reader.get(address);
      expect([read.body, read.headers.etag]).toEqual([answer.body, answer.headers.etag]);
      expect(
        (await newsroom.editor.patch(address).type(type).send('{"description":null}')).body.description,
      ).toBeNull();
    },
  );

  it("keep their tag when a change changes nothing", async () => {
    const { term, address, etag } = await make({ name: "Steady" });
    for (const change of [{}, { name: "Steady" }, { slug: "steady", description: null }]) {
      const answer = await newsroom.editor.patch(address).send(change);
      expect([answer.body, answer.headers.etag]).toEqual([term, etag]);
    }
  });

  it("heed If-Match where it is sent", async () => {
    const { address, etag } = await make({ name: "Conditional" });
    const send = (tag: string) =>
      newsroom.editor.patch(address).set("If-Match", tag).send({ description: tag });
    const changed = await send(etag);
    expect(changed.status).toBe(200);
    for (const tag of [etag, `W/${changed.headers.etag}`, '"other"']) expectRefused(await send(tag), 412);
    expectRefused(await newsroom.editor.delete(address).set("If-Match", etag), 412);
    expect((await send(`"other", ${changed.headers.etag}`)).status).toBe(200);
    expect((await newsroom.editor.delete(address).set("If-Match", "*")).status).toBe(204);
  });

  it("lose no update of sixteen who change one at once with its tag", async () => {
    const { address, etag } = await make({ name: "Contended" });
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor
          .patch(address)
          .set("If-Match", etag)
          .send({ description: `Editor ${index}` }),
      ),
    );
    expect(statusesOf(answers)).toEqual([200, ...times(15, 412)]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await newsroom.reader.get(address)).body).toEqual(winner?.body);
  });

  it("are deleted when no article uses them, and their slug is free again", async () => {
    const { address } = await make({ name: "Short-lived" });
    const answer = await newsroom.editor.delete(address);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expectRefused(await newsroom.reader.get(address), 404);
    await make({ name: "Short-lived" });
  });

  it("cannot be deleted while an edition that waits for its time uses them", async () => {
    const { address } = await make({ name: "Expected" });
    const draft = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor));
    const change = (content: object) =>
      newsroom.editor.patch(draft.address).set("If-Match", "*").send(content);
    await change(filed("expected"));
    await newsroom.editor.post(`${draft.address}/publish`).send({ at: "2099-01-01T00:00:00Z" });
    await change({ section: null, tags: [], authors: [] });
    expectRefused(await newsroom.editor.delete(address), 409);
    await newsroom.editor.post(`${draft.address}/cancel`);
    expect((await newsroom.editor.delete(address)).status).toBe(204);
  });

  it("cannot be deleted, nor get another slug, while a working copy uses them", async () => {
    const { term, address } = await make({ name: "Busy" });
    const draft = await makeDraft(newsroom.editor, filed("busy"));
    for (const answer of [
      await newsroom.editor.delete(address),
      await newsroom.editor.patch(address).send({ slug: "idle" }),
    ]) {
      expectRefused(answer, 409);
      expect(answer.body.type).toBe("/problems/in-use");
    }
    expect((await newsroom.reader.get(address)).body).toEqual(term);
    await patchDraft(newsroom.editor, draft, { section: null, tags: [], authors: [] });
    expect((await newsroom.editor.patch(address).send({ slug: "idle" })).status).toBe(200);
    expect((await newsroom.editor.delete(address)).status).toBe(204);
  });

  it("cannot be deleted while readers see an article under them", async () => {
    const { address } = await make({ name: "Seen" });
    const live = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor, filed("seen")));
    const emptied = await patchDraft(newsroom.editor, live, { section: null, tags: [], authors: [] });
    expectRefused(await newsroom.editor.delete(address), 409);
    await publishDraft(newsroom.editor, emptied);
    expect((await newsroom.editor.delete(address)).status).toBe(204);
  });

  it("may be renamed while in use", async () => {
    const { address } = await make({ name: "Old name", slug: "fixed" });
    const draft = await makeDraft(newsroom.editor, filed("fixed"));
    expect((await newsroom.editor.patch(address).send({ name: "New name" })).body).toMatchObject({
      name: "New name",
      slug: "fixed",
    });
    const { article } = await readDraft(newsroom.editor, draft);
    expect([article.section, ...article.tags, ...article.authors.map(({ slug }) => slug)]).toContain("fixed");
  });

  it("deleted while an article is being filed under them leave a whole newsroom: one of both is refused", async () => {
    for (let round = 0; round < 8; round += 1) {
      const { term, address } = await make({ name: `Raced ${round}` });
      const [article, deletion] = await Promise.all([
        newsroom.editor.post("/v1/articles").send({ headline: "Race", ...filed(term.slug) }),
        newsroom.editor.delete(address),
      ]);
      expect([
        [201, 409],
        [409, 204],
        [422, 204],
      ]).toContainEqual([article.status, deletion.status]);
      expect((await newsroom.reader.get(address)).status).toBe(article.status === 201 ? 200 : 404);
    }
  });

  it("deleted just before an article is filed under them are a conflict, not a failure", async () => {
    const { term } = await make({ name: "Vanishing" });
    const table = { sections: "section", tags: "tag", authors: "author" }[plural] as "section";
    const waiting = () => newsroom.database.$queryRaw<unknown[]>`
      SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    const request = await newsroom.database.$transaction(async (tx) => {
      await tx[table].delete({ where: { id: term.id } });
      const filing = newsroom.editor
        .post("/v1/articles")
        .send({ headline: "Late", ...filed(term.slug) })
        .then((answer) => answer);
      // The filing waits for this transaction before it commits.
      await expect.poll(async () => (await waiting()).length).toBe(1);
      return { filing };
    });
    expectRefused(await request.filing, 409);
  });

  it("are listed by slug, in pages", async () => {
    for (const name of ["zz one", "zz two", "zz three", "zz four"]) await make({ name });
    const total = (await newsroom.reader.get(`${list}?count=true&limit=1`)).body.page.total;
    const seen: string[] = [];
    let next: string | null = `${list}?limit=3`;
    while (next !== null) {
      const {
        body,
        headers,
      }: {
        body: { data: Term[]; page: { limit: number; next: string | null } };
        headers: Record<string, string>;
      } = await newsroom.reader.get(next);
      expect(body.page.limit).toBe(3);
      seen.push(...body.data.map(({ slug }) => slug));
      next = /^<([^>]+)>; rel="next"$/.exec(headers.link ?? "")?.[1] ?? null;
      expect(next === null).toBe(body.page.next === null);
    }
    expect(seen).toHaveLength(total);
    expect(seen).toEqual([...new Set(seen)].toSorted());
    expect(seen.slice(-4)).toEqual(["zz-four", "zz-one", "zz-three", "zz-two"]);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["cursor=AAAA", "cursor"],
    ["sort=name", "sort"],
    ["count=yes", "count"],
  ])("refuse the list's parameter %s", async (query, pointer) => {
    expectRefused(await newsroom.reader.get(`${list}?${query}`), 400, pointer);
  });

  it("have no other methods", async () => {
    const { address } = await make({ name: "Methodical" });
    const answer = await newsroom.editor.put(address).send({ name: "x" });
    expectRefused(answer, 405);
    expect(answer.headers.allow).toMatch(/PATCH/);
  });
});

describe("filing an article", () => {
  it("makes what is named by a name and does not exist, once", async () => {
    const one = await makeDraft(newsroom.editor, {
      tags: [{ name: "Sea ice" }, { name: "sea ice" }, "sea-ice"],
    });
    expect(one.article.tags).toEqual(["sea-ice"]);
    expect((await makeDraft(newsroom.editor, { tags: [{ name: "Sea ice" }] })).article.tags).toEqual([
      "sea-ice",
    ]);
    expect((await newsroom.reader.get("/v1/tags/sea-ice")).body.name).toBe("Sea ice");
  });

  it("under a new tag, section and author works for sixteen at once, in whichever order", async () => {
    const names = ["Ebb", "Flow", "Slack"].map((name) => ({ name }));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor.post("/v1/articles").send({
          headline: `Tide ${index}`,
          section: { name: "Tides" },
          tags: index % 2 === 0 ? names : names.toReversed(),
          authors: [{ name: "Tide Desk" }],
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(times(16, 201));
    expect(await newsroom.database.tag.count({ where: { slug: { in: ["ebb", "flow", "slack"] } } })).toBe(3);
    expect(new Set(answers.map(({ body }) => body.authors[0].id)).size).toBe(1);
  });

  it("keeps the order of tags and authors", async () => {
    const draft = await makeDraft(newsroom.editor, { tags: [{ name: "B" }, { name: "A" }, { name: "C" }] });
    expect(draft.article.tags).toEqual(["b", "a", "c"]);
    expect((await patchDraft(newsroom.editor, draft, { tags: ["c", "b", "a"] })).article.tags).toEqual([
      "c",
      "b",
      "a",
    ]);
  });

  it("names by id, by slug, by what is answered, or by a slug with the name to make", async () => {
    const { article } = await makeDraft(newsroom.editor, {
      authors: [{ name: "Named Once", slug: "chosen-slug" }],
    });
    const [author] = article.authors;
    for (const reference of [{ id: author?.id }, "chosen-slug", { slug: "chosen-slug" }, author]) {
      expect((await makeDraft(newsroom.editor, { authors: [reference] })).article.authors).toEqual([author]);
    }
    expectRefused(
      await newsroom.editor.post("/v1/articles").send({ headline: "A", authors: [{ slug: "nobody" }] }),
      422,
      "#/authors/0",
    );
  });
});
