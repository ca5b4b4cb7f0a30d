import { once } from "node:events";
import { type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a cache in front was sent: the path that it came by, the keys, and when, in milliseconds since 1970. */
export interface Purge {
  path: string;
  keys: string[];
  at: number;
}

/** A cache in front that writes down what it is to purge. */
export async function recordingCache() {
  const purges: Purge[] = [];
  let answer = (response: ServerResponse) => {
    response.end();
  };
  const server = createServer((request, response) => {
    if (request.method !== "PURGE") response.statusCode = 405;
    const keys = String(request.headers["surrogate-key"]).split(" ");
    purges.push({ path: request.url ?? "", keys, at: Date.now() });
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    purges,
    /** The purges so far that name a key. */
    of: (key: string) => purges.filter(({ keys }) => keys.includes(key)),
    /** Has it answer otherwise from here on; as a cache does that purges, when absent. */
    answers(otherwise: (response: ServerResponse) => void = (response) => response.end()) {
      answer = otherwise;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
