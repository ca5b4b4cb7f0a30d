import { AsyncLocalStorage } from "node:async_hooks";
import { Socket } from "node:net";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { Prisma, PrismaClient } from "./generated/client.ts";

export { Prisma };

export type Database = PrismaClient;
/** What a function needs to read or write: the database itself or a transaction on it. */
export type Transaction = Prisma.TransactionClient;

/** How long one statement may take, in milliseconds, before PostgreSQL ends it. */
const STATEMENT_TIMEOUT = 10_000;
/**
 * Every list has an index, so reading a whole table is never the better plan, only one that was
 * estimated wrongly; pages that are asked for often lie in memory, in whatever order they are read; and
 * to compile a plan or start workers takes longer than such a statement may.
 */
const PLANNING = Object.entries({
  enable_seqscan: "off",
  random_page_cost: "1.1",
  jit: "off",
  max_parallel_workers_per_gather: "0",
})
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(" ");
/** How long a connection may take to be made, in milliseconds, where the server does answer. */
const CONNECTION_TIMEOUT = 5_000;
/**
 * How long a request waits for a connection while all are taken, in milliseconds, and for each connection
 * how many may wait, before they are answered with 503. A statement takes a few milliseconds, so who is not
 * served in that time would not have been soon.
 */
const PATIENCE = 900;
const WAITERS = 50;

/** Prepared statements beside Prisma, on the same connections, for what is read too often to be composed. */
export type Statements = Pick<pg.Pool, "query" | "connect" | "totalCount" | "idleCount" | "waitingCount">;

