import { once } from "node:events";
import { connect } from "node:net";

// Opens streams of changes, as a process of its own, and says of each change when each of them had it:
// node bench/streamReaders.ts URL COUNT
const [url = "", count = "1"] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const COUNT = Number(count);
/** How many are opened at once. */
const AT_ONCE = 50;
let arrived: number[] = [];

async function open(): Promise<void> {
  const socket = connect(Number(port), hostname);
  socket.write(`GET /v1/changes/stream HTTP/1.1\r\nhost: ${hostname}\r\naccept: text/event-stream\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString().startsWith("HTTP/1.1 200")) throw new Error(head.toString());
  socket.on("data", (chunk: Buffer) => {
    if (chunk.includes("event: ")) note();
  });
}

function note(): void {
  arrived.push(Date.now());
  if (arrived.length < COUNT) return;
  console.log(JSON.stringify(arrived));
  arrived = [];
}

for (let opened = 0; opened < COUNT; opened += AT_ONCE)
  await Promise.all(Array.from({ length: AT_ONCE }, open));
console.log("open");
