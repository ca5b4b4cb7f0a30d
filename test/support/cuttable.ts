import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A line to a database that can be cut and mended, as networks and failovers do. */
export async function cuttable(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const named = new Map<Socket, Buffer>();
  let refused: string | undefined;
  let isSilent = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname);
    // The first message has the name of the application in it (PostgreSQL's manual, StartupMessage).
    near.once("data", (startup: Buffer) => {
      named.set(near, startup);
      if (refused !== undefined && startup.includes(refused)) near.destroy();
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        named.delete(socket);
        other.destroy();
      });
      if (!isSilent) socket.pipe(other);
    }
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    /** Cuts the connections of one application alone, by a part of its name, until it is called with another. */
    cutOnly(application: string | undefined) {
      refused = application;
      if (application === undefined) return;
      for (const [socket, startup] of named) if (startup.includes(application)) socket.destroy();
    },
    /** Lets nothing through and says nothing, as a network does whose packets are dropped. */
    hush() {
      isSilent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    async cut() {
      isSilent = false;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    mend: () => listen(port),
  };
}
