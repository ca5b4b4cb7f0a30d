import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { change, draft, live, publish, seen, unpublish } from "../support/articles.ts";
import { freshDatabase } from "../support/database.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const production = useNewsroom();
let staging: TestNewsroom;
let close = async () => {};
let ids: Record<string, string> = {};

beforeAll(async () => {
  await fill();
});

/** A newsroom on a database of its own, in place of the last one. */
async function freshStaging(): Promise<void> {
  await close();
  const fresh = await freshDatabase();
  const started = await startNewsroom(fresh.url);
  staging = started.found;
  close = async () => {
    await started.close();
    await fresh.drop();
  };
}
afterAll(() => close());

interface Report {
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
  failures: { line: number; reason: string }[];
}

async function exported(from: TestNewsroom, query = ""): Promise<string> {
  const headers = { authorization: `Bearer ${from.adminKey}` };
  const answer = await fetch(`${from.url}/v1/export${query}`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  return answer.text();
}
const importing = (file: string, query = "", into = staging) =>
  into.editor.post(`/v1/import${query}`).set("content-type", "application/x-ndjson").send(file);
/** The file with one line changed, or left out. */
function edited(file: string, which: (line: Line) => boolean, how: (line: Line) => object | undefined) {
  const lines = file
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Line);
  const found = lines.flatMap((line) => (which(line) ? (how(line) ?? []) : line)) as Line[];
  const end = { kind: "end", lines: found.length - 2 };
  return [...found.slice(0, -1), end].map((line) => `${JSON.stringify(line)}\n`).join("");
}
interface Line extends Record<string, unknown> {
  kind: string;
  id: string;
  slug: string;
}
const isArticle = (name: string) => (line: Line) => line.kind === "article" && line.id === ids[name];

/** Every state an article can be in, with all that it can have. */
async function fill() {
  const { editor, reader } = production;
  const target = await live(production, { headline: "“Ferry” runs — again", language: "ar" });
  const quiet = await draft(production, {
    headline: "Still quiet",
    relatedLinks: [{ title: "Nobody wrote it" }],
  });
  const rich = await draft(production, {
    headline: "Harbour opens",
    standfirst: "After a year",
    dateline: "ISTANBUL, Turkey",
    section: { name: "World" },
    tags: [{ name: "Ports" }, { name: "Ferries" }],
    authors: [{ name: "Ana Lima" }],
    publishedAt: "2025-04-10T00:00:00Z",
    body: [
      { id: "b1", type: "paragraph", text: "It opened.", marks: [{ type: "strong", start: 0, end: 2 }] },
      { type: "list", items: ["One", { text: "Two" }], ordered: true },
      { type: "image", url: "https://example.com/a.jpg", alt: "" },
      { type: "rule" },
    ],
    keyPoints: [{ text: "It opened", blockId: "b1" }, "Ships came"],
    relatedLinks: [
      { articleId: target.id },
      { kind: "source", title: "The report", url: "https://example.com/report" },
      { title: "Pier follows" },
      { articleId: quiet.id, title: "Not out" },
    ],
  });
  await change(production, rich.id, {
    body: [
      { id: "b1", type: "paragraph", text: "It opened." },
      { type: "relatedLink", relatedLinkId: rich.relatedLinks[0]?.id },
    ],
  });
  await publish(production, rich.id);
  await change(production, rich.id, { slug: "harbour-open", headline: "Harbour is open" });
  await publish(production, rich.id);
  await change(production, rich.id, { standfirst: "Not yet out" });
  // Its headline is the bare title above, and it links back.
  const pier = await live(production, { headline: "Pier follows", relatedLinks: [{ articleId: rich.id }] });
  await change(production, target.id, { headline: "Ferry runs hourly" });
  await publish(production, target.id);
  await reader.post(`/v1/articles/${rich.id}/shares`).send({ network: "whatsapp" });
  await editor.put(`/v1/articles/${pier.id}/share-counts/x`).set("If-Match", "*").send({ count: 12 });
  const past = await live(production, { headline: "Withdrawn" });
  await unpublish(production, past.id);
  const deleted = await live(production, { headline: "Deleted" });
  await editor.delete(`/v1/articles/${deleted.id}`).set("If-Match", "*");
  const purged = await live(production, { headline: "Purged" });
  await editor.delete(`/v1/articles/${purged.id}`).set("If-Match", "*");
  await editor.delete(`/v1/trash/${purged.id}`).set("If-Match", "*");
  ids = Object.fromEntries(
    Object.entries({ target, quiet, rich, pier, past, deleted, purged }).map(([name, { id }]) => [name, id]),
  );
}

