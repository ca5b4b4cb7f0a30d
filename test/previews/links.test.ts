import { describe, expect, it } from "vitest";
import { signing } from "../../src/http/signing.ts";
import { forgetLinks } from "../../src/previews/links.ts";
import { previewToken } from "../../src/previews/token.ts";
import {
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  unknownId,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { type Link, linkTo, previewOf } from "./samples.ts";

const newsroom = useNewsroom();
const DAY = 86_400_000;

const show = (token: string) => newsroom.reader.get(`/preview/${token}`);
const inAnHour = () => new Date(Date.now() + 3_600_000);

describe("making a link to a preview", () => {
  it("gives an address that anyone can open for a day, in full and as Location", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({});
    expect(answer.status).toBe(201);
    const { url, token, expiresAt } = answer.body as Link;
    expect(url).toBe(`${newsroom.url}/preview/${token}`);
    expect(answer.headers.location).toBe(`/preview/${token}`);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - DAY)).toBeLessThan(10_000);
    expect((await show(token)).status).toBe(200);
  });

  it("needs no body, and takes a slug", async () => {
    const { article } = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor.post(`/v1/articles/${article.slug}/previews`);
    expect(answer.status, answer.text).toBe(201);
  });

  it("works as long as was asked", async () => {
    const { id } = await makeDraft(newsroom.editor);
    for (const expiresIn of [60, 2_592_000]) {
      const { body } = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({ expiresIn });
      expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - expiresIn * 1000)).toBeLessThan(10_000);
    }
  });

  it.for([59, 2_592_001, 0, -60, 60.5, "60", null])("refuses to work for %s seconds", async (expiresIn) => {
    const { id } = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({ expiresIn });
    expectRefused(answer, 422, "#/expiresIn");
  });

  it("refuses what it does not know", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const answer = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({ forEver: true });
    expectRefused(answer, 422, "#/forEver");
  });

  it("is answered 404 for an article that is not there or is in the trash", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    await newsroom.editor.delete(address).set("If-Match", "*");
    for (const article of [id, unknownId, "nothing-of-the-kind"])
      expectProblem(
        await newsroom.editor.post(`/v1/articles/${article}/previews`).send({}),
        404,
        "not-found",
      );
  });

  it("is refused for an article that was withdrawn for good", async () => {
    const { address } = await makeDraft(newsroom.editor);
    await newsroom.editor.post(`${address}/kill`).send({ reason: "An injunction" });
    expectProblem(await newsroom.editor.post(`${address}/previews`).send({}), 451, "withdrawn");
  });

  it("is done once with an Idempotency-Key", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const make = () =>
      newsroom.editor.post(`/v1/articles/${id}/previews`).set("Idempotency-Key", "one-link").send({});
    const [first, second] = [await make(), await make()];
    expect(second.body).toEqual(first.body);
  });

  it("leaves the article as it is", async () => {
    const draft = await makeDraft(newsroom.editor);
    await linkTo(newsroom.editor, draft.id);
    expect((await readDraft(newsroom.editor, draft)).etag).toBe(draft.etag);
  });

  it("goes by the host that was asked, and leaves out one that cannot be", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const from = async (host: string) => {
      const made = newsroom.editor.post(`/v1/articles/${id}/previews`).set("Host", host);
      return (await made.send({})).body as Link;
    };
    expect((await from("desk.example:8080")).url).toMatch(/^http:\/\/desk\.example:8080\/preview\//);
    expect((await from('"><b>')).url).toMatch(/^\/preview\//);
  });
});

