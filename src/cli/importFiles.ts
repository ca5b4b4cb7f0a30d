import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { audit } from "../audit/record.ts";
import { Problem } from "../http/problems.ts";
import { Language } from "../http/scalars.ts";
import { validContent } from "../http/validation.ts";
import { MAX_PAGE, importNewsPage } from "../imports/import.ts";
import type { Newsroom } from "../newsroom.ts";
import { importLines } from "../transfer/import.ts";
import type { ImportReport } from "../transfer/schema.ts";
import { asCommand, commandLine } from "./asCommand.ts";
import { withNewsroom } from "./withNewsroom.ts";

interface Options {
  publish: boolean;
  dryRun: boolean;
  language?: string;
}

/** What every export begins with. */
const EXPORT_BEGINS = '{"kind":"dateline"';

/**
 * Imports each file in a transaction of its own and prints a line for each: an export as what it
 * says, any other as a news page that becomes an article. The exit code is 1 when any of them
 * failed; the others are kept.
 */
export async function importFiles(files: string[], options: Options): Promise<void> {
  await withNewsroom(async (newsroom) => {
    for (const file of files) {
      try {
        const found = (await isExport(file))
          ? await importExport(newsroom, file, options)
          : await importFile(newsroom, file, options);
        console.log(`${file}: ${found}`);
      } catch (error) {
        tellFailure(file, error);
        process.exitCode = 1;
      }
    }
  });
}

/** By its name, or by how it begins. */
async function isExport(file: string): Promise<boolean> {
  if (/\.(jsonl|ndjson)$/i.test(file)) return true;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(EXPORT_BEGINS.length), 0);
    return buffer.toString("utf8", 0, bytesRead) === EXPORT_BEGINS;
  } finally {
    await handle.close();
  }
}

async function importExport(newsroom: Newsroom, file: string, { dryRun }: Options): Promise<string> {
  return summary(
    await importLines(newsroom, createReadStream(file), {
      dryRun,
      actor: commandLine,
      note: (tx) => audit(tx, { operation: "dateline import" }),
    }),
  );
}

async function importFile(newsroom: Newsroom, file: string, options: Options): Promise<string> {
  if (options.dryRun) throw new Error("is not an export; --dry-run is for those alone");
  const page = await readFile(file);
  if (page.length > MAX_PAGE)
    throw new Error(`is larger than the ${MAX_PAGE} bytes that a news page may have`);
  const language = options.language === undefined ? undefined : validContent(Language, options.language);
  const { row } = await asCommand(
    newsroom,
    "dateline import",
    (tx) => importNewsPage(newsroom, tx, page, { ...options, language }),
    (article) => ({ kind: "articles", id: article.row.id }),
  );
  return `${row.status} /v1/articles/${row.slug}`;
}

/** The lines that failed, where it was an export, and a last line that says that it was not imported. */
function tellFailure(file: string, error: unknown): void {
  const report = error instanceof Problem ? (error.members.report as ImportReport | undefined) : undefined;
  for (const { line, reason } of report?.failures ?? []) console.error(`${file}:${line}: ${reason}`);
  console.error(
    report === undefined
      ? `${file}: ${reasonOf(error)}`
      : `${file}: NOT imported, nothing was changed: ${summary(report)}`,
  );
}

function summary({ dryRun, created, updated, unchanged, failed }: ImportReport): string {
  const counts = `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`;
  return dryRun ? `${counts} (dry run: nothing was changed)` : counts;
}

/** An error in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem)
    return error.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ") ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
