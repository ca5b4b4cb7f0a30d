import { audit } from "../audit/record.ts";
import type { Transaction } from "../database/client.ts";
import { type Actor, transact } from "../database/transactions.ts";
import type { Newsroom } from "../newsroom.ts";

/** Who does what a command does. */
export const commandLine: Actor = { id: null, name: "Command line" };

/**
 * Does the work of a command in one transaction, as `transact` does, and notes it in the audit log.
 *
 * @param command its name, as `dateline import`
 * @param resourceOf what it made or changed, as addresses name it
 */
export function asCommand<T>(
  { database }: Newsroom,
  command: string,
  work: (tx: Transaction) => Promise<T>,
  resourceOf: (done: T) => { kind: string; id: string },
): Promise<T> {
  return transact(
    database,
    async (tx) => {
      const done = await work(tx);
      const { kind, id } = resourceOf(done);
      await audit(tx, { operation: command, resourceKind: kind, resourceId: id });
      return done;
    },
    commandLine,
  );
}
