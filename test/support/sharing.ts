import { Agent, request } from "node:http";

/** Records shares over connections that are kept, which a supertest agent does not; many at once come cheap. */
export function sharers(url: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const share = (article: string, network: string) =>
    new Promise<{ status: number; count: number }>((resolve, reject) => {
      const sent = request(
        `${url}/v1/articles/${article}/shares`,
        { method: "POST", agent, headers: { "content-type": "application/json" } },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (part: string) => (text += part));
          response.on("end", () => {
            const body = JSON.parse(text) as { count?: number };
            resolve({ status: response.statusCode ?? 0, count: body.count ?? -1 });
          });
        },
      );
      sent.on("error", reject);
      sent.end(JSON.stringify({ network }));
    });
  return {
    share,
    close: () => {
      agent.destroy();
    },
  };
}
