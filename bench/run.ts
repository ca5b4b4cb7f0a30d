import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../src/database/embedded.ts";
import { migrate } from "../src/database/migrate.ts";
import { seenElsewhere } from "./invalidation.ts";
import { load, medianOf, startServer } from "./load.ts";
import { plot } from "./plot.ts";
import { scale } from "./scale.ts";
import { seed } from "./seed.ts";

// Measures Dateline beside its yardsticks, one after the other in turns, and prints medians and ratios.
const ARTICLES = Number(process.env.BENCH_ARTICLES ?? 100_000);
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
/** The lesser archive that lists and searches are compared with. */
const FEW = 10_000;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const KEY = "a-key-for-the-benchmark-and-nothing-else";
const results = join(import.meta.dirname, "results");

export interface Row {
  name: string;
  /** What was measured and its yardstick, in `unit`. */
  ours: number;
  yardstick: number;
  unit: string;
  ratio: number;
  /** The least, or with `atMost` the greatest, that the ratio is to be. */
  bar: number;
  atMost?: boolean;
}
const rows: Row[] = [];

function record(row: Omit<Row, "ratio">): void {
  const full = { ...row, ratio: row.ours / row.yardstick };
  rows.push(full);
  const met = full.atMost === true ? full.ratio <= full.bar : full.ratio >= full.bar;
  console.log(
    `${full.name}: ${full.ours.toFixed(2)} against ${full.yardstick.toFixed(2)} ${full.unit}, ratio ${full.ratio.toFixed(3)} (${full.atMost === true ? "at most" : "at least"} ${full.bar}) ${met ? "met" : "MISSED"}`,
  );
}

/** Measures two things in turns, so that what else the machine does meets both. */
async function inTurns(
  ours: () => Promise<number>,
  yardstick: () => Promise<number>,
): Promise<[number, number]> {
  await ours();
  await yardstick();
  const found: [number, number][] = [];
  for (let run = 0; run < RUNS; run += 1) found.push([await ours(), await yardstick()]);
  return [medianOf(found.map(([one]) => one)), medianOf(found.map(([, other]) => other))];
}

const rateOf =
  (url: string, script = "", connections = 32) =>
  async () =>
    (await load(url, { seconds: SECONDS, connections, script })).rate;

const folder = await mkdtemp(join(tmpdir(), "dateline-bench-"));
const embedded = await startEmbedded(folder, { settings: ["shared_buffers=512MB", "max_connections=200"] });
const databaseUrl = embedded.url;
await migrate(databaseUrl);
console.log(`seeding ${ARTICLES} articles`);
await seed(databaseUrl, ARTICLES);
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();

const settings = {
  DATABASE_URL: databaseUrl,
  DATELINE_ADMIN_KEY: KEY,
  DATELINE_RATE_LIMIT: "off",
  LOG_LEVEL: "error",
  PORT: "0",
};
const dateline = await startServer(["src/main.ts"], settings);
const text = async (path: string) => (await fetch(dateline.url + path)).text();
const yardstick = (kind: string, body = "") =>
  startServer(["bench/yardstick.ts", kind, databaseUrl], {}, body);

const { rows: some } = await client.query(
  "SELECT article_id AS id FROM publications ORDER BY published_at DESC LIMIT 50",
);
const hot = `/v1/articles/${some[0].id}`;
const page = "/v1/articles?limit=20";

const bareArticle = await yardstick("bare", await text(hot));
{
  const [ours, other] = await inTurns(rateOf(dateline.url + hot), rateOf(bareArticle.url));
  record({
    name: "one hot article, against bare node:http",
    ours,
    yardstick: other,
    unit: "requests/s",
    bar: 0.9,
  });
}
{
  const { headers } = await fetch(dateline.url + hot, { headers: { "accept-encoding": "identity" } });
  const script = `wrk.headers["If-None-Match"] = '${headers.get("etag")}'`;
  const [ours, other] = await inTurns(rateOf(dateline.url + hot, script), rateOf(bareArticle.url));
  record({ name: "304 on it, against bare node:http", ours, yardstick: other, unit: "requests/s", bar: 1 });
}
{
  const { median, p99 } = await load(dateline.url + hot, { seconds: SECONDS * 2, connections: 32 });
  record({
    name: "p99 of the hot article, against its median",
    ours: p99,
    yardstick: median,
    unit: "ms",
    bar: 4,
    atMost: true,
  });
}
bareArticle.stop();

const barePage = await yardstick("bare", await text(page));
{
  const [ours, other] = await inTurns(rateOf(dateline.url + page), rateOf(barePage.url));
  record({
    name: "first page of 20, against bare node:http",
    ours,
    yardstick: other,
    unit: "requests/s",
    bar: 0.8,
  });
}
barePage.stop();

