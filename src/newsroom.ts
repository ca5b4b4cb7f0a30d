import { randomBytes } from "node:crypto";
import { Registry } from "prom-client";
import { everyone } from "./access/audience.ts";
import { type ArticleAddress, articleAddress } from "./articles/relatedLinks.ts";
import { type Refusals, refusals } from "./audit/refusals.ts";
import type { Config } from "./config.ts";
import { type Database, type Statements, openDatabase } from "./database/client.ts";
import { type Listening, listen } from "./database/notifications.ts";
import { type Replicas, replicas } from "./database/replicas.ts";
import { type EditionCache, editionCache } from "./editions/cache.ts";
import { type News, news, readMessage } from "./editions/news.ts";
import { readPublication, readSlug } from "./editions/read.ts";
import { type Variants, variants } from "./formats/variants.ts";
import { type Durations, requestDurations } from "./health/durations.ts";
import { type Jobs, openJobs } from "./jobs/jobs.ts";
import { type Cursors, signedCursors } from "./http/paging.ts";
import { type Service, service } from "./http/response.ts";
import { type Signing, signing } from "./http/signing.ts";
import { type Purging, purging } from "./purging/purging.ts";
import { type ShareRecorder, shareRecorder } from "./shares/record.ts";
import { tracedStatements } from "./tracing/tracing.ts";
import { type UsageRecorder, usageRecorder } from "./usage/record.ts";
import { type Together, alone } from "./workers/together.ts";

/** What the features of one process work with. */
export interface Newsroom {
  config: Config;
  database: Database;
  /** Prepared statements on the same connections. */
  statements: Statements;
  /** The servers that follow it, for what readers get. */
  replicas: Replicas;
  /** Gives up what waits for a database that does not answer. */
  sever: () => void;
  cursors: Cursors;
  /** Signs with the installation's secret. */
  signing: Signing;
  shares: ShareRecorder;
  /** Where readers find an article. */
  articleAddress: ArticleAddress;
  /** What readers get, kept as bytes. */
  live: EditionCache;
  /** What readers get in other forms, kept as bytes. */
  variants: Variants;
  news: News;
  /** Tells caches in front what readers get anew. */
  purging: Purging;
  /** What was refused to keys, on its way to the audit log. */
  refusals: Refusals;
  /** What keys fetch, on its way to the database. */
  usage: UsageRecorder;
  jobs: Jobs;
  /** How the process is there for those who call it. */
  service: Service;
  /** What this process measures of itself. */
  metrics: Registry;
  /** How long its answers took, which are among that. */
  durations: Durations;
  /** What it does as one with those that serve behind the same port. */
  together: Together;
}

/** Puts a newsroom together; nothing is asked of the database yet. */
export function furnish(config: Config, databaseUrl: string, secret: Uint8Array): Newsroom {
  const { database, statements: plain, sever } = openDatabase(databaseUrl, config.DATABASE_POOL);
  const statements = tracedStatements(plain);
  const followers = replicas({ database, statements }, databaseUrl, {
    urls: config.DATABASE_REPLICAS,
    poolSize: config.DATABASE_POOL,
  });
  const live = editionCache(
    config.DATELINE_CACHE * 1_048_576,
    config.DATELINE_STALE_IF_ERROR * 1000,
    (id) => followers.read(everyone, (on) => readPublication(on.statements, on.database, id), id),
    (slug) => followers.read(everyone, (on) => readSlug(on.database, slug)),
  );
  const heard = news(database, live, followers);
  const metrics = new Registry();
  return {
    config,
    database,
    statements,
    replicas: followers,
    sever,
    ...signed(secret),
    shares: shareRecorder(statements, database, heard.shared),
    articleAddress: articleAddress(articleTemplate(config)),
    live,
    variants: variants(
      database,
      config.DATELINE_CACHE * 1_048_576 * 0.1,
      config.DATELINE_STALE_IF_ERROR * 1000,
    ),
    news: heard,
    purging: purging(config, metrics),
    refusals: refusals(database),
    usage: usageRecorder(statements),
    jobs: openJobs(databaseUrl),
    service: service(),
    metrics,
    durations: requestDurations(metrics),
    together: alone(metrics),
  };
}

/** Links between articles lead to their pages, unless there are none and nobody said where theirs are. */
function articleTemplate({ DATELINE_ARTICLE_URL: template, DATELINE_PAGES: hasPages }: Config): string {
  return template ?? (hasPages ? "/a/{slug}" : "/v1/articles/{slug}");
}

/** What the installation's secret makes. */
function signed(secret: Uint8Array): Pick<Newsroom, "signing" | "cursors"> {
  const own = signing(secret);
  return { signing: own, cursors: signedCursors(own) };
}

/** Opens the newsroom that is kept in a database, which must be migrated. */
export async function openNewsroom(config: Config, databaseUrl: string): Promise<Newsroom> {
  const newsroom = furnish(config, databaseUrl, new Uint8Array(32));
  const secret = await installationSecret(newsroom.database);
  return { ...newsroom, ...signed(secret) };
}

/** Keeps what readers get in memory from here on, and is told by all processes what changes. */
export function followNews(newsroom: Newsroom, databaseUrl: string): Promise<Listening> {
  return listen(databaseUrl, {
    // Caches are purged once nothing old is left here for them to get again.
    onMessage(text) {
      const message = readMessage(text);
      newsroom.news.hear(message);
      newsroom.purging.hear(message);
    },
    async onUp() {
      await newsroom.news.regain();
      newsroom.purging.regain();
    },
    onDown: newsroom.news.lose,
    onSilence: newsroom.sever,
  });
}

/** Made by the first process that asks, and the same for all from then on. */
async function installationSecret(database: Database): Promise<Uint8Array> {
  await database.installation.createMany({
    data: { secret: new Uint8Array(randomBytes(32)) },
    skipDuplicates: true,
  });
  return (await database.installation.findUniqueOrThrow({ where: { id: 1 } })).secret;
}
