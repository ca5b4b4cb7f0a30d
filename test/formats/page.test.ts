import { beforeAll, describe, expect, it } from "vitest";
import { change, draft, live, publish, unpublish } from "../support/articles.ts";
import { freshDatabase } from "../support/database.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { everything, inUrdu } from "./samples.ts";

const newsroom = useNewsroom();
let id = "";
let slug = "";
beforeAll(async () => {
  ({ id, slug } = await everything(newsroom));
});

const contentOf = (page: string, property: string) =>
  new RegExp(`<meta (?:property|name)="${property}" content="([^"]*)"`).exec(page)?.[1];

describe("the page of an article", () => {
  it("is there for everyone, to be kept and purged like the article", async () => {
    const answer = await newsroom.reader.get(`/a/${slug}`);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    expect(answer.headers["cache-control"]).toMatch(/^public, max-age=1\b/);
    expect(answer.headers["surrogate-key"]).toContain(id.replaceAll("-", ""));
    expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'self'/);
    const again = await newsroom.reader.get(`/a/${slug}`).set("if-none-match", answer.headers.etag ?? "");
    expect([again.status, again.text]).toEqual([304, ""]);
    const head = await newsroom.reader.head(`/a/${slug}`).set("accept-encoding", "gzip, deflate");
    expect([head.status, head.headers.etag]).toEqual([200, answer.headers.etag]);
  });

  it("says what it is to search engines and networks", async () => {
    const { text } = await newsroom.reader.get(`/a/${slug}`);
    const address = `${newsroom.url}/a/${slug}`;
    expect(text).toContain(`<link rel="canonical" href="${address}"`);
    expect(text).not.toMatch(/noindex|class="preview"/);
    expect(contentOf(text, "og:url")).toBe(address);
    expect(contentOf(text, "og:type")).toBe("article");
    expect(contentOf(text, "og:title")).toContain("*reopens* &amp; sails");
    expect(contentOf(text, "og:description")).toBe("Ferries, trawlers &amp; a backlog of &lt;mail&gt;");
    expect(contentOf(text, "og:image")).toBe("https://images.example/harbour.svg");
    expect(contentOf(text, "article:section")).toBe("World &amp; sea");
    expect(contentOf(text, "article:published_time")).toMatch(/^\d{4}-.*Z$/);
    for (const name of ["jsonld", "ninjs", "text", "markdown", "html"])
      expect(text).toContain(`${newsroom.url}/v1/articles/${slug}?format=${name}"`);
    for (const feed of ["rss.xml", "atom.xml", "feed.json"])
      expect(text).toContain(`href="${newsroom.url}/v1/feeds/${feed}"`);
  });

  it("bears the JSON-LD that the API answers, but for the text, and no script that a headline could end", async () => {
    const { text } = await newsroom.reader.get(`/a/${slug}`);
    const scripts = [...text.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
    expect(scripts.map(([, attributes]) => attributes)).toEqual([' type="application/ld+json"']);
    const jsonLd = await newsroom.reader.get(`/v1/articles/${slug}?format=jsonld`);
    const { articleBody: _, ...data } = JSON.parse(jsonLd.text);
    expect(JSON.parse(scripts[0]?.[2] ?? "")).toEqual(data);
  });

  it("runs from the right where the language does", async () => {
    const urdu = await inUrdu(newsroom);
    const { text } = await newsroom.reader.get(`/a/${urdu.slug}`);
    expect(text).toContain('<html lang="ur" dir="rtl">');
    expect(contentOf(text, "og:locale")).toBe("ur");
  });

  it("is kept no longer than until the next planned change", async () => {
    const made = await live(newsroom, { headline: "Soon gone" });
    await newsroom.editor
      .post(`/v1/articles/${made.id}/unpublish`)
      .send({ at: new Date(Date.now() + 900).toISOString() });
    const { headers } = await newsroom.reader.get(`/a/${made.slug}`);
    expect(headers["cache-control"]).toBe("public, max-age=0");
    await expect.poll(async () => (await newsroom.reader.get(`/a/${made.slug}`)).status).toBe(410);
  });

  it("shows shares a second later at the most, and the next edition at once", async () => {
    const made = await live(newsroom, { headline: "Shared" });
    const page = async () => (await newsroom.reader.get(`/a/${made.slug}`)).text;
    expect(await page()).not.toContain('class="count"');
    await newsroom.reader.post(`/v1/articles/${made.id}/shares`).send({ network: "whatsapp" });
    await expect.poll(page, { timeout: 1_000 }).toContain('class="count"');
    await change(newsroom, made.id, { headline: "Shared again" });
    await publish(newsroom, made.id);
    expect(await page()).toContain("Shared again");
  });
});

describe("what has no page", () => {
  const problemPage = async (reference: string, status: number, words: string) => {
    const answer = await newsroom.reader.get(`/a/${reference}`);
    expect([answer.status, answer.headers["content-type"]]).toEqual([status, "text/html; charset=utf-8"]);
    expect(answer.text).toContain(words);
    expect(answer.text).toContain("noindex");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
    return answer;
  };

  it("is 404 as a page, a draft as well", async () => {
    await problemPage("nothing-here", 404, "There is no such article");
    const hidden = await draft(newsroom, { headline: "Not out yet" });
    for (const reference of [hidden.slug, hidden.id])
      await problemPage(reference, 404, "There is no such article");
  });

  it("is 410 as a page once it was unpublished", async () => {
    const made = await live(newsroom, { headline: "Was here" });
    await unpublish(newsroom, made.id);
    await problemPage(made.slug, 410, "This article is no more");
  });

  it("is 451 as a page with what may be said, when it was withdrawn", async () => {
    const made = await live(newsroom, { headline: "Taken back" });
    const done = await newsroom.editor
      .post(`/v1/articles/${made.id}/kill`)
      .send({ reason: "Case 7", publicReason: "By order of a <court>" });
    expect(done.status).toBe(200);
    await problemPage(made.slug, 451, "By order of a &lt;court&gt;");
  });

  it("is 301 from a former slug to the present one", async () => {
    const made = await live(newsroom, { headline: "Moves on" });
    await change(newsroom, made.id, { slug: "moved-on" });
    await publish(newsroom, made.id);
    const answer = await newsroom.reader.get(`/a/${made.slug}`);
    expect([answer.status, answer.headers.location, answer.text]).toEqual([301, "/a/moved-on", ""]);
  });

  it("is 406 to who wants no page, and 405 to who would write one", async () => {
    expect((await newsroom.reader.get(`/a/${slug}`).set("accept", "application/json")).status).toBe(406);
    expect((await newsroom.reader.post(`/a/${slug}`)).status).toBe(405);
  });
});

describe("DATELINE_PAGES=off", () => {
  it("leaves no page, and links lead to the API", async () => {
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url, { DATELINE_PAGES: "off" });
    try {
      const target = await live(found, { headline: "Linked" });
      const { id: from } = await live(found, {
        headline: "Links",
        relatedLinks: [{ kind: "alsoRead", articleId: target.id }],
      });
      const { body } = await found.reader.get(`/v1/articles/${from}`);
      expect(body.relatedLinks[0].url).toBe(`/v1/articles/${target.slug}`);
      expect((await fetch(`${found.url}/a/${target.slug}`)).status).toBe(404);
    } finally {
      await close();
      await fresh.drop();
    }
  });
});
