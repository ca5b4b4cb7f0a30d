import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";

/** The last entry, as sha256sum writes it: an archive without it was cut off. */
const SUMS = "SHA256SUMS";
/** The largest entry that is read, in bytes: no archive of ours has one that comes near. */
const LARGEST = 256 * 1024 * 1024;

/** One file in an archive. */
export interface Entry {
  name: string;
  bytes: Buffer;
}

/**
 * Writes an archive that does not exist yet: a tar file, which any tar unpacks and `sha256sum -c
 * SHA256SUMS` then verifies. It can be read by its owner alone, and is on the disk when this returns.
 *
 * @throws when the file exists or cannot be written
 */
export async function writeArchive(file: string, entries: AsyncIterable<Entry>): Promise<void> {
  const archive = pack();
  const mtime = new Date();
  /** Returns once it is written: one entry at a time lies in memory. */
  const add = ({ name, bytes }: Entry) =>
    new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      archive.entry({ name, size: bytes.length, mode: 0o600, mtime }, done).end(bytes);
    });
  const fill = async () => {
    const sums: string[] = [];
    for await (const entry of entries) {
      sums.push(`${digestOf(entry.bytes)}  ${entry.name}\n`);
      await add(entry);
    }
    await add({ name: SUMS, bytes: Buffer.from(sums.join("")) });
    archive.finalize();
  };
  const written = pipeline(archive, createWriteStream(file, { flags: "wx", mode: 0o600, flush: true }));
  const filled = fill().catch((error: Error) => {
    archive.destroy(error);
    throw error;
  });
  await Promise.all([written, filled]);
}

/**
 * Reads an archive entry by entry, and holds each against its checksum.
 *
 * @throws when it is none of ours, was cut off or changed; what was read until then must not be trusted
 */
export async function* readArchive(file: string): AsyncGenerator<Entry> {
  const source = createReadStream(file);
  const archive = extract();
  const piped = pipeline(source, archive).catch((error: Error) => {
    archive.destroy(error);
  });
  const sums: string[] = [];
  let isWhole = false;
  try {
    for await (const entry of archive) {
      const { name, size } = entry.header;
      if (size > LARGEST) throw new Error(`${name} has ${size} bytes, more than any part of a backup`);
      const bytes = await buffer(entry);
      if (name === SUMS) {
        // It names every entry, in their order.
        if (bytes.toString() !== sums.join("")) throw new Error("what is in it is not what was written");
        isWhole = true;
        continue;
      }
      if (isWhole) throw new Error(`${name} was added to it`);
      sums.push(`${digestOf(bytes)}  ${name}\n`);
      yield { name, bytes };
    }
    await piped;
    if (!isWhole) throw new Error("it was cut off");
  } finally {
    source.destroy();
  }
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
