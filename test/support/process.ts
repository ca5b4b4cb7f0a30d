import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

const { PATH = "", HOME = "", NODE_COMPILE_CACHE = "" } = process.env;
/** No setting of whoever runs the tests reaches a process, and none has to compile what another has. */
const inherited = { PATH, HOME, NODE_COMPILE_CACHE };

export interface ServerProcess {
  url: string;
  pid: number;
  /** All that it has printed. */
  output: () => string;
  /** Sends a signal, if it has not ended already, and waits for the end; the exit code, or null when a signal ended it. */
  end: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Starts `src/main.ts` in a process of its own and waits until it says that it is ready. */
export async function startProcess(
  environment: Record<string, string>,
  project = root,
): Promise<ServerProcess> {
  return whenReady(run(["src/main.ts"], { PORT: "0", ...environment }, project));
}

/**
 * A copy of the project as its next version might be.
 *
 * @param folder where it is put; it must not exist
 * @param migration the SQL that it brings along
 */
export async function nextVersion(folder: string, migration: string): Promise<string> {
  for (const part of ["src", "prisma", "package.json"])
    await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const step = join(folder, "prisma/migrations/29991231000000_next");
  await mkdir(step);
  await writeFile(join(step, "migration.sql"), migration);
  return folder;
}

/** Starts the server as the README says, and waits until it says that it is ready. */
export async function npmStart(environment: Record<string, string>): Promise<ServerProcess> {
  return whenReady(spawn("npm", ["start"], { cwd: root, env: { ...inherited, PORT: "0", ...environment } }));
}

async function whenReady(child: ChildProcess): Promise<ServerProcess> {
  let printed = "";
  const ready = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /ready at (\S+)/.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => {
      reject(new Error(`the server ended with ${code}: ${printed}`));
    });
  });
  const url = await ready;
  return {
    url,
    pid: child.pid ?? 0,
    output: () => printed,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, "exit");
      child.kill(signal);
      return ((await ended) as [number | null])[0];
    },
  };
}

/** Runs a program of the project to its end. */
export async function runToEnd(script: string[], environment: Record<string, string>, project = root) {
  const child = run(script, environment, project);
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

function run(script: string[], environment: Record<string, string>, cwd = root): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...script], {
    cwd,
    env: { ...inherited, ...environment },
  });
}
