import { ensureAdminKey } from "./access/keys.ts";
import { buildApp } from "./app.ts";
import { type Config, loadEnvironment, readConfig } from "./config.ts";
import { startEmbedded } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { forgetOldKeys } from "./http/write.ts";
import { followNews, openNewsroom } from "./newsroom.ts";
import { fillSearch } from "./search/entries.ts";
import { moveSpans } from "./shares/mostShared.ts";
import { settleRemains } from "./shares/settle.ts";
import { purgeTrash } from "./trash/purge.ts";

/** How long requests in flight may take once the process was told to stop, in milliseconds. */
const STOP_DEADLINE = 20_000;
const HOUR = 3_600_000;

async function start(config: Config): Promise<void> {
  const embedded =
    config.DATABASE_URL === undefined ? await startEmbedded(config.DATELINE_DATA_DIR) : undefined;
  const databaseUrl = config.DATABASE_URL ?? embedded?.url ?? "";
  await migrate(databaseUrl);
  const newsroom = await openNewsroom(config, databaseUrl);
  const adminKey = await ensureAdminKey(newsroom.database, config);
  const listening = await followNews(newsroom, databaseUrl);
  const app = await buildApp(newsroom);
  fillSearch(newsroom.database).catch((error: unknown) => {
    app.log.warn({ err: error }, "not all articles are indexed for search yet; the next start goes on");
  });
  const tidy = () => {
    forgetOldKeys(newsroom).catch((error: unknown) => {
      app.log.warn({ err: error }, "old Idempotency-Keys could not be forgotten");
    });
    purgeTrash(newsroom.database).catch((error: unknown) => {
      app.log.warn({ err: error }, "the trash could not be purged");
    });
    settleRemains(newsroom.database)
      .then(() => moveSpans(newsroom.database))
      .catch((error: unknown) => {
        app.log.warn({ err: error }, "the standings of shares could not be brought up to date");
      });
  };
  tidy();
  const tidying = setInterval(tidy, HOUR);

  const stop = async () => {
    setTimeout(() => process.exit(1), STOP_DEADLINE).unref();
    clearInterval(tidying);
    // A connection that was busy when closing began would otherwise be kept alive after its answer.
    const sweeping = setInterval(() => {
      app.server.closeIdleConnections();
    }, 50);
    await app.close();
    clearInterval(sweeping);
    await listening.stop();
    await embedded?.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());

  const address = await app.listen({ host: config.HOST, port: config.PORT }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`HOST and PORT must be an address and a port that are free to listen on: ${reason}.`, {
      cause,
    });
  });
  announce(address, adminKey);
}

function announce(address: string, adminKey: string | undefined): void {
  const lines = [`Dateline is ready at ${address}`, `Documentation is at ${address}/docs`];
  if (adminKey !== undefined) lines.push(`The administrator's key, shown this once: ${adminKey}`);
  console.log(lines.join("\n"));
}

try {
  loadEnvironment();
  await start(readConfig(process.env));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
