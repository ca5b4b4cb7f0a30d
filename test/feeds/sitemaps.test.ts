import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { fitsSchema, namespaces, textAt, textsOf } from "./parsers.ts";
import { awkward, awkwardInXml } from "./samples.ts";

const newsroom = useNewsroom({
  DATELINE_ARTICLE_URL: "https://news.example/{slug}?from=a&b",
  DATELINE_NAME: "The Quay & Post",
});

const old: ShownArticle[] = [];
let fresh: ShownArticle;

beforeAll(async () => {
  for (const day of [1, 2, 2, 3, 4]) {
    old.push(
      await live(newsroom, {
        headline: `Old ${old.length}`,
        section: { name: old.length % 2 === 0 ? "World" : "Sport" },
        tags: [{ name: "Old" }],
        publishedAt: `2021-05-0${day}T12:00:00Z`,
      }),
    );
  }
  await draft(newsroom, { headline: "A draft" });
  fresh = await live(newsroom, { headline: awkward, language: "pt-BR" });
});

const at = (slug: string) => `https://news.example/${slug}?from=a&b`;
const sitemap = (query = "", agent = newsroom.reader) => textAt(agent, `/v1/feeds/${query}`);
const locations = (text: string) => textsOf(text, "//s:loc", namespaces);

/** All that an index leads to, sitemap by sitemap. */
async function crawl(query = ""): Promise<string[][]> {
  const index = await sitemap(`sitemap.xml${query}`);
  fitsSchema(index, "sitemap-index.xsd");
  const pages: string[][] = [];
  for (const location of locations(index)) {
    const { pathname, search, origin } = new URL(location);
    expect(origin).toBe(newsroom.url);
    const text = await textAt(newsroom.reader, pathname + search);
    fitsSchema(text, "sitemap.xsd");
    pages.push(locations(text));
  }
  return pages;
}

describe("the index of sitemaps", () => {
  it("leads to every live article once, the oldest first, in sitemaps of the length asked for", async () => {
    const all = [...old, fresh].map(({ slug }) => at(slug));
    expect(await crawl()).toEqual([all]);
    expect(await crawl("?limit=6")).toEqual([all]);
    expect(await crawl("?limit=4")).toEqual([all.slice(0, 4), all.slice(4)]);
    expect(await crawl("?limit=1")).toEqual(all.map((address) => [address]));
  });

  it("leads to what is filed under a section, tag or author, or published within a time", async () => {
    const slugs = old.map(({ slug }) => at(slug));
    expect((await crawl("?section=sport")).flat()).toEqual([slugs[1], slugs[3]]);
    expect((await crawl("?section=world&tag=old&limit=2")).map((page) => page.length)).toEqual([2, 1]);
    expect((await crawl("?publishedAfter=2021-05-02T13:00:00Z&publishedBefore=2021-05-04")).flat()).toEqual([
      slugs[3],
    ]);
  });

  it("says of each sitemap and page when it changed", async () => {
    const index = await sitemap("sitemap.xml?limit=3");
    const dates = textsOf(index, "//s:lastmod", namespaces);
    const page = new URL(locations(index)[0] ?? "");
    const ofPages = textsOf(
      await textAt(newsroom.reader, page.pathname + page.search),
      "//s:lastmod",
      namespaces,
    );
    expect(ofPages).toEqual(old.slice(0, 3).map(({ updatedAt }) => updatedAt));
    expect(dates[0]).toBe(ofPages.toSorted().at(-1));
  });

  it("leads to a sitemap even where there is nothing to list", async () => {
    const index = await sitemap("sitemap.xml?tag=nothing");
    fitsSchema(index, "sitemap-index.xsd");
    expect(locations(index)).toEqual([`${newsroom.url}/v1/feeds/sitemap-page.xml?tag=nothing`]);
    expect(locations(await sitemap("sitemap-page.xml?tag=nothing"))).toEqual([]);
  });

  it("keeps its first sitemaps as they were when more is published, and follows what is withdrawn", async () => {
    const before = locations(await sitemap("sitemap.xml?limit=2&tag=old"));
    const { id, slug } = await live(newsroom, { headline: "Newest", tags: [{ name: "Old" }] });
    const after = locations(await sitemap("sitemap.xml?limit=2&tag=old"));
    expect(after).toEqual(before);
    expect((await crawl("?limit=2&tag=old")).at(-1)).toEqual([at(old[4]?.slug ?? ""), at(slug)]);
    await unpublish(newsroom, id);
    expect((await crawl("?limit=2&tag=old")).flat()).not.toContain(at(slug));
  });

  it("has what is under embargo for those alone who may read it", async () => {
    const { id, slug } = await draft(newsroom, {
      headline: "Secret",
      embargoedUntil: "2100-01-01T00:00:00Z",
    });
    await publish(newsroom, id);
    const partner = await newsroom.withScopes(["embargo:read"]);
    expect(locations(await sitemap("sitemap-page.xml"))).not.toContain(at(slug));
    expect(locations(await sitemap("sitemap-page.xml", partner))).toContain(at(slug));
  });

  it("refuses what it does not take", async () => {
    const [first = ""] = locations(await sitemap("sitemap.xml?limit=1&tag=old")).slice(1);
    const cursor = new URL(first).searchParams.get("cursor") ?? "";
    for (const query of [
      "sitemap.xml?limit=0",
      "sitemap.xml?limit=50001",
      "sitemap.xml?sort=newest",
      "sitemap.xml?cursor=x",
      "sitemap-page.xml?cursor=x",
      `sitemap-page.xml?tag=other&cursor=${cursor}`,
      "news-sitemap.xml?limit=5",
      "news-sitemap.xml?q=%20",
    ]) {
      expectProblem(await newsroom.reader.get(`/v1/feeds/${query}`), 400, "invalid-parameter");
    }
  });

  it("is 304 to who has it, and private to who has a key", async () => {
    for (const name of ["sitemap.xml", "sitemap-page.xml", "news-sitemap.xml"]) {
      const { headers } = await newsroom.reader.get(`/v1/feeds/${name}`);
      expect(headers["content-type"]).toBe("application/xml; charset=utf-8");
      const again = await newsroom.reader.get(`/v1/feeds/${name}`).set("If-None-Match", headers.etag ?? "");
      expect(again.status).toBe(304);
      const keyed = await newsroom.editor.get(`/v1/feeds/${name}`);
      expect(keyed.headers["cache-control"]).toBe("private, no-store");
    }
  });
});