describe("an export that is imported into an empty installation", () => {
  it("makes its twin: readers and editors get the same bytes, and its own export is the same", async () => {
    await freshStaging();
    const file = await exported(production);
    const answer = await importing(file);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({ created: 11, updated: 0, unchanged: 0, failed: 0, failures: [] });
    const paths = Object.values(ids).flatMap((id) => [
      `/v1/articles/${id}`,
      `/v1/articles/${id}?version=draft`,
      `/v1/articles/${id}/share-counts`,
      `/v1/trash/${id}`,
    ]);
    const lists = ["newest", "oldest", "updated", "mostShared"].map((sort) => `/v1/articles?sort=${sort}`);
    const searches = ["/v1/articles?q=harbour&sort=newest", "/v1/articles?section=world&tag=ports"];
    for (const path of [...paths, ...lists, ...searches, "/v1/sections", "/v1/tags", "/v1/authors"]) {
      const [here, there] = [await production.editor.get(path), await staging.editor.get(path)];
      const shown = ({ status, text, headers }: typeof here) =>
        status < 400 ? { status, text, etag: headers.etag } : { status };
      expect({ path, ...shown(there) }).toEqual({ path, ...shown(here) });
    }
    for (const slug of ["harbour-opens", "harbour-open", "withdrawn", "deleted", "purged", "still-quiet"]) {
      const [here, there] = await Promise.all(
        [production, staging].map(({ reader }) => reader.get(`/v1/articles/${slug}`).redirects(0)),
      );
      expect({ slug, status: there?.status, location: there?.headers.location }).toEqual({
        slug,
        status: here?.status,
        location: here?.headers.location,
      });
    }
    expect(await exported(staging)).toBe(file);
  });

  it("changes nothing when it is imported again", async () => {
    const file = await exported(production);
    const before = await staging.editor.get(`/v1/articles/${ids.rich}?version=draft`);
    expect((await importing(file)).body).toMatchObject({ created: 0, updated: 0, failed: 0 });
    const after = await staging.editor.get(`/v1/articles/${ids.rich}?version=draft`);
    expect(after.headers.etag).toBe(before.headers.etag);
  });

  it("goes on from there: what is published, renamed and linked behaves as ever", async () => {
    await change(staging, ids.pier ?? "", { headline: "Pier is done" });
    await publish(staging, ids.pier ?? "");
    const rich = await seen(staging, "harbour-open");
    expect(rich.relatedLinks.map(({ title }) => title)).toContain("Pier is done");
    expect(rich.version).toBe(2);
  });
});

describe("an export of an installation that is being written to", () => {
  it("stands at one moment, so that it can always be imported", async () => {
    await freshStaging();
    const work = { isOver: false };
    const writing = async () => {
      for (let number = 0; !work.isOver; number += 1) {
        const { id } = await draft(production, {
          headline: `Busy ${number}`,
          tags: [{ name: `Busy ${number}` }],
        });
        await live(production, { headline: `Busy link ${number}`, relatedLinks: [{ articleId: id }] });
        await publish(production, id);
        await production.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
        await production.editor.delete(`/v1/trash/${id}`).set("If-Match", "*");
      }
    };
    const writers = [writing()];
    const files: string[] = [];
    for (let round = 0; round < 8; round += 1) files.push(await exported(production));
    work.isOver = true;
    await Promise.all(writers);
    for (const file of files) {
      const answer = await importing(file, "?dryRun=true");
      expect(answer.status, answer.text).toBe(200);
    }
    expect(new Set(files.map((file) => file.length)).size).toBeGreaterThan(1);
  });
});