const statement = await yardstick("statement");
{
  const { rows: ids } = await client.query(
    "SELECT article_id AS id FROM publications ORDER BY random() LIMIT 50000",
  );
  const list = join(folder, "ids.txt");
  await writeFile(list, ids.map(({ id }) => id).join("\n"));
  const script = `local ids = {} for line in io.lines("${list}") do ids[#ids + 1] = line end
    request = function() return wrk.format("GET", "/v1/articles/" .. ids[math.random(#ids)]) end`;
  const small = await startServer(["src/main.ts"], { ...settings, DATELINE_CACHE: "16" });
  const [ours, other] = await inTurns(rateOf(small.url, script), rateOf(statement.url, script));
  record({
    name: "articles drawn evenly, against one prepared statement",
    ours,
    yardstick: other,
    unit: "requests/s",
    bar: 0.8,
  });
  small.stop();
}
statement.stop();

{
  let cursor = "";
  const deep = Math.min(5000, Math.floor(ARTICLES / 20) - 20);
  for (let number = 1; number < deep; number += 5) {
    const found = JSON.parse(await text(`/v1/articles?limit=100&fields=id${cursor}`)) as {
      page: { next: string | null };
    };
    cursor = `&cursor=${found.page.next}`;
  }
  const second = JSON.parse(await text("/v1/articles?limit=100&fields=id")) as { page: { next: string } };
  const latency = (path: string) => async () =>
    (await load(dateline.url + path, { seconds: SECONDS, connections: 1 })).median;
  const [ours, other] = await inTurns(
    latency(`/v1/articles?limit=100&fields=id${cursor}`),
    latency(`/v1/articles?limit=100&fields=id&cursor=${second.page.next}`),
  );
  record({
    name: `a page about ${deep * 20} articles deep, against the second`,
    ours,
    yardstick: other,
    unit: "ms",
    bar: 1.3,
    atMost: true,
  });
}

const shares = `local ids = {${some.map(({ id }) => `"${id}"`).join(",")}}
  wrk.headers["Content-Type"] = "application/json"
  request = function() return wrk.format("POST", "/v1/articles/" .. ids[math.random(#ids)] .. "/shares", nil, '{"network":"x"}') end`;
{
  const nothing = await yardstick("nothing");
  const [ours, other] = await inTurns(rateOf(dateline.url, shares, 64), rateOf(nothing.url, shares, 64));
  record({
    name: "shares, against a POST that does nothing",
    ours,
    yardstick: other,
    unit: "requests/s",
    bar: 0.5,
  });
  nothing.stop();
  const update = await yardstick("update");
  const [grouped, single] = await inTurns(rateOf(dateline.url, shares, 64), rateOf(update.url, shares, 64));
  record({
    name: "shares, against one UPDATE a request",
    ours: grouped,
    yardstick: single,
    unit: "requests/s",
    bar: 5,
  });
  update.stop();
}

{
  const other = await startServer(["src/main.ts"], settings);
  const times = await seenElsewhere({ here: dateline.url, there: other.url }, KEY, 200);
  for (const [name, part] of [
    ["median", 0.5],
    ["p99", 0.99],
  ] as const) {
    record({
      name: `publication seen by another process, ${name}`,
      ours: times[Math.floor(times.length * part)] ?? Number.NaN,
      yardstick: 100,
      unit: "ms",
      bar: 1,
      atMost: true,
    });
  }
  other.stop();
}

record({
  name: "memory of the serving process",
  ours: await dateline.memory(),
  yardstick: 1,
  unit: "MB",
  bar: 250,
  atMost: true,
});

dateline.stop();

{
  await client.query("CREATE DATABASE lesser");
  const lesser = Object.assign(new URL(databaseUrl), { pathname: "/lesser" }).href;
  await migrate(lesser);
  await seed(lesser, FEW);
  for (const { name, small, great, atMost } of await scale({ small: lesser, great: databaseUrl }, settings)) {
    record({
      name: `${name}: ${ARTICLES} articles, against ${FEW}`,
      ours: great,
      yardstick: small,
      unit: "ms",
      bar: atMost,
      atMost: true,
    });
  }
}

await client.end();
await embedded.stop();
await rm(folder, { recursive: true });
await mkdir(results, { recursive: true });
const about = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cores: cpus().length,
  articles: ARTICLES,
  runs: RUNS,
};
await writeFile(join(results, "latest.json"), `${JSON.stringify({ about, rows }, null, 2)}\n`);
await writeFile(join(results, "latest.svg"), plot(rows));
