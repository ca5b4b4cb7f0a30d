import { once } from "node:events";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { statusesOf, unknownId } from "../support/drafts.ts";
import { expectProblem } from "../support/problems.ts";
import { expectSigned, hookTo, isSigned, receiver, until } from "./receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });
const url = "https://partner.example/dateline";
const minutes = (time: string) => (Date.parse(time) - Date.now()) / 60_000;

describe("setting up a webhook", () => {
  it("answers its secret once, and never again", async () => {
    const made = await newsroom.editor
      .post("/v1/webhooks")
      .set("idempotency-key", "only-once")
      .send({ url, description: "The mirror in Lisbon", kinds: ["unpublished", "published", "published"] });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({
      url,
      description: "The mirror in Lisbon",
      kinds: ["published", "unpublished"],
      enabled: true,
      disabledReason: null,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const secret = made.body.secret as string;
    const path = made.headers.location ?? "";
    expect(path).toBe(`/v1/webhooks/${made.body.id}`);
    const again = await newsroom.editor
      .post("/v1/webhooks")
      .set("idempotency-key", "only-once")
      .send({ url, description: "The mirror in Lisbon", kinds: ["unpublished", "published", "published"] });
    expect(again.body).toMatchObject({ id: made.body.id, secret: null });
    for (const read of [path, "/v1/webhooks", `${path}/deliveries`, "/v1/audit", "/metrics"]) {
      expect((await newsroom.editor.get(read)).text).not.toContain(secret.slice("whsec_".length));
    }
    expect((await newsroom.editor.delete(path)).status).toBe(204);
    expectProblem(await newsroom.editor.get(path), 404, "not-found");
  });

  it("refuses what cannot be an address to send to, naming it", async () => {
    const bad = [
      "partner.example",
      "ftp://partner.example/",
      "http://partner.example/",
      "https://user:secret@partner.example/",
      "https://127.0.0.2/",
      "https://2130706434/",
      "https://0x7f.2/",
      "https://10.1.2.3/",
      "https://169.254.169.254/latest/meta-data/",
      "https://[::1]/",
      "https://[::ffff:127.0.0.1]/",
      "https://[64:ff9b::7f00:1]/",
      "https://[fd00:ec2::254]/",
      `https://partner.example/${"x".repeat(2048)}`,
      "",
      null,
      42,
    ];
    for (const one of bad) {
      const answer = await newsroom.editor.post("/v1/webhooks").send({ url: one });
      const { errors } = expectProblem(answer, 422, "invalid-content");
      expect({ one, pointers: errors?.map(({ pointer }) => pointer) }).toEqual({ one, pointers: ["#/url"] });
    }
    expect((await newsroom.editor.get("/v1/webhooks")).body.data).toEqual([]);
  });

  it.for([
    ["an unknown kind", { url, kinds: ["published", "exploded"] }, "#/kinds/1"],
    ["kinds that are no list", { url, kinds: "published" }, "#/kinds"],
    ["an unknown property", { url, secret: "whsec_mine" }, "#/secret"],
    ["a description that is too long", { url, description: "x".repeat(501) }, "#/description"],
    ["no address", {}, "#/url"],
  ] as const)("refuses %s", async ([, body, pointer]) => {
    const answer = await newsroom.editor.post("/v1/webhooks").send(body);
    expect(expectProblem(answer, 422, "invalid-content").errors?.[0]?.pointer).toBe(pointer);
  });

  it("refuses the 501st, of those too that come at once, and lists them page by page", async () => {
    const make = () => newsroom.editor.post("/v1/webhooks").send({ url, enabled: false });
    await newsroom.database.webhook.createMany({
      data: Array.from({ length: 499 }, () => ({ url, enabled: false, secret: "whsec_", position: 0n })),
    });
    const answers = await Promise.all(Array.from({ length: 5 }, make));
    expect(statusesOf(answers)).toEqual([201, 409, 409, 409, 409]);
    expectProblem(await make(), 409, "count-limit");
    const ids: string[] = [];
    for (let next: string | null = ""; next !== null;) {
      const { body } = await newsroom.editor.get(
        `/v1/webhooks?limit=100&count=true${next && `&cursor=${next}`}`,
      );
      expect(body.page.total).toBe(500);
      ids.push(...(body.data as { id: string }[]).map(({ id }) => id));
      next = body.page.next as string | null;
    }
    expect(new Set(ids).size).toBe(500);
    expect(ids).toHaveLength(500);
    await newsroom.database.webhook.deleteMany();
  });

  it("changes what is sent, and nothing when If-Match is out of date", async () => {
    const hook = await hookTo(newsroom, url);
    const { headers } = await newsroom.editor.get(hook.path);
    const changed = await newsroom.editor
      .patch(hook.path)
      .set("if-match", headers.etag ?? "")
      .send({ url: "https://other.example/", kinds: ["moved"] });
    expect(changed.body).toMatchObject({ url: "https://other.example/", kinds: ["moved"], enabled: true });
    const stale = await newsroom.editor
      .patch(hook.path)
      .set("if-match", headers.etag ?? "")
      .send({ enabled: false });
    expectProblem(stale, 412, "precondition-failed");
    expectProblem(
      await newsroom.editor.patch(hook.path).send({ url: "https://10.0.0.1/" }),
      422,
      "invalid-content",
    );
    expect((await newsroom.editor.get(hook.path)).body).toEqual(changed.body);
  });

  it("answers 404 for what there is not", async () => {
    const hook = await hookTo(newsroom, url);
    for (const id of [unknownId, "nonsense"]) {
      expectProblem(await newsroom.editor.get(`/v1/webhooks/${id}`), 404, "not-found");
      expectProblem(await newsroom.editor.get(`/v1/webhooks/${id}/deliveries`), 404, "not-found");
      expectProblem(await newsroom.editor.post(`/v1/webhooks/${id}/test`), 404, "not-found");
      expectProblem(await newsroom.editor.get(`${hook.path}/deliveries/${id}`), 404, "not-found");
      expectProblem(await newsroom.editor.post(`${hook.path}/deliveries/${id}/redeliver`), 404, "not-found");
    }
  });
});

describe("rotating the secret", () => {
  it("has messages signed by both until the overlap is over", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const rotated = await newsroom.editor.post(`${hook.path}/rotate`).send();
    expect(rotated.status, rotated.text).toBe(200);
    const secret = rotated.body.secret as string;
    expect(secret).not.toBe(hook.secret);
    expect(minutes(rotated.body.formerSecretUntil as string)).toBeCloseTo(24 * 60, 0);
    await live(newsroom, { headline: "Signed twice" });
    await until(() => partner.received.length === 1);
    const [both] = partner.received;
    if (both === undefined) throw new Error("nothing came");
    expectSigned(both, hook.secret);
    expectSigned(both, secret);
    expect(both.headers["webhook-signature"]?.split(" ")).toHaveLength(2);

    await newsroom.database.webhook.update({
      where: { id: hook.id },
      data: { formerSecretUntil: new Date(Date.now() - 1) },
    });
    await live(newsroom, { headline: "Signed once" });
    await until(() => partner.received.length === 2);
    const one = partner.received[1];
    if (one === undefined) throw new Error("nothing came");
    expectSigned(one, secret);
    expect(isSigned(one, hook.secret)).toBe(false);
  });

  it("ends the former secret at once when it is told to", async () => {
    const partner = await receiver();
    const hook = await hookTo(newsroom, partner.url);
    const rotated = await newsroom.editor.post(`${hook.path}/rotate`).send({ overlap: 0 });
    expect(rotated.body.formerSecretUntil).toBeNull();
    await newsroom.editor.post(`${hook.path}/test`);
    const [message] = partner.received;
    if (message === undefined) throw new Error("nothing came");
    expectSigned(message, rotated.body.secret as string);
    expect(isSigned(message, hook.secret)).toBe(false);
    const refused = await newsroom.editor.post(`${hook.path}/rotate`).send({ overlap: 604_801 });
    expect(expectProblem(refused, 422, "invalid-content").errors?.[0]?.pointer).toBe("#/overlap");
  });
});

describe("sending a test event", () => {
  it("says what came back, also while the webhook is switched off", async () => {
    const partner = await receiver(() => ({ status: 418, body: "a teapot" }));
    const hook = await hookTo(newsroom, partner.url, { enabled: false });
    const tested = await newsroom.editor.post(`${hook.path}/test`);
    expect(tested.status, tested.text).toBe(200);
    expect(tested.body).toMatchObject({ status: 418, body: "a teapot", error: "answered 418" });
    const [message] = partner.received;
    if (message === undefined) throw new Error("nothing came");
    expectSigned(message, hook.secret);
    expect(message.body).toMatchObject({ type: "webhook.test", data: { webhookId: hook.id } });
    expect(message.headers["webhook-id"]).toBe(tested.body.request.id);
    expect((await newsroom.editor.get(`${hook.path}/deliveries`)).body.data).toEqual([]);
  });

  it("keeps nothing from others while the receiver does not answer, and is not part of a bulk", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on("error", () => {}))).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const hook = await hookTo(newsroom, `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
    const tests = Array.from({ length: 25 }, async () => newsroom.editor.post(`${hook.path}/test`));
    await vi.waitFor(() => expect(sockets.size).toBe(25), { timeout: 5_000 });
    expect((await newsroom.reader.get("/v1/articles?limit=7")).status).toBe(200);
    expect((await newsroom.editor.post("/v1/articles").send({ headline: "Meanwhile" })).status).toBe(201);
    for (const socket of sockets) socket.destroy();
    for (const tested of await Promise.all(tests)) expect(tested.body).toMatchObject({ status: null });
    silent.close();
    const operations = [{ method: "POST", path: `${hook.path}/test` }];
    const bulk = await newsroom.editor.post("/v1/bulk").send({ atomic: false, operations });
    expect(bulk.body.results).toMatchObject([{ status: 409, body: { type: "/problems/conflict" } }]);
  });

  it("says when there is no answer", async () => {
    const partner = await receiver();
    await partner.close();
    const hook = await hookTo(newsroom, partner.url);
    const tested = await newsroom.editor.post(`${hook.path}/test`);
    expect(tested.body).toMatchObject({
      status: null,
      body: null,
      error: expect.stringContaining("ECONNREFUSED"),
    });
  });
});

it("forgets deliveries after thirty days", async () => {
  const { forgetDeliveries } = await import("../../src/webhooks/store.ts");
  const partner = await receiver();
  const hook = await hookTo(newsroom, partner.url);
  for (const headline of ["Old news", "New news"]) await live(newsroom, { headline });
  const all = () =>
    newsroom.database.webhookDelivery.findMany({ where: { webhookId: hook.id, state: "delivered" } });
  await until(async () => (await all()).length === 2);
  const [old, young] = await all();
  await newsroom.database.webhookDelivery.update({
    where: { id: old?.id ?? "" },
    data: { createdAt: new Date(Date.now() - 31 * 86_400_000) },
  });
  await forgetDeliveries(newsroom.database);
  expect((await all()).map(({ id }) => id)).toEqual([young?.id]);
});
