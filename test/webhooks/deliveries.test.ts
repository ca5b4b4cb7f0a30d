import { describe, expect, it } from "vitest";
import { Change } from "../../src/changes/schema.ts";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { type Hook, expectSigned, hookTo, isSigned, letTimePass, receiver, until } from "./receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });

const deliveries = async (hook: Hook, query = "") => {
  const answer = await newsroom.editor.get(`${hook.path}/deliveries${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as {
    id: string;
    state: string;
    articleId: string;
    sequence: number;
    nextAttemptAt: string | null;
    attempts: {
      status: number | null;
      body: string | null;
      error: string | null;
      request: { id: string; timestamp: number };
    }[];
  }[];
};

/** Waits until everything was delivered. */
const settled = (hook: Hook, count: number) =>
  until(async () => {
    const all = await deliveries(hook, "?limit=100");
    return all.length === count && all.every(({ state }) => state === "delivered");
  });

describe("a webhook", () => {
  it("is told of a publication by a message that Standard Webhooks' library accepts", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const article = await live(newsroom, { headline: "“Ferry” runs — again ✓" });
    await until(() => partner.received.length === 1);
    const [message] = partner.received;
    if (message === undefined) throw new Error("nothing came");
    expectSigned(message, hook.secret);
    expect(message.body).toMatchObject({
      type: "article.published",
      timestamp: expect.stringMatching(/^2.*Z$/),
      data: {
        kind: "published",
        articleId: article.id,
        slug: article.slug,
        edition: 1,
        article: { id: article.id, headline: "“Ferry” runs — again ✓" },
      },
    });
    expect(message.headers).toMatchObject({ "content-type": "application/json", "user-agent": "Dateline" });
    expect(message.headers["webhook-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(isSigned(message, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).toBe(false);
    await settled(hook, 1);
  });

  it("is told of every kind of change, in the order of an article's changes", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const article = await live(newsroom, { headline: "Mayor resigns" });
    await settled(hook, 1);
    await change(newsroom, article.id, { headline: "Mayor resigns at last", slug: "mayor-resigns-at-last" });
    await publish(newsroom, article.id);
    await settled(hook, 3);
    await newsroom.editor
      .post(`/v1/articles/${article.id}/publish`)
      .send({ correction: "He was not fired." });
    await settled(hook, 4);
    await unpublish(newsroom, article.id);
    await settled(hook, 5);
    expect(partner.received.map(({ body }) => body.data.kind)).toEqual([
      "published",
      "updated",
      "moved",
      "corrected",
      "unpublished",
    ]);
    expect(partner.received.map(({ body }) => body.data.article?.headline)).toEqual([
      "Mayor resigns",
      "Mayor resigns at last",
      "Mayor resigns at last",
      "Mayor resigns at last",
      undefined,
    ]);
    for (const { body } of partner.received) expect(Change.parse(body.data)).toEqual(body.data);
    expect(partner.received[2]?.body.data.detail).toEqual({ from: "mayor-resigns" });
    expect(partner.received[3]?.body.data.detail).toEqual({ correction: "He was not fired." });
  });

  it("is told of the kinds alone that it asks for", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url, { kinds: ["unpublished"] });
    const article = await live(newsroom, { headline: "Bridge closed" });
    await unpublish(newsroom, article.id);
    await settled(hook, 1);
    expect(partner.received.map(({ body }) => body.type)).toEqual(["article.unpublished"]);
  });

  it("gets no change of before it was set up, nor while it is switched off, until it is on again", async () => {
    const partner = await receiver();
    await live(newsroom, { headline: "Before" });
    const hook = await hookTo(newsroom, partner.url, { enabled: false });
    const article = await live(newsroom, { headline: "Meanwhile" });
    await live(newsroom, { headline: "For another", slug: "for-another" });
    expect(partner.received).toEqual([]);
    await newsroom.editor.patch(hook.path).send({ enabled: true });
    await settled(hook, 2);
    expect(partner.about(article.id)).toHaveLength(1);
  });

  it("gets each article's changes in order and each change, from 16 publishers at once", async () => {
    const partner = await receiver(async (_message, number) => {
      await new Promise((resolve) => setTimeout(resolve, number % 7));
      // One in five is refused at first.
      return { status: number % 5 === 0 ? 503 : 200, body: "taken" };
    });
    const hook = await hookTo(newsroom, partner.url);
    const articles = await Promise.all(
      Array.from({ length: 16 }, (_, publisher) => draft(newsroom, { headline: `Publisher ${publisher}` })),
    );
    const ticking = setInterval(() => void letTimePass(newsroom, hook), 100);
    await Promise.all(
      articles.map(async ({ id }) => {
        for (let edition = 1; edition <= 4; edition += 1) {
          await change(newsroom, id, { standfirst: `Edition ${edition}` });
          await publish(newsroom, id);
        }
      }),
    );
    await settled(hook, 64).finally(() => {
      clearInterval(ticking);
    });
    const { database } = newsroom;
    for (const { id } of articles) {
      const told = partner.about(id).map(({ body }) => body.data.edition);
      // Each comes after the one before it, though some came twice.
      expect(told).toEqual(told.toSorted((one, other) => one - other));
      expect(new Set(told)).toEqual(new Set([1, 2, 3, 4]));
      expect(await database.change.count({ where: { articleId: id } })).toBe(4);
    }
  });
});

describe("a message that fails", () => {
  it("is sent again with the same id, signed anew, and each attempt is shown", async () => {
    const partner = await receiver((_message, number) =>
      number === 1 ? { status: 500, body: "out\0 of order ".repeat(1000) } : { status: 202, body: "thanks" },
    );
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Tried twice" });
    await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
    const [waiting] = await deliveries(hook, "?state=pending");
    const wait = Date.parse(waiting?.nextAttemptAt ?? "") - Date.now();
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(5000);
    // As if some time had passed: the timestamp is the attempt's own.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await letTimePass(newsroom, hook);
    await settled(hook, 1);
    const [first, second] = partner.received;
    if (first === undefined || second === undefined) throw new Error("not sent twice");
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    expect(Number(second.headers["webhook-timestamp"])).toBeGreaterThan(
      Number(first.headers["webhook-timestamp"]),
    );
    expect(second.headers["webhook-signature"]).not.toBe(first.headers["webhook-signature"]);
    expect(second.text).toBe(first.text);
    expectSigned(second, hook.secret);
    const [delivery] = await deliveries(hook);
    expect(delivery?.attempts).toMatchObject([
      {
        status: 500,
        error: "answered 500",
        request: { id: first.headers["webhook-id"], timestamp: Number(first.headers["webhook-timestamp"]) },
      },
      { status: 202, body: "thanks", error: null },
    ]);
    expect(delivery?.attempts[0]?.body).toHaveLength(4096);
    const whole = await newsroom.editor.get(`${hook.path}/deliveries/${delivery?.id}`);
    expect(whole.body.body).toBe(first.text);
  });

  it("holds up the changes of its article and no others", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const stuck = await draft(newsroom, { headline: "Stuck" });
    partner.answerBy(({ body }) => ({ status: body.data.articleId === stuck.id ? 500 : 204 }));
    await publish(newsroom, stuck.id);
    await unpublish(newsroom, stuck.id);
    const others: ShownArticle[] = [];
    for (let number = 0; number < 5; number += 1)
      others.push(await live(newsroom, { headline: `Free ${number}` }));
    await until(() => others.every(({ id }) => partner.about(id).length === 1));
    expect(partner.about(stuck.id).map(({ body }) => body.data.kind)).toEqual(["published"]);
    partner.answerBy(() => ({ status: 204 }));
    await letTimePass(newsroom, hook);
    await settled(hook, 7);
    expect(partner.about(stuck.id).map(({ body }) => body.data.kind)).toEqual([
      "published",
      "published",
      "unpublished",
    ]);
  });

  it("waits for as long as the receiver asks by Retry-After", async () => {
    const partner = await receiver(() => ({ status: 503, headers: { "retry-after": "3600" } }));
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Come back later" });
    await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
    const [delivery] = await deliveries(hook);
    const wait = Date.parse(delivery?.nextAttemptAt ?? "") - Date.now();
    expect(wait).toBeGreaterThan(3_500_000);
    expect(wait).toBeLessThanOrEqual(3_600_000);
  });

  it("is given up after three days, and what follows it goes on", async () => {
    const partner = await receiver(({ body }) => ({ status: body.data.kind === "published" ? 500 : 204 }));
    const hook = await hookTo(newsroom, partner.url);
    const article = await live(newsroom, { headline: "Hopeless" });
    await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
    await unpublish(newsroom, article.id);
    await newsroom.database.webhookDelivery.updateMany({
      where: { webhookId: hook.id },
      data: { tryingSince: new Date(Date.now() - 72 * 3_600_000) },
    });
    await letTimePass(newsroom, hook);
    await until(async () => (await deliveries(hook, "?state=dead")).length === 1);
    await until(async () => (await deliveries(hook, "?state=delivered")).length === 1);
    const [dead] = await deliveries(hook, "?state=dead");
    expect(dead).toMatchObject({ nextAttemptAt: null, attempts: [{ status: 500 }, { status: 500 }] });
  });

  it("fails on a redirect, which is not followed", async () => {
    const elsewhere = await receiver();
    const partner = await receiver(() => ({ status: 307, headers: { location: elsewhere.url } }));
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Redirected" });
    await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
    expect((await deliveries(hook))[0]?.attempts).toMatchObject([
      { status: 307, error: "answered 307; redirects are not followed" },
    ]);
    expect(elsewhere.received).toEqual([]);
  });
});

describe("a receiver", () => {
  it("that is dead, or never answers, does not delay another", async () => {
    const gone = await receiver();
    await gone.close();
    const silent = await receiver(() => new Promise(() => {}));
    const partner = await receiver();
    const dead = await hookTo(newsroom, gone.url);
    const hanging = await hookTo(newsroom, silent.url);
    const hook = await hookTo(newsroom, partner.url);
    const began = performance.now();
    for (let number = 0; number < 10; number += 1)
      await live(newsroom, { headline: `Beside the dead ${number}` });
    await settled(hook, 10);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(silent.received.length).toBeGreaterThan(0);
    expect((await deliveries(hanging)).every(({ state }) => state === "pending")).toBe(true);
    const failed = (await deliveries(dead)).flatMap(({ attempts }) => attempts);
    expect(failed[0]).toMatchObject({
      status: null,
      body: null,
      error: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("that answers 410 has its webhook switched off, which the audit log shows, and goes on when switched on", async () => {
    const partner = await receiver(() => ({ status: 410 }));
    const hook = await hookTo(newsroom, partner.url, { enabled: false });
    for (let number = 0; number < 20; number += 1) await live(newsroom, { headline: `Gone ${number}` });
    await newsroom.editor.patch(hook.path).send({ enabled: true });
    await until(async () => (await newsroom.editor.get(hook.path)).body.enabled === false);
    // Those that were on their way, and no more.
    expect(partner.received.length).toBeLessThanOrEqual(8);
    const { body: off } = await newsroom.editor.get(hook.path);
    expect(off).toMatchObject({
      disabledReason: "The receiver answered 410: it wants nothing more.",
      disabledAt: expect.any(String),
    });
    const { body: audit } = await newsroom.editor.get("/v1/audit?operation=disableWebhook");
    expect(audit.data[0]).toMatchObject({
      actor: { id: null, name: "Dateline" },
      resource: { kind: "webhooks", id: hook.id },
    });
    expectProblem(
      await newsroom.editor.post(`${hook.path}/deliveries/${(await deliveries(hook))[0]?.id}/redeliver`),
      409,
      "wrong-state",
    );
    partner.answerBy(() => ({ status: 200 }));
    const { body: on } = await newsroom.editor.patch(hook.path).send({ enabled: true });
    expect(on).toMatchObject({ enabled: true, disabledReason: null, disabledAt: null, failingSince: null });
    await settled(hook, 20);
  });

  it("that has failed for three days has its webhook switched off, and one that failed now and then not", async () => {
    const partner = await receiver(() => ({ status: 500 }));
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Three days" });
    await until(async () => (await newsroom.editor.get(hook.path)).body.failingSince);
    expect((await newsroom.editor.get(hook.path)).body.enabled).toBe(true);
    const since = new Date(Date.now() - 73 * 3_600_000);
    await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
    await newsroom.database.webhook.update({ where: { id: hook.id }, data: { failingSince: since } });
    await newsroom.database.webhookDelivery.updateMany({
      where: { webhookId: hook.id },
      data: { tryingSince: since },
    });
    await letTimePass(newsroom, hook);
    await until(async () => (await newsroom.editor.get(hook.path)).body.enabled === false);
    expect((await newsroom.editor.get(hook.path)).body.disabledReason).toContain(since.toISOString());

    partner.answerBy(() => ({ status: 204 }));
    await newsroom.editor.patch(hook.path).send({ enabled: true });
    await settled(hook, 1);
    expect((await newsroom.editor.get(hook.path)).body).toMatchObject({ enabled: true, failingSince: null });
  });
});

describe("what was sent", () => {
  it("is listed page by page, by state, the latest first", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    for (let number = 0; number < 5; number += 1) await live(newsroom, { headline: `Listed ${number}` });
    await settled(hook, 5);
    const seen: number[] = [];
    let next: string | null = "";
    while (next !== null) {
      const query: string = `?limit=2&state=delivered&count=true${next === "" ? "" : `&cursor=${next}`}`;
      const { body } = await newsroom.editor.get(`${hook.path}/deliveries${query}`);
      seen.push(...(body.data as { sequence: number }[]).map(({ sequence }) => sequence));
      expect(body.page.total).toBe(5);
      next = body.page.next as string | null;
    }
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(seen.toSorted((one, other) => other - one));
    expect(await deliveries(hook, "?state=dead")).toEqual([]);
    expectProblem(
      await newsroom.editor.get(`${hook.path}/deliveries?cursor=nonsense`),
      400,
      "invalid-parameter",
    );
    expectProblem(await newsroom.editor.get(`${hook.path}/deliveries?state=lost`), 400, "invalid-parameter");
  });

  it("is sent again when asked, with the id that it had", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Once more" });
    await settled(hook, 1);
    const [delivery] = await deliveries(hook);
    const again = await newsroom.editor.post(`${hook.path}/deliveries/${delivery?.id}/redeliver`);
    expect(again.body).toMatchObject({ id: delivery?.id, state: "pending", deliveredAt: null });
    await until(() => partner.received.length === 2);
    await settled(hook, 1);
    expect(partner.received.map(({ headers }) => headers["webhook-id"])).toEqual([
      delivery?.id,
      delivery?.id,
    ]);
    expect((await deliveries(hook))[0]?.attempts).toHaveLength(2);
  });

  it("is replayed from a cursor of the change feed, in order, and what comes then comes after it", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const article = await live(newsroom, { headline: "Replayed" });
    for (const standfirst of ["second", "third", "fourth"]) {
      await change(newsroom, article.id, { standfirst });
      await publish(newsroom, article.id);
    }
    await settled(hook, 4);
    const ids = partner.received.map(({ headers }) => headers["webhook-id"]);
    const since = partner.received[1]?.body.data.cursor;
    const replayed = await newsroom.editor.post(`${hook.path}/replay`).send({ since });
    expect(replayed.status, replayed.text).toBe(200);
    expect(replayed.body.position).toBe(since);
    await unpublish(newsroom, article.id);
    await settled(hook, 5);
    const later = partner.received.slice(4);
    expect(later.map(({ body }) => [body.data.kind, body.data.edition])).toEqual([
      ["updated", 3],
      ["updated", 4],
      ["unpublished", 4],
    ]);
    expect(later.slice(0, 2).map(({ headers }) => headers["webhook-id"])).toEqual(ids.slice(2));
    const refused = await newsroom.editor.post(`${hook.path}/replay`).send({ since: "nonsense" });
    expect(expectProblem(refused, 422, "invalid-content").errors?.[0]?.pointer).toBe("#/since");
  });

  it("is replayed for a webhook whose deliveries were forgotten", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    await live(newsroom, { headline: "Forgotten" });
    await settled(hook, 1);
    await newsroom.database.webhookDelivery.deleteMany({ where: { webhookId: hook.id } });
    await newsroom.editor.post(`${hook.path}/replay`).send({ since: hook.position });
    await settled(hook, 1);
    expect(partner.received).toHaveLength(2);
  });

  it("is kept from being shown again when the article was withdrawn for good", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const article = await live(newsroom, { headline: "Under injunction" });
    await settled(hook, 1);
    await newsroom.editor
      .post(`/v1/articles/${article.id}/kill`)
      .set("if-match", "*")
      .send({ reason: "An injunction" });
    await settled(hook, 2);
    await newsroom.editor.post(`${hook.path}/replay`).send({ since: hook.position });
    await until(() => partner.received.length === 4);
    expect(partner.received.map(({ body }) => [body.data.kind, body.data.article === null])).toEqual([
      ["published", false],
      ["withdrawn", true],
      ["published", true],
      ["withdrawn", true],
    ]);
  });
});

it("counts attempts by outcome and says how far each webhook lags", async () => {
  const partner = await receiver(() => ({ status: 500 }));
  const hook = await hookTo(newsroom, partner.url);
  await live(newsroom, { headline: "Measured" });
  await until(async () => (await deliveries(hook))[0]?.attempts.length === 1);
  const { text } = await newsroom.reader.get("/metrics");
  expect(text).toMatch(/dateline_webhook_attempts_total\{outcome="delivered"\} [1-9]/);
  expect(text).toMatch(/dateline_webhook_attempts_total\{outcome="failed"\} [1-9]/);
  expect(
    Number(new RegExp(`dateline_webhook_lag_seconds\\{webhook="${hook.id}"\\} (\\S+)`).exec(text)?.[1]),
  ).toBeGreaterThan(0);
});
