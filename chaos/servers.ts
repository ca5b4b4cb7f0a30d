import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import manifest from "../package.json" with { type: "json" };

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/** A process that serves, on a port that it keeps when it is started again. */
export interface Api {
  url: string;
  pid: () => number;
  start: () => Promise<void>;
  kill: () => Promise<void>;
  /** Ends it as an operator does; the exit code. */
  stop: () => Promise<number | null>;
  /** All that it has printed on both outputs, across starts. */
  output: () => string;
}

/** @param environment its settings; the port is chosen here */
export async function api(environment: Record<string, string>): Promise<Api> {
  const port = await freePort();
  const flags = manifest.scripts.start.split(" ").filter((word) => word.startsWith("--"));
  const { PATH = "", HOME = "" } = process.env;
  let printed = "";
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, "exit");
    child.kill(signal);
    return ((await ended) as [number | null])[0];
  };
  return {
    url: `http://127.0.0.1:${port}`,
    pid: () => child?.pid ?? 0,
    async start() {
      const started = spawn(process.execPath, [...flags, "src/main.ts"], {
        cwd: root,
        env: { PATH, HOME, PORT: String(port), LOG_LEVEL: "error", ...environment },
      });
      child = started;
      const before = printed.length;
      await new Promise<void>((resolve, reject) => {
        const read = (chunk: Buffer) => {
          printed += chunk.toString();
          if (printed.indexOf("ready at", before) >= 0) resolve();
        };
        started.stdout.on("data", read);
        started.stderr.on("data", read);
        started.once("exit", (code, signal) => {
          reject(new Error(`the server ended with ${code ?? signal}: ${printed.slice(before)}`));
        });
      });
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
    output: () => printed,
  };
}

/** A PostgreSQL that can be killed. */
export interface Postgres {
  name: string;
  /** What tells the process that serves to use it. */
  environment: Record<string, string>;
  url: () => Promise<string>;
  /** Kills the whole server, or one of the processes that serve Dateline's connections. */
  kill: (which: "postmaster" | "backend") => Promise<void>;
  /** Starts it again, where nobody else does. */
  revive: () => Promise<void>;
  stop: () => Promise<void>;
}

/** The embedded server, which the process that serves starts, and starts again. */
export function embedded(folder: string): Postgres {
  const data = join(folder, "postgres");
  const url = async () => {
    const [password, lines] = await Promise.all([
      readFile(join(folder, "password"), "utf8"),
      readFile(join(data, "postmaster.pid"), "utf8"),
    ]);
    return `postgresql://dateline:${password}@127.0.0.1:${lines.split("\n")[3]}/dateline`;
  };
  return {
    name: "embedded PostgreSQL",
    environment: { DATELINE_DATA_DIR: folder },
    url,
    kill: async (which) => killIn(data, which, await url()),
    revive: async () => {},
    stop: async () => {},
  };
}

/** A cluster of its own by the system's PostgreSQL, which nobody but this program starts again. */
export async function ofSystem(folder: string): Promise<Postgres> {
  const programs = systemPrograms();
  if (programs === undefined)
    throw new Error("There is no PostgreSQL in /usr/lib/postgresql; install one, or leave out --database.");
  const data = join(folder, "postgres");
  const port = await freePort();
  const account = process.getuid?.() === 0 ? accountIds() : undefined;
  await mkdir(data, { recursive: true });
  if (account !== undefined) for (const path of [folder, data]) await chown(path, account.uid, account.gid);
  const pgctl = (...words: string[]) => run(join(programs, "pg_ctl"), words, { ...account, cwd: data });
  await run(join(programs, "initdb"), ["-D", data, "-U", "dateline", "-A", "trust", "-E", "UTF8"], {
    ...account,
    cwd: data,
  });
  const start = async () => {
    const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`;
    // What is left of the one before may not have ended yet.
    for (let attempt = 1; ; attempt += 1) {
      try {
        await pgctl("start", "-D", data, "-l", join(data, "server.log"), "-w", "-o", options);
        return;
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  };
  await start();
  const url = (database: string) => `postgresql://dateline@127.0.0.1:${port}/${database}`;
  const client = new pg.Client({ connectionString: url("postgres") });
  await client.connect();
  await client.query("CREATE DATABASE dateline");
  await client.end();
  return {
    name: `the system's PostgreSQL (${programs})`,
    environment: { DATABASE_URL: url("dateline") },
    url: async () => url("dateline"),
    kill: async (which) => killIn(data, which, url("dateline")),
    async revive() {
      const isThere = await pgctl("status", "-D", data).then(
        () => true,
        () => false,
      );
      if (!isThere) await start();
    },
    async stop() {
      await pgctl("stop", "-D", data, "-m", "immediate");
    },
  };
}

export function systemPrograms(): string | undefined {
  const all = "/usr/lib/postgresql";
  if (!existsSync(all)) return undefined;
  const versions = readdirSync(all).toSorted((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => join(all, version, "bin"))
    .find((path) => existsSync(join(path, "initdb")));
}

async function killIn(data: string, which: "postmaster" | "backend", url: string): Promise<void> {
  if (which === "postmaster") {
    const [pid] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    process.kill(Number(pid), "SIGKILL");
    // Until it is gone it still looks as if it ran.
    while (isAlive(Number(pid))) await sleep(10);
    return;
  }
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'dateline' ORDER BY state = 'active' DESC LIMIT 1",
  );
  if (rows[0] !== undefined) process.kill(rows[0].pid, "SIGKILL");
  await client.end().catch(() => {});
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function accountIds() {
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"]));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
