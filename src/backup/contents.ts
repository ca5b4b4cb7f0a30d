import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { z } from "zod";
import { readArchive } from "./archive.ts";

/** The first entry: what the backup was made of. */
export const HEAD = "dateline.json";
/** The last entry but the checksums: what is in it, which is known at the end. */
export const CONTENTS = "contents.json";

export const Head = z.object({
  format: z.literal(1),
  /** The time of the database's clock at which everything in it was so. */
  madeAt: z.iso.datetime({ offset: true }),
  postgresql: z.string(),
  /** The version of the schema: the migrations that had been applied. */
  migrations: z.array(z.object({ name: z.string(), checksum: z.string() })).min(1),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })).min(1),
});
export type Head = z.output<typeof Head>;

export const Contents = z.object({
  /** How many rows each table has. */
  rows: z.record(z.string(), z.int().nonnegative()),
  /** How far each sequence had counted. */
  sequences: z.record(z.string(), z.string().regex(/^\d+$/).nullable()),
});
export type Contents = z.output<typeof Contents>;

/** A part of a table's rows, as `COPY … TO STDOUT` gives them, compressed. */
export function partName(table: string, part: number): string {
  return `data/${table}/${String(part).padStart(6, "0")}.copy.zst`;
}

/** The table that a part belongs to; undefined for what is no part. */
export function tableOf(entry: string): string | undefined {
  return /^data\/([^/]+)\/\d+\.copy\.zst$/.exec(entry)?.[1];
}

export const compress = promisify(zstdCompress);
export const decompress = promisify(zstdDecompress);

/** How many rows end in some of COPY's text: a line break within a value is told as \n. */
export function rowsIn(text: Buffer): number {
  let rows = 0;
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) rows += 1;
  return rows;
}

/**
 * Reads a backup from its beginning to its end, and holds all of it against its checksums and counts.
 *
 * @throws when anything is not as it was written
 */
export async function verify(file: string): Promise<{ head: Head; contents: Contents }> {
  const found = new Map<string, number>();
  const json = new Map<string, string>();
  try {
    for await (const { name, bytes } of readArchive(file)) {
      const table = tableOf(name);
      if (table === undefined) json.set(name, bytes.toString());
      else found.set(table, (found.get(table) ?? 0) + rowsIn(await decompress(bytes)));
    }
  } catch (cause) {
    // What was changed shows in what is made of it, or else at the end, in the checksums.
    throw new Error(
      `${file} is not a whole backup: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
  const head = parsed(file, Head, json.get(HEAD));
  const contents = parsed(file, Contents, json.get(CONTENTS));
  for (const { name } of head.tables) {
    const [has, should] = [found.get(name) ?? 0, contents.rows[name]];
    if (has !== should)
      throw new Error(`${file} is not a whole backup: ${name} has ${has} rows instead of ${should}.`);
  }
  return { head, contents };
}

function parsed<Schema extends z.ZodType>(file: string, schema: Schema, text: string | undefined) {
  const result = schema.safeParse(text === undefined ? undefined : JSON.parse(text));
  if (result.success) return result.data;
  throw new Error(`${file} is not a backup that this version reads: ${z.prettifyError(result.error)}`);
}
