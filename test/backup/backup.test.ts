import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Entry, readArchive, writeArchive } from "../../src/backup/archive.ts";
import { backUp } from "../../src/backup/backup.ts";
import { compress, decompress, verify } from "../../src/backup/contents.ts";
import { restore } from "../../src/backup/restore.ts";
import { openDatabase } from "../../src/database/client.ts";
import { createTable, readMigrations, withinTransaction } from "../../src/database/migrate.ts";
import { change, draft, live, publish, seen } from "../support/articles.ts";
import { allChanges, changesOf } from "../support/changes.ts";
import { emptyDatabase, freshDatabase } from "../support/database.ts";
import { everything, inMs, planned } from "../support/desk.ts";
import { scratchFolder } from "../support/folder.ts";
import { type TestNewsroom, startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { runToEnd } from "../support/process.ts";

// Commands take their time where the machine has others to serve.
vi.setConfig({ testTimeout: 120_000 });

const newsroom = useNewsroom();
const folder = await scratchFolder();
let files = 0;
const newFile = () => join(folder, `${(files += 1)}.tar`);
const plainly = { replace: false, webhooks: true };

const dateline = (databaseUrl: string, ...words: string[]) =>
  runToEnd(["src/cli/dateline.ts", ...words], { DATABASE_URL: databaseUrl });

/** An empty database for one test. */
async function target(): Promise<string> {
  const { url, drop } = await emptyDatabase();
  onTestFinished(drop);
  return url;
}

/** A server on a database, for one test. */
async function serving(databaseUrl: string): Promise<TestNewsroom> {
  const { found, close } = await startNewsroom(databaseUrl);
  onTestFinished(close);
  return found;
}

/** Backs the newsroom up, restores it elsewhere by the command line and serves it there. */
async function restored(...options: string[]): Promise<{ found: TestNewsroom; file: string }> {
  const file = newFile();
  expect(await dateline(newsroom.databaseUrl, "backup", file)).toMatchObject({ code: 0 });
  const url = await target();
  expect(await dateline(url, "restore", file, ...options)).toMatchObject({ code: 0 });
  return { found: await serving(url), file };
}

/** Rewrites a backup so that its checksums are right and what is in it is not. */
async function forged(file: string, forge: (entry: Entry) => Entry | Promise<Entry>): Promise<string> {
  const to = newFile();
  const entries = async function* () {
    for await (const entry of readArchive(file)) yield await forge(entry);
  };
  await writeArchive(to, entries());
  return to;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe("a restored newsroom", () => {
  it("has every row of every table, and the indexes, references and triggers of before", async () => {
    await live(newsroom, { headline: "Curly “quotes”\t\\N and a\nbreak", keyPoints: ["One", "مرحبا"] });
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    const before = await everything(newsroom);
    const url = await target();
    await restore(url, file, plainly);
    const { database } = openDatabase(url, 2);
    const after = await everything({ database });
    await database.$disconnect();
    for (const name of Object.keys(before).filter((table) => table.startsWith("public.")))
      expect({ name, digest: after[name] }).toEqual({ name, digest: before[name] });
    const shape = `
      SELECT pg_get_constraintdef(oid) AS made, convalidated::text AS state FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2`;
    expect(await query(url, shape)).toEqual(await query(newsroom.databaseUrl, shape));
  });

  it("goes on: keys, preview links, share counts, numbers of editions and the publishing of what is planned", async () => {
    const { id } = await live(newsroom, { headline: "Goes on" });
    await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
    const preview = await newsroom.editor.post(`/v1/articles/${id}/previews`).send({ expiresIn: 3600 });
    const later = await draft(newsroom, { headline: "Comes by itself" });
    const past = await draft(newsroom, { headline: "Fell due meanwhile" });
    await planned(newsroom, later.id, { at: inMs(6_000) });
    await planned(newsroom, past.id, { at: inMs(1_000) });
    const { found } = await restored();
    expect((await found.editor.get("/v1/keys")).status).toBe(200);
    expect((await found.reader.get(new URL(preview.body.url as string).pathname)).status).toBe(200);
    expect((await seen(found, id)).shareCounts).toEqual({ x: 1 });
    await change(found, id, { standfirst: "And on" });
    await publish(found, id);
    expect((await seen(found, id)).version).toBe(2);
    for (const due of [later, past]) {
      await vi.waitFor(
        async () => {
          const { body } = await found.editor.get(`/v1/articles/${due.id}?version=draft`);
          expect(body).toMatchObject({ status: "published", version: 1 });
        },
        { timeout: 15_000, interval: 200 },
      );
    }
  });

  it("leads partners on by the cursors that it gave, and tells those that are ahead of it to start again, whatever it writes down since", async () => {
    await live(newsroom, { headline: "Before the backup" });
    const known = (await allChanges(newsroom.reader, "start")).page.next;
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    await live(newsroom, { headline: "Lost one" });
    const between = (await allChanges(newsroom.reader, known)).page.next;
    await live(newsroom, { headline: "Lost two" });
    const ahead = await allChanges(newsroom.reader, between);

    const url = await target();
    await restore(url, file, plainly);
    const found = await serving(url);
    expect((await changesOf(found.reader, { since: known })).data).toEqual([]);
    const refused = async () => {
      for (const cursor of [between, ahead.page.next]) {
        const answer = await found.reader.get(`/v1/changes?since=${encodeURIComponent(cursor)}`);
        expectProblem(answer, 410, "cursor-expired");
      }
    };
    await refused();
    for (const headline of ["New one", "New two", "New three"]) await live(found, { headline });
    await refused();
    const followed = await allChanges(found.reader, known);
    expect(followed.data.map(({ article }) => article?.headline)).toEqual([
      "New one",
      "New two",
      "New three",
    ]);
    expect(followed.data[0]?.sequence).toBeGreaterThan(ahead.data.at(-1)?.sequence ?? Infinity);
  });

  it("sends to webhooks as before, unless --no-webhooks says that it is a copy", async () => {
    const made = await newsroom.editor
      .post("/v1/webhooks")
      .send({ url: "https://partner.example/dateline" })
      .expect(201);
    const { found } = await restored();
    const { found: copy } = await restored("--no-webhooks");
    const shown = async (at: TestNewsroom) => (await at.editor.get(`/v1/webhooks/${made.body.id}`)).body;
    expect(await shown(found)).toMatchObject({ enabled: true });
    expect(await shown(copy)).toMatchObject({ enabled: false, disabledReason: null });
    const secret = "SELECT secret FROM webhooks";
    expect(await query(found.databaseUrl, secret)).toEqual(await query(newsroom.databaseUrl, secret));
  });

  it("is brought to the present version, where the backup is of an older one", async () => {
    const old = await target();
    const migrations = await readMigrations();
    const client = new pg.Client({ connectionString: old });
    await client.connect();
    await client.query(createTable);
    const upTo = migrations.findIndex(({ name }) => name.endsWith("_links"));
    for (const migration of migrations.slice(0, upTo)) {
      await client.query(withinTransaction(migration));
      await client.query(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES (gen_random_uuid(), $1, $2, now())",
        [migration.checksum, migration.name],
      );
    }
    await client.query("INSERT INTO sections (id, slug, name) VALUES (gen_random_uuid(), 'world', 'World')");
    await client.end();
    const file = newFile();
    await backUp(old, file);
    const url = await target();
    const { head } = await restore(url, file, plainly);
    expect(head.migrations).toHaveLength(upTo);
    const found = await serving(url);
    expect((await found.reader.get("/v1/sections")).body.data).toMatchObject([{ slug: "world" }]);
    expect((await query(url, "SELECT FROM _prisma_migrations")).length).toBe(migrations.length);
  });
});

describe("a backup of a newsroom at work", () => {
  it("holds one moment, with all that was acknowledged before it and nothing by halves", async () => {
    const source = await freshDatabase();
    onTestFinished(source.drop);
    const busy = await serving(source.url);
    const articles = await Promise.all([1, 2].map((number) => live(busy, { headline: `Pair ${number}` })));
    const [one, two] = articles.map(({ id }) => id);
    const acknowledged = { editions: 1, shares: 0 };
    const enough = new AbortController();
    // Both articles of a pair get each edition in one transaction.
    const editor = async () => {
      while (!enough.signal.aborted) {
        const operations = [one, two].flatMap((id) => [
          {
            method: "PATCH",
            path: `/v1/articles/${id}`,
            headers: { "If-Match": "*" },
            body: { headline: `Edition ${acknowledged.editions + 1}` },
          },
          { method: "POST", path: `/v1/articles/${id}/publish`, body: {} },
        ]);
        const answer = await busy.editor.post("/v1/bulk").send({ atomic: true, operations });
        expect(answer.status, answer.text).toBe(200);
        acknowledged.editions += 1;
      }
    };
    const sharer = async () => {
      while (!enough.signal.aborted) {
        expect((await busy.reader.post(`/v1/articles/${one}/shares`).send({ network: "x" })).status).toBe(
          201,
        );
        acknowledged.shares += 1;
      }
    };
    const working = [editor(), sharer(), sharer()];
    const backups: { file: string; least: typeof acknowledged }[] = [];
    for (let round = 0; round < 4; round += 1) {
      await sleep(300);
      const file = newFile();
      const least = { ...acknowledged };
      await backUp(busy.databaseUrl, file);
      backups.push({ file, least });
    }
    enough.abort();
    await Promise.all(working);
    for (const { file, least } of backups) {
      const url = await target();
      await restore(url, file, plainly);
      const [row] = await query(
        url,
        `SELECT (SELECT count(*)::int FROM editions WHERE article_id = '${one}') AS one,
                (SELECT count(*)::int FROM editions WHERE article_id = '${two}') AS two,
                (SELECT count(*)::int FROM changes) AS changes,
                (SELECT sum(count)::int FROM share_counts) AS shares`,
      );
      expect(row?.one).toBe(row?.two);
      expect(row?.changes).toBe(2 * Number(row?.one));
      expect(row?.one).toBeGreaterThanOrEqual(least.editions);
      expect(row?.shares ?? 0).toBeGreaterThanOrEqual(least.shares);
    }
  });
});

describe("dateline backup", () => {
  it("says what is in the file, which is its owner's alone, and notes it in the audit log", async () => {
    const file = newFile();
    const { code, output } = await dateline(newsroom.databaseUrl, "backup", file);
    expect(code).toBe(0);
    expect(output).toMatch(
      /^\S+\.tar: \d+ rows in \d+ tables as of 2\S+Z, schema \d+_\w+, [\d.]+ MB, verified\n$/,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { body } = await newsroom.editor.get("/v1/audit?limit=1");
    expect(body.data[0]).toMatchObject({ operation: "dateline backup", actor: { name: "Command line" } });
  });

  it("overwrites nothing, and leaves nothing behind when it fails", async () => {
    const taken = newFile();
    await writeFile(taken, "mine");
    const again = await dateline(newsroom.databaseUrl, "backup", taken);
    expect(again).toMatchObject({ code: 1, output: expect.stringMatching(/exists already/) });
    expect(await readFile(taken, "utf8")).toBe("mine");
    const before = await readdir(folder);
    await expect(backUp(await target(), newFile())).rejects.toThrow("There is no newsroom in the database");
    await expect(backUp(newsroom.databaseUrl, join(folder, "none", "x.tar"))).rejects.toThrow("ENOENT");
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("dateline restore", () => {
  it("refuses a database that holds anything, and one that is in use", async () => {
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    const { url, drop } = await freshDatabase();
    onTestFinished(drop);
    const full = await dateline(url, "restore", file);
    expect(full).toMatchObject({ code: 1, output: expect.stringMatching(/not empty: it has \d+ tables/) });
    for (const words of [[], ["--replace"]]) {
      const busy = await dateline(newsroom.databaseUrl, "restore", file, ...words);
      expect(busy).toMatchObject({ code: 1, output: expect.stringMatching(/^Dateline runs on this/) });
    }
  });

  it("replaces with --replace what there is, or leaves all of it when it fails", async () => {
    const { url, drop } = await freshDatabase();
    onTestFinished(drop);
    const { found, close } = await startNewsroom(url);
    await live(found, { headline: "Of before" });
    await close();
    const headlines = () => query(url, "SELECT headline FROM articles");
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    // A reference to an article that is not in it: all arrives, and does not fit together.
    const broken = await forged(file, async (entry) =>
      entry.name.startsWith("data/share_counts/")
        ? {
            ...entry,
            bytes: await compress(
              String(await decompress(entry.bytes)).replace(/^\S+/, "0199b2a0-5f5a-7c11-9d0e-000000000000"),
            ),
          }
        : entry,
    );
    const failed = await dateline(url, "restore", "--replace", broken);
    expect(failed).toMatchObject({ code: 1, output: expect.stringMatching(/foreign key/) });
    expect(await headlines()).toEqual([{ headline: "Of before" }]);
    expect(await dateline(url, "restore", "--replace", file)).toMatchObject({ code: 0 });
    expect(await headlines()).not.toContainEqual({ headline: "Of before" });
  });

  it("refuses what a version made that it does not know, and what holds tables of others", async () => {
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    const headWith = (forge: (head: Awaited<ReturnType<typeof verify>>["head"]) => void) =>
      forged(file, (entry) => {
        if (entry.name !== "dateline.json") return entry;
        const head = JSON.parse(String(entry.bytes));
        forge(head);
        return { ...entry, bytes: Buffer.from(JSON.stringify(head)) };
      });
    const url = await target();
    const later = await headWith(({ migrations }) => {
      migrations.push({ name: "29991231000000_later", checksum: "0" });
    });
    await expect(restore(url, later, plainly)).rejects.toThrow(
      /29991231000000_later, which .* does not have/,
    );
    const other = await headWith(({ migrations: [first] }) => {
      if (first !== undefined) first.checksum = "0";
    });
    await expect(restore(url, other, plainly)).rejects.toThrow(/has in another form/);
    await query(newsroom.databaseUrl, "CREATE TABLE notes_of_mine (id int)");
    const mine = newFile();
    await backUp(newsroom.databaseUrl, mine);
    await query(newsroom.databaseUrl, "DROP TABLE notes_of_mine");
    await expect(restore(url, mine, plainly)).rejects.toThrow(/notes_of_mine, which is none of Dateline's/);
    expect(await query(url, "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual([]);
  });

  it("sees a file that was cut off or changed anywhere, before it touches the database", async () => {
    const file = newFile();
    await backUp(newsroom.databaseUrl, file);
    const whole = await readFile(file);
    const good = await verify(file);
    const damaged = newFile();
    const outcome = async (bytes: Buffer) => {
      await writeFile(damaged, bytes);
      return verify(damaged).catch((error: Error) => error.message);
    };
    for (let part = 1; part < 40; part += 1) {
      const cut = whole.subarray(0, Math.floor((whole.length * part) / 41));
      expect(await outcome(cut)).toMatch(/is not a whole backup/);
    }
    for (let at = 7; at < whole.length; at += Math.ceil(whole.length / 300)) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x11;
      const found = await outcome(changed);
      // What lies between the parts means nothing.
      if (typeof found === "string") expect(found).toMatch(/is not a (whole )?backup/);
      else expect(found).toEqual(good);
    }
    const { code, output } = await dateline(newsroom.databaseUrl, "restore", "--dry-run", file);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/nothing was changed/) });
    await writeFile(damaged, "not a tar file at all");
    expect(await outcome(Buffer.from("not a tar"))).toMatch(/is not a whole backup/);
  });
});
