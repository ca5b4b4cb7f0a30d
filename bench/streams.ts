import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** A server that was started for this alone. */
interface Server {
  url: string;
  memory: () => Promise<number>;
}

/** How many publications come before those that are measured: a server that just began is still being compiled. */
const BEFORE = 20;

/**
 * Opens streams of changes from another process, publishes again and again, and measures how long
 * after the request to publish was sent they have the change.
 *
 * @returns how long each event took, and each publication until all had it, in milliseconds; and the
 *   server's greatest resident memory meanwhile, in MB
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

  const words = ["--disable-warning=ExperimentalWarning", "bench/streamReaders.ts"];
  const readers = spawn(process.execPath, [...words, server.url, String(streams)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(readers.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  if ((await next()) !== "open") throw new Error("not all streams could be opened");
  // Those who opened theirs last have caught up by then.
  await sleep(1000);

  const found = { events: [] as number[], all: [] as number[] };
  let memory = await server.memory();
  for (let number = 1; number <= BEFORE + times; number += 1) {
    await write("PATCH", `/${id}`, { headline: `Edition ${number}` });
    const sent = Date.now();
    const [, line] = await Promise.all([write("POST", `/${id}/publish`, {}), next()]);
    memory = Math.max(memory, await server.memory());
    if (number <= BEFORE) continue;
    const took = (JSON.parse(line) as number[]).map((at) => at - sent);
    found.events.push(...took);
    found.all.push(Math.max(...took));
  }
  readers.kill();
  await write("POST", `/${id}/unpublish`, {});
  return { ...found, memory };
}
