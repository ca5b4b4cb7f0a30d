import { createHash } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import type { Config } from "../config.ts";
import { type Changed, changedAfter } from "../editions/changes.ts";
import type { Newsroom } from "../newsroom.ts";
import type { Kind } from "../taxonomy/schema.ts";
import { termsById } from "../taxonomy/store.ts";

/** How long a hub may take to answer, in milliseconds, and how many pings it gets at once. */
const PATIENCE = 10_000;
const AT_ONCE = 4;
/** How many changes a hub is told of together. */
const BATCH = 1_000;

const feeds = ["rss.xml", "atom.xml", "feed.json"];
const narrowing: readonly Kind[] = ["section", "tag", "author"];

/**
 * The hubs that tell subscribers when a feed changes (WebSub, section 4). They are told of the whole
 * feed and of those of one section, tag or author: other feeds name none, lest one subscribe and
 * never hear of it.
 */
export function hubsOf({ config }: Pick<Newsroom, "config">, { searchParams }: URL): string[] {
  const names = [...searchParams.keys()];
  const isTold = names.length === 0 || (names.length === 1 && narrowing.some((kind) => kind === names[0]));
  return isTold ? config.DATELINE_WEBSUB_HUBS : [];
}

/**
 * What tells each hub which feeds have changed since it was last told, by the hash of its address.
 * New hubs are told of what changes from now on. Each fails when its hub cannot be reached, to be
 * tried again, and keeps no other from being told.
 */
export async function hubAnnouncements(
  newsroom: Newsroom,
  log: Pick<FastifyBaseLogger, "warn">,
): Promise<Record<string, () => Promise<void>>> {
  const { config, database } = newsroom;
  for (const url of config.DATELINE_WEBSUB_HUBS) {
    await database.$executeRaw`
      INSERT INTO hubs (url, sequence) SELECT ${url}, coalesce(max(sequence), 0) FROM changes
      ON CONFLICT DO NOTHING`;
  }
  return Object.fromEntries(
    config.DATELINE_WEBSUB_HUBS.map((hub) => [
      createHash("sha256").update(hub).digest("hex").slice(0, 16),
      () => tellHub(newsroom, hub, log),
    ]),
  );
}

/** Pings a hub for each address of a feed that has changed, which hubs take as `hub.url` or `hub.topic`. */
async function tellHub(newsroom: Newsroom, hub: string, log: Pick<FastifyBaseLogger, "warn">): Promise<void> {
  const { database } = newsroom;
  let { sequence } = await database.hub.findUniqueOrThrow({ where: { url: hub } });
  for (;;) {
    const changed = await changedAfter(database, sequence, BATCH);
    if (changed === undefined) return;
    const topics = await topicsOf(newsroom, changed);
    for (let start = 0; start < topics.length; start += AT_ONCE)
      await Promise.all(topics.slice(start, start + AT_ONCE).map((topic) => ping(hub, topic, log)));
    sequence = changed.last;
    // Another process may have told it of more meanwhile.
    await database.hub.updateMany({ where: { url: hub, sequence: { lt: sequence } }, data: { sequence } });
  }
}

/** The addresses of the feeds that changes concern, as the feeds themselves name them. */
async function topicsOf({ config, database }: Newsroom, { terms }: Changed): Promise<string[]> {
  const narrowed = await Promise.all(
    narrowing.map(async (kind) =>
      (await termsById(database, kind, terms)).map(({ slug }) => `?${kind}=${slug}`),
    ),
  );
  return ["", ...narrowed.flat()].flatMap((query) =>
    feeds.map((name) => addressOf(config, `${name}${query}`)),
  );
}

function addressOf({ DATELINE_URL: origin = "" }: Config, feed: string): string {
  return `${origin}/v1/feeds/${feed}`;
}

/** @throws when the hub cannot be reached, or not now; that it refuses is only told in the log */
async function ping(hub: string, topic: string, log: Pick<FastifyBaseLogger, "warn">): Promise<void> {
  const response = await fetch(hub, {
    method: "POST",
    body: new URLSearchParams({ "hub.mode": "publish", "hub.topic": topic, "hub.url": topic }),
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE),
  }).catch((cause: unknown) => {
    throw new Error(`the hub ${hub} cannot be reached`, { cause });
  });
  await response.body?.cancel();
  const { status } = response;
  if (status >= 500 || status === 429 || status === 408)
    throw new Error(`the hub ${hub} answered ${status} to a ping for ${topic}`);
  if (!response.ok) log.warn({ hub, topic, status }, "a hub refuses a ping");
}