describe("a preview's token", () => {
  it("opens one article, as its working copy is at that moment", async () => {
    const draft = await makeDraft(newsroom.editor, { headline: "Harbour shut" });
    const { token } = await linkTo(newsroom.editor, draft.id);
    expect((await show(token)).text).toContain(">Harbour shut</h1>");
    const changed = await patchDraft(newsroom.editor, draft, { headline: "Harbour open" });
    expect((await show(token)).text).toContain(">Harbour open</h1>");
    await publishDraft(newsroom.editor, changed);
    await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ headline: "Harbour shut again" });
    expect((await show(token)).text).toContain(">Harbour shut again</h1>");
  });

  it("is answered with one and the same 404 whatever is wrong with it", async () => {
    const { id, address } = await makeDraft(newsroom.editor);
    const other = await makeDraft(newsroom.editor);
    const own = newsroom.newsroom.signing;
    const { id: keyId } = (await newsroom.editor.get("/v1/me")).body as { id: string };
    const linkUntil = async (expiresAt: Date) =>
      (await newsroom.database.preview.create({ data: { articleId: id, keyId, expiresAt } })).id;
    const link = await linkUntil(inAnHour());
    const good = previewToken(own, link);
    expect((await show(good)).status).toBe(200);
    const flipped = (at: number) =>
      `${good.slice(0, at)}${good[at] === "A" ? "B" : "A"}${good.slice(at + 1)}`;
    const bytes = Buffer.from(good, "base64url");
    const forOther = Buffer.concat([
      bytes.subarray(0, 16),
      Buffer.from((await linkTo(newsroom.editor, other.id)).id),
    ]);
    const foreign = signing(new Uint8Array(32));
    const tokens = {
      "its time is over": previewToken(own, await linkUntil(new Date(Date.now() - 1))),
      "its link never was": previewToken(own, unknownId),
      "its link is no id": previewToken(own, "a-slug"),
      "its signature was changed": flipped(3),
      "its end was changed": flipped(good.length - 3),
      "its link was changed": forOther.toString("base64url"),
      "it was signed elsewhere": previewToken(foreign, link),
      "it was signed as a cursor": own.sign("cursor preview", link),
      "it was cut": good.slice(0, -1),
      "it is its signature alone": bytes.subarray(0, 16).toString("base64url"),
      "it is longer": `${good}A`,
      "it is spelt otherwise": `${good}=`,
      "it is nothing like one": "preview",
      "it is white space": "%20",
      "it is beyond ASCII": encodeURIComponent("خبر"),
    };
    const seen = [];
    for (const [fault, token] of Object.entries(tokens)) seen.push({ fault, answer: await show(token) });
    await newsroom.editor.delete(address).set("If-Match", "*");
    seen.push({ fault: "its article was deleted", answer: await show(good) });
    const killed = await previewOf(newsroom, {});
    await newsroom.editor.post(`/v1/articles/${killed.id}/kill`).send({ reason: "An injunction" });
    seen.push({ fault: "its article was withdrawn for good", answer: await show(killed.token) });
    for (const { fault, answer } of seen) {
      const { instance, requestId, ...body } = answer.body as Record<string, unknown>;
      expectProblem(answer, 404, "not-found");
      expect({ fault, instance, requestId, ...body }).toEqual({
        fault,
        instance,
        requestId,
        type: "/problems/not-found",
        title: "Not found",
        status: 404,
        detail: "There is no preview at this address, or it works no more.",
      });
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });

  it("opens nothing else: as a cursor it is refused like any other", async () => {
    const { token } = await previewOf(newsroom, {});
    expectRefused(await newsroom.reader.get(`/v1/articles?cursor=${token}`), 400, "cursor");
    expectProblem(
      await newsroom.withHeaders({ authorization: `Bearer ${token}` }).get("/v1/articles"),
      401,
      "key-invalid",
    );
  });

  it("is for reading: other methods are answered 405", async () => {
    const { token } = await previewOf(newsroom, {});
    const answer = await newsroom.reader.post(`/preview/${token}`).send({});
    expectProblem(answer, 405, "method-not-allowed");
    expect((await newsroom.reader.head(`/preview/${token}`)).status).toBe(200);
  });
});