describe("an import into an installation that has moved on", () => {
  it("brings over what has changed and leaves what the file does not name", async () => {
    await freshStaging();
    const own = await live(staging, { headline: "Staging's own", relatedLinks: [{ title: "Waits" }] });
    await importing(await exported(production));
    const since = new Date().toISOString();
    await change(production, ids.rich ?? "", { tags: ["ports"], keyPoints: [], slug: "harbour-reopened" });
    await publish(production, ids.rich ?? "");
    await unpublish(production, ids.target ?? "");
    await production.editor.delete(`/v1/articles/${ids.pier}/share-counts/x`).set("If-Match", "*");
    const tried = await importing(await exported(production), "?dryRun=true");
    expect(tried.body).toMatchObject({ dryRun: true, created: 0, updated: 3, failed: 0 });
    expect((await seen(staging, ids.rich ?? "")).slug).toBe("harbour-open");
    const part = await exported(production, `?since=${since}`);
    expect(part.match(/"kind":"article"/g)).toHaveLength(2);
    expect((await importing(part)).body).toMatchObject({ updated: 2, created: 0, failed: 0 });
    expect((await importing(await exported(production))).body).toMatchObject({
      updated: 1,
      created: 0,
      failed: 0,
    });
    for (const name of ["rich", "pier", "target"]) {
      const path = `/v1/articles/${ids[name]}`;
      const [here, there] = [await production.reader.get(path), await staging.reader.get(path)];
      expect(there.status).toBe(here.status);
      if (here.status === 200) expect(there.text).toBe(here.text);
    }
    expect((await seen(staging, own.id)).relatedLinks).toHaveLength(1);
    const moved = await staging.reader.get("/v1/articles/harbour-open").redirects(0);
    expect(moved.headers.location).toBe("/v1/articles/harbour-reopened");
  });

  it("shows what has changed at once where it was read before", async () => {
    await seen(staging, ids.rich ?? "");
    await change(production, ids.rich ?? "", { headline: "Harbour bustling" });
    await publish(production, ids.rich ?? "");
    await importing(await exported(production));
    expect((await seen(staging, ids.rich ?? "")).headline).toBe("Harbour bustling");
    expect((await staging.reader.get("/v1/articles?q=bustling")).body.data).toHaveLength(1);
  });

  it("never overwrites what was published here", async () => {
    const file = await exported(production);
    await change(staging, ids.past ?? "", { headline: "Published on staging" });
    await publish(staging, ids.past ?? "");
    const answer = await importing(file);
    const { report } = answer.body as { report: Report };
    expectProblem(answer, 422, "import-failed");
    expect(report).toMatchObject({ created: 0, updated: 0, unchanged: 0, failed: 1 });
    expect(report.failures[0]?.reason).toMatch(/edition 2 of withdrawn, which was published here/);
    expect((await seen(staging, ids.past ?? "")).headline).toBe("Published on staging");
  });
});

