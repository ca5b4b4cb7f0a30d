import { join } from "node:path";
import { describe, expect, it } from "vitest";
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
    expect(output).toMatch(/node: is larger than|node: # is not text/);
    expect(output).toMatch(/no-date\.txt: draft/);
  });

  it("refuses a language that is none", async () => {
    const { code, output } = await dateline("import", "--language", "not_a_tag", sample("no-date"));
    expect(code).toBe(1);
    expect(output).toMatch(/language tag/);
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
