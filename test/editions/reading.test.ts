import { describe, expect, it } from "vitest";
import { change, draft, live, publish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

/** Stands in everything that is written after the first publication. */
const SECRET = "zzsecretzz";

/** All that the public can get of an article, in one text. */
async function everythingPublic(id: string, slug: string): Promise<string> {
  const paths = [id, slug].flatMap((reference) =>
    [
      "",
      "/key-points",
      "/related-links",
      "/share-counts",
      "?fields=headline,body,tags,slug,section,authors",
    ].map((path) => `${reference}${path}`),
  );
  const addresses = [
    ...paths.map((path) => `/v1/articles/${path}`),
    "/v1/articles",
    `/v1/articles?ids=${id}`,
    "/v1/articles?sort=updated&count=true",
  ];
  const answers = await Promise.all(addresses.map((address) => newsroom.reader.get(address)));
  expect(answers.map(({ status }) => status)).toEqual(addresses.map(() => 200));
  // In which order headers come means nothing (RFC 9110, section 5.3).
  const inOrder = (headers: object) =>
    Object.fromEntries(Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return answers.map(({ text, headers }) => `${text}${JSON.stringify(inOrder(headers))}`).join("\n");
}

describe("a change to the working copy", () => {
  it("stays hidden from readers in every field and sub-resource until it is published", async () => {
    const article = await live(newsroom, {
      headline: "Public words",
      keyPoints: ["Public point", "Another public point"],
      relatedLinks: [{ title: "Public link", url: "https://example.com/public" }],
      body: [{ id: "p1", type: "paragraph", text: "Public paragraph." }],
    });
    const { id, slug } = article;
    const before = await everythingPublic(id, slug);
    const edit = (method: "post" | "put" | "patch" | "delete", path: string) =>
      newsroom.editor[method](`/v1/articles/${id}${path}`).set("If-Match", "*");
    const link = article.relatedLinks[0]?.id;
    const [point, other] = article.keyPoints;
    const edits = [
      edit("patch", "").send({
        headline: `${SECRET} headline`,
        slug: SECRET,
        standfirst: SECRET,
        dateline: SECRET,
        language: "pt-BR",
        section: { name: SECRET },
        tags: [{ name: SECRET }],
        authors: [{ name: SECRET }],
        body: [
          { id: "p1", type: "paragraph", text: SECRET },
          { type: "quote", text: SECRET, attribution: SECRET },
          { type: "relatedLink", relatedLinkId: link },
        ],
      }),
      edit("post", "/key-points").send({ text: SECRET, position: 0 }),
      edit("patch", `/key-points/${point?.id}`).send({ text: SECRET }),
      edit("delete", `/key-points/${other?.id}`),
      edit("post", "/related-links").send({ title: SECRET, url: `https://example.com/${SECRET}` }),
      edit("patch", `/related-links/${link}`).send({ title: SECRET }),
      edit("put", "/key-points").send([SECRET]),
      edit("put", "/related-links").send([{ title: SECRET }]),
    ];
    for (const sent of edits) {
      expect([200, 201, 204]).toContain((await sent).status);
      expect(stable(await everythingPublic(id, slug))).toBe(stable(before));
    }
    expect((await newsroom.reader.get(`/v1/articles/${SECRET}`)).status).toBe(404);
    for (const filter of ["tag", "section", "author"]) {
      expect((await newsroom.reader.get(`/v1/articles?${filter}=${SECRET}`)).body.data).toEqual([]);
    }
    await publish(newsroom, id);
    expect(await everythingPublic(id, SECRET)).toContain(SECRET);
    expect((await newsroom.reader.get(`/v1/articles?tag=${SECRET}`)).body.data).toMatchObject([{ id }]);
  });

  it("shows in hasUnpublishedChanges to editors alone", async () => {
    const { id } = await live(newsroom, { headline: "In two minds" });
    await change(newsroom, id, { standfirst: "Perhaps" });
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body.hasUnpublishedChanges).toBe(
      true,
    );
    expect((await newsroom.editor.get(`/v1/articles/${id}`)).body.hasUnpublishedChanges).toBe(false);
  });
});

/** An answer without what differs between any two requests. */
function stable(text: string): string {
  return text.replaceAll(/"(date|x-request-id)":"[^"]*"/g, "");
}

describe("working copies", () => {
  it("are for keys with drafts:read", async () => {
    const article = await draft(newsroom, {
      headline: "For editors",
      keyPoints: ["Point"],
      relatedLinks: [{ title: "Some other piece" }],
    });
    const writer = await newsroom.withScopes(["articles:write"]);
    const drafts = await newsroom.withScopes(["drafts:read"]);
    for (const reference of [article.id, article.slug]) {
      for (const path of [
        "",
        "/key-points",
        `/key-points/${article.keyPoints[0]?.id}`,
        "/related-links",
        `/related-links/${article.relatedLinks[0]?.id}`,
        "/share-counts",
      ]) {
        const address = `/v1/articles/${reference}${path}`;
        expect((await newsroom.reader.get(address)).status).toBe(404);
        expect((await drafts.get(address)).status).toBe(404);
        expect((await newsroom.reader.get(`${address}?version=draft`)).status).toBe(401);
        expect((await writer.get(`${address}?version=draft`)).status).toBe(403);
        const read = await drafts.get(`${address}?version=draft`);
        expect([address, read.status, read.headers["cache-control"]]).toEqual([
          address,
          200,
          "private, no-store",
        ]);
      }
    }
    expect((await newsroom.reader.get("/v1/articles?version=draft")).status).toBe(401);
    expect((await writer.get("/v1/articles?version=draft")).status).toBe(403);
    expect((await drafts.get("/v1/articles?version=draft&status=draft")).status).toBe(200);
  });

  it("are never shown by a parameter that is not known", async () => {
    const { id } = await draft(newsroom, { headline: "Tricks" });
    for (const query of [
      "version=Draft",
      "version=",
      "version=draft&version=published",
      "draft=true",
      "status=draft",
    ]) {
      expect([query, (await newsroom.reader.get(`/v1/articles/${id}?${query}`)).status]).toEqual([
        query,
        400,
      ]);
    }
    expect((await newsroom.reader.get("/v1/articles?status=draft")).status).toBe(400);
  });
});

describe("the published edition", () => {
  it("is a cacheable answer with a strong ETag that If-None-Match finds again", async () => {
    const { id } = await live(newsroom, { headline: "Worth keeping", tags: [{ name: "Keep" }] });
    const read = await newsroom.reader.get(`/v1/articles/${id}`);
    expect(read.headers["cache-control"]).toMatch(
      /^public, max-age=\d+, stale-while-revalidate=\d+, stale-if-error=\d+$/,
    );
    expect(read.headers["surrogate-key"]?.split(" ")).toContain(id.replaceAll("-", ""));
    expect(read.headers["cache-groups"]).toContain(`"${id.replaceAll("-", "")}"`);
    expect(read.headers.etag).toMatch(/^"[^"]+"$/);
    const again = await newsroom.reader
      .get(`/v1/articles/${id}`)
      .set("If-None-Match", read.headers.etag ?? "");
    expect([again.status, again.text, again.headers.etag]).toEqual([304, "", read.headers.etag]);
    expect((await newsroom.reader.get(`/v1/articles/${id}`).set("If-None-Match", '"other"')).status).toBe(
      200,
    );
  });

  it("is private to whom a key got it", async () => {
    const { id } = await live(newsroom, { headline: "Read with a key" });
    for (const path of ["", "/key-points", "/related-links", "/share-counts"]) {
      expect((await newsroom.editor.get(`/v1/articles/${id}${path}`)).headers["cache-control"]).toBe(
        "private, no-store",
      );
    }
  });

  it("comes with the fields that are asked for, and id", async () => {
    const { id } = await live(newsroom, { headline: "In part" });
    expect((await newsroom.reader.get(`/v1/articles/${id}?fields=headline,version`)).body).toEqual({
      id,
      headline: "In part",
      version: 1,
    });
    const unknown = await newsroom.reader.get(`/v1/articles/${id}?fields=headline,secret`);
    expect([unknown.status, unknown.body.errors[0].pointer]).toEqual([
      400,
      expect.stringContaining("fields"),
    ]);
  });

  it("answers 404 for a key point or link that only the working copy has", async () => {
    const { id } = await live(newsroom, { headline: "Not yet", keyPoints: ["Public"] });
    const added = await newsroom.editor.post(`/v1/articles/${id}/key-points`).send({ text: "Draft" });
    expect((await newsroom.reader.get(`/v1/articles/${id}/key-points/${added.body.id}`)).status).toBe(404);
    expect(
      (await newsroom.editor.get(`/v1/articles/${id}/key-points/${added.body.id}?version=draft`)).status,
    ).toBe(200);
    await publish(newsroom, id);
    const shown = await newsroom.reader.get(`/v1/articles/${id}/key-points/${added.body.id}`);
    expect(shown.body).toEqual(added.body);
  });
});
