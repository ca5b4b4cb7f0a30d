import { problem } from "../../http/problems.ts";
import { fileRefused } from "./refuse.ts";

/** A file in pieces of any size. */
export type Pieces = AsyncIterable<Uint8Array>;

/** How much of a file tells what it is, in bytes. */
const HEAD = 64 * 1024;
/** How much is read at once, so that what a piece holds can be let go before the next. */
const PIECE = 64 * 1024;

/** The beginning of a file, and the whole of it, to be read once. */
export interface Opened {
  head: Uint8Array;
  /** Whether the head is all there is. */
  isAll: boolean;
  pieces: Pieces;
}

/** Looks at the beginning of a file without taking it from what follows. */
export async function opened(source: Pieces): Promise<Opened> {
  const iterator = source[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let length = 0;
  let isAll = false;
  while (length < HEAD && !isAll) {
    const next = await iterator.next();
    if (next.done === true) isAll = true;
    else {
      read.push(next.value);
      length += next.value.length;
    }
  }
  const rest = { [Symbol.asyncIterator]: () => iterator };
  return { head: Buffer.concat(read).subarray(0, HEAD), isAll, pieces: inTurn(read, rest) };
}

async function* inTurn(read: Uint8Array[], rest: Pieces): AsyncGenerator<Uint8Array> {
  for (const piece of read) yield* small(piece);
  for await (const piece of rest) yield* small(piece);
}

function* small(piece: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < piece.length; start += PIECE) yield piece.subarray(start, start + PIECE);
}

/**
 * Counts what is read of a file.
 *
 * @param most how many bytes it may have
 * @param onRead is told how many bytes were read so far
 * @throws 413 when it has more
 */
export async function* counted(
  source: Pieces,
  most: number,
  onRead: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > most)
      throw problem("content-too-large", `The file is larger than the ${most} bytes that it may have.`);
    onRead(bytes);
    yield piece;
  }
}

/**
 * Text that comes in pieces.
 *
 * @throws 422 when it is not text in the encoding
 */
export async function* decoded(pieces: Pieces, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const refused = () =>
    fileRefused(
      `is not text in ${decoder.encoding}, as it says to be; save it in UTF-8, or name its encoding`,
    );
  for await (const piece of pieces) {
    let text: string;
    try {
      text = decoder.decode(piece, { stream: true });
    } catch {
      throw refused();
    }
    yield text;
  }
  try {
    decoder.decode();
  } catch {
    throw refused();
  }
}

/**
 * The encoding of a file: by its byte order mark, by its XML declaration, or as its sender says.
 *
 * @throws 422 when it names one that is not known
 */
export function encodingOf(head: Uint8Array, charset: string | undefined): string {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  const start = Buffer.from(head.subarray(0, 300)).toString("latin1");
  const declared = /^[^<]{0,3}<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];
  const label = charset ?? declared ?? "utf-8";
  try {
    return new TextDecoder(label).encoding;
  } catch {
    throw fileRefused(`says that its encoding is ${label}, which is not known; save it in UTF-8`);
  }
}
