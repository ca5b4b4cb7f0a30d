import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Database,
  type Held,
  type Prisma,
  type Transaction,
  holding,
  statementNames,
} from "./client.ts";
import { tracedStatement } from "../tracing/tracing.ts";
import { databaseCode } from "./errors.ts";

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
  held: Held;
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

const nameOf = statementNames("own", 200);

/**
 * Runs a statement that is prepared once, on a transaction's own connection and past Prisma, which takes three
 * times the processor's time for one (175 against 51 µs): for what every write does.
 *
 * @returns rows as the driver has them: a bigint is a text
 * @throws Prisma's P2028 when the transaction is over, lest it be done on a connection that another has now
 */
export async function runPrepared<Row extends object>(
  tx: Transaction,
  { text, values }: Prisma.Sql,
): Promise<Row[]> {
  const connection = about.get(tx)?.held.connection;
  if (connection === undefined)
    throw Object.assign(
      new Error("A statement came when its transaction was over, or not within `transact`."),
      {
        code: "P2028",
      },
    );
  const name = nameOf(text);
  const statement = { text, values: [...values], ...(name !== undefined && { name }) };
  const { rows } = await tracedStatement({ text }, () => connection.query<Row>(statement));
  return rows;
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
 * rollback does not undo. Within `joining` it is a part of that transaction, which goes on without it when it throws.
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
  if (joined?.isOver === false) return asPart(joined, work);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const effects: (() => void)[] = [];
      const held: Held = { connection: undefined };
      const result = await holding(held, () =>
        database.$transaction(
          (tx) => {
            about.set(tx, { actor, effects, subjects: new Map(), held });
            return work(tx);
          },
          timeout === undefined ? {} : { timeout },
        ),
      );
      for (const effect of effects) effect();
      return result;
    } catch (error) {
      if (attempt === attempts || !isRetriable(error)) throw error;
    }
  }
}

/** Runs `work` as a part of a transaction: when it throws, what it has done is undone, and nothing else. */
async function asPart<T>(whole: Ambient, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const { tx } = whole;
  const { subjects, effects } = about.get(tx) ?? { subjects: new Map(), effects: [] };
  // What another part of the transaction concerned does not concern this one.
  subjects.clear();
  const before = effects.length;
  await tx.$executeRaw`SAVEPOINT part`;
  try {
    const result = await work(tx);
    await tx.$executeRaw`RELEASE SAVEPOINT part`;
    return result;
  } catch (error) {
    whole.failure = error;
    effects.length = before;
    // Where the whole is over, so is this.
    await tx.$executeRaw`ROLLBACK TO SAVEPOINT part`.catch(() => {});
    throw error;
  }
}

function isRetriable(error: unknown): boolean {
  return RETRIABLE.has(databaseCode(error) ?? "");
}
