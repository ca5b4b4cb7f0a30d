import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { inMs, planned, until } from "../support/desk.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { type Partner, makeTerms, partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

let world: Partner;
let several: Partner;
let early: Partner;
let summaries: Partner;

beforeAll(async () => {
  await makeTerms(newsroom, { sections: ["world", "culture", "sport"], tags: ["ports", "rail"] });
  world = await partnerOf(newsroom, { sections: ["world"] });
  several = await partnerOf(newsroom, { sections: ["world", "culture"] });
  early = await partnerOf(newsroom, { sections: ["world"], embargoed: true });
  summaries = await partnerOf(newsroom, { content: "summary" });
});

const status = async (agent: Agent, reference: string) =>
  (await agent.get(`/v1/articles/${reference}`)).status;
const listed = async (agent: Agent, query: string) =>
  ((await agent.get(`/v1/articles?limit=100&${query}`)).body.data as { id: string }[]).map(({ id }) => id);

describe("an article that leaves an entitlement", () => {
  it("is there no more as soon as it is published elsewhere, and again when it is back", async () => {
    const { id, slug } = await live(newsroom, { headline: "Harbour moves", section: "world" });
    expect(await status(world.agent, id)).toBe(200);
    await change(newsroom, id, { section: "sport" });
    expect(await status(world.agent, id)).toBe(200);
    await publish(newsroom, id);
    for (const reference of [id, slug])
      expectProblem(await world.agent.get(`/v1/articles/${reference}`), 404, "not-found");
    expect(await listed(world.agent, "")).not.toContain(id);
    expect(await status(newsroom.reader, id)).toBe(200);
    await change(newsroom, id, { section: "culture" });
    await publish(newsroom, id);
    expect([await status(world.agent, id), await status(several.agent, id)]).toEqual([404, 200]);
  });

  it("is there as the public saw it then, by the section of then", async () => {
    const { id, slug } = await live(newsroom, { headline: "Pier sinks", section: "world" });
    await sleep(5);
    const before = new Date().toISOString();
    await sleep(5);
    await change(newsroom, id, { section: "sport" });
    await publish(newsroom, id);
    const after = new Date().toISOString();
    for (const reference of [id, slug]) {
      expect((await world.agent.get(`/v1/articles/${reference}?asOf=${before}`)).status).toBe(200);
      expectProblem(await world.agent.get(`/v1/articles/${reference}?asOf=${after}`), 404, "not-found");
    }
    for (const partner of [world, several]) {
      expect(await listed(partner.agent, `asOf=${before}`)).toContain(id);
      expect(await listed(partner.agent, `asOf=${after}`)).not.toContain(id);
    }
    const missing = await world.agent.get(`/v1/articles?ids=${id}&asOf=${after}`);
    expect(missing.body.missing).toEqual([{ id, reason: "not-found" }]);
  });

  it("leads nowhere by a slug that it had, though it redirects those who get it", async () => {
    const { id, slug } = await live(newsroom, { headline: "Bridge is named", section: "world" });
    await change(newsroom, id, { slug: "bridge-has-a-name" });
    await publish(newsroom, id);
    const moved = await world.agent.get(`/v1/articles/${slug}`).redirects(0);
    expect([moved.status, moved.headers.location]).toEqual([301, "/v1/articles/bridge-has-a-name"]);
    await change(newsroom, id, { section: "sport" });
    await publish(newsroom, id);
    expectProblem(await world.agent.get(`/v1/articles/${slug}`).redirects(0), 404, "not-found");
  });
});

