import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, client, insist } from "./http.ts";
import { follower } from "./partners.ts";
import { random } from "./random.ts";
import { address, pair } from "./replicated.ts";
import { api, freePort } from "./servers.ts";
import { varnish } from "./varnish.ts";
import { type Seen, type Watched, numberOf, shownIn, watch } from "./watch.ts";

// Starts Dateline on more than one machine's worth of processes, all on this one: PostgreSQL with a hot standby, two
// processes that serve, and Varnish in front of them; has one after the other fail, and says what readers and
// editors see: npm run scale -- --seconds=3 --seed=1
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
/** For how long all is well before and after what happens, in milliseconds. */
const calm = Number(values.seconds) * 1000;
const KEY = "a-key-for-scale-and-nothing-else-at-all";
const WATCHED = 12;
const PEOPLE = { readers: 8, editors: 4 };

const chance = random(Number(values.seed));
console.log(`seed ${values.seed}`);
const folder = await mkdtemp(join(tmpdir(), "dateline-scale-"));
let { primary, standby } = await pair(folder);
// Both reach their database by an address that moves with it.
const writing = await address();
const reading = await address();
writing.move(primary.port);
reading.move(standby.port);
const front = await freePort();
const url = (port: number) => `postgresql://dateline@127.0.0.1:${port}/dateline`;
const environment = {
  DATABASE_URL: url(writing.port),
  DATABASE_REPLICAS: url(reading.port),
  DATELINE_ADMIN_KEY: KEY,
  DATELINE_RATE_LIMIT: "off",
  DATELINE_PURGE: `http://127.0.0.1:${front}/`,
  DATELINE_CDN_MAX_AGE: "600",
  DATELINE_TRUST_PROXY: "127.0.0.1",
};
const one = await api(environment);
const two = await api(environment);
await one.start();
await two.start();
const cache = await varnish(front, [portOf(one.url), portOf(two.url)]);
await cache.start();

const reader = client(`http://127.0.0.1:${front}`);
const editor = client(`http://127.0.0.1:${front}`, { authorization: `Bearer ${KEY}` });
const articles: Watched[] = [];
for (let number = 0; number < WATCHED; number += 1) {
  const made = await insist(editor, { method: "POST", path: "/v1/articles", body: { headline: "T 0" } });
  const { id } = JSON.parse(made.text) as { id: string };
  await insist(editor, { method: "POST", path: `/v1/articles/${id}/publish`, body: {} });
  articles.push({ id, tried: 0, acknowledged: [] });
}
// Until the caches are reached, and what is kept there is what there is.
await sleep(3_000);

interface Found extends Seen {
  name: string;
  lost: number;
}
const found: Found[] = [];
const failures: string[] = [];
/** Publications that were acknowledged and are not there, in this stage. */
let lost = 0;

/**
 * Lets all read and write, has something happen in the midst, and holds what is left against what was
 * acknowledged.
 *
 * @param mayLose whether acknowledged writes may be lost, as by asynchronous replication
 */
async function stage(name: string, happen: () => Promise<void>, mayLose = false): Promise<void> {
  for (const article of articles) article.acknowledged = article.acknowledged.slice(-1);
  lost = 0;
  const mirror = follower(reader);
  const { seen, finish } = watch(reader, editor, articles, chance, PEOPLE);
  await sleep(calm);
  await happen();
  await sleep(calm);
  await finish();
  const there = await numbers(editor);
  lost += await countLost();
  await sleep(2_000);
  // What caches keep in the end is what there is.
  const shown = await numbers(reader);
  const wrong = there.filter((number, at) => number !== shown[at]).length;
  await mirror.finish(10_000);
  const apart = await apartFrom(mirror, reader);
  found.push({ name, ...seen, lost });
  console.log(
    `${name}: ${JSON.stringify({ ...seen, lost, wrong, mirrorApart: apart, mirrorRestarts: mirror.restarts() })}`,
  );
  if (lost > 0 && !mayLose) failures.push(`${name}: ${lost} acknowledged publications are lost`);
  if (wrong > 0) failures.push(`${name}: readers are left with ${wrong} articles other than there are`);
  if (apart > 0) failures.push(`${name}: a mirror has ${apart} other articles`);
  if (seen.unread > 0 && !mayLose)
    failures.push(`${name}: editors did not find what they had written ${seen.unread} times`);
}

/** Counts what was acknowledged and is not there, and expects it no more. */
async function countLost(): Promise<number> {
  const rows = await primary.query<{ id: string; headline: string }>(
    "SELECT article_id AS id, document->>'headline' AS headline FROM editions",
  );
  const kept = new Set(rows.map(({ id, headline }) => `${id} ${numberOf(headline)}`));
  let count = 0;
  for (const article of articles) {
    const there = article.acknowledged.filter(
      ({ number }) => number === 0 || kept.has(`${article.id} ${number}`),
    );
    count += article.acknowledged.length - there.length;
    article.acknowledged = there;
  }
  return count;
}

