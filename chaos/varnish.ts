import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = "/usr/sbin/varnishd";

/** Varnish with ops/varnish.vcl, which can be stopped and started with nothing kept. */
export interface Varnish {
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** Stops it for good. */
  end: () => Promise<void>;
}

/**
 * @param port where it is to listen
 * @param backends the ports of the two processes in front of which it stands
 * @throws when Debian's varnish is not installed
 */
export async function varnish(port: number, backends: readonly [number, number]): Promise<Varnish> {
  if (!existsSync(PROGRAM))
    throw new Error(`There is no ${PROGRAM}; install Debian's varnish and varnish-modules.`);
  const folder = await mkdtemp(join(tmpdir(), "dateline-varnish-"));
  // Started by root it goes on as users of its own.
  await chmod(folder, 0o755);
  const vcl = await readFile(join(import.meta.dirname, "../ops/varnish.vcl"), "utf8");
  const file = join(folder, "dateline.vcl");
  await writeFile(
    file,
    vcl.replaceAll('"3001"', `"${backends[0]}"`).replaceAll('"3002"', `"${backends[1]}"`),
  );
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
  return {
    async start() {
      let printed = "";
      const started = spawn(
        PROGRAM,
        [
          "-F",
          "-a",
          `127.0.0.1:${port}`,
          "-f",
          file,
          "-n",
          join(folder, "work"),
          "-s",
          "malloc,64m",
          "-T",
          "none",
        ],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      child = started;
      for (const output of [started.stdout, started.stderr])
        output.on("data", (chunk: Buffer) => {
          printed += chunk.toString();
        });
      for (let attempt = 0; !(await listens(port)); attempt += 1) {
        if (started.exitCode !== null || attempt === 300)
          throw new Error(`Varnish does not listen on ${port}: ${printed.slice(-2_000)}`);
        await sleep(50);
      }
    },
    stop,
    async end() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isThere = await Promise.race([
    once(socket, "connect").then(
      () => true,
      () => false,
    ),
    sleep(500, false),
  ]);
  socket.destroy();
  return isThere;
}
