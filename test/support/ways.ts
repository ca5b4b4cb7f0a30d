import { request } from "node:http";

interface Sent {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: string | Buffer;
}

interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** What differs between any two answers. */
const own = new Set(["x-request-id", "date", "connection", "keep-alive", "ratelimit"]);

/**
 * Asks as most do, which is answered before the framework sees it where that can be; or with a length of nothing,
 * or a body whose length is not told, which only the framework answers.
 */
export async function answered(
  url: string,
  sent: Sent = {},
  way: "direct" | "common" = "direct",
): Promise<Answered> {
  const { method = "GET", body } = sent;
  const length =
    body === undefined
      ? way === "common" && { "content-length": "0" }
      : way === "common"
        ? { "transfer-encoding": "chunked" }
        : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { ...length, ...sent.headers } }, (answer) => {
      let text = "";
      answer.setEncoding("latin1");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => {
        const kept = Object.entries(answer.headers).filter(([name]) => !own.has(name));
        resolve({ status: answer.statusCode ?? 0, headers: Object.fromEntries(kept), body: text });
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
