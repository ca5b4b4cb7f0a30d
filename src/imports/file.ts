import type { Transaction } from "../database/client.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { importLines } from "../transfer/import.ts";
import { type ImportOptions, importEntries } from "./entries.ts";
import { MAX_PAGE } from "./import.ts";
import { type Pieces, counted, opened } from "./reading/bytes.ts";
import { known, recognise } from "./recognise.ts";
import type { FormatName, ImportReport } from "./report.ts";

/** How large a file may be, in bytes. */
const MAX_IMPORT = 16 * 1024 ** 3;

/** A file that was seen to hold articles of another system, or of another Dateline. */
export interface ArticleFile {
  format: FormatName;
  run: (newsroom: Newsroom, options: FileOptions) => Promise<ImportReport>;
}

export interface FileOptions extends Omit<ImportOptions, "onProgress"> {
  /** Writes in the audit log that a whole file was imported. */
  noteFile: (tx: Transaction) => Promise<void>;
}

interface ReadOptions {
  charset?: string | undefined;
  /** The address of the site that relative addresses are of. */
  site?: string | undefined;
  /** Whether what is none of the files that are known is a news page. */
  isPage: boolean;
  onProgress?: ImportOptions["onProgress"];
}

/**
 * Tells by how a file begins what it is. It is read as it is imported, a piece at a time.
 *
 * @returns the whole of it when it is a news page
 * @throws 413 when a news page is too large, 415 when it is none of the files that are known
 */
export async function fileIn(source: Pieces, options: ReadOptions): Promise<ArticleFile | Buffer> {
  const { onProgress } = options;
  const file = await opened(
    counted(source, MAX_IMPORT, (done) => {
      onProgress?.({ phase: "reading", done });
    }),
  );
  const found = recognise(file, options);
  if (found === undefined) {
    if (options.isPage) return wholePage(file.pieces);
    throw problem(
      "unsupported-media-type",
      `The file is none of those that are known: ${known}. A news page is sent as text/plain.`,
    );
  }
  const { name: format } = found;
  if (!("entries" in found)) {
    return {
      format,
      run: (newsroom, { dryRun, actor, noteFile }) =>
        importLines(newsroom, file.pieces, { dryRun, actor, note: noteFile }),
    };
  }
  return {
    format,
    run: (newsroom, given) => importEntries(newsroom, format, found.entries, { ...given, onProgress }),
  };
}

async function wholePage(pieces: Pieces): Promise<Buffer> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    read.push(piece);
    length += piece.length;
    if (length > MAX_PAGE)
      throw problem(
        "content-too-large",
        `The file is larger than the ${MAX_PAGE} bytes that a news page may have, and is none of these: ${known}.`,
      );
  }
  return Buffer.concat(read);
}
