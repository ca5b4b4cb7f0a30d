import { describe, expect, it } from "vitest";
import { change, draft, live, publish, unpublish } from "../support/articles.ts";
import { allChanges, changesOf } from "../support/changes.ts";
import { unknownId } from "../support/drafts.ts";
import { openEvents } from "../support/events.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { makeTerms, partnerOf } from "../support/partners.ts";
import { expectProblem } from "../support/problems.ts";
import { hookTo, receiver, until } from "../webhooks/receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });

interface Partner {
  id: string;
  secret: string;
  agent: Agent;
}

interface Recalled {
  key: { id: string; name: string } | null;
  had: { edition: number; by: string; at: string; arrivedAt: string | null }[];
  notice: {
    state: string;
    by: string | null;
    sentAt: string | null;
    deliveredAt: string | null;
    acknowledgedAt: string | null;
  } | null;
}

interface Recall {
  articleId: string;
  notice: { sequence: number; cursor: string; kind: string; edition: number } | null;
  data: Recalled[];
  page: { next: string | null };
}

async function partner(name: string): Promise<Partner> {
  const { body } = await newsroom.editor.post("/v1/keys").send({ name, role: "partner" });
  const { id, secret } = body as { id: string; secret: string };
  return { id, secret, agent: newsroom.withHeaders({ authorization: `Bearer ${secret}` }) };
}

