import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { XMLValidator } from "fast-xml-parser";
import { RelaxNGValidator } from "libxml2-wasm";
import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import {
  attributesOf,
  forms,
  namespaces,
  parseAtomFeed,
  parseRssFeed,
  readerOf,
  textAt,
  textsOf,
  wellFormed,
} from "./parsers.ts";
import { awkward, awkwardInXml, fullArticle } from "./samples.ts";

const newsroom = useNewsroom({
  DATELINE_ARTICLE_URL: "https://news.example/{slug}",
  DATELINE_NAME: "The Quay & Post",
});

let full: ShownArticle;
let strange: ShownArticle;

beforeAll(async () => {
  full = await fullArticle(newsroom, { publishedAt: "2025-04-10T09:30:00Z" });
  await newsroom.editor
    .post(`/v1/articles/${full.id}/publish`)
    .send({ correction: "It was 61 & not 60 days." });
  strange = await live(newsroom, {
    headline: awkward,
    standfirst: awkward,
    dateline: awkward,
    language: "ar",
    tags: [{ name: awkward.trim() }],
    authors: [{ name: awkward.trim() }],
    keyPoints: [awkward],
    body: [
      { type: "paragraph", text: awkward },
      { type: "image", url: "https://images.example/a.png", caption: awkward, credit: awkward },
    ],
    publishedAt: "2025-04-09T09:30:00Z",
  });
  for (const number of [1, 2, 3]) {
    await live(newsroom, {
      headline: `Plain ${number}`,
      section: { name: "Sport" },
      publishedAt: `2025-03-0${number}T09:30:00Z`,
    });
  }
});

/** The text of a feed, whatever its media type. */
async function feed(name: string, agent = newsroom.reader): Promise<string> {
  return textAt(agent, `/v1/feeds/${name}`);
}

interface Json {
  [name: string]: unknown;
  title: string;
  feed_url: string;
  next_url?: string;
  items: (Record<string, unknown> & { id: string; url: string; title: string; content_html: string })[];
}

const json = async (query = "", agent = newsroom.reader) =>
  JSON.parse(await feed(`feed.json${query}`, agent)) as Json;
const titles = ({ items }: Json) => items.map(({ title }) => title);
const urn = ({ id }: { id: string }) => `urn:uuid:${id}`;

describe("the RSS feed", () => {
  it("has what readers show of an article, by a parser that others wrote", async () => {
    const read = await readerOf().parseString(await feed("rss.xml"));
    expect(read).toMatchObject({ title: "The Quay & Post", link: "https://news.example/" });
    expect(read.items.find(({ guid }) => guid === urn(full))).toMatchObject({
      title: "Harbour reopens",
      link: "https://news.example/harbour-reopens",
      pubDate: "Thu, 10 Apr 2025 09:30:00 GMT",
      isoDate: "2025-04-10T09:30:00.000Z",
    });
  });

  it("has authors, categories, language and images in the modules for them", async () => {
    const parsed = parseRssFeed(await feed("rss.xml?section=world-sea"));
    const [item] = parsed.items ?? [];
    expect(item?.guid).toEqual({ value: urn(full), isPermaLink: false });
    expect(item?.dc?.creators).toEqual(["Ana Lima", "Tomasz Wójcik"]);
    expect(item?.categories?.map(({ name }) => name)).toEqual(["World & Sea", "Ferries", "Islands <west>"]);
    expect(item?.dc?.languages).toEqual(["en"]);
    expect(item?.media?.contents?.map(({ url, type, medium }) => ({ url, type, medium }))).toEqual([
      { url: "https://images.example/harbour.jpg?w=1&h=2", type: "image/jpeg", medium: "image" },
      { url: "https://images.example/render/42", type: undefined, medium: "image" },
    ]);
    expect(parsed.language).toBe("en");
  });

  it("has no enclosure, whose length nobody knows, and no author that is not an address", async () => {
    expect(textsOf(await feed("rss.xml"), "//enclosure | //item/author")).toEqual([]);
  });

  it("has its title in numeric references, right for readers that take it for HTML and for those that do not", async () => {
    expect(await feed("rss.xml")).toContain("<title>A &#x26; B &#x3C;b&#x3E;bold&#x3C;/b&#x3E; &#x26;amp;");
  });
});

