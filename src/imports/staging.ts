import { Prisma, type Statements } from "../database/client.ts";

/** Runs a statement where pieces of a file are put aside. */
export type Run = <Row extends object = object>(statement: Prisma.Sql) => Promise<Row[]>;

/**
 * Gives room to put pieces of a file aside, in temporary tables that are gone when `work` ends. It is a
 * connection of its own, and not Prisma's, which keeps what the last hundred statements were given.
 */
export async function aside<T>(statements: Statements, work: (run: Run) => Promise<T>): Promise<T> {
  const client = await statements.connect();
  const run: Run = async <Row extends object>({ text, values }: Prisma.Sql) => {
    const { rows } = await client.query<Row>({ text, values });
    return rows;
  };
  let failure: Error | undefined;
  try {
    await run(Prisma.sql`BEGIN`);
    // Indexes over the pieces of a large file take their time.
    await run(Prisma.sql`SET LOCAL statement_timeout = 0`);
    return await work(run);
  } finally {
    await client.query("ROLLBACK").catch((error: unknown) => {
      failure = error as Error;
    });
    client.release(failure);
  }
}

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
const FLUSH_LENGTH = 1024 * 1024;
/** How many characters the pieces of a batch have, unless one alone has more. */
const BATCH_LENGTH = 1024 * 1024;

/**
 * Puts the pieces of a file aside, so that nothing of a file is written before all of it was read, and
 * pieces can refer to each other however many they are.
 *
 * @param most how many pieces of a kind a batch has
 */
export async function staging(run: Run, most: (kind: string) => number): Promise<Staging> {
  await run(Prisma.sql`
    CREATE TEMPORARY TABLE import_entries (
      place int PRIMARY KEY, line int NOT NULL, kind text NOT NULL, batch int NOT NULL, key text NOT NULL, content text NOT NULL
    ) ON COMMIT DROP`);
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
    await run(Prisma.sql`
      INSERT INTO import_entries SELECT * FROM unnest(
        ${batch.map((piece) => piece.place)}::int[], ${batch.map(({ line }) => line)}::int[],
        ${batch.map(({ kind }) => kind)}::text[], ${batch.map((piece) => piece.batch)}::int[],
        ${batch.map(({ key }) => key)}::text[], ${batch.map(({ content }) => content)}::text[])`);
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
      await run(Prisma.sql`CREATE INDEX ON import_entries (kind, key)`);
      await run(Prisma.sql`CREATE INDEX ON import_entries (kind, batch)`);
      await run(Prisma.sql`ANALYZE import_entries`);
    },
    async *batches(kind) {
      const last = groups.get(kind)?.batch ?? -1;
      for (let batch = 0; batch <= last; batch += 1)
        yield await run<Staged>(Prisma.sql`
          SELECT line, key, content FROM import_entries WHERE kind = ${kind} AND batch = ${batch} ORDER BY place`);
    },
    count: (kind) => groups.get(kind)?.count ?? 0,
    async find(kind, keys) {
      if (keys.length === 0 || !groups.has(kind)) return [];
      return run<Staged>(Prisma.sql`
        SELECT line, key, content FROM import_entries
        WHERE kind = ${kind} AND key = ANY (${[...new Set(keys)]}::text[]) ORDER BY place`);
    },
  };
}
