import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { startEmbedded } from "../src/database/embedded.ts";
import { attacks } from "./attacks.ts";
import { content } from "./editors.ts";
import { client } from "./http.ts";
import { type LoadFound, type LoadPlan, NUMBER } from "./load.ts";
import { publishSome } from "./seed.ts";
import { api } from "./servers.ts";

// Asks ten times of a real server what it can do, and bothers it with clients that are slow, mute and many:
// npm run overload -- --seconds=5 --turns=3 --share=1
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    turns: { type: "string", default: "3" },
    /** By how much the attacks' connections are multiplied. */
    share: { type: "string", default: "1" },
    only: { type: "string", default: "load,attacks" },
    /** A part of the names of what is measured. */
    named: { type: "string", default: "" },
  },
});
const SECONDS = Number(values.seconds);
const TURNS = Number(values.turns);
const KEY = "a-key-for-overload-and-nothing-else-at-all";
const ARTICLES = 200;
/** What of its best throughput a server must keep. */
const KEPT = 0.8;
/** How slowly those who operate it may be answered meanwhile, in milliseconds. */
const HEARD_WITHIN = 1_000;

const failures: string[] = [];
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "dateline-overload-"));
const postgres = await startEmbedded(folder, { settings: ["max_connections=100"] });
const server = await api({
  DATABASE_URL: postgres.url,
  DATELINE_ADMIN_KEY: KEY,
  DATELINE_RATE_LIMIT: "off",
  LOG_LEVEL: "error",
});
await server.start();
const port = Number(new URL(server.url).port);
const sender = client(server.url, { authorization: `Bearer ${KEY}` });
const ids = await publishSome(sender, ARTICLES, (number) => content(`article ${number}`));
const [hot = ""] = ids;

const host = `host: 127.0.0.1:${port}\r\n`;
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`;
const post = (path: string, body: object, key?: string) => {
  const text = JSON.stringify(body);
  const authorization = key === undefined ? "" : `authorization: Bearer ${key}\r\n`;
  return `POST ${path} HTTP/1.1\r\n${host}${authorization}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};
const kinds: Record<string, string[]> = {
  "a hot article": [get(`/v1/articles/${hot}`)],
  "searches, each another": Array.from({ length: 5_000 }, (_, number) =>
    get(`/v1/articles?q=one&limit=10&publishedAfter=2001-01-01T00:${pad(number / 60)}:${pad(number % 60)}Z`),
  ),
  "working copies, read with a key": ids.map(
    (id) => `GET /v1/articles/${id}?version=draft HTTP/1.1\r\n${host}authorization: Bearer ${KEY}\r\n\r\n`,
  ),
  "new articles": [post("/v1/articles", content(NUMBER), KEY)],
  shares: ids.map((id) => post(`/v1/articles/${id}/shares`, { network: "x" })),
};

if (values.only.includes("load"))
  for (const [kind, requests] of Object.entries(kinds))
    if (kind.includes(values.named)) await overload(kind, requests);
if (values.only.includes("attacks"))
  for (const [name, attack] of Object.entries(attacks((most) => Math.ceil(most * Number(values.share)))))
    if (name.includes(values.named)) await endure(name, attack);

