import { beforeAll, describe, expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { unknownId } from "../support/drafts.ts";
import { type Agent, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { type Hook, expectSigned, hookTo, letTimePass, receiver, until } from "./receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });
const url = "https://partner.example/dateline";

interface Partner {
  id: string;
  agent: Agent;
}

async function partner(more: object = {}): Promise<Partner> {
  const { body } = await newsroom.editor.post("/v1/keys").send({ name: "Partner", role: "partner", ...more });
  return {
    id: body.id as string,
    agent: newsroom.withHeaders({ authorization: `Bearer ${body.secret}` }),
  };
}

let lisbon: Partner;
let porto: Partner;
beforeAll(async () => {
  lisbon = await partner();
  porto = await partner();
});

describe("a partner", () => {
  it("sets up a webhook of its own, is sent what changes, and looks after it", async () => {
    const there = await receiver();
    const made = await lisbon.agent.post("/v1/webhooks").send({ url: there.url });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ keyId: lisbon.id, enabled: true });
    const path = made.headers.location ?? "";
    const { id } = await live(newsroom, { headline: "For partners" });
    await until(() => there.about(id).length === 1);
    const [message] = there.about(id);
    if (message === undefined) throw new Error("nothing came");
    expectSigned(message, made.body.secret as string);
    for (const query of ["", "/deliveries"]) expect((await lisbon.agent.get(path + query)).status).toBe(200);
    const { body } = await lisbon.agent.get(`${path}/deliveries`);
    expect((await lisbon.agent.get(`${path}/deliveries/${body.data[0].id}`)).body.body).toBe(message.text);
    expect((await lisbon.agent.post(`${path}/test`)).body.status).toBe(204);
    const again = await lisbon.agent.post(`${path}/replay`).send({ since: message.body.data.cursor });
    expect(again.body.position).toBe(message.body.data.cursor);
    expect((await lisbon.agent.post(`${path}/rotate`)).status).toBe(200);
    expect((await lisbon.agent.patch(path).send({ enabled: false, keyId: lisbon.id })).status).toBe(200);
    expect((await lisbon.agent.delete(path)).status).toBe(204);
  });

  it("knows nothing of another's webhooks", async () => {
    const { body: foreign } = await porto.agent.post("/v1/webhooks").send({ url, enabled: false });
    const path = `/v1/webhooks/${foreign.id}`;
    const { body: own } = await lisbon.agent.post("/v1/webhooks").send({ url, enabled: false });
    const { body: list } = await lisbon.agent.get("/v1/webhooks?count=true");
    expect(list.data.map(({ id }: { id: string }) => id)).toEqual([own.id]);
    expect(list.page.total).toBe(1);
    const ids = async (agent: Agent) =>
      ((await agent.get("/v1/webhooks")).body.data as { id: string }[]).map(({ id }) => id);
    expect(await ids(newsroom.editor)).toEqual(expect.arrayContaining([own.id, foreign.id]));
    for (const answer of await Promise.all([
      lisbon.agent.get(path),
      lisbon.agent.patch(path).send({ enabled: true }),
      lisbon.agent.delete(path),
      lisbon.agent.post(`${path}/rotate`),
      lisbon.agent.post(`${path}/test`),
      lisbon.agent.post(`${path}/replay`).send({ since: foreign.position }),
      lisbon.agent.get(`${path}/deliveries`),
      lisbon.agent.get(`${path}/deliveries/${unknownId}`),
      lisbon.agent.post(`${path}/deliveries/${unknownId}/redeliver`),
    ]))
      expectProblem(answer, 404, "not-found");
    expect((await porto.agent.get(path)).body.enabled).toBe(false);
    for (const [agent, id] of [
      [lisbon.agent, own.id],
      [porto.agent, foreign.id],
    ])
      await agent.delete(`/v1/webhooks/${id}`);
  });

  it("gives no webhook to another key, nor to nobody", async () => {
    for (const keyId of [porto.id, null]) {
      expectProblem(await lisbon.agent.post("/v1/webhooks").send({ url, keyId }), 403, "scope-missing");
      const { body: own } = await lisbon.agent.post("/v1/webhooks").send({ url });
      const path = `/v1/webhooks/${own.id}`;
      expectProblem(await lisbon.agent.patch(path).send({ keyId }), 403, "scope-missing");
      expect((await lisbon.agent.get(path)).body.keyId).toBe(lisbon.id);
      await lisbon.agent.delete(path);
    }
  });

  it("has ten at the most, also when they come at once", async () => {
    const make = () => porto.agent.post("/v1/webhooks").send({ url, enabled: false });
    const answers = await Promise.all(Array.from({ length: 12 }, make));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expectProblem(await make(), 409, "count-limit");
    expect((await newsroom.editor.post("/v1/webhooks").send({ url })).status).toBe(201);
    await newsroom.database.webhook.deleteMany();
  });
});

