// Before anything is loaded that makes garbage.
import "./ticks.ts";
import cluster from "node:cluster";
import { ensureAdminKey } from "./access/keys.ts";
import { catchUp } from "./chores.ts";
import { type Config, loadEnvironment, readConfig } from "./config.ts";
import { startEmbedded } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { openNewsroom } from "./newsroom.ts";
import { type Farewell, type Serving, lastFarewell, serve } from "./serve.ts";
import { startTracing, stopTracing } from "./tracing/tracing.ts";
import { startWorkers } from "./workers/primary.ts";
import { work } from "./workers/worker.ts";

interface Running {
  /** Says that it serves. */
  ready: () => void;
  /** When it is told to stop otherwise than by a signal. */
  told?: Promise<Farewell>;
  stop: Serving["stop"];
  renew?: Serving["renew"];
}

/** Starts what there is once, and what serves: this process, or workers. */
async function start(config: Config): Promise<Running> {
  const embedded =
    config.DATABASE_URL === undefined
      ? await startEmbedded(config.DATELINE_DATA_DIR, { tell: console.error })
      : undefined;
  const databaseUrl = config.DATABASE_URL ?? embedded?.url ?? "";
  await migrate(databaseUrl);
  const newsroom = await openNewsroom(config, databaseUrl);
  const adminKey = await ensureAdminKey(newsroom.database, config);
  const { address, log, stop, renew } = await (config.DATELINE_WORKERS > 1 ? startWorkers : serve)(
    newsroom,
    databaseUrl,
  );
  catchUp(newsroom, log);
  return {
    ready: () => {
      announce(address, adminKey);
    },
    async stop(farewell) {
      await stop(farewell).finally(() => embedded?.stop());
    },
    async renew() {
      if (renew === undefined) {
        log.warn("SIGUSR2 renews workers, and there are none: DATELINE_WORKERS is 1");
        return;
      }
      // What the new ones are made of may be newer than this process.
      await migrate(databaseUrl);
      await renew();
    },
  };
}

function announce(address: string, adminKey: string | undefined): void {
  const lines = [`Dateline is ready at ${address}`, `Documentation is at ${address}/docs`];
  if (adminKey !== undefined) lines.push(`The administrator's key, shown this once: ${adminKey}`);
  console.log(lines.join("\n"));
}

/** When the first signal to stop comes; npm and terminals may send the same one twice. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
}

/** Renews what serves whenever SIGUSR2 comes, one time after the other. */
function renewOnSignal({ renew }: Running): void {
  let renewing = Promise.resolve();
  process.on("SIGUSR2", () => {
    renewing = renewing
      .then(renew)
      .catch((error: unknown) => console.error(error instanceof Error ? error.message : error));
  });
}

try {
  loadEnvironment();
  const config = readConfig(process.env);
  await startTracing(process.env);
  const running = await (cluster.isWorker ? work : start)(config);
  const signal = signalled().then(() => lastFarewell(config));
  renewOnSignal(running);
  running.ready();
  const farewell = await Promise.race(running.told === undefined ? [signal] : [signal, running.told]);
  setTimeout(() => process.exit(1), config.DATELINE_STOP_DEADLINE * 1000).unref();
  await running.stop(farewell).finally(stopTracing);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
