import type { ServerResponse } from "node:http";
import type { News } from "../editions/news.ts";

/** Reads that wait for what they are to find. */
export interface Waiting {
  /**
   * Reads again whenever there is news, until enough was found, the time is over, nobody waits for
   * the answer any more or the process stops. Nothing of the database is held in between.
   *
   * @returns what was read last
   */
  until: <T>(
    read: () => Promise<T>,
    isEnough: (found: T) => boolean,
    milliseconds: number,
    response: ServerResponse,
  ) => Promise<T>;
  /** Lets all have what they have found. */
  stop: () => void;
}

export function waiting(news: News): Waiting {
  const ends = new Set<() => void>();
  let stopped = false;
  return {
    async until(read, isEnough, milliseconds, response) {
      let isOver = stopped || milliseconds === 0;
      let told = Promise.withResolvers<void>();
      const end = () => {
        isOver = true;
        told.resolve();
      };
      const timer = setTimeout(end, milliseconds);
      const unfollow = news.follow(() => {
        told.resolve();
      });
      ends.add(end);
      response.once("close", end);
      try {
        for (;;) {
          // Before it is read, so that no word that comes meanwhile is lost.
          told = Promise.withResolvers();
          const found = await read();
          if (isOver || isEnough(found)) return found;
          await told.promise;
          if (isOver) return found;
        }
      } finally {
        clearTimeout(timer);
        unfollow();
        ends.delete(end);
        response.off("close", end);
      }
    },
    stop() {
      stopped = true;
      for (const end of ends) end();
    },
  };
}
