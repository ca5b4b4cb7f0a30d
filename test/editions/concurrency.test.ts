import { describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const rounds = (count: number) => Array.from({ length: count }, (_, round) => round);

describe("at the same time", () => {
  it("two articles that link to each other by id are published, and both show the other", async () => {
    for (const round of rounds(25)) {
      const one = await draft(newsroom, { headline: `East ${round}` });
      const other = await draft(newsroom, {
        headline: `West ${round}`,
        relatedLinks: [{ articleId: one.id }],
      });
      await change(newsroom, one.id, { relatedLinks: [{ articleId: other.id }] });
      await Promise.all([publish(newsroom, one.id), publish(newsroom, other.id)]);
      expect((await seen(newsroom, one.id)).relatedLinks).toMatchObject([
        { articleId: other.id, title: `West ${round}` },
      ]);
      expect((await seen(newsroom, other.id)).relatedLinks).toMatchObject([
        { articleId: one.id, title: `East ${round}` },
      ]);
    }
  });

  it("two articles that name each other by bare titles are published, and both resolve", async () => {
    for (const round of rounds(25)) {
      const one = await draft(newsroom, {
        headline: `North ${round}`,
        relatedLinks: [{ title: `South ${round}` }],
      });
      const other = await draft(newsroom, {
        headline: `South ${round}`,
        relatedLinks: [{ title: `North ${round}` }],
      });
      await Promise.all([publish(newsroom, one.id), publish(newsroom, other.id)]);
      expect((await seen(newsroom, one.id)).relatedLinks).toMatchObject([{ articleId: other.id }]);
      expect((await seen(newsroom, other.id)).relatedLinks).toMatchObject([{ articleId: one.id }]);
    }
  });

  it("a target is renamed and an article that links to it published, and the new name shows", async () => {
    for (const round of rounds(15)) {
      const target = await live(newsroom, { headline: `Old ${round}` });
      const linking = await draft(newsroom, {
        headline: `Linking ${round}`,
        relatedLinks: [{ articleId: target.id }],
      });
      await change(newsroom, target.id, { headline: `New ${round}` });
      await Promise.all([publish(newsroom, linking.id), publish(newsroom, target.id)]);
      expect((await seen(newsroom, linking.id)).relatedLinks).toMatchObject([{ title: `New ${round}` }]);
    }
  });

  it("a target goes and an article that links to it is published, and the link is hidden", async () => {
    for (const round of rounds(15)) {
      const target = await live(newsroom, { headline: `Going ${round}` });
      const linking = await draft(newsroom, {
        headline: `Staying ${round}`,
        relatedLinks: [{ articleId: target.id }],
      });
      await Promise.all([publish(newsroom, linking.id), unpublish(newsroom, target.id)]);
      expect((await seen(newsroom, linking.id)).relatedLinks).toEqual([]);
    }
  });

  it("a bare title is written and its article published, and the title resolves once both are live", async () => {
    for (const round of rounds(25)) {
      const target = await draft(newsroom, { headline: `Awaited ${round}` });
      const linking = await draft(newsroom, {
        headline: `Awaiting ${round}`,
        relatedLinks: [{ title: "First" }],
      });
      const list = [{ id: linking.relatedLinks[0]?.id }, { title: `Awaited ${round}` }];
      await Promise.all([publish(newsroom, target.id), change(newsroom, linking.id, { relatedLinks: list })]);
      await publish(newsroom, linking.id);
      expect((await seen(newsroom, linking.id)).relatedLinks).toMatchObject([
        { articleId: null },
        { articleId: target.id },
      ]);
      const copy = await newsroom.editor.get(`/v1/articles/${linking.id}?version=draft`);
      expect(copy.body.relatedLinks).toMatchObject([{ articleId: null }, { articleId: target.id }]);
    }
  });

  it("articles are made that name the same new terms, and they share them", async () => {
    const headlines = rounds(8).map((round) => `Shared terms ${round}`);
    const terms = [{ name: "Shared one" }, { name: "Shared two" }];
    const made = await Promise.all(
      headlines.map((headline, index) =>
        draft(newsroom, {
          headline,
          tags: index % 2 === 0 ? terms : terms.toReversed(),
          section: { name: "Shared" },
        }),
      ),
    );
    await Promise.all(made.map(({ id }) => publish(newsroom, id)));
    for (const filter of ["tag=shared-one", "tag=shared-two", "section=shared"]) {
      expect((await newsroom.reader.get(`/v1/articles?${filter}`)).body.data).toHaveLength(8);
    }
  });

  it("many publish one draft, and one edition comes of it", async () => {
    const { id } = await draft(newsroom, { headline: "Everybody's story" });
    const answers = await Promise.all(
      rounds(30).map(() => newsroom.editor.post(`/v1/articles/${id}/publish`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.version))).toEqual(new Set([1]));
    expect(await newsroom.database.edition.count({ where: { articleId: id } })).toBe(1);
  });

  it("many publish what they saw, and one of them does", async () => {
    const { id } = await draft(newsroom, { headline: "Seen by all" });
    const { etag } = (await newsroom.editor.get(`/v1/articles/${id}?version=draft`)).headers;
    const answers = await Promise.all(
      rounds(12).map(() => newsroom.editor.post(`/v1/articles/${id}/publish`).set("If-Match", etag ?? "")),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(11);
  });

  it("one publishes and another edits, and each edition is whole", async () => {
    const { id } = await draft(newsroom, {
      headline: "Take 0",
      standfirst: "Take 0",
      body: [{ type: "paragraph", text: "Take 0" }],
      keyPoints: ["Take 0"],
    });
    const edits = rounds(20).map((take) => {
      const text = `Take ${take + 1}`;
      return change(newsroom, id, {
        headline: text,
        standfirst: text,
        body: [{ type: "paragraph", text }],
        keyPoints: [text],
      });
    });
    await Promise.all([...edits, ...rounds(20).map(() => publish(newsroom, id))]);
    const last = await publish(newsroom, id);
    const editions = await newsroom.database.edition.findMany({
      where: { articleId: id },
      orderBy: { version: "asc" },
    });
    expect(editions.map(({ version }) => version)).toEqual(rounds(last.version).map((number) => number + 1));
    for (const { document } of editions) {
      const { headline, standfirst, body, keyPoints } = document as unknown as Record<string, string> & {
        body: { text: string }[];
        keyPoints: { text: string }[];
      };
      expect([standfirst, body.map(({ text }) => text), keyPoints.map(({ text }) => text)]).toEqual([
        headline,
        [headline],
        [headline],
      ]);
    }
    const copy = await newsroom.editor.get(`/v1/articles/${id}?version=draft`);
    expect(copy.body.hasUnpublishedChanges).toBe(false);
    expect((await seen(newsroom, id)).headline).toBe(copy.body.headline);
  });

  it("articles are published and unpublished, and readers see one or the other", async () => {
    const { id } = await live(newsroom, { headline: "On and off" });
    const toggles = rounds(10).flatMap(() => [
      newsroom.editor.post(`/v1/articles/${id}/publish`),
      newsroom.editor.post(`/v1/articles/${id}/unpublish`),
    ]);
    const reads = rounds(20).map(() => newsroom.reader.get(`/v1/articles/${id}`));
    const [toggled, read] = await Promise.all([Promise.all(toggles), Promise.all(reads)]);
    for (const { status } of toggled) expect([200, 409]).toContain(status);
    for (const { status } of read) expect([200, 410]).toContain(status);
  });
});
