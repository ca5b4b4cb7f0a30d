import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** What a load is made of. */
export interface LoadPlan {
  port: number;
  /** Whole requests as bytes, one after the other, over and over; NUMBER in them becomes another each time. */
  requests: string[];
  connections: number;
  seconds: number;
  /** How many are sent a second; as many as are answered when absent. */
  rate?: number;
}

/** What stands for a number. */
export const NUMBER = "0123456789";

export interface LoadFound {
  /** Answers by status. */
  statuses: Record<string, number>;
  /** Connections that broke. */
  broken: number;
  /** Of answers other than 503, and of 503: milliseconds. */
  served: { median: number; p99: number };
  refused: { median: number; p99: number };
  /** Successes a second. */
  rate: number;
}

/**
 * Sends requests over raw connections, and reads no more of the answers than their status and length, so that it
 * costs less than to answer them. It runs in a thread of its own.
 */
export async function load({ port, requests, connections, seconds, rate }: LoadPlan): Promise<LoadFound> {
  const statuses: Record<string, number> = {};
  const times: { served: number[]; refused: number[] } = { served: [], refused: [] };
  let broken = 0;
  let next = 0;
  // As many digits as NUMBER has, and others each time.
  const first = 1e9 + Math.floor(Math.random() * 8e9);
  const free: Connection[] = [];
  const all = new Set<Connection>();
  const end = performance.now() + seconds * 1000;

  interface Connection {
    socket: Socket;
    sentAt: number;
    /** What has come of an answer that is not whole yet. */
    received: Buffer;
  }
  const send = (connection: Connection) => {
    connection.sentAt = performance.now();
    next += 1;
    connection.socket.write(
      (requests[next % requests.length] ?? "").replaceAll(NUMBER, String(first + next)),
    );
  };
  const answered = (connection: Connection, status: string) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    times[status === "503" ? "refused" : "served"].push(performance.now() - connection.sentAt);
    if (performance.now() >= end) return;
    if (rate === undefined) send(connection);
    else free.push(connection);
  };
  const open = async () => {
    const connection: Connection = { socket: connect(port, "127.0.0.1"), sentAt: 0, received: NOTHING };
    connection.socket.setNoDelay(true);
    connection.socket.on("data", (chunk: Buffer) => {
      const { received } = connection;
      const whole = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const last = endOfAnswer(whole);
      connection.received = last === undefined ? whole : whole.subarray(last);
      if (last !== undefined) answered(connection, whole.toString("latin1", 9, 12));
    });
    connection.socket.on("error", () => {});
    connection.socket.on("close", () => {
      all.delete(connection);
      if (performance.now() < end) broken += 1;
    });
    await once(connection.socket, "connect");
    all.add(connection);
    return connection;
  };

  const opened = await Promise.all(Array.from({ length: connections }, open));
  if (rate === undefined) for (const connection of opened) send(connection);
  else {
    free.push(...opened);
    const since = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = (rate * (performance.now() - since)) / 1000;
      for (; sent < due; sent += 1) {
        const connection = free.pop();
        if (connection !== undefined) send(connection);
      }
    }, 2);
    setTimeout(() => clearInterval(timer), seconds * 1000);
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now()) + 1_500));
  for (const { socket } of all) socket.destroy();
  const successes = Object.entries(statuses)
    .filter(([status]) => status.startsWith("2") || status === "304")
    .reduce((sum, [, count]) => sum + count, 0);
  return {
    statuses,
    broken,
    served: percentiles(times.served),
    refused: percentiles(times.refused),
    rate: successes / seconds,
  };
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Where an answer ends, of which there is but one at a time; undefined when it is not whole. */
function endOfAnswer(bytes: Buffer): number | undefined {
  const head = bytes.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = Number(/content-length: (\d+)/i.exec(bytes.toString("latin1", 0, head))?.[1] ?? 0);
  const end = head + 4 + length;
  return bytes.length < end ? undefined : end;
}

function percentiles(list: number[]) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}

// It is no window that the answer goes to.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
if (parentPort !== null) parentPort.postMessage(await load(workerData as LoadPlan));
