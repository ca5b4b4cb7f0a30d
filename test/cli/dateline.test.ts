import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { post, wxr } from "../imports/files.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { runToEnd } from "../support/process.ts";

const newsroom = useNewsroom();
const samples = join(import.meta.dirname, "../imports/samples");
const sample = (name: string) => join(samples, `${name}.txt`);

function dateline(...words: string[]) {
  return runToEnd(["src/cli/dateline.ts", ...words], { DATABASE_URL: newsroom.databaseUrl });
}

describe("dateline import", () => {
  it("makes a draft of each file and names its address", async () => {
    const { code, output } = await dateline("import", sample("iso-date"), sample("headline-only"));
    expect(code).toBe(0);
    const slug = /draft \/v1\/articles\/(weather\S+)/.exec(output)?.[1];
    const draft = await newsroom.editor.get(`/v1/articles/${slug}?version=draft`);
    expect(draft.body).toMatchObject({ status: "draft", publishedAt: "2025-04-10T00:00:00.000Z" });
    expect(output.trim().split("\n")).toHaveLength(2);
  });

  it("publishes with --publish", async () => {
    const { output } = await dateline("import", "--publish", "--language", "ur", sample("right-to-left"));
    const slug = /published \/v1\/articles\/(\S+)/.exec(output)?.[1];
    const read = await newsroom.reader.get(`/v1/articles/${slug}`);
    expect(read.body).toMatchObject({ status: "published", language: "ur" });
  });

  it("keeps the good files, names the bad ones and exits with 1", async () => {
    const { code, output } = await dateline("import", sample("nowhere"), process.execPath, sample("no-date"));
    expect(code).toBe(1);
    expect(output).toMatch(/nowhere\.txt: ENOENT/);
    expect(output).toMatch(/node: The file is larger than|node: # is not text/);
    expect(output).toMatch(/no-date\.txt: draft/);
  });

  it("refuses a language that is none", async () => {
    const { code, output } = await dateline("import", "--language", "not_a_tag", sample("no-date"));
    expect(code).toBe(1);
    expect(output).toMatch(/language tag/);
  });
});

describe("dateline import of another system's export", () => {
  it("makes articles, tells what stayed behind, and writes all of that where it is asked to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dateline-import-"));
    try {
      const file = join(folder, "wordpress.xml");
      await writeFile(
        file,
        wxr(post(1, { title: "Carried over" }), post(2, { title: "Imprint", type: "page" })),
      );
      const first = await dateline("import", file);
      expect(first.code).toBe(0);
      expect(first.output).toMatch(/wordpress\.xml:\d+: “Imprint”: is a page, and no post\n/);
      expect(first.output).toMatch(
        /1 created, 0 updated, 0 unchanged, 0 failed, 1 left behind, 1 remarks\n$/,
      );
      const report = join(folder, "report.jsonl");
      const again = await dateline("import", "--publish", "--report", report, file);
      expect(again.output).toBe(
        `${file}: 0 created, 1 updated, 0 unchanged, 0 failed, 1 left behind, 1 remarks\n`,
      );
      expect(JSON.parse((await readFile(report, "utf8")).trim())).toMatchObject({
        file,
        item: "Imprint",
        reason: "is a page, and no post",
      });
      expect((await newsroom.reader.get("/v1/articles/carried-over")).status).toBe(200);
      await writeFile(file, wxr(post(3, { title: "x".repeat(501) }), post(4, { title: "Right" })));
      const partly = await dateline("import", file);
      expect(partly).toMatchObject({ code: 1, output: expect.stringMatching(/: 1 created, .* 1 failed/) });
      await writeFile(file, wxr(post(5, { title: "Cut" })).slice(0, -60));
      const cut = await dateline("import", file);
      expect(cut).toMatchObject({
        code: 1,
        output: expect.stringMatching(/Nothing was imported: the file is not/),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("dateline create-key", () => {
  it("prints a key that works and may do what was said", async () => {
    const { code, output } = await dateline("create-key", "Website", "--scopes", "drafts:read");
    expect(code).toBe(0);
    const agent = newsroom.withHeaders({ authorization: `Bearer ${output.trim()}` });
    expect((await agent.get("/v1/articles?version=draft")).status).toBe(200);
    expect((await agent.post("/v1/articles").send({ headline: "No" })).status).toBe(403);
  });
});

describe("dateline create-key with a role", () => {
  it("makes a key with that role, an administrator's when nothing is said", async () => {
    for (const [words, role] of [
      [["--role", "contributor"], "contributor"],
      [[], "admin"],
    ] as const) {
      const { code, output } = await dateline("create-key", "Somebody", ...words);
      expect(code).toBe(0);
      const agent = newsroom.withHeaders({ authorization: `Bearer ${output.trim()}` });
      expect((await agent.get("/v1/me")).body.role).toBe(role);
    }
  });

  it("is refused with scopes beside it, or a role that there is not", async () => {
    for (const words of [
      ["--role", "editor", "--scopes", "drafts:read"],
      ["--role", "owner"],
    ])
      expect((await dateline("create-key", "Somebody", ...words)).code).toBe(1);
  });
});

describe("a command that cannot run", () => {
  it("says which setting is wrong and exits with 1", async () => {
    const { code, output } = await runToEnd(["src/cli/dateline.ts", "create-key", "x"], {
      DATABASE_URL: "mysql://x",
    });
    expect(code).toBe(1);
    expect(output).toMatch(/^DATABASE_URL must be an address such as postgresql:/);
  });
});

describe("dateline export and import of an export", () => {
  it("writes what can be imported, says what would be done, and tells failure by the exit code", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dateline-export-"));
    try {
      // What is to end must be carried out in an installation that has never served yet, too.
      const ending = { headline: "Offer", expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
      const { body: offer } = await newsroom.editor.post("/v1/articles").send(ending);
      expect((await newsroom.editor.post(`/v1/articles/${offer.id}/publish`)).status).toBe(200);
      const { code, output } = await dateline("export");
      expect(code).toBe(0);
      expect(output).toMatch(/^\{"kind":"dateline","format":1\}\n[\s\S]*\{"kind":"end","lines":\d+\}\n$/);
      const file = join(folder, "export.jsonl");
      const unnamed = join(folder, "export");
      await writeFile(file, output);
      await writeFile(unnamed, output);
      const again = await dateline("import", file, unnamed);
      expect(again.code).toBe(0);
      expect(again.output).toMatch(/export: 0 created, 0 updated, [1-9]\d* unchanged, 0 failed\n$/);
      const fresh = await freshDatabase();
      const elsewhere = (...words: string[]) =>
        runToEnd(["src/cli/dateline.ts", ...words], { DATABASE_URL: fresh.url });
      const tried = await elsewhere("import", "--dry-run", file);
      expect(tried).toMatchObject({ code: 0, output: expect.stringMatching(/nothing was changed\)\n$/) });
      await writeFile(file, output.trim().split("\n").slice(0, -1).join("\n"));
      const cut = await elsewhere("import", file);
      expect(cut.code).toBe(1);
      expect(cut.output).toMatch(/export\.jsonl:\d+: .* cut off/);
      expect(cut.output).toMatch(/NOT imported, nothing was changed: 0 created, .* 1 failed\n$/);
      expect((await elsewhere("export")).output.split("\n")).toHaveLength(3);
      expect((await elsewhere("import", unnamed)).code).toBe(0);
      expect((await elsewhere("export")).output).toBe(output);
      await fresh.drop();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses a time that is none, and a dry run of a news page", async () => {
    const since = await dateline("export", "--since", "yesterday");
    expect(since).toMatchObject({ code: 1, output: expect.stringMatching(/must be a time such as/) });
    const page = await dateline("import", "--dry-run", sample("no-date"));
    expect(page).toMatchObject({ code: 1, output: expect.stringMatching(/is not an export/) });
  });
});