describe("an article that is no more", () => {
  it("is gone for those who were entitled to its last edition, and never was for others", async () => {
    const inside = await live(newsroom, { headline: "Ferry sold", section: "world" });
    const outside = await live(newsroom, { headline: "Match off", section: "sport" });
    const left = await live(newsroom, { headline: "Ferry races", section: "world" });
    await change(newsroom, left.id, { section: "sport" });
    await publish(newsroom, left.id);
    for (const { id } of [inside, outside, left]) await unpublish(newsroom, id);
    const now = new Date().toISOString();
    for (const query of ["", `?asOf=${now}`]) {
      expectProblem(await world.agent.get(`/v1/articles/${inside.id}${query}`), 410, "gone");
      for (const { id, slug } of [outside, left])
        for (const reference of [id, slug])
          expectProblem(await world.agent.get(`/v1/articles/${reference}${query}`), 404, "not-found");
    }
    const ids = [inside.id, outside.id, left.id];
    for (const query of ["", `&asOf=${now}`]) {
      const { body } = await world.agent.get(`/v1/articles?ids=${ids.join(",")}${query}`);
      expect(body.missing).toEqual([
        { id: inside.id, reason: "gone" },
        { id: outside.id, reason: "not-found" },
        { id: left.id, reason: "not-found" },
      ]);
    }
  });

  it("is told to be withdrawn for good to those alone who had it", async () => {
    const inside = await live(newsroom, { headline: "Names named", section: "world" });
    const outside = await live(newsroom, { headline: "Players named", section: "sport" });
    for (const { id } of [inside, outside])
      await newsroom.editor
        .post(`/v1/articles/${id}/kill`)
        .set("if-match", "*")
        .send({ reason: "A court's order" });
    const now = new Date().toISOString();
    for (const query of ["", `?asOf=${now}`]) {
      expectProblem(await world.agent.get(`/v1/articles/${inside.id}${query}`), 451, "withdrawn");
      expectProblem(await world.agent.get(`/v1/articles/${outside.id}${query}`), 404, "not-found");
    }
  });

  it("was never there, once it is purged: nobody can tell any more whose it was", async () => {
    const { id } = await live(newsroom, { headline: "Buoy lost", section: "world" });
    await newsroom.editor.delete(`/v1/articles/${id}`).set("if-match", "*");
    expectProblem(await world.agent.get(`/v1/articles/${id}`), 410, "gone");
    await newsroom.editor.delete(`/v1/trash/${id}`).set("if-match", "*");
    expectProblem(await newsroom.reader.get(`/v1/articles/${id}`), 410, "gone");
    expectProblem(await world.agent.get(`/v1/articles/${id}`), 404, "not-found");
  });
});

describe("what is under embargo", () => {
  it("is for those alone whose entitlement has embargoes", async () => {
    const { id } = await draft(newsroom, {
      headline: "Budget of the port",
      section: "world",
      embargoedUntil: inMs(60_000),
    });
    await planned(newsroom, id, {});
    expect([await status(world.agent, id), await status(early.agent, id)]).toEqual([404, 200]);
    expect(await listed(world.agent, "")).not.toContain(id);
    expect(await listed(early.agent, "")).toContain(id);
  });

  it("takes what is live from a partner while an edition that it sees early is filed elsewhere", async () => {
    const { id } = await live(newsroom, { headline: "Port of two desks", section: "world" });
    await change(newsroom, id, {
      section: "sport",
      headline: "Sport of two desks",
      embargoedUntil: inMs(60_000),
    });
    await planned(newsroom, id, {});
    expect([await status(newsroom.reader, id), await status(world.agent, id)]).toEqual([200, 200]);
    expectProblem(await early.agent.get(`/v1/articles/${id}`), 404, "not-found");
    for (const query of ["", "sort=updated", "q=desks", "sort=mostShared", `ids=${id}`])
      expect(await listed(early.agent, query)).not.toContain(id);
    expect(await listed(world.agent, "")).toContain(id);
  });

  it("does not give early what is filed otherwise until then", async () => {
    const { id } = await live(newsroom, { headline: "Race to the port", section: "sport" });
    await change(newsroom, id, { section: "world", embargoedUntil: inMs(60_000) });
    await planned(newsroom, id, {});
    expect([await status(early.agent, id), await listed(early.agent, `ids=${id}`)]).toEqual([404, []]);
  });
});

