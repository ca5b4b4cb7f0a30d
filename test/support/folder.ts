import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder for the files of a test file, gone after its tests. To be called at its top. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dateline-scratch-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
