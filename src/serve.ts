import type { FastifyBaseLogger } from "fastify";
import { buildApp } from "./app.ts";
import { takeJobs } from "./chores.ts";
import { type Newsroom, followNews } from "./newsroom.ts";

/** What answers requests: this process, or its workers. */
export interface Serving {
  /** http://HOST:PORT as it is listened on. */
  address: string;
  log: FastifyBaseLogger;
  /** Accepts no more, finishes what is in flight, and lets go of the newsroom's database. */
  stop: () => Promise<void>;
}

/**
 * Answers requests in this process.
 *
 * @throws when HOST and PORT cannot be listened on
 */
export async function serve(newsroom: Newsroom, databaseUrl: string): Promise<Serving> {
  const { HOST: host, PORT: port } = newsroom.config;
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
    async stop() {
      // A connection that was busy when closing began would otherwise be kept alive after its answer.
      const sweeping = setInterval(() => {
        app.server.closeIdleConnections();
      }, 50);
      await app.close();
      clearInterval(sweeping);
      await listening.stop();
    },
  };
}
