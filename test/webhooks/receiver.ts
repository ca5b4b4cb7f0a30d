import { once } from "node:events";
import { type IncomingHttpHeaders, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { expect, onTestFinished, vi } from "vitest";
import type { ShownChange } from "../support/changes.ts";
import type { TestNewsroom } from "../support/newsroom.ts";

/** A message as a partner's server gets it. */
export interface Received {
  headers: IncomingHttpHeaders & Record<string, string>;
  text: string;
  body: {
    type: string;
    timestamp: string;
    data: ShownChange;
  };
}

interface Reply {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

type Answering = (message: Received, number: number) => Reply | Promise<Reply>;

/** A real server that takes what webhooks send, and answers as it is told to; for one test. */
export async function receiver(answering: Answering = () => ({ status: 204 })) {
  const received: Received[] = [];
  const behaviour = { answering };
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const message = { headers: request.headers, text, body: JSON.parse(text) } as Received;
      received.push(message);
      const answer = async () => {
        const { status, body, headers } = await behaviour.answering(message, received.length);
        response.writeHead(status, headers).end(body);
      };
      void answer();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    /** Answers otherwise from now on. */
    answerBy(next: Answering) {
      behaviour.answering = next;
    },
    /** The messages about an article. */
    about: (id: string) => received.filter(({ body }) => body.data.articleId === id),
    close,
  };
}

export interface Hook {
  id: string;
  secret: string;
  url: string;
  position: string;
  path: string;
}

/** Sets up a webhook, which is removed after the test. */
export async function hookTo({ editor }: TestNewsroom, url: string, more: object = {}): Promise<Hook> {
  const answer = await editor.post("/v1/webhooks").send({ url, ...more });
  if (answer.status !== 201) throw new Error(`no webhook was made: ${answer.text}`);
  const path = `/v1/webhooks/${answer.body.id}`;
  onTestFinished(async () => {
    await editor.delete(path);
  });
  return { ...(answer.body as Hook), path };
}

/** Waits for something to become true, up to `most` milliseconds. */
export function until(check: () => unknown, most = 10_000): Promise<unknown> {
  return vi.waitFor(
    async () => {
      const found = await check();
      if (found === undefined || found === false || found === null)
        throw new Error(`not yet: ${String(check)}`);
      return found;
    },
    { timeout: most, interval: 20 },
  );
}

/** Expects that a message was signed with a secret, as Standard Webhooks' own library sees it. */
export function expectSigned({ text, headers }: Received, secret: string): void {
  expect(new Webhook(secret).verify(text, headers)).toEqual(JSON.parse(text));
}

/** Whether a message was signed with a secret. */
export function isSigned({ text, headers }: Received, secret: string): boolean {
  try {
    new Webhook(secret).verify(text, headers);
    return true;
  } catch {
    return false;
  }
}

/** Lets everything that waits to be tried again be due now, as if the time had passed. */
export async function letTimePass({ database }: TestNewsroom, { id }: Hook): Promise<void> {
  await database.webhookDelivery.updateMany({
    where: { webhookId: id, state: "pending" },
    data: { dueAt: new Date() },
  });
}
