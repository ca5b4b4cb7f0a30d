import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { buildApp } from "./app.ts";
import { takeJobs } from "./chores.ts";
import type { Config } from "./config.ts";
import { type Newsroom, followNews } from "./newsroom.ts";

/** How long before the deadline what is still in flight is cut off, in milliseconds: the rest takes time, too. */
const MARGIN = 2_000;

/** How a process takes its leave. */
export interface Farewell {
  /** Whether load balancers are told, since nobody goes on to serve behind the port. */
  isLast: boolean;
  /** For how long it goes on to serve, asking for each connection to be closed, in milliseconds. */
  delay: number;
}

/** As the settings have it for a process that leaves nobody behind its port. */
export function lastFarewell({ DATELINE_STOP_DELAY: seconds }: Config): Farewell {
  return { isLast: true, delay: seconds * 1000 };
}

/** What answers requests: this process, or its workers. */
export interface Serving {
  /** http://HOST:PORT as it is listened on. */
  address: string;
  log: FastifyBaseLogger;
  /**
   * Accepts no more, finishes what is in flight, and lets go of the newsroom's database.
   *
   * @throws when not all was finished in time
   */
  stop: (farewell: Farewell) => Promise<void>;
  /** Has others take the place of all that serve, without letting anybody down; absent where there are none. */
  renew?: () => Promise<void>;
}

/**
 * Answers requests in this process.
 *
 * @throws when HOST and PORT cannot be listened on
 */
export async function serve(newsroom: Newsroom, databaseUrl: string): Promise<Serving> {
  const { config, service } = newsroom;
  const { HOST: host, PORT: port } = config;
  const listening = await followNews(newsroom, databaseUrl);
  const app = await buildApp(newsroom);
  await takeJobs(newsroom, app.log);
  const address = await app.listen({ host, port }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`HOST and PORT must be an address and a port that are free to listen on: ${reason}.`, {
      cause,
    });
  });
  return {
    address,
    log: app.log,
    async stop({ isLast, delay }) {
      let cutOff = false;
      const late = setTimeout(
        () => {
          cutOff = true;
          app.server.closeAllConnections();
        },
        config.DATELINE_STOP_DEADLINE * 1000 - MARGIN,
      );
      service.isReady = !isLast;
      service.keepsConnections = false;
      await sleep(delay);
      // A connection that was busy when closing began would otherwise be kept alive after its answer.
      const sweeping = setInterval(() => {
        app.server.closeIdleConnections();
      }, 50);
      await app.close();
      clearInterval(sweeping);
      clearTimeout(late);
      await listening.stop();
      if (cutOff)
        throw new Error(
          `Not all requests were answered within DATELINE_STOP_DEADLINE (${config.DATELINE_STOP_DEADLINE} s).`,
        );
    },
  };
}
