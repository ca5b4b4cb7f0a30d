import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../src/database/embedded.ts";
import { migrate } from "../src/database/migrate.ts";
import { seenElsewhere } from "./invalidation.ts";
import { type Load, keepToServers, load, medianOf, percentile, startServer } from "./load.ts";
import { type Row, plot } from "./plot.ts";
import { scale } from "./scale.ts";
import { seed } from "./seed.ts";
import { told } from "./streams.ts";
import { deliveriesASecond } from "./webhooks.ts";

// Measures Dateline beside its yardsticks, one after the other in turns, and prints medians and ratios:
// node bench/run.ts [MEASUREMENT...], all of them when none is named.
const ARTICLES = Number(process.env.BENCH_ARTICLES ?? 100_000);
const RUNS = Number(process.env.BENCH_RUNS ?? 21);
/** How often a yardstick is started anew meanwhile: a process may be faster than the next by a fifth for as long as it lives. */
const STARTS = 3;
/** The lesser archive that lists and searches are compared with. */
const FEW = 10_000;
/** Short turns and many: the machine is slower for seconds at a time, which is to meet both sides of a ratio. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
/** What editors post all day. */
const newArticle = {
  headline: "Harbour bridge reopens after NUMBER days of repairs",
  dateline: "PORT SALA",
  keyPoints: Array.from(
    { length: 6 },
    (_, index) => `Key point number ${index + 1} of the harbour bridge story`,
  ),
  relatedLinks: [
    { kind: "background", title: "How the bridge was built", url: "https://news.example/bridge" },
    { kind: "source", title: "The engineers' report", url: "https://news.example/report" },
  ],
};
const longBody = Array.from({ length: 6 }, () => ({
  type: "paragraph",
  text: "On the old bridge. ".repeat(50),
}));
const KEY = "a-key-for-the-benchmark-and-nothing-else";
const results = join(import.meta.dirname, "results");

const rows: Row[] = [];

function record(row: Omit<Row, "ratio"> & { ratio?: number }): void {
  const full = { ...row, ratio: row.ratio ?? row.ours / row.yardstick };
  rows.push(full);
  const met = full.atMost === true ? full.ratio <= full.bar : full.ratio >= full.bar;
  console.log(
    `${full.name}: ${full.ours.toFixed(2)} against ${full.yardstick.toFixed(2)} ${full.unit}, ratio ${full.ratio.toFixed(3)} (${full.atMost === true ? "at most" : "at least"} ${full.bar}) ${met ? "met" : "MISSED"}`,
  );
}

/** What two things were found to be, one after the other. */
type Turn = [ours: number, yardstick: number];

/** Measures two things in turns, so that what else the machine does meets both, after one turn that does not count. */
async function inTurns(
  ours: () => Promise<number>,
  yardstick: () => Promise<number>,
  times: number,
): Promise<Turn[]> {
  await ours();
  await yardstick();
  const turns: Turn[] = [];
  for (let run = 0; run < times; run += 1) turns.push([await ours(), await yardstick()]);
  return turns;
}

/** The ratio is the median of those of each turn, since the machine may be faster in one than in the next. */
const mediansOf = (turns: readonly Turn[]) => ({
  ours: medianOf(turns.map(([one]) => one)),
  yardstick: medianOf(turns.map(([, other]) => other)),
  ratio: medianOf(turns.map(([one, other]) => one / other)),
});

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
// What was seeded is written out before anything is measured, not beside it.
await client.query("CHECKPOINT");
const [postmaster = ""] = (await readFile(join(folder, "postgres", "postmaster.pid"), "utf8")).split("\n");