async function recallOf(article: string, query = ""): Promise<Recall> {
  const answer = await newsroom.editor.get(`/v1/articles/${article}/recall${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Recall;
}

const at = ({ data }: Recall, { id }: Partner) => data.find(({ key }) => key?.id === id);
const kill = (id: string) =>
  newsroom.editor.post(`/v1/articles/${id}/kill`).set("if-match", "*").send({ reason: "An injunction" });
const now = async (agent: Agent) => (await changesOf(agent, { since: "now" })).page.next;
const time = expect.stringMatching(/^2.*Z$/);

describe("a recall", () => {
  it("says of a partner that reads the feed which editions it had, and whether it knows of the kill", async () => {
    const lisbon = await partner("Lisbon");
    let since = await now(lisbon.agent);
    const { id } = await live(newsroom, { headline: "To be recalled" });
    since = (await changesOf(lisbon.agent, { since })).page.next;
    await change(newsroom, id, { standfirst: "Again" });
    await publish(newsroom, id);
    since = (await changesOf(lisbon.agent, { since })).page.next;
    await kill(id);
    const before = await recallOf(id);
    expect(before).toMatchObject({ articleId: id, notice: { kind: "withdrawn", edition: 2 } });
    expect(at(before, lisbon)).toEqual({
      key: { id: lisbon.id, name: "Lisbon" },
      had: [
        { edition: 2, by: "feed", at: time, arrivedAt: null },
        { edition: 1, by: "feed", at: time, arrivedAt: time },
      ],
      notice: { state: "waiting", by: null, sentAt: null, deliveredAt: null, acknowledgedAt: null },
    });

    const { data, page } = await changesOf(lisbon.agent, { since });
    const sent = at(await recallOf(id), lisbon);
    expect(sent?.had[0]?.arrivedAt).toEqual(time);
    expect(sent?.notice).toMatchObject({ state: "sent", by: "feed", sentAt: time, deliveredAt: null });
    await changesOf(lisbon.agent, { since: page.next });
    expect(at(await recallOf(id), lisbon)?.notice).toMatchObject({ state: "delivered", deliveredAt: time });

    const cursor = data.at(-1)?.cursor;
    const said = await lisbon.agent.post(`/v1/articles/${id}/acknowledgements`).send({ cursor });
    expect(said.status, said.text).toBe(201);
    const { notice } = await recallOf(id);
    expect(said.body).toEqual({
      articleId: id,
      sequence: notice?.sequence,
      kind: "withdrawn",
      acknowledgedAt: time,
    });
    expect(at(await recallOf(id), lisbon)?.notice).toMatchObject({
      state: "acknowledged",
      acknowledgedAt: said.body.acknowledgedAt,
      deliveredAt: time,
    });
  });

  it("finds those that took the article from what was live, and not those that came later", async () => {
    const old = await live(newsroom, { headline: "From the archive" });
    const early = await partner("Early");
    const late = await partner("Late");
    const onlyNew = await partner("Only new");
    const { page } = await allChanges(early.agent, "start", "2");
    let newest = await now(onlyNew.agent);
    await unpublish(newsroom, old.id);
    await allChanges(late.agent, "start");
    newest = (await changesOf(onlyNew.agent, { since: newest })).page.next;
    const recalled = await recallOf(old.id);
    expect(recalled.notice?.kind).toBe("unpublished");
    expect(at(recalled, early)).toMatchObject({
      had: [{ edition: 1, by: "feed", arrivedAt: time }],
      notice: { state: "waiting" },
    });
    expect(at(recalled, late)).toBeUndefined();
    // It never had the article, and knows that it is no more.
    expect(at(recalled, onlyNew)).toMatchObject({ had: [], notice: { state: "sent" } });
    await changesOf(early.agent, { since: page.next });
    expect(at(await recallOf(old.id), early)?.notice).toMatchObject({ state: "sent" });
  });

  it("says what a stream was sent, and that it arrived when its reader comes back", async () => {
    const streaming = await partner("Streaming");
    const headers = { authorization: `Bearer ${streaming.secret}` };
    const open = (last?: string) =>
      openEvents(`${newsroom.url}/v1/changes/stream`, {
        ...headers,
        ...(last === undefined ? {} : { "last-event-id": last }),
      });
    const stream = await open();
    const { id } = await live(newsroom, { headline: "On the stream" });
    await newsroom.editor.post(`/v1/articles/${id}/publish`).send({ correction: "It was the other one." });
    const events = await stream.until(2);
    stream.close();
    expect(at(await recallOf(id), streaming)).toMatchObject({
      had: [
        { edition: 2, by: "stream", arrivedAt: null },
        { edition: 1, by: "stream", arrivedAt: null },
      ],
      notice: { state: "sent", by: "stream", deliveredAt: null },
    });
    (await open(events[1]?.id)).close();
    expect(at(await recallOf(id), streaming)?.notice).toMatchObject({
      state: "delivered",
      deliveredAt: time,
    });
  });

  it("says what webhooks delivered, those of nobody as one, and what waits for a receiver that fails", async () => {
    const hooked = await partner("Hooked");
    const failing = await partner("Failing");
    const good = await receiver();
    const bad = await receiver(({ body }) => ({ status: body.type === "article.deleted" ? 500 : 204 }));
    await hookTo(newsroom, good.url, { keyId: hooked.id });
    await hookTo(newsroom, good.url, { keyId: null });
    await hookTo(newsroom, bad.url, { keyId: failing.id });
    const { id } = await live(newsroom, { headline: "By webhook" });
    await until(() => good.about(id).length === 2 && bad.about(id).length === 1);
    await newsroom.editor.delete(`/v1/articles/${id}`).set("if-match", "*");
    await until(() => good.about(id).length === 4 && bad.about(id).length === 2);
    await until(async () => at(await recallOf(id), hooked)?.notice?.state === "delivered");
    await until(async () => at(await recallOf(id), failing)?.notice?.state === "sent");
    const recalled = await recallOf(id);
    for (const found of [at(recalled, hooked), recalled.data.find(({ key }) => key === null)])
      expect(found).toMatchObject({
        had: [{ edition: 1, by: "webhook", arrivedAt: time }],
        notice: { state: "delivered", by: "webhook", sentAt: time, deliveredAt: time, acknowledgedAt: null },
      });
    expect(at(recalled, failing)?.notice).toMatchObject({ state: "sent", deliveredAt: null });
  });

  it("lists partners page by page, each once", async () => {
    const { id } = await live(newsroom, { headline: "For many" });
    await unpublish(newsroom, id);
    const { notice } = await recallOf(id);
    const some = await Promise.all(Array.from({ length: 5 }, (_, number) => partner(`Number ${number}`)));
    for (const { agent } of some)
      await agent.post(`/v1/articles/${id}/acknowledgements`).send({ sequence: notice?.sequence });
    const seen: (string | undefined)[] = [];
    for (let next: string | null = ""; next !== null;) {
      const page: Recall = await recallOf(id, `?limit=2${next && `&cursor=${next}`}`);
      seen.push(...page.data.map(({ key }) => key?.id));
      next = page.page.next;
    }
    expect(seen).toEqual(some.map((one) => one.id).toSorted());
    expectProblem(
      await newsroom.editor.get(`/v1/articles/${id}/recall?cursor=nonsense`),
      400,
      "invalid-parameter",
    );
  });

  it("answers of what was purged, by slug too, and 404 of what was never published", async () => {
    const reader = await partner("Of what is purged");
    const since = await now(reader.agent);
    const { id, slug } = await live(newsroom, { headline: "To be purged" });
    await changesOf(reader.agent, { since });
    await newsroom.editor.delete(`/v1/articles/${id}`).set("if-match", "*");
    const { headers } = await newsroom.editor.get(`/v1/trash/${id}`);
    const purged = await newsroom.editor.delete(`/v1/trash/${id}`).set("if-match", headers.etag ?? "*");
    expect(purged.status).toBe(204);
    for (const reference of [id, slug])
      expect(at(await recallOf(reference), reader)).toMatchObject({ had: [{ edition: 1 }] });
    const secret = await draft(newsroom, { headline: "Never out" });
    for (const reference of [secret.id, unknownId, "no-such-slug"])
      expectProblem(await newsroom.editor.get(`/v1/articles/${reference}/recall`), 404, "not-found");
  });

  it("leaves out partners that had no right to the article, and says what others had of it", async () => {
    await makeTerms(newsroom, { sections: ["world", "sport"] });
    const world = await partnerOf(newsroom, { sections: ["world"] });
    const sport = await partnerOf(newsroom, { sections: ["sport"] });
    const since = await Promise.all([now(world.agent), now(sport.agent)]);
    const { id } = await live(newsroom, { headline: "In the world", section: "world" });
    await change(newsroom, id, { section: "sport" });
    await publish(newsroom, id);
    await change(newsroom, id, { section: null });
    await publish(newsroom, id);
    await kill(id);
    for (const [index, { agent }] of [world, sport].entries())
      await changesOf(agent, { since: since[index] ?? "" });
    const { data } = await recallOf(id);
    const had = (key: string) => data.find((one) => one.key?.id === key)?.had.map(({ edition }) => edition);
    expect([had(world.id), had(sport.id)]).toEqual([[1], [2]]);
    const refused = await world.agent
      .post(`/v1/articles/${id}/acknowledgements`)
      .send({ sequence: (await recallOf(id)).notice?.sequence });
    // What it was told is that the article left its section.
    expectProblem(refused, 404, "not-found");
    const never = await live(newsroom, { headline: "Never theirs" });
    await unpublish(newsroom, never.id);
    for (const { agent } of [world, sport]) await allChanges(agent, "start");
    for (const [index, { agent }] of [world, sport].entries()) await allChanges(agent, since[index] ?? "");
    const ids = (await recallOf(never.id)).data.map(({ key }) => key?.id);
    expect(ids).not.toContain(world.id);
    expect(ids).not.toContain(sport.id);
  });

  it("has no notice while nothing was taken back", async () => {
    const { id } = await live(newsroom, { headline: "All well" });
    expect(await recallOf(id)).toMatchObject({ notice: null });
  });
});

describe("an acknowledgement", () => {
  it("keeps the time at which it was first said, and counts for what came before", async () => {
    const saying = await partner("Saying it twice");
    const { id } = await live(newsroom, { headline: "Twice" });
    const since = await now(saying.agent);
    await unpublish(newsroom, id);
    await publish(newsroom, id);
    const { data } = await changesOf(saying.agent, { since });
    const path = `/v1/articles/${id}/acknowledgements`;
    const later = await saying.agent.post(path).send({ cursor: data[1]?.cursor });
    expect(later.status).toBe(201);
    const again = await saying.agent.post(path).send({ sequence: data[1]?.sequence });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(later.body);
    const both = [1, 2, 3].map(() => saying.agent.post(path).send({ sequence: data[0]?.sequence }));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(at(await recallOf(id), saying)?.notice).toMatchObject({
      state: "acknowledged",
      acknowledgedAt: later.body.acknowledgedAt,
    });
  });

  it("is refused for what is no change, of another article, or not said clearly", async () => {
    const one = await live(newsroom, { headline: "One" });
    const since = await now(newsroom.reader);
    await live(newsroom, { headline: "Other" });
    const { data } = await changesOf(newsroom.reader, { since });
    const path = `/v1/articles/${one.id}/acknowledgements`;
    for (const body of [{ sequence: data[0]?.sequence }, { sequence: 1e12 }, { cursor: data[0]?.cursor }])
      expectProblem(await newsroom.editor.post(path).send(body), 404, "not-found");
    const gone = await newsroom.editor
      .post(`/v1/articles/${unknownId}/acknowledgements`)
      .send({ sequence: 1 });
    expectProblem(gone, 404, "not-found");
    const { data: start } = await changesOf(newsroom.reader, { since: "start", limit: "1" });
    for (const [body, pointer] of [
      [{}, "#/cursor"],
      [{ cursor: "nonsense" }, "#/cursor"],
      [{ cursor: start[0]?.cursor }, "#/cursor"],
      [{ cursor: since, sequence: 1 }, "#/cursor"],
      [{ sequence: 0 }, "#/sequence"],
      [{ sequence: "1" }, "#/sequence"],
      [{ sequence: 1, note: "done" }, "#/note"],
    ] as const) {
      const answer = await newsroom.editor.post(path).send(body);
      expect(expectProblem(answer, 422, "invalid-content").errors?.[0]?.pointer).toBe(pointer);
    }
    expect(await newsroom.database.acknowledgement.count({ where: { articleId: one.id } })).toBe(0);
  });
});
