import { readFile } from "node:fs/promises";
import { Problem } from "../http/problems.ts";
import { Language } from "../http/scalars.ts";
import { validContent } from "../http/validation.ts";
import { MAX_PAGE, importNewsPage } from "../imports/import.ts";
import type { Newsroom } from "../newsroom.ts";
import { asCommand } from "./asCommand.ts";
import { withNewsroom } from "./withNewsroom.ts";

interface Options {
  publish: boolean;
  language?: string;
}

/**
 * Makes an article of each file, each in a transaction of its own, and prints a line for each. The
 * exit code is 1 when any of them failed; the others are kept.
 */
export async function importFiles(files: string[], options: Options): Promise<void> {
  await withNewsroom(async (newsroom) => {
    for (const file of files) {
      try {
        console.log(await importFile(newsroom, file, options));
      } catch (error) {
        console.error(`${file}: ${reasonOf(error)}`);
        process.exitCode = 1;
      }
    }
  });
}

async function importFile(newsroom: Newsroom, file: string, options: Options): Promise<string> {
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
  return `${file}: ${row.status} /v1/articles/${row.slug}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof Problem)
    return error.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ") ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
