import type { Config } from "../config.ts";
import { migrate } from "../database/migrate.ts";
import { type Newsroom, openNewsroom } from "../newsroom.ts";
import { withDatabase } from "./withDatabase.ts";

/** Runs a command on the newsroom that the settings name, whose database is migrated first. */
export function withNewsroom(work: (newsroom: Newsroom) => Promise<void>): Promise<void> {
  return withDatabase(async (databaseUrl, config) => {
    await migrate(databaseUrl);
    await inNewsroom(databaseUrl, config, work);
  });
}

/** Opens the newsroom of a migrated database for some work. */
export async function inNewsroom(
  databaseUrl: string,
  config: Config,
  work: (newsroom: Newsroom) => Promise<void>,
): Promise<void> {
  const newsroom = await openNewsroom(config, databaseUrl);
  try {
    await work(newsroom);
  } finally {
    await newsroom.jobs.stop();
    await newsroom.database.$disconnect();
  }
}
