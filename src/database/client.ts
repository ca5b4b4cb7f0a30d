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

/** Names by which connections keep statements prepared, the same for the same text; none for those beyond so many. */
export function statementNames(prefix: string, most: number): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= most) return known;
    const name = `${prefix}-${names.size}`;
    names.set(text, name);
    return name;
  };
}

/**
 * Names for the statements that Prisma makes, and for what is only inserted, so that PostgreSQL parses
 * and plans each but once on a connection. What else is written by hand is planned for the values that
 * it comes with, which is worth more.
 */
function prismaNames(): (query: { sql: string }) => string {
  const nameOf = statementNames("prisma", MOST_PREPARED);
  return ({ sql }) => (PREPARED.test(sql) ? (nameOf(sql) ?? "") : "");
}

/** The connection that a transaction of Prisma's is on, from when it has one until its end is sent. */
export interface Held {
  connection: pg.PoolClient | undefined;
}

const beginning = new AsyncLocalStorage<Held>();

/** Begins a transaction, and has its connection noted. */
export function holding<T>(held: Held, begin: () => Promise<T>): Promise<T> {
  return beginning.run(held, begin);
}

/** What is read from: the two ways to the same server. */
export interface Source {
  database: Database;
  statements: Statements;
}

/** A database as it is worked with. */
export interface Opened extends Source {
  /** Ends all connections, those too that are being made, and with them what waits for an answer. */
  sever: () => void;
}

/**
 * Opens a pool of connections; nothing is connected until the first query.
 *
 * @param lockTimeout how long a statement may wait for a lock, in milliseconds; as long as it may take when absent
 */
export function openDatabase(url: string, poolSize: number, lockTimeout?: number): Opened {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECTION_TIMEOUT,
    idleTimeoutMillis: 30_000,
    statement_timeout: STATEMENT_TIMEOUT,
    ...(lockTimeout === undefined ? {} : { lock_timeout: lockTimeout }),
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
  noteHolders(pool);
  // One that breaks while nothing runs on it, within a transaction, is found out by the next statement.
  pool.on("connect", (client) => client.on("error", () => {}));
  // An idle connection that breaks is replaced at the next query, which tells whoever needs it.
  pool.on("error", () => {});
  const adapter = new PrismaPg(pool, { disposeExternalPool: true, statementNameGenerator: prismaNames() });
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

/**
 * The first connection that is asked for when a transaction begins is its own, until its end is sent: what came
 * after that on the connection, which may still be busy, would be no part of any transaction.
 */
function noteHolders(pool: pg.Pool): void {
  const holders = new WeakMap<pg.ClientBase, Held>();
  const connect = pool.connect.bind(pool);
  pool.connect = ((done?: OnConnection) => {
    const held = beginning.getStore();
    if (done !== undefined || held === undefined || held.connection !== undefined)
      return done === undefined ? connect() : connect(done as never);
    return connect().then((connection) => {
      held.connection = connection;
      holders.set(connection, held);
      return connection;
    });
  }) as typeof pool.connect;
  const letGo = (connection: pg.ClientBase) => {
    const held = holders.get(connection);
    if (held !== undefined) held.connection = undefined;
    holders.delete(connection);
  };
  pool.on("connect", (connection) => {
    const query = connection.query.bind(connection) as (...words: unknown[]) => unknown;
    connection.query = ((...words: unknown[]) => {
      const [statement] = words as [{ text?: string } | string];
      const text = typeof statement === "string" ? statement : statement.text;
      if (text === "COMMIT" || text === "ROLLBACK") letGo(connection);
      return query(...words);
    }) as typeof connection.query;
  });
  // One that broke has sent no end.
  pool.on("release", (_error, connection) => {
    letGo(connection);
  });
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
      if (!isOver) done(error, client, release);
      // One that was never made has nothing to be let go of.
      else if (client !== undefined) release();
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
