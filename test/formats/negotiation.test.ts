import { beforeAll, describe, expect, it } from "vitest";
import { change, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();
let address = "";
let id = "";
beforeAll(async () => {
  const made = await live(newsroom, {
    headline: "Asked for",
    section: { name: "World" },
    body: [{ type: "paragraph", text: "It is long enough. ".repeat(100) }],
  });
  ({ id } = made);
  address = `/v1/articles/${id}`;
  // From memory, as most requests are answered.
  await newsroom.reader.get(address);
});

const typeOf = async (accept: string, path = address) =>
  (await newsroom.reader.get(path).set("accept", accept)).headers["content-type"]?.split(";")[0];

describe("the form of an answer", () => {
  it.each([
    ["*/*", "application/json"],
    ["application/*", "application/json"],
    ["application/json, text/plain, */*", "application/json"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
    ["text/markdown;q=0.5, application/ld+json;q=0.7", "application/ld+json"],
    ["application/json;q=0.1, text/plain;q=0.2", "text/plain"],
    ["application/json;q=0, */*", "application/ld+json"],
    ["TEXT/MARKDOWN", "text/markdown"],
    ["application/vnd.iptc.ninjs+json", "application/vnd.iptc.ninjs+json"],
  ])("follows Accept: %s", async (accept, type) => {
    expect(await typeOf(accept)).toBe(type);
  });

  it("is what format names, whatever Accept says", async () => {
    expect(await typeOf("text/html, */*", `${address}?format=json`)).toBe("application/json");
    expect(await typeOf("application/json", `${address}?format=markdown`)).toBe("text/markdown");
  });

  it("is told to caches by Vary", async () => {
    for (const path of [address, `${address}?format=text`, "/v1/articles", "/v1/articles?format=ninjs"])
      expect((await newsroom.reader.get(path)).headers.vary).toMatch(/\bAccept$/);
  });

  it("is refused with 406 when it is not offered, naming those that are", async () => {
    const answer = await newsroom.reader.get(address).set("accept", "application/rss+xml");
    expect(expectProblem(answer, 406, "not-acceptable").detail).toContain("text/markdown");
    const list = await newsroom.reader.get("/v1/articles").set("accept", "text/markdown");
    expectProblem(list, 406, "not-acceptable");
  });

  it.each([
    ["?format=xml", "format"],
    ["?format=", "format"],
    ["?format=text&format=json", "format"],
    ["?format=text&fields=headline", "fields"],
  ])("is refused with 400: %s", async (query, pointer) => {
    const answer = await newsroom.reader.get(address + query);
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe(pointer);
  });

  it("is JSON alone of working copies", async () => {
    const answer = await newsroom.editor.get(`${address}?version=draft&format=text`);
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("version");
    const list = await newsroom.editor.get("/v1/articles?version=draft&format=ninjs");
    expect(expectProblem(list, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("version");
    expect((await newsroom.editor.get(`${address}?version=draft`)).body.headline).toBe("Asked for");
  });

  it("is not one that lists do not have", async () => {
    expectProblem(await newsroom.reader.get("/v1/articles?format=text"), 400, "invalid-parameter");
  });
});

describe.each(["jsonld", "ninjs", "text", "markdown", "html"])("an answer as %s", (format) => {
  it("has an entity tag of its own, and is 304 to who has it, and the same to HEAD", async () => {
    const path = `${address}?format=${format}`;
    const first = await newsroom.reader.get(path);
    expect(first.status).toBe(200);
    expect(first.headers["surrogate-key"]).toContain(id.replaceAll("-", ""));
    expect(first.headers["cache-control"]).toMatch(/^public, max-age=1\b/);
    expect(first.headers["x-content-type-options"]).toBe("nosniff");
    const json = await newsroom.reader.get(address);
    expect(first.headers.etag).not.toBe(json.headers.etag);
    const again = await newsroom.reader.get(path).set("if-none-match", first.headers.etag ?? "");
    expect([again.status, again.text]).toEqual([304, ""]);
    const head = await newsroom.reader.head(path).set("accept-encoding", "gzip, deflate");
    expect([head.status, head.headers.etag]).toEqual([200, first.headers.etag]);
    const plain = await newsroom.reader.get(path).set("accept-encoding", "identity");
    expect(plain.headers.etag).not.toBe(first.headers.etag);
    expect(plain.text).toBe(first.text);
  });

  it("changes with the article, and its shares where it says them, and goes with it", async () => {
    const made = await live(newsroom, { headline: "To change" });
    const path = `/v1/articles/${made.id}?format=${format}`;
    expect((await newsroom.reader.get(path)).text).toContain("To change");
    await change(newsroom, made.id, { headline: "Has changed" });
    expect((await newsroom.reader.get(path)).text).toContain("To change");
    await publish(newsroom, made.id);
    expect((await newsroom.reader.get(path)).text).toContain("Has changed");
    await unpublish(newsroom, made.id);
    expectProblem(await newsroom.reader.get(path), 410, "gone");
  });

  it("follows a former slug with a redirection that keeps the form", async () => {
    const made = await live(newsroom, { headline: `Moves as ${format}` });
    await change(newsroom, made.id, { slug: `moved-as-${format}` });
    await publish(newsroom, made.id);
    const answer = await newsroom.reader.get(`/v1/articles/${made.slug}?format=${format}`);
    expect(answer.status).toBe(301);
    expect(answer.headers.location).toBe(`/v1/articles/moved-as-${format}?format=${format}`);
  });

  it("is private when a key was sent", async () => {
    const answer = await newsroom.editor.get(`${address}?format=${format}`);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  });
});

it("shows a section by its name of a second ago at the most", async () => {
  const tags = async () =>
    JSON.parse((await newsroom.reader.get(`${address}?format=jsonld`)).text).articleSection;
  expect(await tags()).toBe("World");
  await newsroom.editor.patch("/v1/sections/world").set("if-match", "*").send({ name: "The world" });
  await expect.poll(tags, { timeout: 2_000 }).toBe("The world");
});
