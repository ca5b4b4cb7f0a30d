import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type pg from "pg";

/**
 * Has changes that were made while a webhook was switched off delivered to a receiver in this process.
 *
 * @returns how many arrive a second
 */
export async function deliveriesASecond(
  dateline: string,
  key: string,
  client: pg.Client,
  count: number,
): Promise<number> {
  let arrived = 0;
  const all = Promise.withResolvers<undefined>();
  const receiver = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(204).end();
      arrived += 1;
      if (arrived === count) all.resolve(undefined);
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const write = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${dateline}/v1/webhooks${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const made = await write("POST", "", { url, enabled: false });
  const { id } = (await made.json()) as { id: string };
  await client.query(
    `INSERT INTO changes (kind, article_id, version, slug, at)
     SELECT 'published', article_id, version, slug, now() FROM publications, generate_series(1, $1)
     LIMIT $1`,
    [count],
  );
  const began = performance.now();
  await write("PATCH", `/${id}`, { enabled: true });
  await all.promise;
  const seconds = (performance.now() - began) / 1000;
  await write("DELETE", `/${id}`);
  receiver.closeAllConnections();
  receiver.close();
  return count / seconds;
}
