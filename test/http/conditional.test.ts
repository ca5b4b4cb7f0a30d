import { beforeAll, describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

/** Each address that answers with one thing or a list of them, by what is there. */
const addresses: Record<string, string> = {};
const names = [
  "an article",
  "an article by its slug",
  "a working copy",
  "a key point",
  "a working copy's key point",
  "a related link",
  "a share count",
  "a section",
  "a tag",
  "an author",
  "a key",
  "the articles",
  "the working copies",
  "the key points",
  "the related links",
  "the share counts",
  "the sections",
  "the keys",
] as const;

beforeAll(async () => {
  const { body: article } = await newsroom.editor.post("/v1/articles").send({
    headline: "Tram returns",
    keyPoints: ["It is blue"],
    relatedLinks: [{ kind: "source", title: "The plan", url: "https://example.com/plan" }],
    section: { name: "City" },
    tags: [{ name: "Trams" }],
    authors: [{ name: "Jun Mori" }],
  });
  const at = `/v1/articles/${article.id}`;
  await newsroom.editor.post(`${at}/publish`);
  await newsroom.editor.put(`${at}/share-counts/email`).set("if-match", "*").send({ count: 2 });
  const { body: keys } = await newsroom.editor.get("/v1/keys");
  Object.assign(addresses, {
    "an article": at,
    "an article by its slug": "/v1/articles/tram-returns",
    "a working copy": `${at}?version=draft`,
    "a key point": `${at}/key-points/${article.keyPoints[0].id}`,
    "a working copy's key point": `${at}/key-points/${article.keyPoints[0].id}?version=draft`,
    "a related link": `${at}/related-links/${article.relatedLinks[0].id}`,
    "a share count": `${at}/share-counts/email`,
    "a section": "/v1/sections/city",
    "a tag": "/v1/tags/trams",
    "an author": "/v1/authors/jun-mori",
    "a key": `/v1/keys/${keys.data[0].id}`,
    "the articles": "/v1/articles",
    "the working copies": "/v1/articles?version=draft",
    "the key points": `${at}/key-points`,
    "the related links": `${at}/related-links`,
    "the share counts": `${at}/share-counts`,
    "the sections": "/v1/sections",
    "the keys": "/v1/keys",
  });
});

const addressOf = (name: string) => addresses[name] ?? "";
/** What a 304 repeats (RFC 9110, section 15.4.5), and what must stay from one answer to the next. */
const lasting = (headers: Record<string, string>) =>
  Object.fromEntries(
    ["etag", "cache-control", "vary", "surrogate-key", "cache-groups", "link"].map((name) => [
      name,
      headers[name],
    ]),
  );

describe.for(names)("%s", (name) => {
  it("has a strong entity tag that stays while it does", async () => {
    const first = await newsroom.editor.get(addressOf(name));
    const second = await newsroom.editor.get(addressOf(name));
    expect(first.status).toBe(200);
    expect(first.headers.etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(second.text).toBe(first.text);
  });

  it("is 304 to whoever has it, with the headers of the whole answer", async () => {
    const whole = await newsroom.editor.get(addressOf(name));
    const tag = whole.headers.etag ?? "";
    for (const had of [tag, `W/${tag}`, "*", `"other", ${tag}`, `"other",W/${tag} , "third"`]) {
      const answer = await newsroom.editor.get(addressOf(name)).set("if-none-match", had);
      expect({ had, status: answer.status, text: answer.text }).toEqual({ had, status: 304, text: "" });
      expect(lasting(answer.headers)).toEqual(lasting(whole.headers));
      expect(answer.headers).not.toHaveProperty("content-type");
    }
  });

  it("is 200 to whoever has something else", async () => {
    const tag = (await newsroom.editor.get(addressOf(name))).headers.etag ?? "";
    for (const had of ['"other"', tag.replaceAll('"', ""), `${tag}x`, ""]) {
      const answer = await newsroom.editor.get(addressOf(name)).set("if-none-match", had);
      expect({ had, status: answer.status }).toEqual({ had, status: 200 });
    }
  });

  it("answers HEAD as GET, without the body", async () => {
    const get = await newsroom.editor.get(addressOf(name));
    const head = await newsroom.editor.head(addressOf(name));
    expect(head.status).toBe(200);
    expect(head.text ?? "").toBe("");
    for (const header of ["content-type", "content-length"])
      expect(head.headers[header]).toBe(get.headers[header]);
    expect(lasting(head.headers)).toEqual(lasting(get.headers));
    const unchanged = await newsroom.editor
      .head(addressOf(name))
      .set("if-none-match", get.headers.etag ?? "");
    expect(unchanged.status).toBe(304);
  });
});

describe("HEAD of what cannot be had", () => {
  it("has the status of GET and no body", async () => {
    for (const path of ["/v1/articles/none", "/nowhere", "/v1/articles?limit=0"]) {
      const get = await newsroom.reader.get(path);
      const head = await newsroom.reader.head(path);
      expect(head.status).toBe(get.status);
      expect(head.text ?? "").toBe("");
    }
  });
});

describe("an entity tag", () => {
  it("changes with a share, while the tag that guards the working copy still fits", async () => {
    const at = addressOf("an article");
    const before = await newsroom.reader.get(at);
    const copy = await newsroom.editor.get(`${at}?version=draft`);
    await newsroom.reader.post(`${at}/shares`).send({ network: "email" });
    const after = await newsroom.reader.get(at).set("if-none-match", before.headers.etag ?? "");
    expect(after.status).toBe(200);
    expect(after.headers.etag).not.toBe(before.headers.etag);
    const patched = await newsroom.editor
      .patch(at)
      .set("if-match", copy.headers.etag ?? "")
      .send({ standfirst: "It is blue" });
    expect(patched.status).toBe(200);
  });

  it("of a PATCH guards the next one, and of the state before is stale", async () => {
    const { body: article } = await newsroom.editor.post("/v1/articles").send({ headline: "Tram leaves" });
    const at = `/v1/articles/${article.id}`;
    const first = await newsroom.editor.patch(at).set("if-match", "*").send({ standfirst: "One" });
    const second = await newsroom.editor
      .patch(at)
      .set("if-match", first.headers.etag ?? "")
      .send({ standfirst: "Two" });
    expect(second.status).toBe(200);
    expectProblem(
      await newsroom.editor
        .patch(at)
        .set("if-match", first.headers.etag ?? "")
        .send({ standfirst: "Three" }),
      412,
      "precondition-failed",
    );
  });

  it("never fits when it is weak or another's", async () => {
    const at = addressOf("an article");
    const tag = (await newsroom.editor.get(`${at}?version=draft`)).headers.etag ?? "";
    for (const wanted of [`W/${tag}`, '"other"']) {
      expectProblem(
        await newsroom.editor.patch(at).set("if-match", wanted).send({ standfirst: "Four" }),
        412,
        "precondition-failed",
      );
    }
  });

  it.for(["unquoted", '"open', '"a" "b"', "**"])("is 400 in If-Match as %s", async (wanted) => {
    const answer = await newsroom.editor
      .patch(addressOf("an article"))
      .set("if-match", wanted)
      .send({ standfirst: "Five" });
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("If-Match");
  });
});
