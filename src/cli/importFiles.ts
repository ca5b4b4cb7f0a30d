import { type WriteStream, createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { audit } from "../audit/record.ts";
import { Problem } from "../http/problems.ts";
import { Language, WebAddress } from "../http/scalars.ts";
import { validContent } from "../http/validation.ts";
import { type ArticleFile, fileIn } from "../imports/file.ts";
import { importNewsPage } from "../imports/import.ts";
import type { Remark } from "../imports/entry.ts";
import type { ImportReport } from "../imports/report.ts";
import type { Newsroom } from "../newsroom.ts";
import { asCommand, commandLine } from "./asCommand.ts";
import { type ProgressBar, progressBar } from "./progressBar.ts";
import { withNewsroom } from "./withNewsroom.ts";

interface Options {
  publish: boolean;
  dryRun: boolean;
  language?: string;
  site?: string;
  report?: string;
}

/** How many remarks are shown of a file when nothing says where to write them all. */
const SHOWN = 20;

/**
 * Imports each file and prints a line for each: a news page as an article, what another system or
 * another Dateline has exported as what it holds. The exit code is 1 when anything of them failed;
 * the rest is kept.
 */
export async function importFiles(files: string[], options: Options): Promise<void> {
  await withNewsroom(async (newsroom) => {
    const language = options.language === undefined ? undefined : validContent(Language, options.language);
    const site = options.site === undefined ? undefined : validContent(WebAddress, options.site);
    const report = options.report === undefined ? undefined : createWriteStream(options.report);
    for (const file of files) {
      try {
        console.log(`${file}: ${await importFile(newsroom, file, { ...options, language, site }, report)}`);
      } catch (error) {
        tellFailure(file, error);
        process.exitCode = 1;
      }
    }
    report?.end();
    if (report !== undefined) await finished(report);
  });
}

type Checked = Omit<Options, "language" | "site" | "report"> & {
  language: string | undefined;
  site: string | undefined;
};

async function importFile(
  newsroom: Newsroom,
  file: string,
  options: Checked,
  report: WriteStream | undefined,
): Promise<string> {
  const bar = progressBar((await stat(file)).size);
  try {
    const found = await fileIn(createReadStream(file), {
      site: options.site,
      isPage: true,
      onProgress: bar.show,
    });
    if (!Buffer.isBuffer(found))
      return await importArticles(newsroom, file, found, { ...options, bar, report });
    if (options.dryRun) throw new Error("is not an export; --dry-run is for those alone");
    const { row } = await asCommand(
      newsroom,
      "dateline import",
      (tx) => importNewsPage(newsroom, tx, found, options),
      (article) => ({ kind: "articles", id: article.row.id }),
    );
    return `${row.status} /v1/articles/${row.slug}`;
  } finally {
    bar.stop();
  }
}

async function importArticles(
  newsroom: Newsroom,
  file: string,
  found: ArticleFile,
  options: Checked & { bar: ProgressBar; report: WriteStream | undefined },
): Promise<string> {
  const { publish, language, dryRun, bar, report } = options;
  const note = (remark: Remark) => {
    report?.write(`${JSON.stringify({ file, ...remark })}\n`);
  };
  const done = await found.run(newsroom, {
    publish,
    language,
    dryRun,
    actor: commandLine,
    note: (tx, articleId) =>
      audit(tx, { operation: "dateline import", resourceKind: "articles", resourceId: articleId, articleId }),
    noteFile: (tx) => audit(tx, { operation: "dateline import" }),
    onRemark: note,
  });
  bar.stop();
  if (done.failed > 0) process.exitCode = 1;
  for (const { line, item, reason } of done.failures)
    console.error(`${file}:${line}: ${named(item)}${reason}`);
  if (report === undefined) {
    for (const { line, item, reason } of done.remarks.slice(0, SHOWN))
      console.error(`${file}:${line}: ${named(item)}${reason}`);
    if (done.remarkCount > SHOWN)
      console.error(`${file}: … and ${done.remarkCount - SHOWN} more remarks; --report FILE writes them all`);
  }
  return summary(done);
}

function named(item: string | null | undefined): string {
  return item == null ? "" : `“${item}”: `;
}

/** The lines that failed, where it was an export, and a last line that says that it was not imported. */
function tellFailure(file: string, error: unknown): void {
  const report = error instanceof Problem ? (error.members.report as ImportReport | undefined) : undefined;
  for (const { line, item, reason } of report?.failures ?? [])
    console.error(`${file}:${line}: ${named(item)}${reason}`);
  console.error(
    report === undefined
      ? `${file}: ${reasonOf(error)}`
      : `${file}: NOT imported, nothing was changed: ${summary(report)}`,
  );
}

function summary({
  format,
  dryRun,
  created,
  updated,
  unchanged,
  failed,
  left,
  remarkCount,
}: ImportReport): string {
  const counts = `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`;
  const others = format === "dateline" ? "" : `, ${left} left behind, ${remarkCount} remarks`;
  return `${counts}${others}${dryRun ? " (dry run: nothing was changed)" : ""}`;
}

/** An error in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem)
    return error.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ") ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
