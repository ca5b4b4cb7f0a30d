import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { content, editor, ledger } from "./editors.ts";
import { type Client, Unanswered, client, insist } from "./http.ts";
import { follower, receiver } from "./partners.ts";
import { type Random, random } from "./random.ts";
import { publishSome } from "./seed.ts";
import { type Postgres, api } from "./servers.ts";
import { lastChange, untilPlansAreOver, verifyAll, verifyArticles } from "./verify.ts";

const KEY = "a-key-for-chaos-and-nothing-else-at-all";
/** How soon everything must serve again once the database does, in milliseconds. */
const BACK_WITHIN = 5_000;
/** How many articles are shared by all editors. */
const SHARED = 5;

export interface Plan {
  seed: number;
  /** How often the process that serves is killed. */
  rounds: number;
  /** How often the database is. */
  databaseRounds: number;
  editors: number;
  /** Whether to wait for what is planned a minute ahead, at the end. */
  waitsForPlans: boolean;
  log: (line: string) => void;
}

export interface Findings {
  failures: string[];
  /** How long it took from the database's return until everything served, in milliseconds, in order. */
  back: number[];
  /** How long it took to serve again after a kill of the process, its start included. */
  started: number[];
  changes: number;
  articles: number;
}

/**
 * Runs a real server on a database while many write to it, kills one or the other in the midst, and
 * holds what is left against what was acknowledged.
 */
export async function chaos(postgres: Postgres, plan: Plan): Promise<Findings> {
  const { log } = plan;
  const book = ledger();
  const chance = random(plan.seed);
  const server = await api({
    ...postgres.environment,
    DATELINE_ADMIN_KEY: KEY,
    DATELINE_RATE_LIMIT: "off",
    DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
  });
  await server.start();
  const sender = client(server.url, { authorization: `Bearer ${KEY}` });
  const reader = client(server.url);
  const partner = await receiver();
  const shared = await publishSome(sender, SHARED, (number) => content(`shared-${number}`));
  await insist(sender, { method: "POST", path: "/v1/webhooks", body: { url: partner.url } });
  const first = await lastChange(await postgres.url());
  const following = follower(reader);
  const editors = Array.from({ length: plan.editors }, (_, number) =>
    editor(`${plan.seed}-${number}`, sender, book, random(plan.seed * 1000 + number), () => shared),
  );
  const findings: Findings = { failures: book.failures, back: [], started: [], changes: 0, articles: 0 };

  /** What the server has logged of the request that a failure is about. */
  const logged = (failure: string): string => {
    const id = /"requestId":"([^"]+)"/.exec(failure)?.[1];
    const line = server
      .output()
      .split("\n")
      .find((one) => id !== undefined && one.includes(`"${id}"`));
    return line === undefined ? "" : `\n    ${line}`;
  };

  /** Lets all write, has something happen in the midst, and looks at what was written meanwhile. */
  const round = async (name: string, happen: (chance: Random) => Promise<void>) => {
    const failed = book.failures.length;
    let isOver = false;
    book.touched.clear();
    const working = Promise.all(editors.map((one) => one.work(() => isOver)));
    working.catch(() => {});
    try {
      await sleep(chance.between(200, 900));
      await happen(chance);
      await sleep(chance.between(50, 300));
    } finally {
      isOver = true;
    }
    await working;
    await verifyArticles(sender, reader, book, book.touched);
    const failures = book.failures.slice(failed);
    log(`${name}: ${book.touched.size} articles touched, ${failures.length} failures`);
    for (const failure of failures) log(`  ${failure}${logged(failure)}`);
  };

  for (let number = 1; number <= plan.rounds; number += 1) {
    await round(`process killed, round ${number}`, async () => {
      await server.kill();
      const since = performance.now();
      await server.start();
      findings.started.push(performance.now() - since);
    });
  }
  for (let number = 1; number <= plan.databaseRounds; number += 1) {
    const which = number % 4 === 0 ? "backend" : "postmaster";
    await round(`PostgreSQL's ${which} killed, round ${number}`, async () => {
      const pid = server.pid();
      await postgres.kill(which);
      await sleep(chance.between(0, 1_000));
      await postgres.revive();
      await untilDatabase(postgres);
      const since = performance.now();
      await untilServed(sender, reader);
      const took = performance.now() - since;
      findings.back.push(took);
      if (took > BACK_WITHIN) book.failures.push(`it took ${Math.round(took)} ms to serve again`);
      if (pid !== server.pid()) book.failures.push("the process was started anew");
    });
  }

  if (plan.waitsForPlans) await untilPlansAreOver(book);
  log("all is over; everything is held against everything");
  const databaseUrl = await postgres.url();
  const besides = new Set(shared);
  Object.assign(
    findings,
    await verifyAll({ sender, reader, book, besides, following, partner, first, databaseUrl }),
  );
  if (server.output().includes("Uncaught")) book.failures.push(`the server printed: ${server.output()}`);
  const code = await server.stop();
  if (code !== 0) book.failures.push(`told to stop, the process ended with ${code}`);
  await postgres.stop();
  partner.close();
  for (const one of [sender, reader]) one.close();
  report(plan, findings, book, partner.messages());
  return findings;
}

function report({ log }: Plan, findings: Findings, book: ReturnType<typeof ledger>, messages: number): void {
  const { figures, byKind, slowest } = book;
  const times = (list: number[]) => {
    const sorted = list.toSorted((a, b) => a - b);
    return `median ${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms`;
  };
  const kinds = Object.entries(byKind).map(([kind, count]) => `${kind} ${count}`);
  log(`acknowledged writes: ${figures.acknowledged} (${kinds.join(", ")})`);
  log(
    `not answered: ${figures.unanswered}; answered with 503: ${figures.unavailable}; found out afterwards: ` +
      `${figures.foundDone} had been done, ${figures.foundUndone} had not; done though answered with 503: ${figures.doneThough503}`,
  );
  log(`articles: ${findings.articles}; changes: ${findings.changes}; messages to the webhook: ${messages}`);
  if (findings.started.length > 0) log(`start after a kill of the process: ${times(findings.started)}`);
  if (findings.back.length > 0) log(`serving again after the database's return: ${times(findings.back)}`);
  log(`slowest answer: ${Math.round(slowest.took)} ms, ${slowest.what}`);
  log(`failures: ${findings.failures.length}`);
}

/** Waits until the database takes connections, as its own client sees it. */
async function untilDatabase(postgres: Postgres): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const database = new pg.Client({
        connectionString: await postgres.url(),
        connectionTimeoutMillis: 1_000,
      });
      database.on("error", () => {});
      await database.connect();
      await database.query("SELECT 1");
      await database.end();
      return;
    } catch (error) {
      if (attempt === 600) throw error;
      await sleep(50);
    }
  }
}

/** Waits until something was written and read, and the process says that it is ready. */
async function untilServed(sender: Client, reader: Client): Promise<void> {
  const isServed = async () => {
    const ready = await reader.send({ method: "GET", path: "/readyz" });
    const list = await reader.send({ method: "GET", path: "/v1/articles?limit=1" });
    const key = { method: "POST", path: "/v1/articles/none/publish", body: {} };
    const write = await sender.send(key);
    return (
      ready.status === 200 &&
      list.status === 200 &&
      list.headers["cache-status"] === undefined &&
      write.status === 404
    );
  };
  for (;;) {
    const served = await isServed().catch((error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
      return false;
    });
    if (served) return;
    await sleep(20);
  }
}