describe("the Atom feed", () => {
  it("fits RFC 4287's grammar", async () => {
    const grammar = await readFile(join(import.meta.dirname, "schemas/atom.rng"));
    using schema = wellFormed(grammar.toString());
    using validator = RelaxNGValidator.fromDoc(schema);
    for (const query of ["", "?content=summary", "?tag=nothing", "?limit=1"]) {
      using document = wellFormed(await feed(`atom.xml${query}`));
      expect(() => {
        validator.validate(document);
      }).not.toThrow();
    }
  });

  it("has what readers show of an article, by a parser that others wrote", async () => {
    const parsed = parseAtomFeed(await feed("atom.xml?section=world-sea"));
    const [entry] = parsed.entries ?? [];
    expect(parsed.title).toMatchObject({ value: "The Quay & Post: World & Sea" });
    expect(entry).toMatchObject({ id: urn(full), published: "2025-04-10T09:30:00.000Z" });
    expect(entry?.authors?.map(({ name }) => name)).toEqual(["Ana Lima", "Tomasz Wójcik"]);
    expect(entry?.categories?.map(({ term, label }) => [term, label])).toEqual([
      ["world-sea", "World & Sea"],
      ["ferries", "Ferries"],
      ["islands-west", "Islands <west>"],
    ]);
    expect(entry?.links?.map(({ rel, href }) => [rel, href])).toEqual([
      ["alternate", "https://news.example/harbour-reopens"],
      ["enclosure", "https://images.example/harbour.jpg?w=1&h=2"],
      ["enclosure", "https://images.example/render/42"],
    ]);
  });

  it("says in which language each entry is", async () => {
    expect(textsOf(await feed("atom.xml"), "//a:entry/@xml:lang", namespaces)).toContain("ar");
  });
});

