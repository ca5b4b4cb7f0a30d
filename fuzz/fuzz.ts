import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { type Ask, type Cast, MARK, asker, assemble } from "./callers.ts";
import { type Contract, type Operation, readContract } from "./contract.ts";
import { type Judge, judgeOf, pathOf } from "./judge.ts";
import { type Receiver, furnish } from "./newsroom.ts";
import { type Pool, emptyPool } from "./pool.ts";
import { type Manner, type Plan, asRequest, requestsFor } from "./requests.ts";
import { type Answered, type Exchange, NoAnswer, type Request, asCurl, send } from "./send.ts";

/** How many requests are under way at once. */
const LANES = 6;
/** After how many requests for each operation there is something new to ask for. */
const RUNS = 25;

/** A newsroom that is ready to be fuzzed. */
export interface Target {
  url: string;
  contract: Contract;
  cast: Cast;
  ask: Ask;
  receiver: Receiver;
}

/** Something that should not have happened. */
export interface Failure {
  operation: string;
  fault: string;
  seed: number;
  /** The smallest request that still shows it, for a terminal. */
  curl: string;
  answer: string;
}

/** How often an operation was asked, and what came of it by the hundreds of the status; 0 is no answer. */
export type Tally = Record<string, number>;

export interface Findings {
  failures: Failure[];
  tallies: Map<string, Tally>;
  /** The same by what kind of request it was meant to be. */
  manners: Map<Manner, Tally>;
  requests: number;
  /** How often the server said that it is too busy, and was asked again. */
  busy: number;
  /** The slowest answer, in milliseconds, and what it was to. */
  slowest: { ms: number; what: string };
}

/** Reads the document of a newsroom, and puts people and secrets into it. */
export async function prepare(url: string, adminKey: string, receiver: Receiver): Promise<Target> {
  const contract = readContract((await (await fetch(`${url}/openapi.json`)).json()) as object);
  const ask = asker(url, adminKey);
  const { scopes } = (await ask("GET", "/v1/me")) as unknown as { scopes: string[] };
  return { url, contract, ask, receiver, cast: await assemble(ask, adminKey, scopes) };
}

/**
 * Sends so many requests, spread over the operations, and holds each answer against the document.
 *
 * @param options.operation the id of the only operation to ask
 * @param options.told is told now and then how far it has come
 */
export async function fuzz(
  target: Target,
  options: {
    requests: number;
    seed: number;
    operation?: string | undefined;
    told?: (soFar: Findings) => void;
  },
): Promise<Findings> {
  const { contract, cast } = target;
  const pool = emptyPool(contract, (text) => text.includes(MARK) || isOf(cast.spared, text));
  const judge = judgeOf(contract, cast);
  const requestOf = requestsFor(contract, cast);
  const chosen = contract.operations.filter(({ id }) => (options.operation ?? id) === id);
  if (chosen.length === 0)
    throw new Error(`There is no operation ${options.operation}; /openapi.json lists them.`);
  const findings: Findings = {
    failures: [],
    tallies: new Map(),
    manners: new Map(),
    requests: 0,
    busy: 0,
    slowest: { ms: 0, what: "" },
  };
  const exchange = exchangeWith(target, pool, judge, findings);

  for (let round = 0; findings.requests < options.requests; round += 1) {
    // Until it is mended the same would be found again.
    const asked = chosen.filter(({ id }) => !findings.failures.some(({ operation }) => operation === id));
    if (asked.length === 0) break;
    await furnish(target.ask, target.receiver);
    await prime(target, pool);
    const left = options.requests - findings.requests;
    const numRuns = Math.min(options.operation === undefined ? RUNS : 500, Math.ceil(left / asked.length));
    const jobs = asked.map((operation, index) => async () => {
      const seed = options.seed + round * 1000 + index;
      await check(operation, { seed, numRuns });
    });
    await inLanes(jobs);
    judgeDeliveries(target, findings, options.seed);
    options.told?.(findings);
  }
  return findings;

  async function check(operation: Operation, parameters: { seed: number; numRuns: number }): Promise<void> {
    let last: { request: Request; answer: string; fault: string } | undefined;
    const property = fc.asyncProperty(requestOf(operation), async (plan: Plan) => {
      const request = asRequest(plan, operation, pool, cast);
      const found = await exchange(operation, request, plan.manner);
      if (found === undefined) return;
      last = { request, ...found };
      throw new Error(found.fault);
    });
    const { failed, errorInstance } = await fc.check(property, {
      ...parameters,
      interruptAfterTimeLimit: 120_000,
    });
    if (!failed) return;
    // Not the newsroom's failure, but one of what judges it.
    if (last === undefined) throw errorInstance;
    const { request, answer, fault } = last;
    findings.failures.push({
      operation: operation.id,
      fault,
      seed: options.seed,
      curl: asCurl(request),
      answer,
    });
  }
}

