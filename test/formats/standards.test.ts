import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { everything, inUrdu } from "./samples.ts";

const newsroom = useNewsroom();
const schema = async (name: string) =>
  JSON.parse(await readFile(join(import.meta.dirname, "schemas", name), "utf8")) as object;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(await schema("GeoJSON-schema.json"));
const isNinjs = ajv.compile(await schema("ninjs-schema_3.2.json"));

interface Ninjs {
  uri: string;
  [property: string]: unknown;
}

let id = "";
let slug = "";
let urdu = "";
beforeAll(async () => {
  ({ id, slug } = await everything(newsroom));
  urdu = (await inUrdu(newsroom)).id;
});

async function asked(reference: string, accept: string) {
  const answer = await newsroom.reader.get(`/v1/articles/${reference}`).set("accept", accept);
  expect(answer.status, answer.text).toBe(200);
  return answer;
}

describe("an article as ninjs", () => {
  const ninjs = async (reference: string) => {
    const answer = await asked(reference, "application/vnd.iptc.ninjs+json");
    const item = JSON.parse(answer.text) as Ninjs;
    expect(isNinjs(item), ajv.errorsText(isNinjs.errors)).toBe(true);
    return item;
  };

  it("is valid by IPTC's schema, with everything at its place", async () => {
    const read = (await newsroom.reader.get(`/v1/articles/${id}`)).body;
    const item = await ninjs(id);
    expect(item).toMatchObject({
      uri: `urn:uuid:${id}`,
      type: "text",
      profile: "article",
      representationType: "full",
      standard: { name: "ninjs", version: "3.2" },
      version: String(read.version),
      pubStatus: "usable",
      language: "en",
      by: "By Ana Lima and Tomasz Wójcik",
      located: "STORNOWAY",
      places: [{ name: "STORNOWAY, Scotland", rel: "dateline" }],
      edNote: "CORRECTION: It was shut for 61 days & not 16.",
      expires: "2999-01-01T00:00:00.000Z",
      versionCreated: read.updatedAt,
      headlines: [
        { role: "main", value: read.headline },
        { role: "subhead", value: read.standfirst },
      ],
      descriptions: read.keyPoints.map((point: { text: string }) => ({
        role: "keypoint",
        value: point.text,
      })),
      subjects: ["World & sea", "Ferries", "Weather & climate"].map((name) => ({ name, rel: "about" })),
      altIds: [
        { role: "internal", value: id },
        { role: "permalink", value: `${newsroom.url}/a/${slug}` },
      ],
    });
    expect(item).not.toHaveProperty("embargoedUntil");
    const names = (item.associations as { name: string; rel: string }[]).map(
      ({ name, rel }) => `${rel} ${name}`,
    );
    expect(names).toEqual([
      "illustration mainPicture",
      "embed embed1",
      "seeAlso ALSO READ: Second ferry & <b>boat</b>",
      "seeAlso ALSO READ: How the ice was broken",
      "source SOURCE: The log",
      "background BACKGROUND: A short history",
      "external EXTERNAL: https://example.com/elsewhere",
    ]);
    const [html, plain] = item.bodies as { value: string; contentType: string; wordCount: number }[];
    expect(html?.value).toContain("The <a href=");
    expect(html?.value).toContain("61 days &amp; not 16");
    expect(plain?.value).toContain("STORNOWAY, Scotland: The first ferry left <i>early</i>");
    expect(plain?.value).not.toContain("\u2060");
  });

  it("is valid in Urdu, and with a headline alone", async () => {
    expect(await ninjs(urdu)).toMatchObject({ language: "ur", located: "استنبول" });
    const bare = await ninjs((await live(newsroom, { headline: "Bare" })).id);
    for (const absent of ["located", "people", "descriptions", "associations", "edNote", "by"])
      expect(bare).not.toHaveProperty(absent);
  });

  it("stays valid with addresses that browsers take and RFC 3986 does not", async () => {
    const { id: odd } = await live(newsroom, {
      headline: "Odd addresses",
      relatedLinks: [
        { kind: "source", url: "https://example.com/é|[x]{y}#a#b%zz" },
        { kind: "source", url: "/path/ü^`" },
        { kind: "source", url: "https://[::1]/a b".replace(" ", "") },
      ],
    });
    await ninjs(odd);
  });

  it("is a list as an array of objects, each valid and without a body", async () => {
    const answer = await newsroom.reader.get("/v1/articles?format=ninjs&limit=2");
    const items = JSON.parse(answer.text) as Ninjs[];
    expect(items).toHaveLength(2);
    for (const item of items) {
      expect(isNinjs(item), ajv.errorsText(isNinjs.errors)).toBe(true);
      expect(item).toMatchObject({ representationType: "partial" });
      expect(item).not.toHaveProperty("bodies");
    }
    const next = /<([^>]+)>; rel="next"/.exec(answer.headers.link ?? "")?.[1] ?? "";
    const second = JSON.parse((await newsroom.reader.get(next)).text) as Ninjs[];
    expect(second[0]?.uri).not.toBe(items[0]?.uri);
  });
});

