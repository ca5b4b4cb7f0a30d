import { randomBytes } from "node:crypto";
import { type ArticleAddress, articleAddress } from "./articles/relatedLinks.ts";
import type { Config } from "./config.ts";
import { type Database, openDatabase } from "./database/client.ts";
import { type Cursors, signedCursors } from "./http/paging.ts";
import { type ShareRecorder, shareRecorder } from "./shares/record.ts";

/** What the features of one process work with. */
export interface Newsroom {
  config: Config;
  database: Database;
  cursors: Cursors;
  shares: ShareRecorder;
  /** Where readers find an article. */
  articleAddress: ArticleAddress;
}

/** Opens the newsroom that is kept in a database, which must be migrated. */
export async function openNewsroom(config: Config, databaseUrl: string): Promise<Newsroom> {
  const database = openDatabase(databaseUrl, config.DATABASE_POOL);
  return {
    config,
    database,
    cursors: signedCursors(await installationSecret(database)),
    shares: shareRecorder(database),
    articleAddress: articleAddress(config.DATELINE_ARTICLE_URL),
  };
}

/** Made by the first process that asks, and the same for all from then on. */
async function installationSecret(database: Database): Promise<Uint8Array> {
  await database.installation.createMany({ data: { secret: new Uint8Array(randomBytes(32)) }, skipDuplicates: true });
  return (await database.installation.findUniqueOrThrow({ where: { id: 1 } })).secret;
}
