import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { content, editor, ledger } from "./editors.ts";
import { type Answered, type Client, Unanswered, client, insist, observed } from "./http.ts";
import { follower, listener, receiver } from "./partners.ts";
import { random } from "./random.ts";
import { often, readers, wordy } from "./readers.ts";
import { type Figures, figures, sampler } from "./samples.ts";
import { publishSome } from "./seed.ts";
import { api, embedded } from "./servers.ts";
import { type Allowance, grown, quantile, round, slope, slowed, thirds } from "./steady.ts";
import { lastChange, untilPlansAreOver, verifyAll } from "./verify.ts";

// Puts a steady, moderate load on a real server for a while, and looks whether anything grows, leaks or gets slow:
// npm run soak -- --minutes=30 --warm-up=4 --rate=1 --rate-limit=off --seed=1
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    /** Minutes until the measuring begins: what is kept ready in memory has filled what there is for it by then. */
    "warm-up": { type: "string", default: "4" },
    /** By how much all rates are multiplied. */
    rate: { type: "string", default: "1" },
    "rate-limit": { type: "string", default: "off" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const SEED = Number(values.seed);
const RATE = Number(values.rate);
const KEY = "a-key-for-a-soak-and-nothing-else-at-all";
/** How many MiB the server may keep ready, and how many articles there are: more than go into it. */
const CACHE = 16;
const ARTICLES = 2_000;
const HOT = 5;
/** How many write, each one thing a second. */
const EDITORS = 6;
/** How often readers do what they do, each second. */
const rates: Record<string, number> = {
  "a hot article": 60,
  "a cold article": 20,
  "a list": 8,
  "a search": 4,
  "a page of changes": 4,
  "a share": 12,
};
/** How often figures are looked at, and how long the spans are whose p99 are compared, in milliseconds. */
const EVERY = 10_000;
const SPAN = 30_000;
/** What may grow while it is measured, and by how much. */
const allowances: Partial<Record<keyof Figures, Allowance>> = {
  memory: { share: 0.1, least: 10 },
  heap: { share: 0.1, least: 10 },
  external: { share: 0.1, least: 10 },
  descriptors: { share: 0, least: 5 },
  connections: { share: 0, least: 5 },
  jobsDue: { share: 0, least: 20 },
};
/** Dead rows that a table may have beside its live ones, before it counts as not cleaned up. */
const DEAD = { share: 0.5, least: 10_000 };

console.log(
  `seed ${SEED}; ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg().map(round).join(" ")}`,
);
const book = ledger();
const chance = random(SEED);
const folder = await mkdtemp(join(tmpdir(), "dateline-soak-"));
const postgres = embedded(folder);
const server = await api({
  ...postgres.environment,
  DATELINE_ADMIN_KEY: KEY,
  DATELINE_CACHE: String(CACHE),
  DATELINE_RATE_LIMIT: values["rate-limit"],
  DATELINE_TRUST_PROXY: "127.0.0.1",
  DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
});
await server.start();

/** Milliseconds by what was done, for each span of time. */
const spans: Record<string, number[]>[] = [];
const statuses: Record<string, number> = {};
let isMeasured = false;
const plain = { sender: client(server.url, { authorization: `Bearer ${KEY}` }), reader: client(server.url) };
const sender = observed(plain.sender, tell("an editor's write or look"));
const reader = observed(plain.reader, tell());
const clients = Object.fromEntries(
  Object.keys(rates).map((kind): [string, Client] => [kind, observed(plain.reader, tell(kind))]),
);

const databaseUrl = await postgres.url();
const hot = await publishSome(plain.sender, HOT, (number) => content(`shared-${number}`));
const cold = await publishSome(plain.sender, ARTICLES, (number) => wordy(chance, number));
const partner = await receiver();
await insist(plain.sender, { method: "POST", path: "/v1/webhooks", body: { url: partner.url } });
const first = await lastChange(databaseUrl);
const following = follower(reader);
const listening = await listener(server.url);
console.log(`${hot.length + cold.length} articles are published; the load begins`);

let isOver = false;
const acts = readers((kind) => clients[kind] ?? reader, book, random(SEED + 1), { hot, cold });
const working = Promise.all([
  ...Object.entries(acts).map(([kind, act]) =>
    often((rates[kind] ?? 0) * RATE, random(SEED + 2), () => isOver, act),
  ),
  ...Array.from({ length: EDITORS }, (_, number) => {
    const own = random(SEED * 1000 + number);
    const rest = () => sleep((2 * own.next() * 1000) / RATE);
    return editor(`${SEED}-${number}`, sender, book, own, () => hot).work(() => isOver, rest);
  }),
]);
working.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

const sampling = sampler(server.url, databaseUrl);
await sleep(Number(values["warm-up"]) * 60_000);
console.log("it is warm; the measuring begins");
const begun = performance.now();
const database = new pg.Client({ connectionString: databaseUrl });
await database.connect();
const acknowledged = book.figures.acknowledged;
const samples: { at: number; figures: Figures }[] = [];
isMeasured = true;
for (let due = begun; due <= begun + Number(values.minutes) * 60_000; due += EVERY) {
  await sleep(Math.max(0, due - performance.now()));
  samples.push({ at: (performance.now() - begun) / 1000, figures: await sampling.take() });
  if (samples.length % 30 === 1) console.log(lineOf(samples.at(-1)));
}
isMeasured = false;
isOver = true;
await working;
const measured = (performance.now() - begun) / 1000;

console.log("the load is over; everything is held against everything");
await untilPlansAreOver(book);
const found = await verifyAll({
  ...plain,
  book,
  besides: new Set([...hot, ...cold]),
  following,
  partner,
  first,
  databaseUrl,
});
const streamed = await listening.verify(book, database, first);
if (listening.returned() > 0) book.failures.push(`the stream broke off ${listening.returned()} times`);
const tables = await sampling.tables();
await sampling.end();
await database.end();
judge();
for (const one of Object.values(plain)) one.close();
const code = await server.stop();
if (code !== 0) book.failures.push(`told to stop, the process ended with ${code}: ${server.output()}`);
partner.close();
await rm(folder, { recursive: true, force: true });
report();
const count = book.failures.length;
for (const failure of book.failures.slice(0, 20)) console.log(`  ${failure}`);
console.log(count === 0 ? "PASSED" : `FAILED: ${count} failures`);
process.exit(count === 0 ? 0 : 1);

/** Notes how long what was done took, and what must not be. */
function tell(kind?: string) {
  return ({ method, path }: { method: string; path: string }, answer: Answered | Unanswered) => {
    const what = `${method} ${path}`;
    if (answer instanceof Unanswered) {
      book.failures.push(`${what} was not answered: ${answer.message}`);
      return;
    }
    if (answer.status >= 500)
      book.failures.push(`${what} was answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    if (!isMeasured || kind === undefined) return;
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const span = (spans[Math.floor((performance.now() - begun) / SPAN)] ??= {});
    (span[kind] ??= []).push(answer.took);
  };
}

function lineOf(sample: { at: number; figures: Figures } | undefined): string {
  if (sample === undefined) return "";
  const all = Object.entries(sample.figures).map(([name, value]) => `${name} ${round(value)}`);
  return `${(sample.at / 60).toFixed(1)} min: ${all.join(", ")}; load ${loadavg().map(round).join(" ")}; failures ${book.failures.length}`;
}

function pointsOf(name: keyof Figures) {
  return samples.map(({ at, figures: all }) => ({ at, value: all[name] }));
}

/** The p99 of what was done in each span that is whole. */
function p99sOf(kind: string): number[] {
  const whole = spans.slice(0, Math.max(1, Math.floor(measured / (SPAN / 1000))));
  return whole.map((span) => quantile(span[kind] ?? [], 0.99));
}

/** What was done while it was measured. */
function kindsOf(): string[] {
  return [...new Set(spans.flatMap((span) => Object.keys(span)))];
}

function judge(): void {
  const wrong = [
    ...Object.entries(allowances).map(([name, allowance]) =>
      grown(figures[name as keyof Figures], pointsOf(name as keyof Figures), allowance),
    ),
    ...kindsOf().map((kind) => slowed(kind, p99sOf(kind))),
    ...tables.map(({ name, live, dead }) =>
      dead > Math.max(DEAD.least, DEAD.share * live)
        ? `${name} has ${dead} dead rows beside ${live}`
        : undefined,
    ),
  ];
  book.failures.unshift(...wrong.filter((one) => one !== undefined));
}

function report(): void {
  const writes = book.figures.acknowledged - acknowledged;
  const requests = Object.values(statuses).reduce((sum, one) => sum + one, 0);
  console.log(
    `${(measured / 60).toFixed(1)} minutes: ${requests} requests, ${round(requests / measured)} a second ` +
      `(${Object.entries(statuses)
        .map(([status, times]) => `${status}: ${times}`)
        .join(", ")}), of them ${writes} acknowledged writes of editors`,
  );
  console.log(
    `${found.articles} articles of editors, ${found.changes} changes by the feed, ${streamed} by the stream, ` +
      `${partner.messages()} messages to the webhook, ${book.figures.acknowledged} writes in all; ` +
      `the slowest took ${round(book.slowest.took)} ms: ${book.slowest.what}`,
  );
  console.table(
    Object.fromEntries(
      Object.entries(figures).map(([name, title]) => {
        const points = pointsOf(name as keyof Figures);
        const [before, between, after] = thirds(points.map(({ value }) => value)).map(round);
        return [
          title,
          { "first third": before, middle: between, last: after, "an hour": round(slope(points) * 3600) },
        ];
      }),
    ),
  );
  console.table(
    Object.fromEntries(
      kindsOf().map((kind) => {
        const all = spans.flatMap((span) => span[kind] ?? []);
        const [before, between, after] = thirds(p99sOf(kind)).map(round);
        return [
          kind,
          {
            requests: all.length,
            "p50 ms": round(quantile(all, 0.5)),
            "p99 ms": round(quantile(all, 0.99)),
            "slowest ms": round(quantile(all, 1)),
            "p99 first third": before,
            middle: between,
            last: after,
          },
        ];
      }),
    ),
  );
  console.table(
    Object.fromEntries(
      tables
        .slice(0, 12)
        .map(({ name, live, dead, bytes }) => [name, { live, dead, MB: round(bytes / 2 ** 20) }]),
    ),
  );
}
