import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import manifest from "../package.json" with { type: "json" };

const run = promisify(execFile);

/** Node's flags as `npm start` has them. */
const flags = manifest.scripts.start.split(" ").filter((word) => word.startsWith("--"));

/** What one run of the load generator found. */
export interface Load {
  /** Answers a second. */
  rate: number;
  /** Milliseconds. */
  median: number;
  p99: number;
}

/** The core of what serves, its database too, and that of the load, where the system lets us choose. */
const [SERVERS, LOAD] = [0, 1];
const canPin = process.platform === "linux" && availableParallelism() > 1;
/** A command line that runs on one core. */
const pinned = (core: number, words: string[]) =>
  canPin ? ["taskset", "-c", String(core), ...words] : words;

/** Keeps a process, and those that it has started, to the core of what serves, or lets them have all cores. */
export async function keepToServers(pid: string, isKept: boolean): Promise<void> {
  if (!canPin) return;
  const cores = isKept ? String(SERVERS) : `0-${availableParallelism() - 1}`;
  const { stdout } = await run("ps", ["-o", "pid=", "--pid", pid, "--ppid", pid]);
  // One that has ended meanwhile needs no core.
  for (const one of stdout.trim().split(/\s+/)) await run("taskset", ["-cp", cores, one]).catch(() => {});
}

/** Starts a server program, pinned to a core unless it is to be free, and waits until it prints where it is ready. */
export async function startServer(
  words: string[],
  environment: Record<string, string>,
  { input = "", isFree = false } = {},
) {
  const line = [process.execPath, ...flags, ...words];
  const [command = "", ...rest] = isFree ? line : pinned(SERVERS, line);
  const child = spawn(command, rest, {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(input);
  const url = await new Promise<string>((resolve, reject) => {
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      const found = /ready at (\S+)/.exec(printed)?.[1];
      if (found === undefined) return;
      // What a server logs has to go somewhere.
      child.stdout.removeAllListeners("data").resume();
      resolve(found);
    });
    child.once("exit", () => {
      reject(new Error(`${words.join(" ")} ended: ${printed}`));
    });
  });
  return {
    url,
    /** Resident memory, in MB. */
    async memory() {
      const { stdout } = await run("ps", ["-o", "rss=", "-p", String(child.pid)]);
      return Number(stdout) / 1024;
    },
    stop: () => child.kill("SIGTERM"),
  };
}

/**
 * Runs wrk against an address.
 *
 * @param script a Lua script, as wrk's manual describes them
 * @throws when an answer was no success
 */
export async function load(
  url: string,
  options: { seconds: number; connections: number; script?: string },
): Promise<Load> {
  const words = ["wrk", "-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--latency"];
  const folder = await mkdtemp(join(tmpdir(), "dateline-bench-"));
  const report = `done = function(summary, latency)
    io.write(string.format("\\nRESULT %f %f %f %d", summary.requests / summary.duration * 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status)) end\n`;
  const file = join(folder, "load.lua");
  await writeFile(file, `${options.script ?? ""}\n${report}`);
  const [command = "", ...rest] = pinned(LOAD, [...words, "-s", file, url]);
  const { stdout } = await run(command, rest);
  await rm(folder, { recursive: true });
  const [rate = 0, median = 0, p99 = 0, failed = 0] = (/RESULT (.*)/.exec(stdout)?.[1] ?? "")
    .split(" ")
    .map(Number);
  if (failed > 0) throw new Error(`${failed} answers of ${url} were no success`);
  return { rate, median, p99 };
}

export function medianOf(numbers: readonly number[]): number {
  return percentile(numbers, 50);
}

/** The least of some numbers that so many in a hundred do not exceed: the nearest rank. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((part / 100) * sorted.length) - 1)] ?? Number.NaN;
}
