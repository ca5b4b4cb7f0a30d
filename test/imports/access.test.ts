import { describe, expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { freshDatabase } from "../support/database.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { copyOf, imported, meta, post, send, wxr } from "./files.ts";

const newsroom = useNewsroom();

async function exported({ url, adminKey }: TestNewsroom): Promise<string> {
  const answer = await fetch(`${url}/v1/export`, { headers: { authorization: `Bearer ${adminKey}` } });
  return answer.text();
}

describe("who may import what", () => {
  it("needs articles:write for articles, and articles:publish to publish them", async () => {
    const file = wxr(post(1, { title: "Scoped" }));
    const reading = await newsroom.withScopes(["drafts:read"]);
    expectProblem(await send({ editor: reading }, file), 403, "scope-missing");
    const writing = await newsroom.withScopes(["articles:write"]);
    expectProblem(await send({ editor: writing }, file, "?publish=true"), 403, "scope-missing");
    expect((await send({ editor: writing }, file)).body).toMatchObject({ created: 1 });
    expectProblem(await send({ editor: newsroom.reader }, file), 401, "key-required");
  });

  it("makes a contributor's articles its own, and keeps it from those of others", async () => {
    const contributor = await newsroom.withKey({ name: "Contributor", role: "contributor" });
    const own = await imported({ editor: contributor }, wxr(post(2, { title: "Own", creator: "" })));
    expect(own).toMatchObject({ created: 1 });
    await imported(newsroom, wxr(post(3, { title: "Of the desk", name: "of-the-desk" })));
    const answer = await send({ editor: contributor }, wxr(post(3, { title: "Taken over", creator: "" })));
    expectProblem(answer, 422, "import-failed");
    expect((await copyOf(newsroom, "of-the-desk")).headline).toBe("Of the desk");
    const terms = await send(
      { editor: contributor },
      wxr(post(4, { title: "Terms", creator: "somebody-new" })),
    );
    expect(terms.body.report.failures).toMatchObject([{ reason: expect.stringMatching(/names no author/) }]);
  });

  it("leaves an entry in the audit log for each article", async () => {
    await imported(newsroom, wxr(post(5, { title: "Audited", name: "audited" })));
    const { id } = await copyOf(newsroom, "audited");
    const { body } = await newsroom.editor.get("/v1/audit?operation=importFile&limit=1");
    expect(body.data).toMatchObject([{ resource: { kind: "articles", id } }]);
  });
});

describe("a dry run", () => {
  it("says what would be done and does nothing", async () => {
    await imported(newsroom, wxr(post(11, { title: "Before", name: "dry" })));
    const file = wxr(
      post(11, { title: "After", name: "dry" }),
      post(12, { title: "New and dry", creator: "dry-author" }),
    );
    const report = await imported(newsroom, file, "?dryRun=true&publish=true");
    expect(report).toMatchObject({ dryRun: true, created: 1, updated: 1, failed: 0 });
    expect(await copyOf(newsroom, "dry")).toMatchObject({ headline: "Before", status: "draft" });
    expect(await newsroom.database.author.count({ where: { slug: "dry-author" } })).toBe(0);
    expect(await imported(newsroom, file)).toMatchObject({ created: 1, updated: 1 });
  });

  it("is for files of many articles", async () => {
    const answer = await send(newsroom, "A headline\n", "?dryRun=true", "text/plain");
    expectProblem(answer, 400, "invalid-parameter");
  });
});

describe("parameters", () => {
  it("are refused when they are none", async () => {
    for (const query of [
      "?site=nowhere",
      "?site=https://a.example&site=https://b.example",
      "?language=not_a_tag",
      "?publish=maybe",
    ])
      expectProblem(await send(newsroom, wxr(), query), 400, "invalid-parameter");
  });

  it("give the language of what does not name its own", async () => {
    const file =
      '<rss version="2.0"><channel><title>x</title><item><guid>lang-1</guid><title>Sans langue</title></item></channel></rss>';
    await imported(newsroom, file, "?language=fr");
    expect(await copyOf(newsroom, "sans-langue")).toMatchObject({ language: "fr" });
  });
});

describe("a file", () => {
  it("is known by how it begins, whatever its media type says", async () => {
    const file = wxr(post(21, { title: "Mislabelled", name: "mislabelled" }));
    for (const [type, outcome] of [
      ["text/plain", { created: 1 }],
      ["application/octet-stream", { unchanged: 1 }],
      ["application/json", { unchanged: 1 }],
    ] as const)
      expect((await send(newsroom, `\uFEFF${file}`, "", type)).body).toMatchObject({
        format: "wxr",
        ...outcome,
      });
  });
});

describe("Dateline's own export", () => {
  it("is imported by the same operation, with the scope that its own has", async () => {
    const fresh = await freshDatabase();
    const { found: other, close } = await startNewsroom(fresh.url);
    try {
      await imported(
        newsroom,
        wxr(post(31, { title: "Out of WordPress", name: "out-of-wp" }, meta("_wp_old_slug", "out-of"))),
        "?publish=true",
      );
      await live(newsroom, { headline: "Written here" });
      const file = await exported(newsroom);
      const writing = await other.withScopes(["articles:write"]);
      expectProblem(await send({ editor: writing }, file, "", "application/x-ndjson"), 403, "scope-missing");
      const answer = await send(other, file, "", "application/x-ndjson");
      expect(answer.status, answer.text).toBe(200);
      expect(answer.body).toMatchObject({ format: "dateline", failed: 0 });
      expect(await exported(other)).toBe(file);
      const again = await send(other, file, "", "text/plain");
      expect(again.body).toMatchObject({ created: 0, updated: 0, failed: 0 });
    } finally {
      await close();
      await fresh.drop();
    }
  });

  it("carries what articles were imported from, so that they are known again by the file that they came from", async () => {
    const fresh = await freshDatabase();
    const { found: other, close } = await startNewsroom(fresh.url);
    try {
      const source = wxr(post(32, { title: "Known again", name: "known-again" }));
      await imported(newsroom, source);
      await send(other, await exported(newsroom), "", "application/x-ndjson");
      expect(await imported(other, source)).toMatchObject({ created: 0, unchanged: 1 });
      const changed = wxr(post(32, { title: "Known and changed", name: "known-again" }));
      expect(await imported(other, changed)).toMatchObject({ updated: 1 });
      expect(await exported(other)).not.toBe(await exported(newsroom));
      // What another article here came from cannot be brought over it.
      const third = await freshDatabase();
      const started = await startNewsroom(third.url);
      await imported(started.found, source);
      const refused = await send(started.found, await exported(newsroom), "", "application/x-ndjson");
      expectProblem(refused, 422, "import-failed");
      expect(JSON.stringify(refused.body.report.failures)).toMatch(/which another article here comes from/);
      await started.close();
      await third.drop();
    } finally {
      await close();
      await fresh.drop();
    }
  });
});
