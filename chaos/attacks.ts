import { once } from "node:events";
import { type Socket, connect } from "node:net";

/** What somebody does to a server with many connections; ended by what it returns. */
export type Attack = (port: number, key: string) => Promise<() => void>;

/** Opens connections, a hundred at a time. */
async function open(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, async () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect").catch(() => {});
      return socket;
    });
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

const endOf = (sockets: readonly Socket[], timer?: NodeJS.Timeout) => () => {
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
};

/** A byte a second, over and over, to each. */
function trickle(sockets: readonly Socket[], byte: string): NodeJS.Timeout {
  return setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(byte);
  }, 1_000);
}

/** Every attack by its name, each scaled by `count` connections. */
export const attacks = (count: (most: number) => number): Record<string, Attack> => ({
  async "half-open connections that say nothing"(port) {
    return endOf(await open(port, count(2_000)));
  },
  async "headers that never end, a byte a second"(port) {
    const sockets = await open(port, count(2_000));
    for (const socket of sockets) socket.write("GET /v1/articles HTTP/1.1\r\nhost: x\r\nx-slow: ");
    return endOf(sockets, trickle(sockets, "a"));
  },
  async "bodies that never end, a byte a second, with a key"(port, key) {
    const sockets = await open(port, count(1_000));
    const head = `POST /v1/articles HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{`;
    for (const socket of sockets) socket.write(head);
    return endOf(sockets, trickle(sockets, " "));
  },
  async "readers that ask for much and take nothing"(port) {
    const sockets = await open(port, count(500));
    const request = "GET /v1/articles?limit=100 HTTP/1.1\r\nhost: x\r\n\r\n";
    for (const socket of sockets) {
      socket.pause();
      socket.write(request.repeat(20));
    }
    return endOf(sockets);
  },
  async "idle connections that were served once"(port) {
    const sockets = await open(port, count(10_000));
    for (const socket of sockets) {
      socket.resume();
      socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    }
    return endOf(sockets);
  },
  async "requests of 100,000 headers"(port) {
    const headers = Array.from({ length: 100_000 }, (_, number) => `x-${number}: y\r\n`).join("");
    const request = `GET /v1/articles HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;
    const stopping = new AbortController();
    const all = new Set<Socket>();
    const one = async () => {
      while (!stopping.signal.aborted) {
        const [socket] = await open(port, 1);
        if (socket === undefined) return;
        all.add(socket);
        socket.resume();
        socket.write(request);
        if (!socket.destroyed) await once(socket, "close").catch(() => {});
        all.delete(socket);
      }
    };
    for (let number = 0; number < count(4); number += 1) void one();
    return () => {
      stopping.abort();
      endOf([...all])();
    };
  },
});