// That each property is one of schema.org's, with a value of its types, is checked by tsc against schema-dts.
describe("an article as JSON-LD", () => {
  it("is a NewsArticle with all that is known of it", async () => {
    const read = (await newsroom.reader.get(`/v1/articles/${id}`)).body;
    const article = JSON.parse((await asked(id, "application/ld+json")).text) as Record<string, unknown>;
    expect(article).toMatchObject({
      "@context": "https://schema.org",
      "@type": "NewsArticle",
      "@id": `${newsroom.url}/a/${slug}`,
      identifier: `urn:uuid:${id}`,
      headline: read.headline,
      description: read.standfirst,
      dateline: "STORNOWAY, Scotland",
      datePublished: read.publishedAt,
      dateModified: read.updatedAt,
      articleSection: "World & sea",
      keywords: ["Ferries", "Weather & climate"],
      author: [{ "@type": "Person", name: "Ana Lima" }, { name: "Tomasz Wójcik" }],
      image: [{ url: "https://images.example/harbour.svg", creditText: "Photograph: Ana Lima" }],
      correction: [{ "@type": "CorrectionComment", text: "It was shut for 61 days & not 16." }],
      citation: [{ name: "The log" }],
      interactionStatistic: [{ interactionService: { name: "whatsapp" }, userInteractionCount: 97 }],
      inLanguage: "en",
    });
    expect(article.articleBody).toContain("Some 4,000 parcels\nhad piled up.");
    expect(article.mentions).toContainEqual({
      "@type": "CreativeWork",
      name: "A short history",
      url: `${newsroom.url}/history`,
    });
  });

  it("is an ItemList as a list", async () => {
    const answer = await newsroom.reader
      .get("/v1/articles?count=true&limit=1")
      .set("accept", "application/ld+json");
    const list = JSON.parse(answer.text);
    expect(list).toMatchObject({
      "@type": "ItemList",
      itemListElement: [{ "@type": "ListItem", position: 1, item: { "@type": "NewsArticle" } }],
    });
    expect(list.numberOfItems).toBeGreaterThan(2);
    expect(list.itemListElement[0].item).not.toHaveProperty("articleBody");
  });
});

describe("an article as an HTML fragment", () => {
  it("is its element alone, with addresses in full and nothing of its text as markup", async () => {
    const { text, headers } = await asked(id, "text/html");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(text).toMatch(/^<div lang="en" dir="ltr">\s*<article /);
    expect(text).not.toMatch(/<script|<html|<i>early/);
    expect(text).toContain(`href="${newsroom.url}/history"`);
    expect(text).toContain(`href="${newsroom.url}/a/second-ferry`);
    expect((await asked(urdu, "text/html")).text).toMatch(/^<div lang="ur" dir="rtl">/);
  });
});
