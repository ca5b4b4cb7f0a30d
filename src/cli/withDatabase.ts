import { type Config, loadEnvironment, readConfig } from "../config.ts";
import { startEmbedded } from "../database/embedded.ts";

/**
 * Runs a command on the database that the settings name, as it stands. An embedded server that is
 * running is used; otherwise it is started, and stopped again. An error is told in one line, and the
 * process then exits with 1.
 */
export async function withDatabase(
  work: (databaseUrl: string, config: Config) => Promise<void>,
): Promise<void> {
  let stop = async () => {};
  try {
    loadEnvironment();
    const config = readConfig(process.env);
    const embedded =
      config.DATABASE_URL === undefined
        ? await startEmbedded(config.DATELINE_DATA_DIR, { share: true })
        : undefined;
    if (embedded !== undefined) stop = embedded.stop;
    await work(config.DATABASE_URL ?? embedded?.url ?? "", config);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    await stop();
  }
}
