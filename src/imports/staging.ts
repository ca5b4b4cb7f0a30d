import type { Transaction } from "../database/client.ts";

/** A piece of a file that is put aside: of which kind, and what others name it by. */
export interface Piece {
  /** The line of the file, or the number of the item, that it comes from. */
  line: number;
  kind: string;
  key: string;
  content: string;
}

export type Staged = Omit<Piece, "kind">;

/** Pieces of a file, put aside until all of it is read. */
export interface Staging {
  add: (piece: Piece) => Promise<void>;
  /** To be called once, when all pieces were added. */
  finish: () => Promise<void>;
  /** Batches of a kind, in the order of the file: few enough to be held in memory. */
  batches: (kind: string) => AsyncGenerator<Staged[]>;
  count: (kind: string) => number;
  /** All pieces of a kind with one of the keys, in the order of the file. */
  find: (kind: string, keys: readonly string[]) => Promise<Staged[]>;
}

/** How many pieces, and how many characters of them, are put aside at once. */
const FLUSH_PIECES = 500;
const FLUSH_LENGTH = 4 * 1024 * 1024;
/** How many characters the pieces of a batch have, unless one alone has more. */
const BATCH_LENGTH = 2 * 1024 * 1024;

/**
 * Puts the pieces of a file aside, in a table that is gone with the transaction, so that nothing of a
 * file is written before all of it was read, and pieces can refer to each other however many they are.
 *
 * @param most how many pieces of a kind a batch has
 */
export async function staging(tx: Transaction, most: (kind: string) => number): Promise<Staging> {
  await tx.$executeRaw`
    CREATE TEMPORARY TABLE import_entries (
      place int PRIMARY KEY, line int NOT NULL, kind text NOT NULL, batch int NOT NULL, key text NOT NULL, content text NOT NULL
    ) ON COMMIT DROP`;
  const groups = new Map<string, { count: number; batch: number; pieces: number; length: number }>();
  let waiting: (Piece & { place: number; batch: number })[] = [];
  let length = 0;
  let place = 0;

  const groupOf = ({ kind, content }: Piece) => {
    const group = groups.get(kind) ?? { count: 0, batch: 0, pieces: 0, length: 0 };
    groups.set(kind, group);
    if (group.pieces > 0 && (group.pieces === most(kind) || group.length + content.length > BATCH_LENGTH)) {
      group.batch += 1;
      group.pieces = 0;
      group.length = 0;
    }
    group.count += 1;
    group.pieces += 1;
    group.length += content.length;
    return group.batch;
  };
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    length = 0;
    if (batch.length === 0) return;
    await tx.$executeRaw`
      INSERT INTO import_entries SELECT * FROM unnest(
        ${batch.map((piece) => piece.place)}::int[], ${batch.map(({ line }) => line)}::int[],
        ${batch.map(({ kind }) => kind)}::text[], ${batch.map((piece) => piece.batch)}::int[],
        ${batch.map(({ key }) => key)}::text[], ${batch.map(({ content }) => content)}::text[])`;
  };

  return {
    async add(piece) {
      place += 1;
      // PostgreSQL has no text with NUL.
      waiting.push({ ...piece, key: piece.key.replaceAll("\0", ""), place, batch: groupOf(piece) });
      length += piece.content.length;
      if (waiting.length >= FLUSH_PIECES || length >= FLUSH_LENGTH) await flush();
    },
    async finish() {
      await flush();
      await tx.$executeRaw`CREATE INDEX ON import_entries (kind, key)`;
      await tx.$executeRaw`CREATE INDEX ON import_entries (kind, batch)`;
      await tx.$executeRaw`ANALYZE import_entries`;
    },
    async *batches(kind) {
      const last = groups.get(kind)?.batch ?? -1;
      for (let batch = 0; batch <= last; batch += 1)
        yield await tx.$queryRaw<Staged[]>`
          SELECT line, key, content FROM import_entries WHERE kind = ${kind} AND batch = ${batch} ORDER BY place`;
    },
    count: (kind) => groups.get(kind)?.count ?? 0,
    async find(kind, keys) {
      if (keys.length === 0 || !groups.has(kind)) return [];
      return tx.$queryRaw<Staged[]>`
        SELECT line, key, content FROM import_entries
        WHERE kind = ${kind} AND key = ANY (${[...new Set(keys)]}::text[]) ORDER BY place`;
    },
  };
}
