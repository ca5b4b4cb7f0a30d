import { setImmediate as turn } from "node:timers/promises";

/**
 * How many statements of one kind run at a time: so few that something is gathered, and so many that one which waits
 * for the disk holds up none but its own. And the most keys that one of them reads.
 */
const AT_A_TIME = 4;
const MOST = 100;

/**
 * Has those who read by key at the same time share a statement: what is asked for while as many run as may
 * is read by the next one. A statement costs the same whether it finds one row or ten, so that this is to
 * reading what group commit is to writing.
 *
 * @param read reads rows by keys, each given once; its failure is that of all who asked for one of them
 * @returns reads what there is by a key, undefined when there is nothing; not before the call
 */
export function gathered<Value>(
  read: (keys: string[]) => Promise<ReadonlyMap<string, Value>>,
): (key: string) => Promise<Value | undefined> {
  let waiting = new Map<string, PromiseWithResolvers<Value | undefined>>();
  let running = 0;

  const run = async () => {
    running += 1;
    // One turn of the event loop gathers what has arrived on all sockets.
    await turn();
    while (waiting.size > 0) {
      const all = [...waiting];
      const batch = all.slice(0, MOST);
      // Another one, since a Map that is filled and emptied all the time keeps what was in it (see `keeper`).
      waiting = new Map(all.slice(MOST));
      try {
        const found = await read(batch.map(([key]) => key));
        for (const [key, answer] of batch) answer.resolve(found.get(key));
      } catch (error) {
        for (const [, answer] of batch) answer.reject(error);
      }
    }
    running -= 1;
  };

  return (key) => {
    const answer = waiting.get(key) ?? Promise.withResolvers<Value | undefined>();
    waiting.set(key, answer);
    if (running < AT_A_TIME) void run();
    return answer.promise;
  };
}
