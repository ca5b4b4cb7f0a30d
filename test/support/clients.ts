import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** One request, on a connection of the agent's; what breaks is never tried again. */
export function send(
  agent: Agent,
  address: string,
  method = "GET",
  headers: Record<string, string> = {},
  body?: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = request(
      address,
      {
        agent,
        method,
        headers: { ...headers, ...(text === undefined ? {} : { "content-type": "application/json" }) },
      },
      (response) => {
        let got = "";
        response.setEncoding("utf8").on("data", (part: string) => (got += part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: got }),
        );
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(text);
  });
}

/** What one client does over and over: the statuses that it expects, and a request. */
export type Habit = (agent: Agent, round: number) => Promise<{ answer: Answer; expected: number }>;

/**
 * Clients that keep their connections, and send one request after the other with short pauses, until
 * they are told to stop.
 *
 * @returns what ends them, and gives what went well and each request that did not
 */
export function busyClients(habits: readonly Habit[], pause: number) {
  const over = new AbortController();
  let done = 0;
  const failures: string[] = [];
  const connections = new Set<unknown>();
  const clients = habits.map(async (habit) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.on("free", (socket: unknown) => connections.add(socket));
    for (let round = 1; !over.signal.aborted; round += 1) {
      try {
        const { answer, expected } = await habit(agent, round);
        if (answer.status === expected) done += 1;
        else failures.push(`${answer.status}: ${answer.text}`);
      } catch (error) {
        failures.push(String(error));
      }
      await sleep(Math.random() * pause);
    }
    agent.destroy();
  });
  return async () => {
    over.abort();
    await Promise.all(clients);
    return { done, failures, connections: connections.size };
  };
}
