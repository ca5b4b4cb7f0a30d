import { loadEnvironment, readConfig } from "../config.ts";
import { startEmbedded } from "../database/embedded.ts";
import { migrate } from "../database/migrate.ts";
import { type Newsroom, openNewsroom } from "../newsroom.ts";

/**
 * Runs a command on the newsroom that the settings name. An embedded server that is running is
 * used; otherwise it is started, and stopped again. An error is told in one line, and the process
 * then exits with 1.
 */
export async function withNewsroom(work: (newsroom: Newsroom) => Promise<void>): Promise<void> {
  let stop = async () => {};
  try {
    loadEnvironment();
    const config = readConfig(process.env);
    const embedded =
      config.DATABASE_URL === undefined
        ? await startEmbedded(config.DATELINE_DATA_DIR, { share: true })
        : undefined;
    if (embedded !== undefined) stop = embedded.stop;
    const databaseUrl = config.DATABASE_URL ?? embedded?.url ?? "";
    await migrate(databaseUrl);
    const newsroom = await openNewsroom(config, databaseUrl);
    try {
      await work(newsroom);
    } finally {
      await newsroom.jobs.stop();
      await newsroom.database.$disconnect();
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    await stop();
  }
}