const settings = {
  DATABASE_URL: databaseUrl,
  DATELINE_ADMIN_KEY: KEY,
  DATELINE_RATE_LIMIT: "off",
  DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
  LOG_LEVEL: "error",
  PORT: "0",
};
const dateline = await startServer(["src/main.ts"], settings);
const text = async (path: string) => (await fetch(dateline.url + path)).text();
const post = async (path: string, body: object) => {
  const answer = await fetch(`${dateline.url}/v1/articles${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { id: string };
};
const startYardstick = (kind: string, body = "") =>
  startServer(["bench/yardstick.ts", kind, databaseUrl], {}, { input: body });

const { rows: some } = await client.query(
  "SELECT article_id AS id FROM publications ORDER BY published_at DESC LIMIT 50",
);
const hot = `/v1/articles/${some[0].id}`;
const page = "/v1/articles?limit=20";

const shareScript = `local ids = {${some.map(({ id }) => `"${id}"`).join(",")}}
  wrk.headers["Content-Type"] = "application/json"
  request = function() return wrk.format("POST", "/v1/articles/" .. ids[math.random(#ids)] .. "/shares", nil, '{"network":"x"}') end`;

/** Measures rates in turns with yardsticks that are started for it. */
async function against(
  kind: string,
  row: Omit<Row, "ours" | "yardstick" | "unit" | "ratio">,
  options: Against,
) {
  const { url = dateline.url, path = "", script, connections } = options;
  const turns: Turn[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const other = await startYardstick(kind, options.body);
    // On the core of the load it would slow down that of whatever asks more of it, and the ratio would not hold.
    await keepToServers(postmaster, true);
    turns.push(
      ...(await inTurns(
        rateOf(url + path, script, connections),
        rateOf(other.url + path, script, connections),
        Math.ceil(RUNS / STARTS),
      )),
    );
    await keepToServers(postmaster, false);
    other.stop();
  }
  record({ ...row, ...mediansOf(turns), unit: "requests/s" });
}

interface Against {
  url?: string;
  path?: string;
  script?: string;
  connections?: number;
  /** What the yardstick sends. */
  body?: string;
}

const measurements: Record<string, () => Promise<void>> = {
  // First of all, before anything is written that the lesser archive does not have.
  async scale() {
    await client.query("CREATE DATABASE lesser");
    const small = Object.assign(new URL(databaseUrl), { pathname: "/lesser" }).href;
    await migrate(small);
    await seed(small, FEW);
    for (const found of await scale({ small, great: databaseUrl }, settings)) {
      const name = `${found.name}: ${ARTICLES} articles, against ${FEW}`;
      const { great: ours, small: yardstick, atMost: bar } = found;
      record({ name, ours, yardstick, unit: "ms", bar, atMost: true });
    }
  },

  async article() {
    const body = await text(hot);
    await against("bare", { name: "one hot article, against bare node:http", bar: 0.9 }, { path: hot, body });
    const { headers } = await fetch(dateline.url + hot, { headers: { "accept-encoding": "identity" } });
    const script = `wrk.headers["If-None-Match"] = '${headers.get("etag")}'`;
    await against("bare", { name: "304 on it, against bare node:http", bar: 1 }, { path: hot, script, body });
    const loads: Load[] = [];
    for (let run = 0; run < RUNS; run += 1)
      loads.push(await load(dateline.url + hot, { seconds: SECONDS, connections: 32 }));
    record({
      name: "p99 of the hot article, against its median",
      ours: medianOf(loads.map(({ p99 }) => p99)),
      yardstick: medianOf(loads.map(({ median }) => median)),
      ratio: medianOf(loads.map(({ p99, median }) => p99 / median)),
      unit: "ms",
      bar: 4,
      atMost: true,
    });
  },

  async defaults() {
    const { DATELINE_RATE_LIMIT: _, LOG_LEVEL: __, ...others } = settings;
    const server = await startServer(["src/main.ts"], { ...others, DATELINE_TRUST_PROXY: "127.0.0.1" });
    // Each asker has an address of its own, or the limit would be measured.
    const script = `request = function()
      local a = math.random(2^24)
      wrk.headers["X-Forwarded-For"] = "10." .. math.floor(a / 65536) % 256 .. "." .. math.floor(a / 256) % 256 .. "." .. a % 256
      return wrk.format("GET") end`;
    const name = "a hot article, rates limited and each answer logged, against bare node:http";
    const body = await text(hot);
    await against("bare", { name, bar: 0.35 }, { url: server.url, path: hot, script, body });
    server.stop();
  },

  async page() {
    const name = "first page of 20, against bare node:http";
    await against("bare", { name, bar: 0.8 }, { path: page, body: await text(page) });
  },

  async cold() {
    const { rows: ids } = await client.query(
      "SELECT article_id AS id FROM publications ORDER BY random() LIMIT 50000",
    );
    const list = join(folder, "ids.txt");
    await writeFile(list, ids.map(({ id }) => id).join("\n"));
    const script = `local ids = {} for line in io.lines("${list}") do ids[#ids + 1] = line end
      request = function() return wrk.format("GET", "/v1/articles/" .. ids[math.random(#ids)]) end`;
    const small = await startServer(["src/main.ts"], { ...settings, DATELINE_CACHE: "16" });
    const name = "articles drawn evenly, against one prepared statement";
    await against("statement", { name, bar: 0.8 }, { url: small.url, script });
    small.stop();
  },

  async deep() {
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
    const turns = await inTurns(
      latency(`/v1/articles?limit=100&fields=id${cursor}`),
      latency(`/v1/articles?limit=100&fields=id&cursor=${second.page.next}`),
      RUNS,
    );
    const name = `a page about ${deep * 20} articles deep, against the second`;
    record({ name, ...mediansOf(turns), unit: "ms", bar: 1.3, atMost: true });
  },

  async shares() {
    const options = { script: shareScript, connections: 64 };
    await against("nothing", { name: "shares, against a POST that does nothing", bar: 0.5 }, options);
    await against("update", { name: "shares, against one UPDATE a request", bar: 5 }, options);
  },

  async create() {
    const headers = `wrk.headers["Content-Type"] = "application/json" wrk.headers["Authorization"] = "Bearer ${KEY}"`;
    const [before, after] = JSON.stringify(newArticle).split("NUMBER");
    const script = `${headers} math.randomseed(os.time())
      request = function() return wrk.format("POST", nil, nil, [==[${before}]==] .. math.random(1e9) .. [==[${after}]==]) end`;
    const name = "creating an article with 6 key points and 2 links, against one SQL transaction";
    await against("create", { name, bar: 0.5 }, { path: "/v1/articles", script, connections: 8 });
  },

  async invalidation() {
    const other = await startServer(["src/main.ts"], settings);
    const times = await seenElsewhere({ here: dateline.url, there: other.url }, KEY, 200);
    for (const [title, part] of [
      ["median", 50],
      ["p99", 99],
    ] as const) {
      const ours = percentile(times, part);
      const name = `publication seen by another process, ${title}`;
      record({ name, ours, yardstick: 100, unit: "ms", bar: 1, atMost: true });
    }
    other.stop();
  },

  async changes() {
    const { page: start } = JSON.parse(await text("/v1/changes?since=now")) as { page: { next: string } };
    for (let number = 0; number < 100; number += 1) {
      const { id } = await post("", { ...newArticle, headline: `Change ${number}`, body: longBody });
      await post(`/${id}/publish`, {});
    }
    const path = `/v1/changes?limit=100&since=${start.next}`;
    const name = "a page of 100 changes, against bare node:http";
    await against("bare", { name, bar: 0.6 }, { path, body: await text(path) });
  },

  async streams() {
    for (const [streams, times] of [
      [500, 300],
      [2000, 50],
    ] as const) {
      // There is no yardstick to be fair to, and readers take little.
      const server = await startServer(["src/main.ts"], settings, { isFree: true });
      const { events, all, memory } = await told(server, KEY, streams, times);
      if (streams === 500) {
        const name = "from sending a publication to its event on 500 streams, p99";
        record({ name, ours: percentile(events, 99), yardstick: 50, unit: "ms", bar: 1, atMost: true });
      } else {
        const until = "from sending a publication until all of 2000 streams have it, median";
        record({ name: until, ours: medianOf(all), yardstick: 250, unit: "ms", bar: 1, atMost: true });
        const name = "memory of a process with 2000 open streams";
        record({ name, ours: memory, yardstick: 300, unit: "MB", bar: 1, atMost: true });
      }
      server.stop();
    }
  },

  async webhooks() {
    const ours = await deliveriesASecond(dateline.url, KEY, client, 10_000);
    const name = "10,000 deliveries to a webhook";
    record({ name, ours, yardstick: 500, unit: "a second", bar: 1 });
  },

  async memory() {
    const name = "memory of the serving process";
    record({ name, ours: await dateline.memory(), yardstick: 1, unit: "MB", bar: 250, atMost: true });
  },
};

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(measurements)) {
  const measure = measurements[name];
  if (measure === undefined)
    throw new Error(`There is no measurement ${name}; there are ${Object.keys(measurements).join(", ")}.`);
  await measure();
}

dateline.stop();
await client.end();
await embedded.stop();
await rm(folder, { recursive: true });
if (asked.length > 0) process.exit();
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
