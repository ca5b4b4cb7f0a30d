import { beforeEach, describe, expect, it } from "vitest";
import {
  type Draft,
  draftOf,
  expectRefused,
  makeDraft,
  patchDraft,
  publishDraft,
  readDraft,
  statusesOf,
  times,
} from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

let draft: Draft;
beforeEach(async () => {
  draft = await makeDraft(newsroom.editor, {
    keyPoints: ["one", "two"],
    relatedLinks: [{ title: "A" }, { title: "B" }],
  });
});

/** Every write that needs If-Match, as a request that would succeed with it. */
const writes: [string, () => { method: "patch" | "put" | "delete"; path: string; content?: object }][] = [
  ["PATCH article", () => ({ method: "patch", path: "", content: { headline: "B" } })],
  ["PUT article", () => ({ method: "put", path: "", content: { headline: "B" } })],
  ["DELETE article", () => ({ method: "delete", path: "" })],
  ["PUT key-points", () => ({ method: "put", path: "/key-points", content: ["three"] })],
  [
    "PATCH key point",
    () => ({
      method: "patch",
      path: `/key-points/${draft.article.keyPoints[0]?.id}`,
      content: { text: "uno" },
    }),
  ],
  ["DELETE key point", () => ({ method: "delete", path: `/key-points/${draft.article.keyPoints[0]?.id}` })],
  ["PUT related-links", () => ({ method: "put", path: "/related-links", content: [{ title: "C" }] })],
  [
    "PATCH related link",
    () => ({
      method: "patch",
      path: `/related-links/${draft.article.relatedLinks[0]?.id}`,
      content: { title: "C" },
    }),
  ],
  [
    "DELETE related link",
    () => ({ method: "delete", path: `/related-links/${draft.article.relatedLinks[0]?.id}` }),
  ],
];

const run = (
  write: () => { method: "patch" | "put" | "delete"; path: string; content?: object },
  ifMatch?: string,
) => {
  const { method, path, content } = write();
  const request = newsroom.editor[method](`${draft.address}${path}`);
  if (ifMatch !== undefined) void request.set("If-Match", ifMatch);
  return content === undefined ? request : request.send(content);
};

