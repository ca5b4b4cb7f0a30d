import type { Database, Transaction } from "../database/client.ts";
import { afterCommit } from "../database/transactions.ts";
import { CHANNEL } from "../database/notifications.ts";
import type { Replicas } from "../database/replicas.ts";
import { type Agenda, agenda } from "./agenda.ts";
import type { EditionCache } from "./cache.ts";

/** How often a process tells the others whose shares it has counted, in milliseconds. */
const SHARES_EVERY = 200;
/** A notification holds 8000 bytes at the most (PostgreSQL's manual, NOTIFY); an id takes 37. */
const IDS_PER_MESSAGE = 200;

/** What a process tells: what readers get of articles is new, articles were shared, or a moment is planned. */
export type Message = { kind: "live" | "shares"; ids: readonly string[] } | { kind: "moment"; at: number };

/** What a message says that a process sent. */
export function readMessage(text: string): Message {
  const [kind, ...ids] = text.split(" ");
  return kind === "moment" ? { kind, at: Number(ids[0]) } : { kind: kind === "shares" ? kind : "live", ids };
}

/** How processes tell each other what readers get anew. */
export interface News {
  /** What readers get of articles changes with this transaction; of those of a section, tag or author, when it is their id. */
  changed: (tx: Transaction, articleIds: readonly string[]) => Promise<void>;
  /** Readers will see something else from this moment on. */
  planned: (tx: Transaction, moment: Date) => Promise<void>;
  /** Shares of an article were counted. */
  shared: (articleId: string) => void;
  /** Takes in what a process told, this one's own word included. */
  hear: (message: Message) => void;
  /**
   * Calls `told` whenever what readers get may have changed, once nothing old is kept of it.
   *
   * @returns what ends it
   */
  follow: (told: () => void) => () => void;
  /** What is planned, as far as this process has been told since it last read it. */
  agenda: Agenda;
  /** Reads what is planned; to be called when nothing that is told from here on will be missed. */
  regain: () => Promise<void>;
  /** To be called when some may be missed from here on. */
  lose: () => void;
}

/**
 * A change is heard by this process as soon as it is committed and by the others with the
 * notification that the commit sends. Shares come too often for that: this process heeds them at
 * once and tells the others of all together a few times a second.
 */
export function news(
  database: Database,
  cache: EditionCache,
  replicas: Pick<Replicas, "changed" | "shared" | "trust" | "distrust">,
): News {
  const sharedSince = new Set<string>();
  const followers = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    for (const told of followers) told();
  };
  const planned = agenda(() => {
    cache.turn();
  });

  const tellShares = () => {
    timer = undefined;
    const ids = [...sharedSince];
    sharedSince.clear();
    for (let start = 0; start < ids.length; start += IDS_PER_MESSAGE) {
      const message = `shares ${ids.slice(start, start + IDS_PER_MESSAGE).join(" ")}`;
      // When the database is away nobody trusts a cache, so nobody misses the word.
      database.$executeRaw`SELECT pg_notify(${CHANNEL}, ${message})`.catch(() => {});
    }
  };

  return {
    async changed(tx, articleIds) {
      for (let start = 0; start < articleIds.length; start += IDS_PER_MESSAGE) {
        const message = `live ${articleIds.slice(start, start + IDS_PER_MESSAGE).join(" ")}`;
        await tx.$executeRaw`SELECT pg_notify(${CHANNEL}, ${message})`;
      }
      afterCommit(tx, () => {
        replicas.changed();
        for (const id of articleIds) cache.drop(id);
        tell();
      });
    },
    async planned(tx, moment) {
      const message = `moment ${moment.getTime()}`;
      await tx.$executeRaw`SELECT pg_notify(${CHANNEL}, ${message})`;
      afterCommit(tx, () => {
        replicas.changed();
        planned.add(moment.getTime());
      });
    },
    shared(articleId) {
      replicas.shared(articleId);
      cache.touch(articleId);
      sharedSince.add(articleId);
      timer ??= setTimeout(tellShares, SHARES_EVERY);
    },
    hear(message) {
      if (message.kind === "shares") {
        for (const id of message.ids) {
          replicas.shared(id);
          cache.touch(id);
        }
        return;
      }
      replicas.changed();
      if (message.kind === "moment") planned.add(message.at);
      else {
        for (const id of message.ids) cache.drop(id);
        tell();
      }
    },
    follow(told) {
      followers.add(told);
      return () => {
        followers.delete(told);
      };
    },
    agenda: planned,
    async regain() {
      const rows = await database.$queryRaw<{ moment: Date }[]>`
        SELECT live_from AS moment FROM publications WHERE live_from > now()
        UNION SELECT live_until FROM publications WHERE live_until > now()
        UNION SELECT live_from FROM planned_editions WHERE live_from > now()
        UNION SELECT live_until FROM planned_editions WHERE live_until > now()`;
      planned.add(...rows.map(({ moment }) => moment.getTime()));
      planned.follow(true);
      replicas.trust();
      cache.trust();
      tell();
    },
    lose() {
      planned.follow(false);
      replicas.distrust();
      cache.distrust();
    },
  };
}
