import { beforeAll, describe, expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { lacksBrowser, useBrowser } from "../support/browser.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { sendBytes } from "../support/socket.ts";
import { linkTo } from "../previews/samples.ts";

const newsroom = useNewsroom();
let slug = "";
let id = "";
let token = "";

beforeAll(async () => {
  ({ id, slug } = await live(newsroom, { headline: "Guarded" }));
  ({ token } = await linkTo(newsroom.editor, id));
});

/** What each answer tells browsers, whatever else it is. */
const guards = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};
const guardsOf = (headers: Headers) =>
  Object.fromEntries(Object.keys(guards).map((name) => [name, headers.get(name)]));
const fetched = (path: string, init: RequestInit = {}) => fetch(newsroom.url + path, init);

describe("every answer", () => {
  const paths: [string, () => string, RequestInit?][] = [
    ["an article", () => `/v1/articles/${id}`],
    ["an article once more, from memory", () => `/v1/articles/${id}`],
    ["a list", () => "/v1/articles"],
    ["a feed", () => "/v1/feeds/rss.xml"],
    ["a sitemap", () => "/v1/feeds/sitemap.xml"],
    ["an article as text", () => `/v1/articles/${id}?format=text`],
    ["a former address", () => `/docs`, { redirect: "manual" }],
    ["the document", () => "/openapi.json"],
    ["a stylesheet that is not there", () => "/styles/none"],
    ["health", () => "/healthz"],
    ["figures", () => "/metrics"],
    ["what there is not", () => "/nothing"],
    ["a wrong method", () => "/healthz", { method: "DELETE" }],
    ["a malformed address", () => "/v1/articles/%zz"],
    ["no key", () => "/v1/keys"],
    ["a wrong key", () => "/v1/keys", { headers: { authorization: "Bearer wrong" } }],
    ["a body that cannot be read", () => "/v1/imports", { method: "POST", body: "x" }],
    [
      "a preflight",
      () => "/v1/articles",
      { method: "OPTIONS", headers: { origin: "https://a.example", "access-control-request-method": "GET" } },
    ],
  ];

  it.for(paths)("is guarded: %s", async ([, path, init = {}]) => {
    const { headers } = await fetched(path(), init);
    expect(guardsOf(headers)).toEqual(guards);
  });

  it("is guarded also where HTTP itself could not be read", async () => {
    const { head } = await sendBytes(newsroom.url, "GET / HTTP/1.1\r\nbroken\r\n\r\n");
    for (const [name, value] of Object.entries(guards)) expect(head).toContain(`${name}: ${value}`);
  });

  it("of the stream of changes is guarded", async () => {
    const aborting = new AbortController();
    const { headers } = await fetched("/v1/changes/stream", { signal: aborting.signal });
    aborting.abort();
    expect(guardsOf(headers)).toEqual(guards);
  });

  it("says nothing of who made the server", async () => {
    const { headers } = await fetched(`/v1/articles/${id}`);
    for (const name of ["server", "x-powered-by"]) expect(headers.has(name)).toBe(false);
  });
});

describe("a page", () => {
  const pages: [string, () => string, string][] = [
    ["of an article", () => `/a/${slug}`, "img-src https: http: data:"],
    ["of an article that is not there", () => "/a/none", "style-src 'self'"],
    ["of a preview", () => `/preview/${token}`, "style-src 'self'"],
    ["of the documentation", () => "/docs/", "script-src 'self' 'sha256-"],
    ["that is a fragment", () => `/v1/articles/${id}?format=html`, "style-src 'self'"],
  ];

  it.for(pages)(
    "%s lets nothing be loaded or shown but what it says, and no site hold it",
    async ([, path, own]) => {
      const { headers } = await fetched(path(), { headers: { accept: "text/html" } });
      expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("base-uri 'none'");
      expect(policy).toContain("form-action 'none'");
      expect(policy).toContain(own);
      expect(policy).not.toMatch(/script-src[^;]*('unsafe|https?:|\*)/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    },
  );
});

describe("Strict-Transport-Security", () => {
  it("is sent when DATELINE_URL says that it is reached by TLS, from memory too", async () => {
    const secure = await startNewsroom(newsroom.databaseUrl, { DATELINE_URL: "https://api.news.example" });
    for (const path of [`/v1/articles/${id}`, `/v1/articles/${id}`, `/a/${slug}`, "/none"]) {
      const { headers } = await fetch(secure.found.url + path);
      expect(headers.get("strict-transport-security")).toBe("max-age=31536000");
    }
    await secure.close();
  });

  it("is not sent otherwise, when it would shut readers out", async () => {
    const plain = await startNewsroom(newsroom.databaseUrl, { DATELINE_URL: "http://api.news.example" });
    for (const url of [plain.found.url, newsroom.url])
      expect((await fetch(`${url}/v1/articles`)).headers.has("strict-transport-security")).toBe(false);
    await plain.close();
  });
});

describe("other sites", () => {
  it("may read what is public with their scripts, in spite of all guards", async () => {
    const { headers } = await fetched(`/v1/articles/${id}`, { headers: { origin: "https://news.example" } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("access-control-allow-credentials")).toBe(false);
    expect(headers.has("cross-origin-resource-policy")).toBe(false);
  });
});

describe.skipIf(lacksBrowser)("in a browser", () => {
  const open = useBrowser();

  it("the documentation works under its policy", async () => {
    await open(`${newsroom.url}/docs/`, {}, async ({ page, said, asked }) => {
      await page.locator("h1", { hasText: "Dateline" }).waitFor();
      expect(said.filter((text) => /Content Security Policy|Refused/i.test(text))).toEqual([]);
      expect(asked.filter((url) => !url.startsWith(newsroom.url) && !/^(data|blob):/.test(url))).toEqual([]);
    });
  });
});
