import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pinned } from "./load.ts";

/** A server that was started for this alone. */
interface Server {
  url: string;
  memory: () => Promise<number>;
}

/**
 * Opens streams of changes from another process, publishes again and again, and measures how long
 * after the request to publish was sent they have the change.
 *
 * @returns for each publication when 99 in 100 had it, and when all had, in milliseconds and
 *   ascending order; and the server's greatest resident memory meanwhile, in MB
 */
export async function told(server: Server, key: string, streams: number, times: number) {
  const write = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${server.url}/v1/articles${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "if-match": "*" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const body = Array.from({ length: 6 }, () => ({
    type: "paragraph",
    text: "On the old harbour bridge. ".repeat(35),
  }));
  const { id } = await write("POST", "", { headline: "Edition 0", body });
  await write("POST", `/${id}/publish`, {});

  const words = [process.execPath, "--disable-warning=ExperimentalWarning", "bench/streamReaders.ts"];
  const [command = "", ...rest] = pinned(1, [...words, server.url, String(streams)]);
  const readers = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(readers.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  if ((await next()) !== "open") throw new Error("not all streams could be opened");
  // Those who opened theirs last have caught up by then.
  await sleep(1000);

  const found: { p99: number; all: number }[] = [];
  let memory = await server.memory();
  for (let number = 1; number <= times; number += 1) {
    await write("PATCH", `/${id}`, { headline: `Edition ${number}` });
    const sent = Date.now();
    const [, line] = await Promise.all([write("POST", `/${id}/publish`, {}), next()]);
    const { p99, all } = JSON.parse(line) as { p99: number; all: number };
    found.push({ p99: p99 - sent, all: all - sent });
    memory = Math.max(memory, await server.memory());
  }
  readers.kill();
  await write("POST", `/${id}/unpublish`, {});
  const sorted = (part: "p99" | "all") => found.map((one) => one[part]).toSorted((a, b) => a - b);
  return { p99: sorted("p99"), all: sorted("all"), memory };
}
