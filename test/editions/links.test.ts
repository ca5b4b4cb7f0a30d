import { describe, expect, it } from "vitest";
import { type ShownArticle, change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

/** What readers and editors see of an article's links. */
function links({ relatedLinks }: ShownArticle) {
  return relatedLinks.map(({ title, url, articleId }) => ({ title, url, articleId }));
}

async function draftOf(id: string): Promise<ShownArticle> {
  return (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).body as ShownArticle;
}

function leadsTo({ id, slug, headline }: { id: string; slug: string; headline: string }) {
  return { title: headline, url: `/a/${slug}`, articleId: id };
}

describe("a link to an article", () => {
  it("bears the target's live headline and address, not its working copy's", async () => {
    const target = await live(newsroom, { headline: "Dam repaired" });
    await change(newsroom, target.id, { headline: "Draft of a headline", slug: "draft-of-a-slug" });
    const { id } = await live(newsroom, {
      headline: "Reservoir fills",
      relatedLinks: [{ articleId: target.id, title: "As written" }],
    });
    expect(links(await seen(newsroom, id))).toEqual([leadsTo(target)]);
  });

  it("follows the target when it is renamed and published, without an edition of its own", async () => {
    const target = await live(newsroom, { headline: "Before the name" });
    const linking = await live(newsroom, {
      headline: "Names another",
      relatedLinks: [{ articleId: target.id }],
    });
    const before = await newsroom.reader.get(`/v1/articles/${linking.id}`);
    await change(newsroom, target.id, { headline: "After the name", slug: "after-the-name" });
    expect((await newsroom.reader.get(`/v1/articles/${linking.id}`)).text).toBe(before.text);
    const renamed = await publish(newsroom, target.id);
    const after = await newsroom.reader.get(`/v1/articles/${linking.id}`);
    expect(links(after.body as ShownArticle)).toEqual([leadsTo(renamed)]);
    expect(after.headers.etag).not.toBe(before.headers.etag);
    expect(after.body).toMatchObject({ version: 1, updatedAt: linking.updatedAt });
    expect((await newsroom.reader.get(`/v1/articles/${linking.id}/related-links`)).body.data).toEqual(
      after.body.relatedLinks,
    );
    expect((await newsroom.reader.get(`/v1/articles?ids=${linking.id}`)).body.data[0].relatedLinks).toEqual(
      after.body.relatedLinks,
    );
  });

  it("is hidden with its block while the target is not live, and back with it", async () => {
    const target = await live(newsroom, { headline: "Now and then" });
    const { relatedLinks } = await draft(newsroom, {
      headline: "Unused",
      relatedLinks: [{ articleId: target.id }],
    });
    expect(relatedLinks).toHaveLength(1);
    const link = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
    const { id } = await live(newsroom, {
      headline: "Leans on another",
      relatedLinks: [
        { id: link, articleId: target.id },
        { title: "Elsewhere", url: "https://example.com/" },
      ],
      body: [
        { id: "one", type: "paragraph", text: "Before." },
        { id: "two", type: "relatedLink", relatedLinkId: link },
        { id: "three", type: "paragraph", text: "After." },
      ],
      keyPoints: [{ text: "Sums up the link", blockId: "two" }],
    });
    const whole = await seen(newsroom, id);
    expect(whole.body.map((block) => block.id)).toEqual(["one", "two", "three"]);
    await unpublish(newsroom, target.id);
    const without = await seen(newsroom, id);
    expect(without.body.map((block) => block.id)).toEqual(["one", "three"]);
    expect(without.relatedLinks.map(({ title, position }) => [title, position])).toEqual([["Elsewhere", 0]]);
    expect(without.keyPoints).toMatchObject([{ text: "Sums up the link", blockId: null }]);
    expect(JSON.stringify(without)).not.toContain(target.id);
    expect((await newsroom.reader.get(`/v1/articles/${id}/related-links/${link}`)).status).toBe(404);
    expect((await newsroom.reader.get(`/v1/articles/${id}/related-links`)).body.data).toEqual(
      without.relatedLinks,
    );
    await publish(newsroom, target.id);
    expect(await seen(newsroom, id)).toEqual(whole);
  });

  it("is hidden when the target goes into the trash", async () => {
    const target = await live(newsroom, { headline: "Thrown away" });
    const { id } = await live(newsroom, {
      headline: "Outlives it",
      relatedLinks: [{ articleId: target.id }],
    });
    await newsroom.editor.delete(`/v1/articles/${target.id}`).set("If-Match", "*");
    expect(links(await seen(newsroom, id))).toEqual([]);
    expect((await draftOf(id)).relatedLinks).toHaveLength(1);
  });

  it("leaves the other links open to change when its target is in the trash", async () => {
    const target = await live(newsroom, { headline: "Dead weight" });
    const { id, relatedLinks } = await live(newsroom, {
      headline: "Carries on",
      relatedLinks: [{ articleId: target.id }],
    });
    await newsroom.editor.delete(`/v1/articles/${target.id}`).set("If-Match", "*");
    const added = await newsroom.editor
      .post(`/v1/articles/${id}/related-links`)
      .send({ title: "Fresh", url: "https://example.com/fresh" });
    expect(added.status).toBe(201);
    const removed = await newsroom.editor
      .delete(`/v1/articles/${id}/related-links/${relatedLinks[0]?.id}`)
      .set("If-Match", "*");
    expect(removed.status).toBe(204);
  });

  it("does not tell readers of a draft", async () => {
    const target = await draft(newsroom, { headline: "Not to be known" });
    const { id } = await live(newsroom, {
      headline: "Hints at it",
      relatedLinks: [{ articleId: target.id }],
    });
    const { text } = await newsroom.reader.get(`/v1/articles/${id}`);
    expect(text).not.toContain("Not to be known");
    expect(text).not.toContain(target.id);
    await publish(newsroom, target.id);
    expect(links(await seen(newsroom, id))).toEqual([leadsTo(target)]);
  });

  it("can go round in a circle", async () => {
    const first = await draft(newsroom, { headline: "Round one" });
    const second = await draft(newsroom, { headline: "Round two", relatedLinks: [{ articleId: first.id }] });
    await change(newsroom, first.id, { relatedLinks: [{ articleId: second.id }, { articleId: first.id }] });
    await publish(newsroom, first.id);
    expect(links(await seen(newsroom, first.id))).toEqual([leadsTo(first)]);
    await publish(newsroom, second.id);
    expect(links(await seen(newsroom, first.id))).toEqual([leadsTo(second), leadsTo(first)]);
    expect(links(await seen(newsroom, second.id))).toEqual([leadsTo(first)]);
  });
});

describe("a bare title", () => {
  it("stays a title until an article with that headline is published", async () => {
    const { id } = await live(newsroom, {
      headline: "Waits",
      relatedLinks: [{ title: "The piece to come" }],
    });
    const bare = [{ title: "The piece to come", url: null, articleId: null }];
    expect(links(await seen(newsroom, id))).toEqual(bare);
    const target = await draft(newsroom, { headline: "The piece to come" });
    expect(links(await seen(newsroom, id))).toEqual(bare);
    expect(links(await draftOf(id))).toEqual(bare);
    await publish(newsroom, target.id);
    expect(links(await seen(newsroom, id))).toEqual([leadsTo(target)]);
    expect(links(await draftOf(id))).toEqual([leadsTo(target)]);
    expect((await draftOf(id)) as object).toMatchObject({ hasUnpublishedChanges: false });
  });

  it.each([
    ["curly quotes", "“We won’t stop,” says mayor", '"We won\'t stop," says mayor'],
    ["straight quotes", '"It\'s over," says coach', "“It’s over,” says coach"],
    ["case", "MARKET OPENS EARLY", "Market opens early"],
    ["spaces", "  Two \u00a0 words\tapart ", "Two words apart"],
    ["dashes", "Talks – day one", "Talks — day one"],
    ["composed letters", "Cafe\u0301 reopens", "Caf\u00e9 reopens"],
    ["right-to-left text", "محادثات في إسطنبول", "محادثات في إسطنبول"],
  ])("resolves in live articles and working copies where %s differ", async (_, title, headline) => {
    const { id } = await live(newsroom, { headline: `Live: ${headline}`, relatedLinks: [{ title }] });
    const copy = await draft(newsroom, { headline: `Draft: ${headline}`, relatedLinks: [{ title }] });
    const target = await live(newsroom, { headline });
    expect(links(await seen(newsroom, id))).toEqual([leadsTo(target)]);
    expect(links(await draftOf(copy.id))).toEqual([leadsTo(target)]);
    const later = await live(newsroom, { headline: `Later: ${headline}`, relatedLinks: [{ title }] });
    expect(links(await seen(newsroom, later.id))).toEqual([leadsTo(target)]);
  });

  it("does not resolve to another headline", async () => {
    const { id } = await live(newsroom, { headline: "Picky", relatedLinks: [{ title: "Harvest begins" }] });
    await live(newsroom, { headline: "Harvest begins late" });
    expect(links(await seen(newsroom, id))).toEqual([
      { title: "Harvest begins", url: null, articleId: null },
    ]);
  });

  it("resolves when a live article is given that headline", async () => {
    const { id } = await live(newsroom, { headline: "Patient", relatedLinks: [{ title: "Given later" }] });
    const target = await live(newsroom, { headline: "Named otherwise" });
    await change(newsroom, target.id, { headline: "Given later" });
    expect(links(await seen(newsroom, id))[0]?.articleId).toBeNull();
    await publish(newsroom, target.id);
    expect(links(await seen(newsroom, id))).toEqual([leadsTo({ ...target, headline: "Given later" })]);
  });

  it("is hidden when the article that it led to goes, and follows its new name when it is back", async () => {
    const { id } = await live(newsroom, {
      headline: "Faithful",
      relatedLinks: [{ title: "Once printed so" }],
    });
    const target = await live(newsroom, { headline: "Once printed so" });
    await unpublish(newsroom, target.id);
    expect(links(await seen(newsroom, id))).toEqual([]);
    await change(newsroom, target.id, { headline: "Printed otherwise" });
    await publish(newsroom, target.id);
    expect(links(await seen(newsroom, id))).toEqual([leadsTo({ ...target, headline: "Printed otherwise" })]);
  });

  it("does not lead to its own article", async () => {
    const { id } = await live(newsroom, { headline: "Mirror", relatedLinks: [{ title: "Mirror" }] });
    await change(newsroom, id, { standfirst: "Again", relatedLinks: [{ title: "MIRROR" }] });
    await publish(newsroom, id);
    expect(links(await seen(newsroom, id))).toEqual([{ title: "MIRROR", url: null, articleId: null }]);
  });

  it("leaves links with an address of their own alone", async () => {
    const { id } = await live(newsroom, {
      headline: "Has an address",
      relatedLinks: [{ title: "Same title", url: "https://example.com/" }],
    });
    await live(newsroom, { headline: "Same title" });
    expect(links(await seen(newsroom, id))).toEqual([
      { title: "Same title", url: "https://example.com/", articleId: null },
    ]);
  });
});
