import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { change, draft, live, publish, unpublish } from "../support/articles.ts";
import { type Mirror, type ShownChange, allChanges, apply, changesOf } from "../support/changes.ts";
import { openEvents } from "../support/events.ts";
import { type Agent, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { makeTerms } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";
import { hookTo, receiver, until } from "../webhooks/receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });

interface Partner {
  id: string;
  headers: { authorization: string };
  agent: Agent;
  entitle: (entitlement: object | null) => Promise<void>;
}

async function partner(entitlement: object): Promise<Partner> {
  const made = await newsroom.editor
    .post("/v1/keys")
    .send({ name: "Partner", scopes: ["embargo:read", "webhooks:own"], entitlement });
  expect(made.status, made.text).toBe(201);
  const { id, secret } = made.body as { id: string; secret: string };
  const headers = { authorization: `Bearer ${secret}` };
  return {
    id,
    headers,
    agent: newsroom.withHeaders(headers),
    async entitle(patch) {
      const answer = await newsroom.editor.patch(`/v1/keys/${id}`).send({ entitlement: patch });
      expect(answer.status, answer.text).toBe(200);
    },
  };
}

beforeAll(() => makeTerms(newsroom, { sections: ["world", "sport", "culture"], tags: ["ports"] }));

const told = ({ kind, articleId, slug, edition, detail, article }: ShownChange) => ({
  kind,
  articleId,
  slug,
  edition,
  detail,
  headline: article?.headline,
});
const now = async (agent: Agent) => (await changesOf(agent, { since: "now" })).page.next;
/** Publishes an article with some changes. */
const again = async (id: string, patch: object) => {
  await change(newsroom, id, patch as Record<string, unknown>);
  return publish(newsroom, id);
};

/** What a partner gets of all that it gets, as its mirror should have it. */
async function exactFor(agent: Agent): Promise<Record<string, unknown>> {
  const exact: Record<string, unknown> = {};
  let address: string | null = "/v1/articles?limit=100&fields=id";
  while (address !== null) {
    const { body } = await agent.get(address);
    for (const { id } of body.data as { id: string }[]) {
      const { shareCounts: _, shareTotal: __, ...edition } = (await agent.get(`/v1/articles/${id}`)).body;
      exact[id] = edition;
    }
    const next = body.page.next as string | null;
    address = next === null ? null : `/v1/articles?limit=100&fields=id&cursor=${next}`;
  }
  return exact;
}

describe("a partner that is entitled to a section", () => {
  it("is told of what enters it as published, of what leaves it as withdrawn, and of nothing else", async () => {
    const { agent } = await partner({ sections: ["world"] });
    const since = await now(agent);
    const moving = await live(newsroom, { headline: "Moving", slug: "moving", section: "world" });
    const never = await live(newsroom, { headline: "Never", section: "sport" });
    const entering = await live(newsroom, { headline: "Entering", slug: "secret-slug", section: "sport" });
    let page = await changesOf(agent, { since });
    expect(page.data.map(told)).toEqual([
      {
        kind: "published",
        articleId: moving.id,
        slug: "moving",
        edition: 1,
        detail: null,
        headline: "Moving",
      },
    ]);
    await again(never.id, { standfirst: "Still never" });
    await again(moving.id, { section: "sport", slug: "moved-away", headline: "Nothing for you" });
    await newsroom.editor.post(`/v1/articles/${moving.id}/publish`).send({ correction: "Not for you." });
    await again(entering.id, { section: "world", slug: "open-slug" });
    page = await changesOf(agent, { since: page.page.next });
    expect(page.data.map(told)).toEqual([
      {
        kind: "withdrawn",
        articleId: moving.id,
        slug: "moving",
        edition: 1,
        detail: null,
        headline: undefined,
      },
      {
        kind: "published",
        articleId: entering.id,
        slug: "open-slug",
        edition: 2,
        detail: null,
        headline: "Entering",
      },
    ]);
    expect(page.data[0]?.article).toBeNull();
    expect(JSON.stringify(page)).not.toMatch(/secret-slug|moved-away|Nothing for you/);

    await again(entering.id, { slug: "open-again" });
    await unpublish(newsroom, moving.id);
    await unpublish(newsroom, never.id);
    await unpublish(newsroom, entering.id);
    await newsroom.editor.delete(`/v1/articles/${never.id}`).set("if-match", "*");
    page = await changesOf(agent, { since: page.page.next });
    expect(page.data.map(({ kind, slug, detail }) => ({ kind, slug, detail }))).toEqual([
      { kind: "updated", slug: "open-again", detail: null },
      { kind: "moved", slug: "open-again", detail: { from: "open-slug" } },
      { kind: "unpublished", slug: "open-again", detail: null },
    ]);
    // The cursor has passed what is not told.
    await live(newsroom, { headline: "Elsewhere", section: "sport" });
    const { data, page: end } = await changesOf(agent, { since: page.page.next });
    expect(data).toEqual([]);
    expect(end.next).not.toBe(page.page.next);
  });

  it("starts with what it is entitled to alone, in summaries if so", async () => {
    const inside = await live(newsroom, {
      headline: "Summed up",
      section: "culture",
      tags: ["ports"],
      body: [{ type: "paragraph", text: "The body" }],
    });
    await live(newsroom, { headline: "Not tagged", section: "culture" });
    const { agent } = await partner({ sections: ["culture"], tags: ["ports"], content: "summary" });
    const { data } = await allChanges(agent, "start", "1");
    expect(data.map(told)).toEqual([
      expect.objectContaining({ kind: "published", articleId: inside.id, headline: "Summed up" }),
    ]);
    expect(data[0]?.article).not.toHaveProperty("body");
    await again(inside.id, { standfirst: "Again" });
    const since = data[0]?.cursor ?? "";
    const { data: later } = await allChanges(agent, since);
    expect(later.at(-1)?.article).toMatchObject({ standfirst: "Again" });
    expect(later.at(-1)?.article).not.toHaveProperty("body");
  });

  it("waits for what concerns it, and is not woken by the rest", async () => {
    const { agent } = await partner({ sections: ["world"] });
    const since = await now(agent);
    const began = performance.now();
    const waiting = changesOf(agent, { since, wait: "10" });
    await sleep(200);
    await live(newsroom, { headline: "Noise", section: "sport" });
    await sleep(300);
    const { id } = await live(newsroom, { headline: "Signal", section: "world" });
    const { data } = await waiting;
    expect(performance.now() - began).toBeGreaterThan(500);
    expect(data.map(({ articleId }) => articleId)).toEqual([id]);
  });

  it("does not learn of another article by its own links, which come and go with that", async () => {
    const { agent } = await partner({ sections: ["world"] });
    const hidden = await live(newsroom, { headline: "Hidden target", section: "sport" });
    const own = await live(newsroom, {
      headline: "Linking",
      section: "world",
      relatedLinks: [{ articleId: hidden.id }],
    });
    const links = async () => {
      const { data } = await allChanges(agent, "start");
      return data.find(({ articleId }) => articleId === own.id)?.article?.relatedLinks;
    };
    expect(await links()).toEqual([]);
    const since = await now(agent);
    await again(hidden.id, { headline: "Hidden still" });
    await again(hidden.id, { section: "world" });
    await again(hidden.id, { section: "sport" });
    const { data } = await changesOf(agent, { since });
    const shown = data.map(({ kind, articleId, detail }) => [kind, articleId === own.id, detail]);
    expect(shown).toEqual([
      ["updated", true, null],
      ["published", false, null],
      ["updated", true, null],
      ["withdrawn", false, null],
      ["updated", true, null],
    ]);
    expect(await links()).toEqual([]);
    const { data: everybody } = await changesOf(newsroom.reader, { since: await now(newsroom.reader) });
    expect(everybody).toEqual([]);
  });

  it("is given no cursor that leads another on, and takes none", async () => {
    const one = await partner({ sections: ["world"] });
    const other = await partner({ sections: ["world"] });
    const own = await now(one.agent);
    const publics = await now(newsroom.reader);
    for (const [agent, since] of [
      [other.agent, own],
      [newsroom.reader, own],
      [one.agent, publics],
    ] as const)
      expectProblem(await agent.get(`/v1/changes?since=${since}`), 410, "cursor-expired");
    expect((await one.agent.get(`/v1/changes?since=${own}`)).status).toBe(200);
  });

  it("is refused where JSON is not among its forms", async () => {
    const { agent } = await partner({ formats: ["rss"] });
    for (const path of ["/v1/changes", "/v1/changes/stream"])
      expectProblem(await agent.get(path), 406, "not-acceptable");
  });
});

describe("when an entitlement is changed", () => {
  it("cursors of before are 410, also one that waits, and a new start ends exact", async () => {
    const { agent, entitle } = await partner({ sections: ["world"] });
    const { page } = await allChanges(agent, "start");
    const waiting = agent.get(`/v1/changes?since=${page.next}&wait=10`);
    const asked = waiting.then((answer) => answer);
    await sleep(300);
    await entitle({ sections: ["sport"] });
    await live(newsroom, { headline: "Wakes it", section: "sport" });
    expectProblem(await asked, 410, "cursor-expired");
    const refused = await agent.get(`/v1/changes?since=${page.next}`);
    expect(expectProblem(refused, 410, "cursor-expired").detail).toContain("entitlement");
    expect(refused.headers.link).toContain("since=start");
    const { data, page: end } = await allChanges(agent, "start");
    const mirror: Mirror = new Map();
    for (const one of data) apply(mirror, one);
    expect(Object.fromEntries(mirror)).toEqual(await exactFor(agent));
    await entitle(null);
    expectProblem(await agent.get(`/v1/changes?since=${end.next}`), 410, "cursor-expired");
  });

  it("its streams end, and so do those of a key that is revoked", async () => {
    const changed = await partner({ sections: ["world"] });
    const revoked = await partner({ sections: ["world"] });
    const free = await newsroom.editor.post("/v1/keys").send({ name: "Free", scopes: ["embargo:read"] });
    const open = (headers: Record<string, string>) =>
      openEvents(`${newsroom.url}/v1/changes/stream`, headers);
    const streams = await Promise.all([
      open(changed.headers),
      open(revoked.headers),
      open({ authorization: `Bearer ${free.body.secret}` }),
    ]);
    const untouched = await open({});
    await changed.entitle({ sections: ["world", "sport"] });
    await newsroom.editor.delete(`/v1/keys/${revoked.id}`);
    await newsroom.editor.delete(`/v1/keys/${free.body.id}`);
    const { id } = await live(newsroom, { headline: "Told to nobody of them", section: "world" });
    await untouched.until(1);
    await Promise.all(streams.map(({ ended }) => ended));
    for (const { events } of streams) expect(events).toEqual([]);
    expect(untouched.events[0]?.data.articleId).toBe(id);
    untouched.close();
  });
});

describe("the stream", () => {
  it("tells each reader what it is entitled to, with its own cursors", async () => {
    const world = await partner({ sections: ["world"] });
    const sport = await partner({ sections: ["sport"], content: "summary" });
    const open = (headers: Record<string, string>) =>
      openEvents(`${newsroom.url}/v1/changes/stream`, headers);
    const streams = await Promise.all([
      open(world.headers),
      open(world.headers),
      open(sport.headers),
      open({}),
    ]);
    const since = await Promise.all([world.agent, sport.agent, newsroom.reader].map(now));
    const article = await live(newsroom, {
      headline: "Here and there",
      section: "world",
      body: [{ type: "paragraph", text: "The body" }],
    });
    await again(article.id, { section: "sport" });
    await again(article.id, { section: "culture" });
    const [one, two, three, all] = await Promise.all(
      streams.map((stream, index) => stream.until(index === 3 ? 3 : 2)),
    );
    for (const stream of streams) stream.close();
    const kinds = (events: typeof one) => events?.map(({ event }) => event);
    expect(kinds(one)).toEqual(["published", "withdrawn"]);
    expect(two?.map(({ id }) => id)).toEqual(one?.map(({ id }) => id));
    expect(kinds(three)).toEqual(["published", "withdrawn"]);
    expect(three?.[0]?.data.article ?? {}).not.toHaveProperty("body");
    expect(kinds(all)).toEqual(["published", "updated", "updated"]);
    for (const [agent, cursor, events] of [
      [world.agent, since[0], one],
      [sport.agent, since[1], three],
      [newsroom.reader, since[2], all],
    ] as const) {
      const feed = await changesOf(agent, { since: cursor ?? "" });
      expect(feed.data.map(({ cursor: own, kind }) => [own, kind])).toEqual(
        events?.map(({ id, event }) => [id, event]),
      );
    }
  });
});

const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

it("mirrors end exact, by feed, stream and webhook, while 16 move articles in and out, link and take them back, and entitlements change", async () => {
  const other = await startNewsroom(newsroom.databaseUrl, {
    DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
    DATABASE_POOL: "6",
  });
  const everywhere = [newsroom, other.found];
  const ids: string[] = [];
  for (let number = 0; number < 16; number += 1)
    ids.push((await draft(newsroom, { headline: `Article ${number}` })).id);
  const places: object[] = [
    { section: "world" },
    { section: "sport" },
    { section: "culture", tags: ["ports"] },
    { section: "world", tags: ["ports"], language: "de" },
    { section: null, tags: [] },
  ];
  const actions: ((id: string, number: string) => Promise<unknown>)[] = [
    async (id) => edit(id, { ...oneOf(places) }),
    async (id) => edit(id, { ...oneOf(places) }),
    async (id, number) =>
      edit(id, { ...oneOf(places), slug: `slug-${number}`, headline: `Headline ${number}` }),
    async (id) => edit(id, { relatedLinks: [{ articleId: oneOf(ids) }, { articleId: oneOf(ids) }] }),
    async (id) => oneOf(everywhere).editor.post(`/v1/articles/${id}/unpublish`),
  ];
  const edit = async (id: string, patch: object) => {
    const { editor } = oneOf(everywhere);
    await editor.patch(`/v1/articles/${id}`).set("if-match", "*").send(patch);
    return editor.post(`/v1/articles/${id}/publish`);
  };
  const steady = await Promise.all(
    [
      { sections: ["world"] },
      { tags: ["ports"], content: "summary" },
      { sections: ["sport", "world"], languages: ["en"] },
    ].map(partner),
  );
  const changing = await partner({ sections: ["world"] });

  let isOver = false;
  const byFeed = async ({ agent }: Partner, limit: string) => {
    let mirror: Mirror = new Map();
    for (let since = "start"; ;) {
      const wasOver = isOver;
      const answer = await agent.get(`/v1/changes?since=${since}&limit=${limit}`);
      if (answer.status === 410) {
        mirror = new Map();
        since = "start";
        continue;
      }
      const { data, page } = answer.body as { data: ShownChange[]; page: { next: string } };
      for (const one of data) apply(mirror, one);
      if (page.next === since && wasOver) return mirror;
      since = page.next;
    }
  };
  const byStream = async ({ headers }: Partner) => {
    const stream = await openEvents(`${other.found.url}/v1/changes/stream?since=start`, headers);
    return () => {
      const mirror: Mirror = new Map();
      for (const { data } of stream.events) apply(mirror, data);
      return { mirror, stream };
    };
  };
  const byWebhook = async ({ id }: Partner) => {
    const there = await receiver();
    const hook = await hookTo(newsroom, there.url, { keyId: id });
    return { hook, told: () => there.received.map(({ body }) => body.data) };
  };
  const everyone = [...steady, changing];
  // Whoever has only a webhook begins with what there is.
  const before = await Promise.all(
    everyone.map(async ({ agent }) => {
      const mirror: Mirror = new Map();
      for (const one of (await allChanges(agent, "start")).data) apply(mirror, one);
      return mirror;
    }),
  );
  const hooks = await Promise.all(everyone.map(byWebhook));
  const streams = await Promise.all(steady.map(byStream));
  const feeds = everyone.map((one, index) => byFeed(one, String(1 + index * 5)));
  const publisher = async (name: number) => {
    for (let round = 0; round < 10; round += 1) await oneOf(actions)(oneOf(ids), `${name}-${round}`);
  };
  const moods = [
    { sections: ["sport"] },
    { sections: [], tags: ["ports"], content: "summary" },
    { content: "full", tags: [] },
  ];
  const administrator = async () => {
    for (const mood of moods) {
      await sleep(700);
      await changing.entitle(mood);
    }
    await sleep(400);
    await changing.entitle({ sections: ["world", "culture"] });
  };
  await Promise.all([...Array.from({ length: 16 }, (_, name) => publisher(name)), administrator()]);
  await sleep(500);
  isOver = true;
  const exact = await Promise.all(everyone.map(({ agent }) => exactFor(agent)));
  expect(Object.keys(exact[0] ?? {}).length).toBeGreaterThan(0);
  for (const [index, feed] of feeds.entries())
    expect(Object.fromEntries(await feed), `the feed of partner ${index}`).toEqual(exact[index]);
  for (const [index, look] of streams.entries()) {
    await expect
      .poll(() => Object.fromEntries(look().mirror), { timeout: 10_000, message: `stream ${index}` })
      .toEqual(exact[index]);
    look().stream.close();
  }
  for (const [index, { hook, told: received }] of hooks.entries()) {
    await until(async () => {
      const { data } = (await newsroom.editor.get(`${hook.path}/deliveries?state=pending`)).body;
      const [caughtUp] = await newsroom.database.$queryRaw<unknown[]>`
        SELECT FROM webhooks WHERE id = ${hook.id}::uuid AND walk_after IS NULL
          AND position = (SELECT max(sequence) FROM changes)`;
      return data.length === 0 && caughtUp !== undefined;
    });
    const mirror: Mirror = new Map(before[index]);
    for (const one of received()) apply(mirror, one);
    const kinds = new Set(received().map(({ kind }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(["published", "updated", "withdrawn"]));
    expect(Object.fromEntries(mirror), `the webhook of partner ${index}`).toEqual(exact[index]);
  }
  await other.close();
}, 120_000);