/** Sends a request, learns from the answer and judges it. */
function exchangeWith({ url, contract }: Target, pool: Pool, judge: Judge, findings: Findings) {
  return async (meant: Operation, request: Request, manner: Manner) => {
    const begun = performance.now();
    findings.requests += 1;
    const answer = await patiently(() => send(url, request), findings).catch((error: unknown) => {
      if (error instanceof NoAnswer) return error.message;
      throw error;
    });
    const status = typeof answer === "string" ? 0 : answer.status;
    count(findings.tallies, meant.id, status);
    count(findings.manners, manner, status);
    const ms = performance.now() - begun;
    if (ms > findings.slowest.ms) findings.slowest = { ms, what: asCurl(request).slice(0, 300) };
    if (typeof answer === "string") return isGivenUp(request) ? undefined : { fault: answer, answer: "" };
    const operation =
      request.wire === undefined ? contract.operationAt(request.method, pathOf(request)) : undefined;
    const exchange: Exchange = { request, operation, answer };
    const fault = judge(exchange);
    if (fault !== undefined) return { fault, answer: shown(answer) };
    pool.learn(exchange);
    return undefined;
  };
}

/**
 * Asks again when the server says that it is too busy and when to come back, as clients do: the machine
 * may have other work to do. When it says so over and over, that is its answer.
 */
async function patiently(ask: () => Promise<Answered>, findings: Findings): Promise<Answered> {
  for (let left = 3; ; left -= 1) {
    const answer = await ask();
    const { "retry-after": seconds } = answer.headers;
    if (answer.status !== 503 || seconds === undefined || left === 0) return answer;
    findings.busy += 1;
    await sleep(Number(seconds) * 1000);
  }
}

/** A body that is too long is refused while it is still being sent, and the connection closed. */
function isGivenUp({ body }: Request): boolean {
  return (body?.length ?? 0) > 1_000_000;
}

function count<Of>(tallies: Map<Of, Tally>, of: Of, status: number): void {
  const tally = tallies.get(of) ?? {};
  tallies.set(of, tally);
  const key = status === 0 ? "none" : `${Math.floor(status / 100)}xx`;
  tally[key] = (tally[key] ?? 0) + 1;
}

function shown({ status, headers, text }: Answered): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return [`${status}`, ...lines, "", text.slice(0, 1500)].join("\n");
}

/** Asks the administrator's way for everything there is to read, so that the pool knows of it. */
async function prime({ url, contract, cast }: Target, pool: Pool): Promise<void> {
  const params = (path: string) => path.split("{").length;
  const reads = contract.operations
    .filter(({ method, path }) => method === "GET" && !path.endsWith("/stream"))
    .toSorted((one, other) => params(one.path) - params(other.path));
  for (const operation of reads) {
    const isVersioned = operation.parameters.some(({ name }) => name === "version");
    for (const nth of params(operation.path) === 1 ? [0] : [0, 1, 2]) {
      const plan: Plan = {
        manner: "valid",
        caller: "admin",
        method: "GET",
        // What is newest stands last.
        nth: 10_000 - nth,
        segments: {},
        around: ["", ""],
        query: isVersioned ? [["version", "draft"]] : [],
        headers: [],
      };
      const request = asRequest(plan, operation, pool, cast);
      const answer = await send(url, request);
      pool.learn({ request, operation, answer });
    }
  }
}

/** What webhooks were sent is what readers may know. */
function judgeDeliveries({ receiver, cast }: Target, { failures }: Findings, seed: number): void {
  const readers = { name: "a webhook", scopes: new Set<string>(), isBound: false };
  for (const text of receiver.taken()) {
    const leaked = cast.secrets.find(({ word, isFor }) => text.includes(word) && !isFor(readers));
    if (leaked !== undefined)
      failures.push({
        operation: "webhooks",
        fault: `${leaked.what} was sent`,
        seed,
        curl: "",
        answer: text,
      });
  }
}

function isOf(spared: ReadonlySet<string>, text: string): boolean {
  return text.split(/[^\w-]/).some((part) => spared.has(part));
}

/** Does jobs, some at a time. */
async function inLanes(jobs: (() => Promise<void>)[]): Promise<void> {
  const waiting = jobs.values();
  const lane = async () => {
    for (const job of waiting) await job();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
