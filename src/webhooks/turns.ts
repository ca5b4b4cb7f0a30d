import type { PoolClient } from "pg";
import type { Statements } from "../database/client.ts";

/** Any number, the same in every process: the space of locks in which each webhook has one. */
const WEBHOOKS = 4_217_010;

/** Whose turn it is to send to a webhook: one process at a time. */
export interface Turns {
  /** Takes the turn, if no other process has it. */
  take: (webhookId: string) => Promise<boolean>;
  leave: (webhookId: string) => Promise<void>;
  close: () => void;
}

/**
 * Turns are advisory locks of one connection's session. PostgreSQL gives them all back as soon as the
 * process, or its connection, is gone, so that the next process goes on at once.
 *
 * @param onLost is told when all turns were lost with the connection
 */
export function turns(statements: Statements, onLost: () => void): Turns {
  let session: PoolClient | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const open = async () => {
    const client = await statements.connect();
    const lose = () => {
      if (session !== client) return;
      session = undefined;
      client.release(true);
      onLost();
    };
    client.on("error", lose);
    client.on("end", lose);
    session = client;
    return client;
  };
  /** One after the other, as a connection does it anyway. */
  const ask = (lock: string, webhookId: string): Promise<boolean> => {
    const answer = last.then(async () => {
      const client = session ?? (await open());
      const { rows } = await client.query<{ done: boolean }>(`SELECT ${lock}($1, hashtext($2)) AS done`, [
        WEBHOOKS,
        webhookId,
      ]);
      return rows[0]?.done ?? false;
    });
    last = answer.catch(() => {});
    return answer;
  };

  return {
    take: (webhookId) => ask("pg_try_advisory_lock", webhookId),
    async leave(webhookId) {
      if (session !== undefined) await ask("pg_advisory_unlock", webhookId);
    },
    close() {
      const client = session;
      session = undefined;
      // Closed, not kept: the locks go with it.
      client?.release(true);
    },
  };
}
