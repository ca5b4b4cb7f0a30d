import { describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sharers } from "../support/sharing.ts";

const newsroom = useNewsroom();
const MAX = Number.MAX_SAFE_INTEGER;

const share = (article: string, network: unknown) =>
  newsroom.reader.post(`/v1/articles/${article}/shares`).send({ network });
const setCount = (article: string, network: string, count: number) =>
  newsroom.editor.put(`/v1/articles/${article}/share-counts/${network}`).set("If-Match", "*").send({ count });

describe("recording a share", () => {
  it("needs no key, and answers with the new count", async () => {
    const { id, slug } = await live(newsroom, { headline: "Worth sharing" });
    const first = await share(id, "facebook");
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ network: "facebook", count: 1 });
    expect(first.headers.location).toBe(`/v1/articles/${id}/share-counts/facebook`);
    expect(first.headers["cache-control"]).toBe("private, no-store");
    expect((await share(slug, "facebook")).body.count).toBe(2);
    expect((await share(id.toUpperCase(), "whatsapp")).body.count).toBe(1);
    expect((await newsroom.reader.get(first.headers.location ?? "")).body).toMatchObject({
      network: "facebook",
      count: 2,
    });
  });

  it("takes twitter as x", async () => {
    const { id } = await live(newsroom, { headline: "Renamed bird" });
    expect((await share(id, "twitter")).body).toMatchObject({ network: "x", count: 1 });
    expect((await share(id, "x")).body).toMatchObject({ network: "x", count: 2 });
    expect((await seen(newsroom, id)).shareCounts).toEqual({ x: 2 });
    expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts/twitter`)).body).toMatchObject({
      network: "x",
      count: 2,
    });
    await setCount(id, "twitter", 9);
    expect((await seen(newsroom, id)).shareCounts).toEqual({ x: 9 });
  });

  it.each([
    "",
    "Facebook",
    "face book",
    "1st",
    "a".repeat(33),
    "übernet",
    "x\0",
    "-x",
    "../x",
    null,
    7,
    ["x"],
  ])("refuses %j as a network", async (network) => {
    const { id } = await live(newsroom, { headline: "Odd networks" });
    const refused = await share(id, network);
    expect([refused.status, refused.body.errors?.[0]?.pointer]).toEqual([422, "#/network"]);
    expect((await seen(newsroom, id)).shareCounts).toEqual({});
  });

  it.each(["telegram", "a".repeat(32), "linkedin", "e-mail", "mail_to", "t2"])(
    "takes %s as a network",
    async (network) => {
      const { id } = await live(newsroom, { headline: "Good networks" });
      expect((await share(id, network)).body).toMatchObject({ network, count: 1 });
    },
  );

  it("refuses anything else in the body", async () => {
    const { id } = await live(newsroom, { headline: "One at a time" });
    const sent = await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x", count: 1000 });
    expect([sent.status, sent.body.errors[0].pointer]).toEqual([422, "#/count"]);
    expect((await newsroom.reader.post(`/v1/articles/${id}/shares`)).status).toBe(422);
  });

  it("answers 404 for a draft as for what is not there, and 410 for what is gone", async () => {
    const unseen = await draft(newsroom, { headline: "Unshared draft" });
    const gone = await live(newsroom, { headline: "Unshared gone" });
    await unpublish(newsroom, gone.id);
    for (const reference of [
      unseen.id,
      unseen.slug,
      "no-such-article",
      "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
    ]) {
      expect([reference, (await share(reference, "x")).status]).toEqual([reference, 404]);
    }
    for (const reference of [gone.id, gone.slug])
      expect([reference, (await share(reference, "x")).status]).toEqual([reference, 410]);
    expect(
      await newsroom.database.shareCount.count({ where: { articleId: { in: [unseen.id, gone.id] } } }),
    ).toBe(0);
  });

  it("is done once for an Idempotency-Key, in one count with those without", async () => {
    const { id } = await live(newsroom, { headline: "Only once" });
    await share(id, "x");
    const send = () =>
      newsroom.reader
        .post(`/v1/articles/${id}/shares`)
        .set("Idempotency-Key", '"a-share"')
        .send({ network: "x" });
    const [first, again] = [await send(), await send()];
    expect([first.status, first.body.count, again.text]).toEqual([201, 2, first.text]);
    expect((await share(id, "x")).body.count).toBe(3);
  });

  it("shows at once wherever counts are shown, without a new edition", async () => {
    const { id, updatedAt } = await live(newsroom, { headline: "Shown at once", tags: [{ name: "Shown" }] });
    const before = await newsroom.reader.get(`/v1/articles/${id}`);
    await share(id, "x");
    await share(id, "email");
    await share(id, "x");
    const wanted = { shareCounts: { email: 1, x: 2 }, shareTotal: 3, version: 1, updatedAt };
    const after = await newsroom.reader.get(`/v1/articles/${id}`);
    expect(after.body).toMatchObject(wanted);
    expect(after.headers.etag).not.toBe(before.headers.etag);
    expect(
      (await newsroom.reader.get(`/v1/articles/${id}`).set("If-None-Match", before.headers.etag ?? ""))
        .status,
    ).toBe(200);
    for (const address of ["/v1/articles?tag=shown", `/v1/articles?ids=${id}`]) {
      expect((await newsroom.reader.get(address)).body.data).toMatchObject([wanted]);
    }
    expect((await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body).toMatchObject({
      ...wanted,
      hasUnpublishedChanges: false,
    });
    expect((await newsroom.editor.get("/v1/articles?version=draft&tag=shown")).body.data).toMatchObject([
      { shareTotal: 3 },
    ]);
    const list = await newsroom.reader.get(`/v1/articles/${id}/share-counts`);
    expect(list.body.data).toMatchObject([
      { network: "email", count: 1 },
      { network: "x", count: 2 },
    ]);
    expect((await newsroom.editor.post(`/v1/articles/${id}/publish`)).body.version).toBe(1);
  });

  it("keeps the counts through editions, renames and a time offline", async () => {
    const { id } = await live(newsroom, { headline: "Kept counts" });
    await share(id, "x");
    await change(newsroom, id, { headline: "Kept them", slug: "kept-them" });
    await publish(newsroom, id);
    await unpublish(newsroom, id);
    await publish(newsroom, id);
    expect((await seen(newsroom, id)).shareCounts).toEqual({ x: 1 });
  });

  it("does not stand in the way of an editor's If-Match", async () => {
    const { id } = await live(newsroom, { headline: "Edited meanwhile" });
    const { etag } = (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).headers;
    await share(id, "x");
    const edited = await newsroom.editor
      .patch(`/v1/articles/${id}`)
      .set("If-Match", etag ?? "")
      .send({ standfirst: "New" });
    expect(edited.status).toBe(200);
  });
});

describe("the limits of counts", () => {
  it("are reached exactly", async () => {
    const { id } = await live(newsroom, { headline: "Very popular" });
    await setCount(id, "x", MAX - 1);
    expect((await share(id, "x")).text).toContain(`"count":${MAX},`);
    expect((await newsroom.reader.get(`/v1/articles/${id}`)).text).toContain(
      `"shareCounts":{"x":${MAX}},"shareTotal":${MAX}`,
    );
    const refused = await share(id, "x");
    expect([refused.status, refused.body.type]).toEqual([409, "/problems/count-limit"]);
    expect((await seen(newsroom, id)).shareCounts).toEqual({ x: MAX });
  });

  it("hold for each count, while the total goes past them", async () => {
    const { id } = await live(newsroom, { headline: "Popular everywhere" });
    await setCount(id, "facebook", MAX);
    await setCount(id, "x", MAX);
    for (const address of [
      `/v1/articles/${id}`,
      `/v1/articles/${id}?version=draft`,
      `/v1/articles?ids=${id}`,
    ]) {
      expect((await newsroom.editor.get(address)).text).toContain('"shareTotal":18014398509481982');
    }
  });

  it("refuse those past them alone, of all that come at once", async () => {
    const full = await live(newsroom, { headline: "Full" });
    const free = await live(newsroom, { headline: "Free" });
    const gone = await live(newsroom, { headline: "Gone" });
    await unpublish(newsroom, gone.id);
    await setCount(full.id, "x", MAX);
    const { share: send, close } = sharers(newsroom.url, 40);
    const round = await Promise.all(
      Array.from({ length: 10 }, () => [
        send(full.id, "x"),
        send(free.id, "x"),
        send(full.id, "email"),
        send(gone.id, "x"),
      ]).flat(),
    );
    close();
    const statuses = Object.groupBy(round, ({ status }) => status);
    expect(
      Object.fromEntries(Object.entries(statuses).map(([status, found]) => [status, found?.length])),
    ).toEqual({ 201: 20, 409: 10, 410: 10 });
    expect((await seen(newsroom, free.id)).shareCounts).toEqual({ x: 10 });
    expect((await seen(newsroom, full.id)).shareCounts).toEqual({ email: 10, x: MAX });
  });

  it("let an article have 50 networks, however many are named at once", async () => {
    const { id } = await live(newsroom, { headline: "Fifty networks" });
    const { share: send, close } = sharers(newsroom.url, 80);
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, number) => send(id, `network${number}`)),
    );
    close();
    const accepted = answers.filter(({ status }) => status === 201);
    expect([accepted.length, answers.filter(({ status }) => status === 409).length]).toEqual([50, 30]);
    const counts = (await seen(newsroom, id)).shareCounts;
    expect(Object.keys(counts)).toHaveLength(50);
    const [known = ""] = Object.keys(counts);
    expect((await share(id, known)).body.count).toBe(2);
    expect((await share(id, "fifty-first")).status).toBe(409);
    expect((await setCount(id, "fifty-first", 1)).status).toBe(409);
    expect((await setCount(id, known, 100)).status).toBe(200);
    await newsroom.editor.delete(`/v1/articles/${id}/share-counts/${known}`).set("If-Match", "*");
    expect((await share(id, "fifty-first")).status).toBe(201);
  });
});
