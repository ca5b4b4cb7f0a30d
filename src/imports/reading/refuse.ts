import { type Problem, problem } from "../../http/problems.ts";

/** How many characters one item of a file may have, and one piece of text or markup in it. */
export const MAX_ITEM = 16 * 1024 * 1024;
/** How many characters a title, a name or another short field may have before the file is not believed. */
export const MAX_FIELD = 100_000;
/** How deep elements, objects and arrays may lie in each other. */
export const MAX_DEPTH = 200;

/**
 * The problem of a file that cannot be read to its end, of which nothing is kept.
 *
 * @param reason what is wrong with it and where, as in "the file REASON"
 */
export function fileRefused(reason: string): Problem {
  return problem("import-failed", `Nothing was imported: the file ${reason}.`);
}

/** @throws 422 when a field is so long that the file must be damaged, or meant to do harm */
export function believable(text: string, what: string, line: number): string {
  if (text.length > MAX_FIELD)
    throw fileRefused(
      `has ${what} of ${text.length} characters at ${line}, and no file that is whole has one of more than ${MAX_FIELD}`,
    );
  return text;
}
