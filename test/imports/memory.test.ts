import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { runToEnd } from "../support/process.ts";
import { post, wxr } from "./files.ts";

/** How large the file is, in MB, and what may be used of memory to read one of any size. */
const SIZE = 120;
const MOST = 300;

let folder: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dateline-memory-"));
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

/** An export of WordPress of the given size, of which every 25th item is a post. */
async function largeFile(path: string): Promise<number> {
  const out = createWriteStream(path);
  const [start = "", end = ""] = wxr("MIDDLE").split("MIDDLE");
  const content = Array.from(
    { length: 60 },
    (_, number) =>
      `<p>Paragraph ${number}: the <b>harbour</b> opened, and <a href="https://harbour.example/${number}">what was said</a> is told elsewhere at some length.</p>`,
  ).join("\n");
  let posts = 0;
  out.write(start);
  for (let id = 1, written = 0; written < SIZE * 1_000_000; id += 1) {
    const isPost = id % 25 === 0;
    if (isPost) posts += 1;
    const item = post(id, { content, type: isPost ? "post" : "page" });
    written += item.length;
    if (!out.write(item)) await once(out, "drain");
  }
  out.end(end);
  await once(out, "finish");
  return posts;
}

describe("a large file", () => {
  it(`is imported in less than ${MOST} MB of memory`, async () => {
    const file = join(folder, "large.xml");
    const posts = await largeFile(file);
    const command = await readFile(join(import.meta.dirname, "../../src/cli/dateline.ts"), "utf8");
    // The command runs as its first line says.
    const flags = command.split("\n", 1)[0]?.match(/--\S+/g) ?? [];
    const told =
      "data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))";
    const { code, output } = await runToEnd(
      [
        ...flags,
        "--import",
        told,
        "src/cli/dateline.ts",
        "import",
        "--report",
        join(folder, "report.jsonl"),
        file,
      ],
      { DATABASE_URL: database.url },
    );
    expect(output).toContain(`${posts} created, 0 updated, 0 unchanged, 0 failed`);
    expect(code).toBe(0);
    const peak = Number(/peak (\d+)/.exec(output)?.[1]) / 1024;
    expect(peak).toBeGreaterThan(50);
    expect(peak).toBeLessThan(MOST);
  }, 240_000);
});
