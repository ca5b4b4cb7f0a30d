import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a balancer asks whether a server is ready, in milliseconds. */
const ASK_EVERY = 100;

/**
 * A balancer of TCP connections, as stands before several processes: each connection goes to the next
 * server in turn of those that were ready when they were last asked, and stays there.
 */
export async function balancer() {
  const servers = new Map<string, { isReady: boolean }>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const over = new AbortController();
  const asking = (async () => {
    while (!over.signal.aborted) {
      for (const [url, server] of servers) {
        const answer = await fetch(`${url}/readyz`).catch(() => undefined);
        server.isReady = answer?.status === 200;
      }
      await sleep(ASK_EVERY);
    }
  })();
  const front = createServer((near) => {
    const ready = [...servers].filter(([, { isReady }]) => isReady);
    const [url] = ready[(turn += 1) % ready.length] ?? [];
    if (url === undefined) {
      near.destroy();
      return;
    }
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => sockets.delete(socket));
      socket.pipe(other);
    }
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    /** Puts a server behind it, from when it is seen to be ready. */
    add: (url: string) => servers.set(url, { isReady: false }),
    isReady: (url: string) => servers.get(url)?.isReady ?? false,
    remove: (url: string) => servers.delete(url),
    async close() {
      over.abort();
      front.close();
      for (const socket of sockets) socket.destroy();
      await asking;
    },
  };
}