it("an edition that comes at its second is held against the entitlement from then on", async () => {
  const { id } = await live(newsroom, { headline: "Desk at noon", section: "world" });
  await change(newsroom, id, { section: "sport" });
  const at = inMs(2_000);
  await planned(newsroom, id, { at });
  expect(await status(world.agent, id)).toBe(200);
  await until(at);
  expect(await status(world.agent, id)).toBe(404);
  expect(await listed(world.agent, "")).not.toContain(id);
});

describe("links to what is outside of an entitlement", () => {
  it("are left out, from the text as well, wherever the article is read", async () => {
    const outside = await live(newsroom, { headline: "Cup final", section: "sport" });
    const inside = await live(newsroom, { headline: "Harbour opens", section: "world" });
    const { id } = await live(newsroom, {
      headline: "Week on the coast",
      section: "world",
      keyPoints: [{ text: "The cup", blockId: "cup" }],
      relatedLinks: [
        { id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d01", kind: "alsoRead", articleId: outside.id },
        { id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d02", kind: "alsoRead", articleId: inside.id },
        {
          id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d03",
          kind: "source",
          title: "Harbour",
          url: "https://example.com/",
        },
      ],
      body: [
        { id: "one", type: "paragraph", text: "It opened." },
        { id: "cup", type: "relatedLink", relatedLinkId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d01" },
        { id: "two", type: "relatedLink", relatedLinkId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d02" },
      ],
    });
    const whole = (await newsroom.reader.get(`/v1/articles/${id}`)).body as ShownArticle;
    expect(whole.relatedLinks).toHaveLength(3);
    const shown = (await world.agent.get(`/v1/articles/${id}`)).body as ShownArticle;
    expect(shown.relatedLinks.map(({ title, position }) => [title, position])).toEqual([
      ["Harbour opens", 0],
      ["Harbour", 1],
    ]);
    expect(shown.body.map((block) => block.id)).toEqual(["one", "two"]);
    expect(shown.keyPoints).toMatchObject([{ text: "The cup", blockId: null }]);
    expect({ ...shown, relatedLinks: [], body: [], keyPoints: [] }).toEqual({
      ...whole,
      relatedLinks: [],
      body: [],
      keyPoints: [],
    });
    const now = new Date().toISOString();
    for (const path of [
      "/v1/articles?sort=newest&limit=100",
      `/v1/articles?ids=${id}`,
      `/v1/articles/${id}?format=text`,
      `/v1/articles/${id}?asOf=${now}`,
      `/v1/articles?limit=100&asOf=${now}`,
      "/v1/articles?q=coast",
      "/v1/feeds/feed.json",
      "/v1/articles?format=ninjs&limit=100",
      `/a/${whole.slug}`,
    ]) {
      const { text } = await world.agent.get(path);
      expect(text).toContain("Harbour opens");
      expect(text).not.toContain("Cup final");
    }
  });
});

describe("lists", () => {
  it("go on page by page through what a partner is entitled to, none left out and none twice", async () => {
    const wanted: string[] = [];
    for (let number = 0; number < 24; number += 1) {
      const section = ["world", "sport", "culture"][number % 3] ?? "";
      const { id } = await live(newsroom, {
        headline: `Tide table ${number}`,
        section,
        tags: ["rail"],
        publishedAt: new Date(Date.UTC(2020, 0, 1 + number)).toISOString(),
      });
      await newsroom.editor
        .put(`/v1/articles/${id}/share-counts/x`)
        .set("if-match", "*")
        .send({ count: 100 + number });
      if (section !== "sport") wanted.unshift(id);
    }
    for (const query of [
      "tag=rail",
      "tag=rail&sort=updated",
      "tag=rail&sort=mostShared",
      "q=tide&sort=newest",
      "q=tide",
      `tag=rail&asOf=${new Date().toISOString()}`,
    ]) {
      const found: string[] = [];
      for (let cursor = ""; ;) {
        const { body } = await several.agent.get(`/v1/articles?limit=3&${query}${cursor}`);
        found.push(...(body.data as { id: string }[]).map(({ id }) => id));
        if (body.page.next === null) break;
        cursor = `&cursor=${body.page.next}`;
      }
      expect({ query, found: found.toSorted() }).toEqual({ query, found: wanted.toSorted() });
      if (query === "tag=rail") expect(found).toEqual(wanted);
    }
    expect(await listed(several.agent, "tag=rail&sort=oldest")).toEqual(wanted.toReversed());
    expect(await listed(several.agent, "tag=rail&section=sport")).toEqual([]);
    expect(await listed(world.agent, "tag=rail&section=world")).toHaveLength(8);
  });

  it("hold what was published from the beginning of a span on and before its end", async () => {
    const times = ["2021-05-01T00:00:00.000Z", "2021-05-02T00:00:00.000Z", "2021-05-03T00:00:00.000Z"];
    const ids: string[] = [];
    for (const publishedAt of times)
      ids.push((await live(newsroom, { headline: `May ${publishedAt}`, publishedAt })).id);
    const { agent } = await partnerOf(newsroom, { from: times[0], until: times[2] });
    for (const sort of ["newest", "updated"])
      expect((await listed(agent, `sort=${sort}`)).toSorted()).toEqual(ids.slice(0, 2).toSorted());
    expect(await Promise.all(ids.map((id) => status(agent, id)))).toEqual([200, 200, 404]);
  });

  it("are empty for terms that a partner is not entitled to, known or not", async () => {
    expect(await listed(world.agent, "section=sport")).toEqual([]);
    expect(await listed(world.agent, "section=nowhere")).toEqual([]);
  });
});

describe("an entitlement to summaries", () => {
  let article: ShownArticle;
  beforeAll(async () => {
    article = await live(newsroom, {
      headline: "Lighthouse relit",
      dateline: "CORK, Ireland",
      standfirst: "After forty years",
      keyPoints: ["It shines"],
      body: [
        { type: "paragraph", text: "Zanzibar paragraph." },
        { type: "image", url: "https://example.com/zanzibar.jpg", alt: "Zanzibar" },
      ],
      relatedLinks: [{ kind: "source", title: "The keepers", url: "https://example.com/keepers" }],
    });
  });

  it("has the article without its body", async () => {
    for (const query of ["", `?asOf=${new Date().toISOString()}`]) {
      const { body } = await summaries.agent.get(`/v1/articles/${article.id}${query}`);
      expect(body).not.toHaveProperty("body");
      expect(body).toMatchObject({
        headline: "Lighthouse relit",
        standfirst: "After forty years",
        keyPoints: [{ text: "It shines" }],
        relatedLinks: [{ title: "The keepers" }],
        shareTotal: 0,
      });
    }
    const chosen = await summaries.agent.get(`/v1/articles/${article.id}?fields=body,headline`);
    expect(chosen.body).toEqual({ id: article.id, headline: "Lighthouse relit" });
  });

  it.for(["jsonld", "ninjs", "text", "markdown", "html"])(
    "has it as %s with all but the text, and where the whole is",
    async (format) => {
      const { text, status: code } = await summaries.agent.get(`/v1/articles/${article.id}?format=${format}`);
      expect(code).toBe(200);
      for (const part of [
        "Lighthouse relit",
        "After forty years",
        "It shines",
        "https://example.com/keepers",
        `/a/${article.slug}`,
      ])
        expect(text.replaceAll("\\", "")).toContain(part);
      expect(text.toLowerCase()).not.toContain("zanzibar");
      expect((await newsroom.reader.get(`/v1/articles/${article.id}?format=${format}`)).text).toContain(
        "Zanzibar",
      );
    },
  );

  it("has neither the text nor its pictures in feeds, on pages and in what a search shows", async () => {
    for (const path of [
      "/v1/feeds/rss.xml",
      "/v1/feeds/atom.xml?content=full",
      "/v1/feeds/feed.json",
      `/a/${article.slug}`,
      "/v1/articles?q=zanzibar",
    ]) {
      const answer = await summaries.agent.get(path);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain("Lighthouse relit");
      expect(answer.text.replaceAll("q=zanzibar", "").toLowerCase()).not.toContain("zanzibar");
      expect((await newsroom.reader.get(path)).text.toLowerCase()).toContain("zanzibar");
    }
  });
});

describe("forms", () => {
  it("outside of an entitlement are 406, which names those that are in it", async () => {
    const { id } = await live(newsroom, { headline: "Forms of news" });
    const { agent } = await partnerOf(newsroom, { formats: ["json", "ninjs"] });
    for (const path of [
      `/v1/articles/${id}?format=text`,
      "/v1/articles?format=jsonld",
      "/v1/feeds/rss.xml",
      "/v1/feeds/sitemap.xml",
      "/a/forms-of-news",
    ]) {
      const found = expectProblem(await agent.get(path), 406, "not-acceptable");
      expect(found.detail).toContain("json, ninjs");
    }
    const markdown = await agent.get(`/v1/articles/${id}`).set("accept", "text/markdown");
    expect(expectProblem(markdown, 406, "not-acceptable").detail).toContain("json, ninjs");
    for (const path of [
      `/v1/articles/${id}`,
      `/v1/articles/${id}?format=ninjs`,
      `/v1/articles/${id}/key-points`,
    ])
      expect((await agent.get(path)).status).toBe(200);
  });

  it("are chosen among those of an entitlement, where the caller takes several", async () => {
    const { id } = await live(newsroom, { headline: "Choice of forms" });
    const { agent } = await partnerOf(newsroom, { formats: ["ninjs", "rss"] });
    for (const accept of ["*/*", "application/json, application/vnd.iptc.ninjs+json;q=0.5"]) {
      const answer = await agent.get(`/v1/articles/${id}`).set("accept", accept);
      expect(answer.headers["content-type"]).toContain("ninjs");
    }
    expect((await agent.get("/v1/feeds/rss.xml")).status).toBe(200);
    for (const path of [
      `/v1/articles/${id}?format=json`,
      `/v1/articles/${id}?fields=headline`,
      `/v1/articles/${id}?asOf=${new Date().toISOString()}`,
      `/v1/articles/${id}/key-points`,
      `/v1/articles/${id}/share-counts`,
      `/v1/articles/${id}/backlinks`,
    ])
      expectProblem(await agent.get(path), 406, "not-acceptable");
    expect((await agent.get("/v1/me")).status).toBe(200);
  });
});

it("a change of an entitlement holds from the next request on", async () => {
  const { id } = await live(newsroom, { headline: "Contract renewed", section: "sport" });
  const partner = await partnerOf(newsroom, { sections: ["world"] });
  expect(await status(partner.agent, id)).toBe(404);
  await partner.entitle({ sections: ["sport"] });
  expect(await status(partner.agent, id)).toBe(200);
  await partner.entitle({ content: "summary" });
  expect((await partner.agent.get(`/v1/articles/${id}`)).body).not.toHaveProperty("body");
  await partner.entitle(null);
  expect((await partner.agent.get(`/v1/articles/${id}`)).body).toHaveProperty("body");
});

it("answers because of an entitlement are nobody's to keep", async () => {
  const { id } = await live(newsroom, { headline: "Not for caches", section: "world" });
  for (const path of [`/v1/articles/${id}`, "/v1/articles", "/v1/feeds/rss.xml", "/a/not-for-caches"]) {
    const answer = await world.agent.get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
  }
});

describe("why a key gets an article or does not", () => {
  const explained = async (partner: Partner, article: string) => {
    const answer = await newsroom.editor.get(`/v1/articles/${article}/access?key=${partner.id}`);
    expect(answer.status, answer.text).toBe(200);
    const { allowed, edition, rules } = answer.body as {
      allowed: boolean;
      edition: number | null;
      rules: { rule: string; allowed: boolean; detail: string }[];
    };
    expect(allowed).toBe(rules.every((rule) => rule.allowed));
    expect(allowed).toBe((await status(partner.agent, article)) === 200);
    return {
      allowed,
      edition,
      rules: Object.fromEntries(rules.map((one) => [one.rule, one.allowed])),
      details: rules.map(({ detail }) => detail).join(" "),
    };
  };

  it("is told rule by rule", async () => {
    const partner = await partnerOf(newsroom, {
      sections: ["world"],
      tags: ["ports", "rail"],
      languages: ["fr"],
      from: "2024-01-01T00:00:00Z",
      until: "2025-01-01T00:00:00Z",
    });
    const { id } = await live(newsroom, {
      headline: "Rules of the port",
      section: "world",
      tags: ["ports"],
      language: "en",
      publishedAt: "2025-06-01T00:00:00Z",
    });
    const found = await explained(partner, id);
    expect(found).toMatchObject({
      allowed: false,
      edition: 1,
      rules: { published: true, section: true, tag: true, language: false, from: true, until: false },
    });
    expect(found.details).toContain("one of the languages fr; the article is in en.");
    expect(found.details).toContain(
      "what was published before 2025-01-01T00:00:00.000Z; the article was published at 2025-06-01T00:00:00.000Z.",
    );
    await partner.entitle({ languages: [], until: null });
    expect(await explained(partner, id)).toMatchObject({
      allowed: true,
      rules: { published: true, section: true, tag: true, from: true },
    });
    await partner.entitle(null);
    expect((await explained(partner, id)).rules).toEqual({ published: true });
  });

  it("is told of what is under embargo, gone, or was never there", async () => {
    const { id } = await draft(newsroom, {
      headline: "Sealed",
      section: "world",
      embargoedUntil: inMs(60_000),
    });
    expect(await explained(early, id)).toMatchObject({
      allowed: false,
      edition: null,
      rules: { published: false },
    });
    await planned(newsroom, id, {});
    expect((await explained(world, id)).rules).toEqual({ published: true, embargo: false, section: true });
    expect((await explained(early, id)).rules).toEqual({ published: true, embargo: true, section: true });
    const gone = await live(newsroom, { headline: "Unsealed", section: "world" });
    await unpublish(newsroom, gone.id);
    expect(await explained(world, gone.slug)).toMatchObject({
      edition: 1,
      rules: { published: false, section: true },
    });
  });

  it("is told of the edition that the key would see, and of what lists go by", async () => {
    const { id } = await live(newsroom, { headline: "Two desks again", section: "world" });
    await change(newsroom, id, { section: "sport", embargoedUntil: inMs(60_000) });
    await planned(newsroom, id, {});
    expect(await explained(world, id)).toMatchObject({ allowed: true, edition: 1 });
    expect(await explained(early, id)).toMatchObject({
      allowed: false,
      edition: 2,
      rules: { section: false },
    });
  });

  it("is for those who manage keys, of keys and articles that there are", async () => {
    const { id } = await live(newsroom, { headline: "Who may ask", section: "world" });
    const path = (article: string, key: string) => `/v1/articles/${article}/access?key=${key}`;
    expectProblem(await newsroom.editor.get(path("nothing-here", world.id)), 404, "not-found");
    expectProblem(await newsroom.editor.get(path(id, id)), 404, "not-found");
    expectProblem(await newsroom.editor.get(path(id, "mine")), 400, "invalid-parameter");
    expectProblem(await newsroom.editor.get(`/v1/articles/${id}/access`), 400, "invalid-parameter");
    expectProblem(await world.agent.get(path(id, world.id)), 403, "scope-missing");
  });
});
