import { type IncomingHttpHeaders, type IncomingMessage, get } from "node:http";
import { once } from "node:events";
import type { ShownChange } from "./changes.ts";

/** A server-sent event as it came. */
export interface ShownEvent {
  id: string;
  event: string;
  data: ShownChange;
}

export interface EventStream {
  status: number;
  headers: IncomingHttpHeaders;
  /** What has come so far, and is still to come. */
  events: ShownEvent[];
  /** All that came, as text. */
  text: () => string;
  /** Waits until there are so many events. */
  until: (count: number) => Promise<ShownEvent[]>;
  /** Takes no more from the connection for now. */
  pause: () => void;
  resume: () => void;
  close: () => void;
  /** When the server has ended it, or the connection is lost. */
  ended: Promise<unknown>;
}

/** Opens a stream of events and reads it as WHATWG HTML says (section 9.2.6), as far as Dateline makes use of it. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const request = get(url, { headers, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const ended = new Promise((resolve) => {
    response.once("close", resolve);
  });
  let text = "";
  let rest = "";
  const events: ShownEvent[] = [];
  let told = Promise.withResolvers<void>();
  response.on("error", () => undefined);
  response.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const found: Record<string, string> = Object.fromEntries(
        block.split("\n").map((line) => [line.split(": ", 1)[0] ?? "", line.slice(line.indexOf(": ") + 2)]),
      );
      const { id, event, data } = found;
      if (id !== undefined && event !== undefined && data !== undefined)
        events.push({ id, event, data: JSON.parse(data) as ShownChange });
    }
    told.resolve();
    told = Promise.withResolvers();
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    text: () => text,
    async until(count) {
      while (events.length < count) await told.promise;
      return events;
    },
    pause: () => response.pause(),
    resume: () => response.resume(),
    close: () => request.destroy(),
    ended,
  };
}