describe("an import that cannot be", () => {
  const refused = async (file: string, line: number, reason: RegExp) => {
    for (const query of ["?dryRun=true", ""]) {
      const answer = await importing(file, query);
      const found = expectProblem(answer, 422, "import-failed");
      const { report } = answer.body as { report: Report };
      expect(found.detail).toMatch(/^Nothing was imported/);
      expect({ line: report.failures[0]?.line, reason: report.failures[0]?.reason }).toEqual({
        line,
        reason: expect.stringMatching(reason),
      });
    }
    expect(await staging.database.article.count()).toBe(0);
    expect(await staging.database.section.count()).toBe(0);
  };
  let file = "";
  let lineOf: (which: (line: Line) => boolean) => number;
  beforeAll(async () => {
    await freshStaging();
    file = await exported(production);
    lineOf = (which) =>
      file
        .trim()
        .split("\n")
        .findIndex((text) => which(JSON.parse(text) as Line)) + 1;
  });

  it("was cut off, is empty, is no export, or has more behind its end", async () => {
    const lines = file.trim().split("\n");
    await refused(lines.slice(0, -1).join("\n"), lines.length - 1, /cut off/);
    await refused("", 0, /cut off/);
    await refused("Talks conclude in Istanbul\n", 1, /not JSON/);
    await refused(`${file}${lines[1]}\n`, lines.length + 1, /after the end/);
    await refused([lines[0], lines[1], lines.at(-1)].join("\n"), 3, /counts \d+ lines, and there are 1/);
    expect(await staging.database.article.count()).toBe(0);
  });

  it("has a line that is not valid, and says where in it", async () => {
    const bad = edited(file, isArticle("rich"), (line) => ({ ...line, headline: "" }));
    await refused(bad, lineOf(isArticle("rich")), /#\/headline must not be blank/);
    const unknown = edited(file, isArticle("rich"), (line) => ({ ...line, colour: "red" }));
    await refused(unknown, lineOf(isArticle("rich")), /#\/colour is not a property/);
    const other = edited(file, isArticle("rich"), (line) => ({ ...line, editions: [] }));
    await refused(other, lineOf(isArticle("rich")), /#\/editions must be those from 1/);
    const state = edited(file, isArticle("rich"), (line) => ({ ...line, live: null }));
    await refused(state, lineOf(isArticle("rich")), /#\/live must be there/);
    const format = edited(
      file,
      ({ kind }) => kind === "dateline",
      (line) => ({ ...line, format: 2 }),
    );
    await refused(format, 1, /#\/format/);
  });

  it("lacks what an article refers to", async () => {
    const without = edited(
      file,
      ({ kind }) => kind === "section",
      () => undefined,
    );
    await refused(
      without,
      lineOf(isArticle("rich")) - 1,
      /names the section .* neither in the file nor here/,
    );
    const alone = edited(file, isArticle("quiet"), () => undefined);
    await refused(alone, lineOf(isArticle("rich")) - 1, /names the article/);
  });

  it("says the same twice", async () => {
    const lines = file.trim().split("\n");
    const twice = [...lines.slice(0, -1), lines[lineOf(isArticle("quiet")) - 1], lines.at(-1)].join("\n");
    const counted = edited(
      twice,
      () => false,
      () => undefined,
    );
    await refused(counted, lines.length, /which an earlier line does already/);
  });

  it("is no UTF-8, or of another type, or sent without the scope", async () => {
    const raw = (body: Buffer) =>
      staging.editor.post("/v1/import").set("content-type", "application/x-ndjson").send(body);
    expectProblem(await raw(Buffer.from([0xff, 0xfe, 0x0a])), 422, "import-failed");
    const json = await staging.editor.post("/v1/import").send({});
    expectProblem(json, 415, "unsupported-media-type");
    const writer = await staging.withScopes(["articles:write", "articles:publish", "drafts:read"]);
    expectProblem(await writer.get("/v1/export"), 403, "scope-missing");
  });

  it("meets slugs, items and tombstones that are here already", async () => {
    await freshStaging();
    const own = await live(staging, { headline: "Harbour opens" });
    const section = await staging.editor.post("/v1/sections").send({ name: "World" });
    expect(section.status).toBe(201);
    const answer = await importing(file);
    expectProblem(answer, 422, "import-failed");
    const reasons = (answer.body as { report: Report }).report.failures.map(({ reason }) => reason);
    expect(reasons).toContainEqual(expect.stringMatching(/the slug world, which another section has here/));
    expect(reasons).toContainEqual(expect.stringMatching(/the slug harbour-opens, .* another article here/));
    await staging.editor.delete("/v1/sections/world");
    await change(staging, own.id, { slug: "elsewhere" });
    await freshStaging();
    expect((await importing(file)).status).toBe(200);
    await staging.editor.delete(`/v1/articles/${ids.past}`).set("If-Match", "*");
    await staging.editor.delete(`/v1/trash/${ids.past}`).set("If-Match", "*");
    const again = await importing(file);
    expectProblem(again, 422, "import-failed");
    expect((again.body as { report: Report }).report.failures[0]?.reason).toMatch(/was purged here/);
  });
});