describe("a preview as JSON", () => {
  const json = (token: string) => show(token).set("Accept", "application/json");

  it("is the working copy", async () => {
    const draft = await makeDraft(newsroom.editor, {
      body: [{ type: "paragraph", text: "It is open." }],
      keyPoints: ["Open"],
      relatedLinks: [{ kind: "source", title: "The log", url: "https://example.com/log" }],
      tags: [{ name: "Ferries" }],
    });
    const { token } = await linkTo(newsroom.editor, draft.id);
    const answer = await json(token);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(answer.headers["cache-control"]).toBe("private, no-store");
    expect(answer.headers.vary).toContain("Accept");
    expect(answer.body).toEqual(draft.article);
  });

  it("is chosen by Accept; the page is what is sent otherwise", async () => {
    const { token } = await previewOf(newsroom, {});
    const typeFor = async (accept: string) => {
      const answer = await show(token).set("Accept", accept);
      return answer.headers["content-type"]?.split(";")[0];
    };
    const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    expect(await typeFor(browser)).toBe("text/html");
    expect(await typeFor("*/*")).toBe("text/html");
    expect(await typeFor("text/html;q=0.5, application/json")).toBe("application/json");
    expectProblem(await show(token).set("Accept", "image/png"), 406, "not-acceptable");
  });

  it("leads bare titles to what is live under them, as publishing would", async () => {
    const { token } = await previewOf(newsroom, { relatedLinks: [{ title: "Ferry to sail" }] });
    const target = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Ferry to sail" }),
    );
    const { body } = await json(token);
    expect(body.relatedLinks).toMatchObject([{ title: "Ferry to sail", articleId: target.id }]);
  });

  it("tells nothing of other articles that readers do not know of, nor does the page", async () => {
    const hidden = await makeDraft(newsroom.editor, { headline: "Not out yet" });
    const gone = await publishDraft(
      newsroom.editor,
      await makeDraft(newsroom.editor, { headline: "Out no more" }),
    );
    const out = await publishDraft(newsroom.editor, await makeDraft(newsroom.editor, { headline: "Out" }));
    await newsroom.editor.patch(out.address).set("If-Match", "*").send({ headline: "Out under a new name" });
    const ids = ["1", "2", "3"].map((end) => unknownId.replace(/0$/, end));
    const { token } = await previewOf(newsroom, {
      relatedLinks: [hidden, gone, out].map(({ id }, index) => ({ id: ids[index], articleId: id })),
      body: ids.map((relatedLinkId) => ({ type: "relatedLink", relatedLinkId })),
    });
    await newsroom.editor.post(`${gone.address}/unpublish`);
    const { body } = await json(token);
    expect(body.relatedLinks).toMatchObject([{ title: "Out", position: 0 }]);
    expect(body.body).toHaveLength(1);
    const { text } = await show(token);
    expect(text).toContain("Out</bdi>");
    for (const secret of ["Not out yet", "Out no more", "new name"]) expect(text).not.toContain(secret);
  });
});

