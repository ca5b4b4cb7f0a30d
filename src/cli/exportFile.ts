import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Time } from "../http/scalars.ts";
import { validContent } from "../http/validation.ts";
import { exportLines } from "../transfer/export.ts";
import { reasonOf } from "./importFiles.ts";
import { withNewsroom } from "./withNewsroom.ts";

/** Writes an export to standard output. The exit code is 1, and the last line missing, when it broke off. */
export async function exportFile(options: { since?: string }): Promise<void> {
  await withNewsroom(async (newsroom) => {
    try {
      const since = options.since === undefined ? undefined : validContent(Time, options.since);
      await exportLines(newsroom, { since }, (lines) =>
        pipeline(Readable.from(lines), process.stdout, { end: false }),
      );
    } catch (error) {
      throw new Error(`The export was broken off: ${reasonOf(error)}`, { cause: error });
    }
  });
}
