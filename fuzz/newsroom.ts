import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startProcess } from "../test/support/process.ts";
import type { Ask } from "./callers.ts";

/** A Dateline that a run has to itself. */
export interface OwnNewsroom {
  url: string;
  adminKey: string;
  /** The last of what it has printed. */
  printed: () => string;
  /** What webhooks were sent. */
  receiver: Receiver;
  stop: () => Promise<void>;
}

export interface Receiver {
  url: string;
  /** What has come since this was last asked, as text. */
  taken: () => string[];
  stop: () => void;
}

/** Starts a Dateline on an embedded PostgreSQL of its own, in a folder that is gone afterwards. */
export async function startNewsroom(): Promise<OwnNewsroom> {
  const folder = await mkdtemp(join(tmpdir(), "dateline-fuzz-"));
  const adminKey = "an-administrators-key-for-fuzzing-only";
  const receiver = await startReceiver();
  const { url, output, end } = await startProcess({
    DATELINE_DATA_DIR: folder,
    DATELINE_ADMIN_KEY: adminKey,
    DATELINE_RATE_LIMIT: "off",
    DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
    LOG_LEVEL: "error",
  });
  return {
    url,
    adminKey,
    printed: () => output().slice(-3000),
    receiver,
    async stop() {
      // One that has fallen over does not end again.
      await Promise.race([end("SIGTERM"), sleep(30_000)]);
      receiver.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where webhooks may be sent to. */
export async function startReceiver(): Promise<Receiver> {
  let taken: string[] = [];
  const server: Server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      taken.push(text);
      response.writeHead(204).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken: () => {
      const found = taken;
      taken = [];
      return found;
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Makes articles in every state, so that there is always something to ask for. */
export async function furnish(ask: Ask, receiver: Pick<Receiver, "url">): Promise<void> {
  const name = randomBytes(4).toString("hex");
  for (const kind of ["section", "tag", "author"]) {
    await ask("POST", `/v1/${kind}s`, { name: `A ${kind}, ${name}`, slug: `${kind}-${name}` });
  }
  await ask("POST", "/v1/webhooks", { url: receiver.url });
  await ask("POST", "/v1/keys", { name: `A key, ${name}`, scopes: ["embargo:read"] });
  const articles = await Promise.all(
    Array.from({ length: 12 }, (_, number) =>
      ask("POST", "/v1/articles", {
        headline: `The harbour bridge reopens, ${name} ${number}`,
        standfirst: "It was closed for a year",
        section: `section-${name}`,
        tags: [`tag-${name}`],
        authors: [`author-${name}`],
        body: [
          { id: "b1", type: "paragraph", text: "The harbour bridge reopens on Monday." },
          { id: "b2", type: "heading", text: "Why it was closed" },
        ],
        keyPoints: [{ text: "It reopens on Monday", blockId: "b1" }, "It was closed for a year"],
        relatedLinks: [{ title: "The report", url: "https://news.invalid/report", kind: "source" }],
      }),
    ),
  );
  for (const [number, { id }] of articles.entries()) {
    const path = `/v1/articles/${id}`;
    if (number < 8) await ask("POST", `${path}/publish`, {});
    await ask("POST", `${path}/comments`, { text: "Who says so?", blockId: "b1" });
    if (number < 4) await ask("POST", `${path}/shares`, { network: "whatsapp" });
    if (number === 1) await ask("PATCH", path, { slug: `moved-${name}` }, { "if-match": "*" });
    if (number === 2) await ask("POST", `${path}/previews`, {});
    if (number === 8) await ask("POST", `${path}/submit`);
    if (number === 9)
      await ask("POST", `${path}/publish`, { at: new Date(Date.now() + 3_600_000).toISOString() });
    if (number >= 10) await ask("DELETE", path, undefined, { "if-match": "*" });
  }
}