describe.each(writes)("%s", (_, write) => {
  it("is 428 without If-Match, and changes nothing", async () => {
    expectRefused(await run(write), 428);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("is 412 with a stale tag, and changes nothing", async () => {
    const changed = await patchDraft(newsroom.editor, draft, { standfirst: "meanwhile" });
    expectRefused(await run(write, draft.etag), 412);
    expect(await readDraft(newsroom.editor, draft)).toEqual(changed);
  });

  it("is 412 with the tag of another article at the same revision, and changes nothing", async () => {
    const other = await makeDraft(newsroom.editor, {
      keyPoints: ["one", "two"],
      relatedLinks: [{ title: "A" }, { title: "B" }],
    });
    expectRefused(await run(write, other.etag), 412);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("is 412 with a weak tag, which says too little", async () => {
    expectRefused(await run(write, `W/${draft.etag}`), 412);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("is done with the tag last seen", async () => {
    expect([200, 204]).toContain((await run(write, draft.etag)).status);
  });

  it("is done with *", async () => {
    await patchDraft(newsroom.editor, draft, { standfirst: "meanwhile" });
    expect([200, 204]).toContain((await run(write, "*")).status);
  });

  it("is done when one of a list of tags fits", async () => {
    expect([200, 204]).toContain((await run(write, `"other", W/"weak" ,${draft.etag}`)).status);
  });

  it("is 400 when If-Match is no entity tag", async () => {
    for (const header of [draft.etag.slice(1, -1), `"open`, "* , *", ""])
      expectRefused(await run(write, header), 400, "If-Match");
  });
});

describe("If-Match", () => {
  it("may have commas within a tag", async () => {
    expectRefused(await newsroom.editor.patch(draft.address).set("If-Match", '"a,b", "c"').send({}), 412);
  });

  it("is heeded on a POST that adds an item, where it may be left out", async () => {
    for (const [path, item] of [
      ["key-points", { text: "x" }],
      ["related-links", { title: "x" }],
    ] as const) {
      expectRefused(
        await newsroom.editor.post(`${draft.address}/${path}`).set("If-Match", '"stale"').send(item),
        412,
      );
      expect((await newsroom.editor.post(`${draft.address}/${path}`).send(item)).status).toBe(201);
    }
  });

  it("takes the tag that a write has answered with, for the next write", async () => {
    const point = await newsroom.editor
      .post(`${draft.address}/key-points`)
      .set("If-Match", draft.etag)
      .send({ text: "three" });
    const moved = await newsroom.editor
      .patch(`${draft.address}/key-points/${point.body.id}`)
      .set("If-Match", point.headers.etag ?? "")
      .send({ position: 0 });
    const list = await newsroom.editor
      .put(`${draft.address}/key-points`)
      .set("If-Match", moved.headers.etag ?? "")
      .send(["only"]);
    expect(list.status).toBe(200);
    expect(
      (await newsroom.editor.delete(draft.address).set("If-Match", list.headers.etag ?? "")).status,
    ).toBe(204);
  });

  it("tells that a deletion has been overtaken", async () => {
    const { address, etag } = draft;
    const answers = await Promise.all([
      newsroom.editor.patch(address).set("If-Match", etag).send({ headline: "B" }),
      newsroom.editor.delete(address).set("If-Match", etag),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect([
      [200, 412],
      [404, 204],
    ]).toContainEqual(statuses);
  });

  it("is not disturbed by shares, which are no editor's change", async () => {
    const live = await publishDraft(newsroom.editor, draft);
    expect((await newsroom.reader.post(`${live.address}/shares`).send({ network: "x" })).status).toBe(201);
    expect((await readDraft(newsroom.editor, live)).etag).not.toBe(live.etag);
    expect((await patchDraft(newsroom.editor, live, { headline: "B" })).article.headline).toBe("B");
  });
});

describe("sixteen editors of one article at once", () => {
  it("lose no update: each who did not win is told 412", async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor
          .patch(draft.address)
          .set("If-Match", draft.etag)
          .send({ headline: `Editor ${index}` }),
      ),
    );
    expect(statusesOf(answers)).toEqual([200, ...times(15, 412)]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await readDraft(newsroom.editor, draft)).article.headline).toBe(winner?.body.headline);
  });

  it("all get their change in when each who is told 412 reads again and repeats it", async () => {
    const editor = async (name: string) => {
      for (;;) {
        const { etag, article } = await readDraft(newsroom.editor, draft);
        const keyPoints = [...article.keyPoints, { text: name }];
        const answer = await newsroom.editor.patch(draft.address).set("If-Match", etag).send({ keyPoints });
        if (answer.status === 200) return;
        expectRefused(answer, 412);
      }
    };
    const names = Array.from({ length: 8 }, (_, index) => `Editor ${index}`);
    await Promise.all(names.map(editor));
    const { article } = await readDraft(newsroom.editor, draft);
    expect(article.keyPoints.map(({ text }) => text).toSorted()).toEqual(["one", "two", ...names].toSorted());
  });

  it("who add key points without a condition add them all, in one order without gaps", async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        newsroom.editor.post(`${draft.address}/key-points`).send({ text: `Point ${index}`, position: 0 }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(times(16, 201));
    const { article } = await readDraft(newsroom.editor, draft);
    expect(article.keyPoints.map(({ position }) => position)).toEqual(
      Array.from({ length: 18 }, (_, index) => index),
    );
    expect(article.keyPoints.slice(-2).map(({ text }) => text)).toEqual(["one", "two"]);
  });

  it("who change different parts with * all succeed, and every change is there", async () => {
    const changes = [
      { headline: "H" },
      { standfirst: "S" },
      { dateline: "D" },
      { keyPoints: ["k"] },
      { relatedLinks: [] },
      { body: [{ type: "rule" }] },
    ];
    const answers = await Promise.all(
      changes.map((change) => newsroom.editor.patch(draft.address).set("If-Match", "*").send(change)),
    );
    expect(answers.map(({ status }) => status)).toEqual(times(6, 200));
    expect((await readDraft(newsroom.editor, draft)).article).toMatchObject({
      headline: "H",
      standfirst: "S",
      dateline: "D",
      keyPoints: [{ text: "k" }],
      relatedLinks: [],
      body: [{ type: "rule" }],
    });
  });
});

describe("the ETag of a working copy", () => {
  it.each<[string, object]>([
    ["nothing", {}],
    ["the same headline", { headline: "Harbour reopens" }],
    ["the same slug and language", { language: "EN" }],
    ["null where nothing was", { standfirst: null, section: null, tags: null, body: null }],
    ["the same in another Unicode form", { dateline: null }],
  ])("stays when a PATCH says %s", async (_, change) => {
    expect(await patchDraft(newsroom.editor, draft, change)).toEqual(draft);
  });

  it("stays when a PUT reorders a list into the order that it has", async () => {
    const ids = draft.article.keyPoints.map(({ id }) => ({ id }));
    const answer = await newsroom.editor
      .put(`${draft.address}/key-points`)
      .set("If-Match", draft.etag)
      .send(ids);
    expect(answer.status).toBe(200);
    expect(await readDraft(newsroom.editor, draft)).toEqual(draft);
  });

  it("changes with every part of it", async () => {
    const changes = [
      { headline: "B" },
      { standfirst: "B" },
      { dateline: "B" },
      { language: "fr" },
      { slug: `b-${draft.id.slice(-12)}` },
      { section: { name: "Bay" } },
      { tags: [{ name: "Bay" }] },
      { authors: [{ name: "Bay" }] },
      { body: [{ type: "rule" }] },
      { keyPoints: ["B"] },
      { relatedLinks: [{ title: "C" }] },
      { publishedAt: "2020-01-01T00:00:00Z" },
    ];
    const tags = new Set([draft.etag]);
    let now = draft;
    for (const change of changes) {
      now = await patchDraft(newsroom.editor, now, change);
      tags.add(now.etag);
      expect((await readDraft(newsroom.editor, now)).etag).toBe(now.etag);
    }
    expect(tags.size).toBe(changes.length + 1);
  });

  it("changes when an article that it links to gets another headline", async () => {
    const target = await makeDraft(newsroom.editor, { headline: "Old name" });
    const linking = await makeDraft(newsroom.editor, { relatedLinks: [{ articleId: target.id }] });
    await patchDraft(newsroom.editor, target, { headline: "New name" });
    const read = await readDraft(newsroom.editor, linking);
    expect(read.article.relatedLinks[0]?.title).toBe("New name");
    expect(read.etag).not.toBe(linking.etag);
    expect((await patchDraft(newsroom.editor, linking, { standfirst: "x" })).article.standfirst).toBe("x");
  });

  it("is answered to If-None-Match with 304 and no body", async () => {
    for (const header of [draft.etag, `W/${draft.etag}`, `"x", ${draft.etag}`, "*"]) {
      const answer = await newsroom.editor.get(`${draft.address}?version=draft`).set("If-None-Match", header);
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, "", draft.etag]);
    }
    const changed = await patchDraft(newsroom.editor, draft, { headline: "B" });
    const answer = await newsroom.editor
      .get(`${draft.address}?version=draft`)
      .set("If-None-Match", draft.etag);
    expect(draftOf(answer, 200).etag).toBe(changed.etag);
  });
});