/** What of each article is live, as it is answered to somebody. */
async function numbers(sender: Client): Promise<number[]> {
  const live: number[] = [];
  for (const { id } of articles) {
    const answer = await insist(sender, { method: "GET", path: `/v1/articles/${id}` });
    live.push(numberOf(shownIn(answer)[0]?.headline ?? ""));
  }
  return live;
}

/** How many articles a mirror has otherwise than readers do. */
async function apartFrom(mirror: ReturnType<typeof follower>, sender: Client): Promise<number> {
  let apart = 0;
  for (const { id } of articles) {
    const answer = await insist(sender, { method: "GET", path: `/v1/articles/${id}` });
    if (mirror.has(id)?.headline !== shownIn(answer)[0]?.headline) apart += 1;
  }
  return apart;
}

/** Kills the primary, makes one of the standby, and moves the address there. */
async function failOver(): Promise<void> {
  const since = performance.now();
  await primary.kill();
  writing.move(undefined);
  reading.move(undefined);
  // Whoever watches over them takes a while to be sure.
  await sleep(2_000);
  await standby.promote();
  [primary, standby] = [standby, primary];
  // Before anybody writes under the numbers of what is lost.
  lost += await countLost();
  writing.move(primary.port);
  console.log(`  there was no primary for ${Math.round(performance.now() - since)} ms`);
}

/** Has what was the primary follow what is. */
async function rebuild(): Promise<void> {
  await standby.stop();
  await standby.follow(primary);
  reading.move(standby.port);
  await sleep(1_500);
}

/** Has commits wait until the standby has them, or not. */
async function wait(forStandby: boolean): Promise<void> {
  await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${forStandby ? "standby" : ""}'`);
  await primary.query("SELECT pg_reload_conf()");
}

await stage("nothing", () => sleep(calm));
await stage("the standby is killed, and comes back after 3 s", async () => {
  await standby.kill();
  await sleep(3_000);
  await standby.start();
});
await stage(
  "the primary is killed while the standby lacks 0.5 s, which is promoted",
  async () => {
    await primary.holdBack();
    await sleep(500);
    await failOver();
  },
  true,
);
await rebuild();
await wait(true);
await stage("the same, where commits wait for the standby (`synchronous_standby_names`)", async () => {
  await primary.holdBack();
  await sleep(500);
  await failOver();
  // Nobody is there to wait for until there is a standby again.
  await primary.query("ALTER SYSTEM RESET synchronous_standby_names");
  await primary.query("SELECT pg_reload_conf()");
});
await rebuild();
await stage("all notifications are cut, again and again for 5 s", async () => {
  for (const end = Date.now() + 5_000; Date.now() < end; await sleep(50))
    await primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dateline listener'",
    );
});
await stage("one of the two processes is killed, and comes back after 3 s", async () => {
  await two.kill();
  await sleep(3_000);
  await two.start();
});
await stage("Varnish is stopped, and comes back after 1 s with nothing kept", async () => {
  await cache.stop();
  await sleep(1_000);
  await cache.start();
});

console.log(`\n${table(found)}\n`);
for (const process of [one, two]) {
  const read = await client(process.url).send({ method: "GET", path: "/metrics" });
  console.log(
    read.text
      .split("\n")
      .filter((line) => /^dateline_(replica|purge)/.test(line))
      .join("\n"),
  );
  if (process.output().includes("Uncaught")) failures.push(`a process printed: ${process.output()}`);
}
await Promise.all([one.stop(), two.stop(), cache.end()]);
for (const each of [primary, standby]) await each.stop();
for (const each of [writing, reading]) each.close();
await rm(folder, { recursive: true, force: true });
for (const failure of failures) console.log(failure);
console.log(failures.length === 0 ? "PASSED" : `FAILED: ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);

/** What was found, for docs/reliability.md. */
function table(rows: readonly Found[]): string {
  const errors = (byStatus: Record<string, number>) =>
    Object.entries(byStatus)
      .map(([status, count]) => `${count} × ${status}`)
      .join(", ") || "none";
  const cells = rows.map((row) => [
    row.name,
    `${row.reads}`,
    `${Math.round((100 * row.hits) / row.reads)} %`,
    errors(row.readErrors),
    `${Math.round(row.readGap)} ms`,
    row.stale === 0 ? "none" : `${row.stale}, up to ${Math.ceil(row.stalest)} ms`,
    `${row.writes}`,
    errors(row.writeErrors),
    `${Math.round(row.writeGap)} ms`,
    `${row.lost}`,
  ]);
  const head = [
    "what happens",
    "reads",
    "from Varnish",
    "no answer to readers",
    "longest without one",
    "older than acknowledged",
    "publications",
    "no answer to editors",
    "longest without one",
    "lost",
  ];
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function portOf(base: string): number {
  return Number(new URL(base).port);
}