describe("the sitemap for news", () => {
  it("has what was first published within 48 hours, with the publication, the language, the time and the title", async () => {
    const text = await sitemap("news-sitemap.xml?language=pt-BR");
    fitsSchema(text, "news-sitemap.xsd");
    expect(locations(text)).toEqual([at(fresh.slug)]);
    expect(textsOf(text, "//news:*[not(*)]", namespaces)).toEqual([
      "The Quay & Post",
      "pt",
      fresh.firstPublishedAt,
      awkwardInXml,
    ]);
  });

  it("lacks what is old, though it was changed or published again today", async () => {
    const hours = (count: number) => new Date(Date.now() - count * 3_600_000).toISOString();
    const make = (headline: string, publishedAt: string) =>
      live(newsroom, { headline, publishedAt, tags: [{ name: "Recent" }] });
    const younger = await make("Younger", hours(47.9));
    const older = await make("Older", hours(48.1));
    await change(newsroom, older.id, { standfirst: "Changed" });
    await publish(newsroom, older.id);
    const again = await make("Again", hours(72));
    await unpublish(newsroom, again.id);
    await publish(newsroom, again.id);
    expect(locations(await sitemap("news-sitemap.xml?tag=recent"))).toEqual([at(younger.slug)]);
  });

  it("names languages as Google does", async () => {
    for (const [index, language] of ["zh-TW", "zh-Hans-HK", "sr-Latn", "fil"].entries()) {
      await live(newsroom, {
        headline: `Language ${index}`,
        language,
        tags: [{ name: "Languages" }],
        publishedAt: new Date(Date.now() - 60_000 * (index + 1)).toISOString(),
      });
    }
    const text = await sitemap("news-sitemap.xml?tag=languages");
    fitsSchema(text, "news-sitemap.xsd");
    expect(textsOf(text, "//news:language", namespaces)).toEqual(["zh-tw", "zh-cn", "sr", "fil"]);
  });
});

describe("the sitemap for news that caches may keep for long", () => {
  const slow = useNewsroom({ DATELINE_MAX_AGE: "86400" });

  it("is kept by none past the moment when an article is no news any more", async () => {
    await live(slow, {
      headline: "Nearly old",
      publishedAt: new Date(Date.now() - 48 * 3_600_000 + 60_000).toISOString(),
    });
    const { headers } = await slow.reader.get("/v1/feeds/news-sitemap.xml");
    const [, age = ""] = /max-age=(\d+)/.exec(headers["cache-control"] ?? "") ?? [];
    expect(Number(age)).toBeGreaterThan(30);
    expect(Number(age)).toBeLessThanOrEqual(60);
  });
});