describe("the JSON feed", () => {
  it("fits its schema, and knows each item once", async () => {
    const schema = JSON.parse(
      await readFile(join(import.meta.dirname, "schemas/jsonfeed-1.1.json"), "utf8"),
    ) as object;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    for (const query of ["", "?content=summary", "?tag=nothing", "?limit=1"]) {
      const found = await json(query);
      expect(validate(found), ajv.errorsText(validate.errors)).toBe(true);
      expect(new Set(found.items.map(({ id }) => id)).size).toBe(found.items.length);
      expect(found.next_url).not.toBe(found.feed_url);
    }
  });

  it("has key points and corrections as data", async () => {
    const [item] = (await json("?section=world-sea")).items;
    expect(item).toMatchObject({
      id: urn(full),
      url: "https://news.example/harbour-reopens",
      summary: "Ferries leave on the first tide.",
      image: "https://images.example/harbour.jpg?w=1&h=2",
      authors: [{ name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
      tags: ["World & Sea", "Ferries", "Islands <west>"],
      attachments: [
        {
          url: "https://images.example/harbour.jpg?w=1&h=2",
          mime_type: "image/jpeg",
          title: "The ferry passes.",
        },
      ],
      _dateline: {
        dateline: "STORNOWAY, Scotland",
        key_points: ["It was shut for 61 days", "4,000 parcels wait"],
        corrections: [{ text: "It was 61 & not 60 days." }],
      },
    });
  });

  it("goes on where its next address leads, to each article once", async () => {
    const seen: string[] = [];
    let next: string | undefined = `${newsroom.url}/v1/feeds/feed.json?limit=2`;
    while (next !== undefined) {
      const page: Json = await json(new URL(next).search);
      seen.push(...page.items.map(({ id }) => id));
      next = page.next_url;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });
});

describe("every feed", () => {
  it("is well-formed with any Unicode that an article may hold, and loses nothing that XML can hold", async () => {
    const [rss, atom] = [await feed("rss.xml"), await feed("atom.xml")];
    expect(textsOf(rss, `//item[guid="${urn(strange)}"]/title`)).toEqual([awkwardInXml]);
    expect(textsOf(atom, `//a:entry[a:id="${urn(strange)}"]/a:title`, namespaces)).toEqual([awkwardInXml]);
    expect(attributesOf(atom, `//a:entry[a:id="${urn(strange)}"]/a:link`, "title", namespaces)).toContain(
      awkwardInXml,
    );
    expect((await json()).items.find(({ id }) => id === urn(strange))?.title).toBe(awkward);
    for (const text of [rss, atom]) expect(XMLValidator.validate(text)).toBe(true);
  });

  it("has content whose every address is whole, without scripts and styles", async () => {
    const { content_html: content = "" } =
      (await json("?section=world-sea")).items.find(({ id }) => id === urn(full)) ?? {};
    const addresses = [...content.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, address = ""]) => address);
    expect(addresses).toContain("https://news.example/history");
    for (const address of addresses) expect(address).toMatch(/^https?:\/\//);
    expect(content).not.toMatch(/<(script|style|link|iframe|svg)|style=/i);
    expect(content).toContain('<div lang="en" dir="ltr">');
  });

  it("has the text, key points and corrections in full, and in a summary all but the text", async () => {
    for (const name of forms) {
      const [whole, short] = [
        await feed(`${name}?tag=ferries`),
        await feed(`${name}?tag=ferries&content=summary`),
      ];
      for (const text of [whole, short]) {
        expect(text).toContain("Ferries leave on the first tide.");
        expect(text).toContain("It was shut for 61 days");
        expect(text).toContain("not 60 days.");
      }
      expect(whole).toContain("Parcels had piled up.");
      expect(short).not.toContain("Parcels had piled up.");
    }
  });

  it("writes what runs from right to left so", async () => {
    expect((await json("?language=ar")).items[0]?.content_html).toContain('<div lang="ar" dir="rtl">');
  });

  it("is of any list: by its filters, its search and its order", async () => {
    expect(titles(await json("?section=sport"))).toEqual(["Plain 3", "Plain 2", "Plain 1"]);
    expect(titles(await json("?section=sport&sort=oldest"))).toEqual(["Plain 1", "Plain 2", "Plain 3"]);
    expect(titles(await json("?author=ana-lima"))).toEqual(["Harbour reopens"]);
    expect(titles(await json("?q=parcels"))).toEqual(["Harbour reopens"]);
    expect(titles(await json("?publishedBefore=2025-03-02"))).toEqual(["Plain 1"]);
    expect(titles(await json(`?ids=${full.id}`))).toEqual(["Harbour reopens"]);
    expect((await json("?section=sport&q=plain")).title).toBe("The Quay & Post: Sport, “plain”");
  });

  it("knows an article by its id when its slug has changed, and leads to where it is now", async () => {
    const { id } = await live(newsroom, { headline: "Before", tags: [{ name: "Moving" }] });
    const [before] = (await json("?tag=moving")).items;
    await change(newsroom, id, { slug: "after" });
    await publish(newsroom, id);
    const [after] = (await json("?tag=moving")).items;
    expect(after).toMatchObject({ id: before?.id, url: "https://news.example/after" });
  });

  it("has neither drafts nor what was unpublished, at once", async () => {
    await draft(newsroom, { headline: "A draft", tags: [{ name: "Gone" }] });
    const { id } = await live(newsroom, { headline: "Soon gone", tags: [{ name: "Gone" }] });
    expect(titles(await json("?tag=gone"))).toEqual(["Soon gone"]);
    await unpublish(newsroom, id);
    for (const name of forms) expect(await feed(`${name}?tag=gone`)).not.toMatch(/Soon gone|A draft/);
  });

  it("has what is under embargo for a key that may read it, and keeps that from caches", async () => {
    const made = await draft(newsroom, {
      headline: "Under embargo",
      tags: [{ name: "Embargoed" }],
      embargoedUntil: "2100-01-01T00:00:00Z",
    });
    await publish(newsroom, made.id);
    const partner = await newsroom.withScopes(["embargo:read"]);
    expect(titles(await json("?tag=embargoed"))).toEqual([]);
    expect(titles(await json("?tag=embargoed", partner))).toEqual(["Under embargo"]);
    const { headers } = await partner.get("/v1/feeds/feed.json?tag=embargoed");
    expect(headers["cache-control"]).toBe("private, no-store");
  });

  it("says where it is, in its head and in itself, exactly as it was asked for", async () => {
    const address = `${newsroom.url}/v1/feeds/atom.xml?tag=ferries&limit=5`;
    const { headers } = await newsroom.reader.get("/v1/feeds/atom.xml?tag=ferries&limit=5");
    expect(headers.link).toBe(`<${address}>; rel="self"`);
    expect(
      attributesOf(await feed("atom.xml?tag=ferries&limit=5"), "//a:link[@rel='self']", "href", namespaces),
    ).toEqual([address]);
  });

  it("refuses what no list takes, naming the parameter", async () => {
    for (const name of forms) {
      for (const [query, pointer] of [
        ["version=draft", "version"],
        ["limit=1000", "limit"],
        ["content=all", "content"],
        ["cursor=stolen", "cursor"],
        ["sort=relevance", "sort"],
        ["q=%20", "q"],
        ["tag=Not%20a%20slug", "tag"],
      ]) {
        const answer = await newsroom.reader.get(`/v1/feeds/${name}?${query}`);
        expectProblem(answer, 400, "invalid-parameter");
        expect(JSON.stringify(answer.body ?? answer.text)).toContain(pointer);
      }
    }
  });
});

describe("a feed that somebody has already", () => {
  for (const name of forms) {
    it(`is 304 by its tag and by its date, for ${name}`, async () => {
      const first = await newsroom.reader.get(`/v1/feeds/${name}`);
      const { etag = "", "last-modified": date = "" } = first.headers;
      expect(Date.parse(date)).toBeLessThanOrEqual(Date.parse(first.headers.date ?? ""));
      for (const headers of [{ "If-None-Match": etag }, { "If-Modified-Since": date }]) {
        const again = await newsroom.reader.get(`/v1/feeds/${name}`).set(headers);
        expect(again.status).toBe(304);
        expect(again.headers).toMatchObject({ etag, "cache-control": first.headers["cache-control"] });
        expect(again.headers).toHaveProperty("link", first.headers.link);
      }
      const other = await newsroom.reader
        .get(`/v1/feeds/${name}`)
        .set({ "If-None-Match": '"other"', "If-Modified-Since": date });
      expect(other.status).toBe(200);
    });
  }

  it("has another tag, and within two seconds another date, after each publication", async () => {
    const { id } = await live(newsroom, { headline: "Dated" });
    const before = await newsroom.reader.get("/v1/feeds/rss.xml");
    await change(newsroom, id, { standfirst: "Another" });
    await publish(newsroom, id);
    const after = await newsroom.reader.get("/v1/feeds/rss.xml");
    expect(after.headers.etag).not.toBe(before.headers.etag);
    await expect
      .poll(
        async () =>
          (
            await newsroom.reader
              .get("/v1/feeds/rss.xml")
              .set("If-Modified-Since", before.headers["last-modified"] ?? "")
          ).status,
        { timeout: 2000 },
      )
      .toBe(200);
  });

  it("has another date when a section of its articles has another name", async () => {
    await live(newsroom, { headline: "Filed", section: { name: "Quayside" } });
    // A date is the second after the change, once that has come.
    await sleep(1_100);
    const { "last-modified": date = "" } = (await newsroom.reader.get("/v1/feeds/rss.xml")).headers;
    await newsroom.editor.patch("/v1/sections/quayside").send({ name: "The docks" });
    await expect
      .poll(
        async () => (await newsroom.reader.get("/v1/feeds/rss.xml").set("If-Modified-Since", date)).text,
        {
          timeout: 3_000,
        },
      )
      .toContain(">The docks</category>");
  });

  it("has no date for keys that see something else than all do, and is never 304 by it", async () => {
    const made = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Partner", role: "partner", entitlement: { sections: ["quayside"] } });
    const partner = newsroom.withHeaders({ authorization: `Bearer ${made.body.secret}` });
    const { status, headers } = await partner
      .get("/v1/feeds/rss.xml")
      .set("If-Modified-Since", new Date(Date.now() + 5_000).toUTCString());
    expect([status, headers["last-modified"]]).toEqual([200, undefined]);
  });

  it("comes compressed, with a tag of its own, and without a body to HEAD", async () => {
    const plain = await newsroom.reader.get("/v1/feeds/rss.xml").set("Accept-Encoding", "identity");
    const coded = await newsroom.reader.get("/v1/feeds/rss.xml").set("Accept-Encoding", "gzip");
    expect(coded.headers["content-encoding"]).toBe("gzip");
    expect(coded.headers.etag).not.toBe(plain.headers.etag);
    const head = await newsroom.reader.head("/v1/feeds/rss.xml").set("Accept-Encoding", "identity");
    expect(head.status).toBe(200);
    expect(head.headers).toMatchObject({
      etag: plain.headers.etag,
      "content-length": plain.headers["content-length"],
      "content-type": "application/rss+xml; charset=utf-8",
    });
    expect(plain.headers).toMatchObject({
      "surrogate-key": "articles feeds",
      vary: "Authorization, Accept-Encoding",
    });
  });
});

describe("a feed of an installation that says where it is reached", () => {
  const elsewhere = useNewsroom({ DATELINE_URL: "https://api.news.example" });

  it("bears that address, whatever host it was asked of", async () => {
    const { id } = await live(elsewhere, { headline: "Somewhere" });
    const found = await json("", elsewhere.withHeaders({ host: "evil.example" }));
    expect(found).toMatchObject({
      feed_url: "https://api.news.example/v1/feeds/feed.json",
      home_page_url: "https://api.news.example/",
      items: [{ id: urn({ id }), url: "https://api.news.example/a/somewhere" }],
    });
  });

  it("is where pages and other forms say that they are too, whatever host is asked", async () => {
    const { id, slug } = await live(elsewhere, { headline: "Canonical" });
    for (const path of [
      `/a/${slug}`,
      `/v1/articles/${id}?format=jsonld`,
      `/v1/articles/${id}?format=ninjs`,
    ]) {
      const { text } = await elsewhere.reader.get(path).set("Host", "evil.example");
      expect(text, path).toContain("https://api.news.example/");
      expect(text, path).not.toContain("evil.example");
    }
  });

  it("is kept by no cache past what is planned", async () => {
    const { id } = await draft(elsewhere, { headline: "Planned" });
    const at = new Date(Date.now() + 1500).toISOString();
    await elsewhere.editor.post(`/v1/articles/${id}/publish`).send({ at });
    const { headers } = await elsewhere.reader.get("/v1/feeds/rss.xml");
    const [, age = ""] = /max-age=(\d+)/.exec(headers["cache-control"] ?? "") ?? [];
    expect(Number(age)).toBeLessThanOrEqual(1);
    expect(headers["cache-control"]).not.toContain("stale-while-revalidate=30");
    await expect
      .poll(async () => titles(await json("", elsewhere.reader)), { timeout: 3000 })
      .toContain("Planned");
    expect(Date.now() - Date.parse(at)).toBeLessThan(1000);
  });
});