describe("taking a link back", () => {
  const links = async (id: string) =>
    ((await newsroom.editor.get(`/v1/articles/${id}/previews`)).body as { data: { id: string }[] }).data;

  it("ends it at once, and no other", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const [one, other] = [await linkTo(newsroom.editor, id), await linkTo(newsroom.editor, id)];
    expect((await newsroom.editor.delete(`/v1/articles/${id}/previews/${one.id}`)).status).toBe(204);
    expectProblem(await show(one.token), 404, "not-found");
    expect((await show(other.token)).status).toBe(200);
    expect((await links(id)).map((link) => link.id)).toEqual([other.id]);
    expectProblem(await newsroom.editor.delete(`/v1/articles/${id}/previews/${one.id}`), 404, "not-found");
  });

  it("begins with a list of those that work, the newest first, which tells no address", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const made = [await linkTo(newsroom.editor, id), await linkTo(newsroom.editor, id)];
    const { body: me } = await newsroom.editor.get("/v1/me");
    const answer = await newsroom.editor.get(`/v1/articles/${id}/previews`);
    expect(answer.body.data).toEqual(
      made.toReversed().map((link) => ({
        id: link.id,
        createdAt: expect.any(String),
        createdBy: { id: me.id, name: me.name },
        expiresAt: link.expiresAt,
      })),
    );
    for (const { token } of made) expect(answer.text).not.toContain(token);
  });

  it("goes by the article: another's path does not lead to it", async () => {
    const [mine, other] = [await makeDraft(newsroom.editor), await makeDraft(newsroom.editor)];
    const link = await linkTo(newsroom.editor, mine.id);
    for (const path of [`${other.id}/previews/${link.id}`, `${mine.id}/previews/none`])
      expectProblem(await newsroom.editor.delete(`/v1/articles/${path}`), 404, "not-found");
    expect((await show(link.token)).status).toBe(200);
  });

  it("is for the key that made it, and for those who write articles", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const [maker, reader] = [
      await newsroom.withScopes(["drafts:read"]),
      await newsroom.withScopes(["drafts:read"]),
    ];
    const [one, other] = [await linkTo(maker, id), await linkTo(maker, id)];
    const address = (link: Link) => `/v1/articles/${id}/previews/${link.id}`;
    expectProblem(await reader.delete(address(one)), 403, "scope-missing");
    expect((await maker.delete(address(one))).status).toBe(204);
    expect((await newsroom.editor.delete(address(other))).status).toBe(204);
  });

  it("is not needed while the key that made it may not see the working copy itself", async () => {
    const contributor = await newsroom.withKey({ name: "Ana", role: "contributor" });
    const { id, address } = await makeDraft(contributor);
    const { token } = await linkTo(contributor, id);
    expect((await show(token)).status).toBe(200);
    await contributor.post(`${address}/submit`).set("If-Match", "*");
    await newsroom.editor.patch(address).set("If-Match", "*").send({ standfirst: "The desk's words" });
    expectProblem(await show(token), 404, "not-found");
    await newsroom.editor.post(`${address}/return`).set("If-Match", "*").send({ note: "Once more" });
    expect((await show(token)).status).toBe(200);
  });

  it("is not needed when the key that made it is revoked", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const { body: key } = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Leaves soon", scopes: ["drafts:read"] });
    const leaver = newsroom.withHeaders({ authorization: `Bearer ${key.secret}` });
    const { token } = await linkTo(leaver, id);
    expect((await show(token)).status).toBe(200);
    await newsroom.editor.delete(`/v1/keys/${key.id}`);
    expectProblem(await show(token), 404, "not-found");
    expect(await links(id)).toEqual([]);
  });

  it("is a deed that the audit log tells of, without the token", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const link = await linkTo(newsroom.editor, id);
    await newsroom.editor.delete(`/v1/articles/${id}/previews/${link.id}`);
    const { body } = await newsroom.editor.get("/v1/audit?operation=deletePreview&limit=1");
    expect(body.data).toMatchObject([{ resource: { kind: "previews", id: link.id } }]);
    expect(JSON.stringify(await newsroom.database.auditEntry.findMany())).not.toContain(link.token);
  });

  it("makes room where an article has as many links as it may have", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const first = await linkTo(newsroom.editor, id);
    const { id: keyId } = (await newsroom.editor.get("/v1/me")).body as { id: string };
    const more = Array.from({ length: 99 }, () => ({ articleId: id, keyId, expiresAt: inAnHour() }));
    await newsroom.database.preview.createMany({ data: more });
    const make = () => newsroom.editor.post(`/v1/articles/${id}/previews`).send({});
    expectProblem(await make(), 409, "count-limit");
    await newsroom.editor.delete(`/v1/articles/${id}/previews/${first.id}`);
    expect((await make()).status).toBe(201);
  });

  it("is followed by forgetting: what is over is no longer stored an hour later", async () => {
    const { id } = await makeDraft(newsroom.editor);
    const link = await linkTo(newsroom.editor, id);
    await newsroom.database.preview.update({ where: { id: link.id }, data: { expiresAt: new Date() } });
    await forgetLinks(newsroom.database);
    expect(await newsroom.database.preview.count({ where: { id: link.id } })).toBe(0);
  });
});