describe("a webhook", () => {
  it("is given to another key by whoever manages all, and to nobody", async () => {
    const hook = await hookTo(newsroom, url, { keyId: porto.id });
    expect((await porto.agent.get(hook.path)).body.keyId).toBe(porto.id);
    await newsroom.editor.patch(hook.path).send({ keyId: lisbon.id });
    expectProblem(await porto.agent.get(hook.path), 404, "not-found");
    expect((await lisbon.agent.get(hook.path)).body.keyId).toBe(lisbon.id);
    expect((await newsroom.editor.patch(hook.path).send({ keyId: null })).body.keyId).toBeNull();
    expectProblem(await lisbon.agent.get(hook.path), 404, "not-found");
  });

  it("is given to no key that is none, or is good no more", async () => {
    const hook = await hookTo(newsroom, url);
    const gone = await partner();
    await newsroom.editor.delete(`/v1/keys/${gone.id}`);
    for (const keyId of [unknownId, gone.id, "nonsense", 42]) {
      for (const answer of [
        await newsroom.editor.post("/v1/webhooks").send({ url, keyId }),
        await newsroom.editor.patch(hook.path).send({ keyId }),
      ])
        expect(expectProblem(answer, 422, "invalid-content").errors?.[0]?.pointer).toBe("#/keyId");
    }
  });

  it.for([
    ["revoked", (id: string) => newsroom.editor.delete(`/v1/keys/${id}`)],
    [
      "expired",
      (id: string) =>
        newsroom.database.key.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1000) } }),
    ],
  ] as const)(
    "of a key that was %s is off, and goes on when it is given to a good one",
    async ([how, end]) => {
      const { id: keyId } = await partner();
      const there = await receiver();
      const hook = await hookTo(newsroom, there.url, { keyId });
      const before = await live(newsroom, { headline: `Before it was ${how}` });
      await until(() => there.received.length === 1);
      await end(keyId);
      const after = await live(newsroom, { headline: `After it was ${how}` });
      const { body: off } = await newsroom.editor.get(hook.path);
      expect(off).toMatchObject({
        enabled: false,
        disabledReason: expect.stringContaining(how),
        disabledAt: expect.any(String),
      });
      expectProblem(await newsroom.editor.patch(hook.path).send({ enabled: true }), 409, "wrong-state");
      const { body: sent } = await newsroom.editor.get(`${hook.path}/deliveries`);
      const again = `${hook.path}/deliveries/${sent.data[0].id}/redeliver`;
      expectProblem(await newsroom.editor.post(again), 409, "wrong-state");
      // A process looks for work every second.
      await new Promise((resolve) => setTimeout(resolve, 1200));
      expect(there.received.map(({ body }) => body.data.articleId)).toEqual([before.id]);
      await newsroom.editor.patch(hook.path).send({ keyId: lisbon.id, enabled: true });
      await until(() => there.received.length === 2);
      expect(there.received[1]?.body.data.articleId).toBe(after.id);
    },
  );

  it("outlives a key of the environment that is replaced", async () => {
    const hook = await hookTo(newsroom, url);
    const { keyId } = (await newsroom.editor.get(hook.path)).body as { keyId: string };
    const { body: me } = await newsroom.editor.get("/v1/me");
    expect(keyId).toBe(me.id);
    await newsroom.database.key.delete({ where: { id: keyId } });
    const manager = await newsroom.withScopes(["webhooks:manage"]);
    expect((await manager.get(hook.path)).body).toMatchObject({ keyId: null, enabled: true });
    await manager.delete(hook.path);
  });
});

describe("what a webhook is sent", () => {
  it("is the change feed's item to the letter, as it is when it is sent", async () => {
    const manager = await newsroom.withScopes([
      "webhooks:manage",
      "articles:write",
      "articles:publish",
      "drafts:read",
    ]);
    const there = await receiver();
    const made = await manager.post("/v1/webhooks").send({ url: there.url });
    const since = made.body.position as string;
    const { body: article } = await manager.post("/v1/articles").send({ headline: "Item “to” the letter" });
    const path = `/v1/articles/${article.id}`;
    await manager.post(`${path}/publish`);
    await until(() => there.received.length === 1);
    const { text: feed } = await newsroom.reader.get(`/v1/changes?since=${since}`);
    const item = /^\{"data":\[(.*)\],"page":/.exec(feed)?.[1] ?? "";
    const [first] = there.received;
    expect(first?.text).toBe(
      `{"type":"article.published","timestamp":"${first?.body.data.at}","data":${item}}`,
    );
    expect((await newsroom.reader.get(`/v1/changes?since=${first?.body.data.cursor}`)).body.data).toEqual([]);

    there.answerBy((_message, number) => ({ status: number === 2 ? 500 : 204 }));
    await manager.patch(path).set("if-match", "*").send({ standfirst: "To the letter" });
    await manager.post(`${path}/publish`);
    await until(() => there.received.length === 2);
    await manager.post(`${path}/unpublish`);
    await until(async () => {
      await letTimePass(newsroom, made.body as Hook);
      return there.received.length === 4;
    });
    const [, failed, again, last] = there.received;
    expect(failed?.body.data.article).not.toBeNull();
    expect(again?.body.data).toEqual({ ...failed?.body.data, article: null });
    expect(last?.body.data.kind).toBe("unpublished");
    await manager.delete(made.headers.location ?? "");
  });
});
