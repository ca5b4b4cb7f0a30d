import { execFile } from "node:child_process";
import { chown, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { inject } from "vitest";
import { findPrograms, runProgram } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";

const run = promisify(execFile);

/** A server that a test may do anything to. */
export interface Server {
  /** The address of its database. */
  url: string;
  /** Its host and port, as figures name it. */
  name: string;
  query: <Row>(text: string) => Promise<Row[]>;
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** Ends it as a machine does that loses its power. */
  kill: () => Promise<void>;
}

/**
 * Makes a PostgreSQL with a migrated database, and hot standbys that follow it. They are of the version
 * that the other tests run on, where that is installed on this machine.
 */
export async function replicated(count: number) {
  const folder = await mkdtemp(join(tmpdir(), "dateline-replicas-"));
  const programs = await findPrograms(folder);
  const { account } = programs;
  const bin = (await binariesOfServer()) ?? join(programs.initdb, "..");
  const own = async (path: string) => {
    if (account !== undefined) await run("chown", ["-R", `${account.uid}:${account.gid}`, path]);
  };
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const ofPrimary = join(folder, "primary");
  const flags = [`--pgdata=${ofPrimary}`, "--username=dateline", "--auth=trust"];
  await runProgram(
    programs,
    join(bin, "initdb"),
    [...flags, "--encoding=UTF8", "--locale=C", "--no-sync"],
    folder,
  );

  const serverOf = async (data: string): Promise<Server> => {
    const port = await freePort();
    const url = `postgresql://dateline@127.0.0.1:${port}/dateline`;
    const settings = [
      `-p ${port}`,
      "-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
    ];
    const control = (...words: string[]) =>
      runProgram(programs, join(bin, "pg_ctl"), [...words, "-D", data], folder);
    return {
      url,
      name: `127.0.0.1:${port}`,
      async query<Row>(text: string) {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        try {
          return (await client.query(text)).rows as Row[];
        } finally {
          await client.end();
        }
      },
      start: () => control("start", "-w", "-l", join(data, "server.log"), "-o", settings.join(" ")),
      stop: () => control("stop", "-w", "-m", "fast"),
      async kill() {
        const [pid] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
        process.kill(Number(pid), "SIGKILL");
        await rm(join(data, "postmaster.pid"));
      },
    };
  };

  const primary = await serverOf(ofPrimary);
  await primary.start();
  const client = new pg.Client({ connectionString: primary.url.replace(/dateline$/, "postgres") });
  await client.connect();
  await client.query("CREATE DATABASE dateline");
  await client.end();
  await migrate(primary.url);
  // What was stopped in peace can be copied as it lies there.
  await primary.stop();
  const standbys: Server[] = [];
  for (let number = 0; number < count; number += 1) {
    const data = join(folder, `standby-${number}`);
    await cp(ofPrimary, data, { recursive: true });
    const { hostname, port, username } = new URL(primary.url);
    await writeFile(join(data, "standby.signal"), "");
    await writeFile(
      join(data, "postgresql.auto.conf"),
      `primary_conninfo = 'host=${hostname} port=${port} user=${username}'\nwal_retrieve_retry_interval = 100\n`,
    );
    await own(data);
    standbys.push(await serverOf(data));
  }
  const all = [primary, ...standbys];
  for (const server of all) await server.start();
  return {
    primary,
    standbys,
    async remove() {
      await Promise.all(all.map((server) => server.stop().catch(() => {})));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where the programs of the tests' own server are; undefined when they are not on this machine. */
async function binariesOfServer(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  try {
    const { rows } = await client.query<{ setting: string }>(
      "SELECT setting FROM pg_config WHERE name = 'BINDIR'",
    );
    const folder = rows[0]?.setting ?? "";
    await run(join(folder, "initdb"), ["--version"]);
    return folder;
  } catch {
    return undefined;
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