sender.close();
if ((await server.stop()) !== 0) failures.push("told to stop, the process did not end with 0");
await postgres.stop();
await rm(folder, { recursive: true, force: true });
for (const failure of failures) console.log(`  ${failure}`);
console.log(failures.length === 0 ? "PASSED" : `FAILED: ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);

/** Finds the most that is served, and sees what is left of it when ten times as many ask, or ten times as often. */
async function overload(kind: string, requests: string[]): Promise<void> {
  const plan = { port, requests, seconds: SECONDS };
  for (const connections of [16, 160]) await loaded({ ...plan, connections, seconds: 2 });
  let best = { connections: 0, rate: 0 };
  for (const connections of [8, 16, 32, 64]) {
    const { rate } = await loaded({ ...plan, connections });
    if (rate > best.rate) best = { connections, rate };
  }
  const found: { ratio: number; best: number; over: LoadFound; slowest: number }[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const before = await loaded({ ...plan, connections: best.connections });
    const listening = hear();
    const over = await loaded({ ...plan, connections: best.connections * 10 });
    const slowest = await listening.end();
    const after = await loaded({ ...plan, connections: best.connections });
    const rate = (before.rate + after.rate) / 2;
    found.push({ ratio: over.rate / rate, best: rate, over, slowest });
  }
  const [middle] = found.toSorted((a, b) => a.ratio - b.ratio).slice(Math.floor(found.length / 2));
  if (middle === undefined) return;
  told(`${kind}: ${best.connections * 10} connections for ${best.connections}`, middle);
  if (kind === "a hot article" || kind.startsWith("searches")) return;

  const rate = Math.round(middle.best * 10);
  const listening = hear();
  const over = await loaded({ ...plan, connections: 1_000, rate });
  told(`${kind}: ${rate} sent a second for ${Math.round(middle.best)}`, {
    ratio: over.rate / middle.best,
    best: middle.best,
    over,
    slowest: await listening.end(),
  });
}

function told(name: string, found: { ratio: number; best: number; over: LoadFound; slowest: number }): void {
  const { ratio, best, over, slowest } = found;
  const statuses = Object.entries(over.statuses).map(([status, count]) => `${status} ${count}`);
  console.log(
    `${name}: ${over.rate.toFixed(0)} of ${best.toFixed(0)} a second, ${(ratio * 100).toFixed(0)} %; ` +
      `served median ${over.served.median.toFixed(0)} ms, p99 ${over.served.p99.toFixed(0)} ms; ` +
      `refused median ${over.refused.median.toFixed(0)} ms, p99 ${over.refused.p99.toFixed(0)} ms; ` +
      `health and hot reads at the slowest ${slowest.toFixed(0)} ms; ${statuses.join(", ")}; broken ${over.broken}`,
  );
  if (ratio < KEPT) failures.push(`${name}: ${(ratio * 100).toFixed(0)} % are less than ${KEPT * 100} %`);
  if (slowest > HEARD_WITHIN)
    failures.push(`${name}: health checks or hot reads took ${slowest.toFixed(0)} ms`);
  for (const status of Object.keys(over.statuses))
    if (!["200", "201", "503"].includes(status)) failures.push(`${name}: answered with ${status}`);
}

/** Sees what of a common load is left while somebody bothers the server. */
async function endure(
  name: string,
  attack: (port: number, key: string) => Promise<() => void>,
): Promise<void> {
  const plan = {
    port,
    requests: [...(kinds["new articles"] ?? []), get(`/v1/articles/${hot}`), get("/v1/articles")],
  };
  const quiet = await loaded({ ...plan, connections: 8, seconds: SECONDS });
  const before = await usage();
  const end = await attack(port, KEY);
  // What those who take nothing are sent first still fits into the system's buffers.
  await sleep(3_000);
  const listening = hear();
  const bothered = await loaded({ ...plan, connections: 8, seconds: SECONDS });
  const slowest = await listening.end();
  const during = await usage();
  end();
  await sleep(2_000);
  const after = await usage();
  const ratio = bothered.rate / quiet.rate;
  console.log(
    `${name}: ${bothered.rate.toFixed(0)} of ${quiet.rate.toFixed(0)} a second, ${(ratio * 100).toFixed(0)} %; health and hot reads at the slowest ${slowest.toFixed(0)} ms; ` +
      `memory ${before.memory}, ${during.memory}, ${after.memory} MB; file descriptors ${before.files}, ${during.files}, ${after.files}`,
  );
  const wrong = Object.keys(bothered.statuses).filter((status) => status !== "200" && status !== "201");
  if (wrong.length > 0) failures.push(`${name}: others were answered with ${wrong.join(", ")}`);
  if (bothered.broken > 0) failures.push(`${name}: ${bothered.broken} connections of others broke`);
  if (slowest > HEARD_WITHIN)
    failures.push(`${name}: health checks or hot reads took ${slowest.toFixed(0)} ms`);
  if (ratio < 0.5) failures.push(`${name}: others got ${(ratio * 100).toFixed(0)} % of what they had`);
  if (after.files > before.files + 50)
    failures.push(`${name}: ${after.files - before.files} descriptors were left`);
}

/** What the process holds: memory in MB, and file descriptors. */
async function usage(): Promise<{ memory: number; files: number }> {
  const { stdout } = await run("ps", ["-o", "rss=", "-p", String(server.pid())]);
  const files = await readdir(`/proc/${server.pid()}/fd`).catch(() => []);
  return { memory: Math.round(Number(stdout) / 1024), files: files.length };
}

function loaded(workerData: LoadPlan): Promise<LoadFound> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./load.ts", import.meta.url), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** Asks what must be answered whatever happens, ten times a second; the slowest answer's time in the end. */
function hear() {
  const listener = client(server.url);
  const stopping = new AbortController();
  const ask = async () => {
    let slowest = 0;
    while (!stopping.signal.aborted) {
      for (const path of ["/healthz", "/readyz", `/v1/articles/${hot}`]) {
        const { status, took } = await listener.send({ method: "GET", path });
        slowest = Math.max(slowest, took);
        if (status !== 200) failures.push(`${path} was answered ${status} under load`);
      }
      await sleep(100);
    }
    listener.close();
    return slowest;
  };
  const asking = ask();
  return {
    end: () => {
      stopping.abort();
      return asking;
    },
  };
}

function pad(number: number): string {
  return String(Math.floor(number) % 60).padStart(2, "0");
}
