import { createBirpc } from "birpc";
import type { Config } from "../config.ts";
import { openNewsroom } from "../newsroom.ts";
import { type Farewell, type Serving, serve } from "../serve.ts";
import { type OfPrimary, type OfWorker, PATIENCE } from "./calls.ts";

/**
 * Serves as one of several workers. When the primary is gone, Node ends the worker with the channel
 * between them.
 *
 * @returns what serves, how to tell the primary that it does, and when the primary says to stop
 */
export async function work(
  config: Config,
): Promise<Serving & { ready: () => void; told: Promise<Farewell> }> {
  const databaseUrl = config.DATABASE_URL ?? "";
  const newsroom = await openNewsroom(config, databaseUrl);
  const told = Promise.withResolvers<Farewell>();
  const primary = createBirpc<OfPrimary, OfWorker>(
    {
      figures: () => newsroom.metrics.getMetricsAsJSON(),
      stop: (farewell) => {
        told.resolve(farewell);
      },
    },
    {
      post: (message: object) => process.send?.(message),
      on: (hear) => process.on("message", hear),
      timeout: PATIENCE.ofPrimary,
    },
  );
  const together = { count: primary.count, figures: primary.figures };
  const serving = await serve({ ...newsroom, together }, databaseUrl);
  return { ...serving, ready: () => void primary.ready.asEvent(serving.address), told: told.promise };
}
