import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { appendFile, chown, mkdir, readFile, rm } from "node:fs/promises";
import { type Socket, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { freePort, systemPrograms } from "./servers.ts";

const run = promisify(execFile);

/** An address that stays while what is behind it moves, as a virtual IP does. */
export interface Address {
  port: number;
  /** Leads to another port from here on, or nowhere; connections that there are break. */
  move: (to: number | undefined) => void;
  close: () => void;
}

export async function address(): Promise<Address> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let target: number | undefined;
  const server = createServer((near) => {
    if (target === undefined) {
      near.destroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    move(to) {
      target = to;
      cut();
    },
    close() {
      server.close();
      cut();
    },
  };
}

/** One PostgreSQL of two, in a folder of its own. */
export interface Node {
  port: number;
  start: () => Promise<void>;
  /** Kills its first process with -9, and so all of it. */
  kill: () => Promise<void>;
  /** Sends its standby nothing from here on, as a network does that is broken. */
  holdBack: () => Promise<void>;
  /** Makes a primary of a standby. */
  promote: () => Promise<void>;
  /** Becomes a hot standby of another, from a copy of it. */
  follow: (primary: Node) => Promise<void>;
  query: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>;
  stop: () => Promise<void>;
}

/** A primary with an empty database `dateline`, and a hot standby that follows it. */
export async function pair(folder: string): Promise<{ primary: Node; standby: Node }> {
  const programs = systemPrograms();
  if (programs === undefined) throw new Error("There is no PostgreSQL in /usr/lib/postgresql; install one.");
  const account = process.getuid?.() === 0 ? accountIds() : undefined;
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const primary = await node(programs, join(folder, "one"), account);
  const standby = await node(programs, join(folder, "two"), account);
  const data = join(folder, "one");
  await mkdir(data);
  if (account !== undefined) await chown(data, account.uid, account.gid);
  await run(join(programs, "initdb"), ["-D", data, "-U", "dateline", "-A", "trust", "-E", "UTF8"], {
    ...account,
    cwd: folder,
  });
  await appendFile(join(data, "postgresql.conf"), "max_connections = 200\nwal_keep_size = 256MB\n");
  await primary.start();
  await primary.query("CREATE DATABASE dateline");
  await standby.follow(primary);
  return { primary, standby };
}

async function node(programs: string, data: string, account: Account | undefined): Promise<Node> {
  const port = await freePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`;
  const pgctl = (...words: string[]) =>
    run(join(programs, "pg_ctl"), [...words, "-D", data, "-w"], { ...account, cwd: "/" });
  const start = async () => {
    // What is left of the one before may not have ended yet.
    for (let attempt = 1; ; attempt += 1) {
      try {
        await pgctl("start", "-l", `${data}.log`, "-o", options);
        return;
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  };
  const query = async <Row extends pg.QueryResultRow>(text: string) => {
    const database = text.startsWith("CREATE DATABASE") ? "postgres" : "dateline";
    const client = new pg.Client({
      connectionString: `postgresql://dateline@127.0.0.1:${port}/${database}`,
      application_name: "scale",
    });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
  /** Its processes that send and were stopped. */
  let held: number[] = [];
  return {
    port,
    start,
    query,
    async kill() {
      const [pid] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
      for (const one of [Number(pid), ...held]) process.kill(one, "SIGKILL");
      held = [];
    },
    async holdBack() {
      const senders = await query<{ pid: number }>("SELECT pid FROM pg_stat_replication");
      held = senders.map((sender) => sender.pid);
      for (const one of held) process.kill(one, "SIGSTOP");
    },
    async promote() {
      await pgctl("promote");
    },
    async follow(primary) {
      await rm(data, { recursive: true, force: true });
      const source = `host=127.0.0.1 port=${primary.port} user=dateline application_name=standby`;
      const words = ["-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast"];
      await run(join(programs, "pg_basebackup"), words, { ...account, cwd: "/" });
      await start();
    },
    async stop() {
      await pgctl("stop", "-m", "immediate").catch(() => {});
    },
  };
}

interface Account {
  uid: number;
  gid: number;
}

function accountIds(): Account {
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"]));
  return { uid: idOf("-u"), gid: idOf("-g") };
}
