import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { change, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { attributesOf, namespaces, textAt } from "./parsers.ts";

const API = "https://api.news.example";

/** What hubs were told, and how many pings the first one is to refuse. */
let told: URLSearchParams[] = [];
let failures = 0;

async function hub(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>,
): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const quick = await hub(async (request, response) => {
  const body = new URLSearchParams(await text(request));
  if (failures > 0) {
    failures -= 1;
    return response.writeHead(503).end();
  }
  told.push(body);
  return response.writeHead(204).end();
});
/** Takes every ping and answers none. */
const dead = await hub(async () => {});

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const hubs = [addressOf(quick), addressOf(dead)];
const newsroom = useNewsroom({ DATELINE_URL: API, DATELINE_WEBSUB_HUBS: hubs.join(",") });

afterAll(() => {
  for (const server of [quick, dead]) {
    server.closeAllConnections();
    server.close();
  }
});

beforeEach(() => {
  told = [];
});

const topics = () => new Set(told.map((ping) => ping.get("hub.url")));
const everyForm = (query = "") =>
  ["rss.xml", "atom.xml", "feed.json"].map((form) => `${API}/v1/feeds/${form}${query}`);

async function expectTold(addresses: string[], timeout = 5000): Promise<void> {
  await expect.poll(() => addresses.filter((address) => !topics().has(address)), { timeout }).toEqual([]);
}

describe("hubs", () => {
  it("are told of the whole feed and of those of the section, tags and authors, though another hub is dead", async () => {
    const started = Date.now();
    await live(newsroom, {
      headline: "Ferry sails",
      section: { name: "World" },
      tags: [{ name: "Ferries" }],
      authors: [{ name: "Ana Lima" }],
    });
    expect(Date.now() - started).toBeLessThan(3000);
    await expectTold([
      ...everyForm(),
      ...everyForm("?section=world"),
      ...everyForm("?tag=ferries"),
      ...everyForm("?author=ana-lima"),
    ]);
    expect(Object.fromEntries(told[0] ?? [])).toMatchObject({
      "hub.mode": "publish",
      "hub.topic": expect.any(String),
    });
  });

  it("are told of the feed that an article leaves, and of that which it comes into", async () => {
    const { id } = await live(newsroom, { headline: "Moving", section: { name: "Here" } });
    await expectTold(everyForm("?section=here"));
    told = [];
    await change(newsroom, id, { section: { name: "There" } });
    await publish(newsroom, id);
    await expectTold([...everyForm("?section=here"), ...everyForm("?section=there")]);
    told = [];
    await unpublish(newsroom, id);
    await expectTold(everyForm("?section=there"));
    expect([...topics()].some((topic) => topic?.includes("section=here"))).toBe(true);
  });

  it("are told again when they could not take it", async () => {
    failures = 2;
    await live(newsroom, { headline: "Told again", section: { name: "Again" } });
    await expectTold(everyForm("?section=again"), 30_000);
  });
});

describe("a feed that hubs are told of", () => {
  it("names them, and itself exactly as they are told of it", async () => {
    for (const query of ["", "?section=world", "?tag=ferries", "?author=ana-lima"]) {
      for (const form of ["rss.xml", "atom.xml", "feed.json"]) {
        const { headers } = await newsroom.reader.get(`/v1/feeds/${form}${query}`);
        expect(headers.link).toBe(
          [`<${API}/v1/feeds/${form}${query}>; rel="self"`, ...hubs.map((url) => `<${url}>; rel="hub"`)].join(
            ", ",
          ),
        );
      }
      const rss = await textAt(newsroom.reader, `/v1/feeds/rss.xml${query}`);
      const atom = await textAt(newsroom.reader, `/v1/feeds/atom.xml${query}`);
      const json = JSON.parse(await textAt(newsroom.reader, `/v1/feeds/feed.json${query}`)) as object;
      for (const feed of [rss, atom]) {
        expect(attributesOf(feed, "//a:link[@rel='hub']", "href", namespaces)).toEqual(hubs);
        expect(attributesOf(feed, "//a:link[@rel='self']", "href", namespaces)).toHaveLength(1);
      }
      expect(json).toHaveProperty(
        "hubs",
        hubs.map((url) => ({ type: "WebSub", url })),
      );
    }
  });

  it("is not one that they are not told of", async () => {
    for (const query of [
      "?q=ferry",
      "?section=world&tag=ferries",
      "?content=summary",
      "?language=en",
      "?tag=a&limit=5",
    ]) {
      const { headers } = await newsroom.reader.get(`/v1/feeds/rss.xml${query}`);
      expect(headers.link).not.toContain("hub");
    }
  });
});

describe("the setting", () => {
  it("needs addresses, and to know where the API is reached", () => {
    expect(() => readConfig({ DATELINE_WEBSUB_HUBS: "hub.example" })).toThrow(/DATELINE_WEBSUB_HUBS must be/);
    expect(() => readConfig({ DATELINE_WEBSUB_HUBS: "https://hub.example/" })).toThrow(
      /DATELINE_URL must be .*DATELINE_WEBSUB_HUBS needs it/,
    );
    expect(() => readConfig({ DATELINE_URL: "https://api.news.example/v1" })).toThrow(/DATELINE_URL must be/);
    expect(readConfig({}).DATELINE_WEBSUB_HUBS).toEqual([]);
  });
});