const PREPARED = /"public"\.|^\s*(WITH \w+ AS \(\s*)?INSERT /;
/** How many of Prisma's statements each connection keeps prepared. */
const MOST_PREPARED = 500;

/**
 * Names for the statements that Prisma makes, and for what is only inserted, so that PostgreSQL parses
 * and plans each but once on a connection. What else is written by hand is planned for the values that
 * it comes with, which is worth more.
 */
function statementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (!PREPARED.test(sql) || names.size >= MOST_PREPARED) return "";
    const name = `prisma-${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** A database as it is worked with. */
export interface Opened {
  database: Database;
  statements: Statements;
  /** Ends all connections, those too that are being made, and with them what waits for an answer. */
  sever: () => void;
}

/** Opens a pool of connections; nothing is connected until the first query. */
export function openDatabase(url: string, poolSize: number): Opened {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECTION_TIMEOUT,
    idleTimeoutMillis: 30_000,
    statement_timeout: STATEMENT_TIMEOUT,
    options: PLANNING,
    application_name: "dateline",
    // Between the two may stand what forgets idle connections without a word.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once("close", () => sockets.delete(socket));
    },
  });
  refuseCrowds(pool, poolSize);
  // One that breaks while nothing runs on it, within a transaction, is found out by the next statement.
  pool.on("connect", (client) => client.on("error", () => {}));
  // An idle connection that breaks is replaced at the next query, which tells whoever needs it.
  pool.on("error", () => {});
  const adapter = new PrismaPg(pool, { disposeExternalPool: true, statementNameGenerator: statementNames() });
  const database = new PrismaClient({ adapter, transactionOptions: { maxWait: 10_000, timeout: 20_000 } });
  return {
    database,
    statements: pool,
    sever() {
      // One that does not answer would not say goodbye either.
      for (const socket of sockets) socket.destroy();
    },
  };
}

type OnConnection = (error: Error | undefined, client?: pg.PoolClient, release?: () => void) => void;

/** Refuses to wait for a connection for long, and at all when many wait already. */
function refuseCrowds(pool: pg.Pool, size: number): void {
  const connect = pool.connect.bind(pool);
  /** With PostgreSQL's own code for the same, too_many_connections. */
  const refused = () =>
    Object.assign(new Error(`All ${size} connections are taken; DATABASE_POOL says how many there are.`), {
      code: "53300",
    });
  const connectSoon = (done: OnConnection) => {
    if (pool.totalCount < size || pool.idleCount > 0) {
      connect(done);
      return;
    }
    if (pool.waitingCount >= size * WAITERS) {
      done(refused());
      return;
    }
    let isOver = false;
    const late = setTimeout(() => {
      isOver = true;
      done(refused());
    }, PATIENCE);
    connect((error, client, release) => {
      clearTimeout(late);
      if (isOver) release();
      else done(error, client, release);
    });
  };
  pool.connect = ((done?: OnConnection) => {
    if (done !== undefined) return connectSoon(done);
    return new Promise((resolve, reject) => {
      connectSoon((error, client) => {
        if (client === undefined) reject(error ?? refused());
        else resolve(client);
      });
    });
  }) as typeof pool.connect;
}

/** Who does what a transaction does: the key that sent the request, or Dateline itself. */
export interface Actor {
  /** The key's id; null for Dateline itself and for whoever has no key. */
  id: string | null;
  name: string;
  /** What its key is bound to, if to anything; src/access/reach.ts says what that means. */
  bounds?: Bounds;
}

export interface Bounds {
  /** Whether it is kept to drafts of its own: those that it made, and those of its author. */
  ownDrafts: boolean;
  authorId: string | null;
  /** The sections that it is kept to; none when it is kept from none. */
  sectionIds: readonly string[];
}

const itself: Actor = { id: null, name: "Dateline" };
interface About {
  actor: Actor;
  effects: (() => void)[];
  subjects: Map<string, string>;
}
const about = new WeakMap<Transaction, About>();

/** Who a transaction is done for. */
export function actorOf(tx: Transaction): Actor {
  return about.get(tx)?.actor ?? itself;
}

/** Notes the id of what a transaction changes, by its kind as addresses have it (`articles`, `tags`). */
export function concern(tx: Transaction, kind: string, id: string): void {
  about.get(tx)?.subjects.set(kind, id);
}

/** The ids of what a transaction changed so far, the latest of each kind. */
export function subjectsOf(tx: Transaction): ReadonlyMap<string, string> {
  return about.get(tx)?.subjects ?? new Map();
}

/** Does something in this process once a transaction is committed; nothing when it is rolled back. */
export function afterCommit(tx: Transaction, effect: () => void): void {
  about.get(tx)?.effects.push(effect);
}

/** PostgreSQL's codes for a transaction that lost a race and may simply be run again. */
const RETRIABLE = new Set(["40001", "40P01"]);

/** A transaction that those begun within it become a part of, and what made one of them fail. */
interface Ambient {
  tx: Transaction;
  isOver: boolean;
  failure: unknown;
}

const ambient = new AsyncLocalStorage<Ambient>();

/** Whether what is done here is part of a transaction begun elsewhere. */
export function isJoined(): boolean {
  return ambient.getStore()?.isOver === false;
}

/**
 * Makes every transaction that `work` begins a part of `tx`: their effects come with its commit or
 * not at all.
 *
 * @throws what lost a race that only the whole of `tx` can run again, even where `work` made an answer of it
 */
export async function joining<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  const joined: Ambient = { tx, isOver: false, failure: undefined };
  try {
    const result = await ambient.run(joined, work);
    if (isRetriable(joined.failure)) throw joined.failure;
    return result;
  } finally {
    joined.isOver = true;
  }
}

/**
 * Runs `work` in one transaction: all of it is committed, or, when it throws, none. A transaction
 * that PostgreSQL ended to resolve a deadlock is run again, so `work` must not do anything that a
 * rollback does not undo. Within `joining` it is a part of that transaction.
 *
 * @param limits.timeout how long it may take, in milliseconds; the common limit when absent
 * @param limits.attempts how often it is run at the most
 */
export async function transact<T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
  actor = itself,
  { timeout, attempts = 5 }: { timeout?: number; attempts?: number } = {},
): Promise<T> {
  const joined = ambient.getStore();
  if (joined?.isOver === false) {
    // What another part of the transaction concerned does not concern this one.
    about.get(joined.tx)?.subjects.clear();
    return work(joined.tx).catch((error: unknown) => {
      joined.failure = error;
      throw error;
    });
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const effects: (() => void)[] = [];
      const result = await database.$transaction(
        (tx) => {
          about.set(tx, { actor, effects, subjects: new Map() });
          return work(tx);
        },
        timeout === undefined ? {} : { timeout },
      );
      for (const effect of effects) effect();
      return result;
    } catch (error) {
      if (attempt === attempts || !isRetriable(error)) throw error;
    }
  }
}

function isRetriable(error: unknown): boolean {
  return RETRIABLE.has(databaseCode(error) ?? "");
}

/** PostgreSQL's five-character error code (its manual, appendix A), if that is what failed. */
export function databaseCode(error: unknown): string | undefined {
  const causes = [
    error,
    property(error, "cause"),
    property(property(property(error, "meta"), "driverAdapterError"), "cause"),
  ];
  for (const cause of causes) {
    const code = property(cause, "originalCode") ?? property(cause, "code");
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code)) {
      // From PostgreSQL 18 on, ON DELETE RESTRICT has a code of its own; what it says is the same.
      return code === "23001" ? "23503" : code;
    }
  }
  // Prisma's own codes for what it recognised.
  const known = property(error, "code");
  if (known === "P2034") return "40P01";
  if (known === "P2002") return "23505";
  if (known === "P2003") return "23503";
  return undefined;
}

/** Whether the database could not be reached or had no room, so that a later try may succeed. */
export function isDatabaseAway(error: unknown): boolean {
  const prismaCode = property(error, "code");
  if (
    typeof prismaCode === "string" &&
    ["P1000", "P1001", "P1002", "P1003", "P1008", "P1011", "P1017", "P2024", "P2028", "P2037"].includes(
      prismaCode,
    )
  ) {
    return true;
  }
  const code = databaseCode(error);
  // Classes 08 (connection), 3D (no such database), 53 (resources), 57 (operator intervention: shutdown, timeout).
  if (code !== undefined && /^(08|3D|53|57)/.test(code)) return true;
  // Raised by the driver itself, several addresses tried in vain have their code in place of a message.
  const text = error instanceof Error ? `${String(prismaCode)} ${error.message}` : "";
  return /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|Connection terminated|timeout exceeded when trying to connect|Can't reach database|Server has closed the connection|DatabaseNotReachable|ConnectionClosed|is not queryable|Query read timeout|timeout expired/.test(
    text,
  );
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
