import { afterAll, beforeAll, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { expectSigned, receiver, until } from "./receiver.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const ARTICLES = 12;
const EDITIONS = 3;

let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await freshDatabase());
});
afterAll(() => drop());

const start = () =>
  startProcess({
    DATABASE_URL: databaseUrl,
    DATELINE_ADMIN_KEY: ADMIN,
    DATELINE_RATE_LIMIT: "off",
    DATELINE_WEBHOOK_HOSTS: "127.0.0.1",
  });

async function send(server: ServerProcess, method: "POST" | "PATCH", path: string, body: object) {
  const answer = await fetch(`${server.url}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as { id: string; secret: string };
}

it("loses nothing, and keeps each article's order, when the process is killed in mid-delivery", async () => {
  const partner = await receiver(async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return { status: 204 };
  });
  let server = await start();
  const hook = await send(server, "POST", "/webhooks", { url: partner.url });
  const ids: string[] = [];
  for (let number = 0; number < ARTICLES; number += 1) {
    const { id } = await send(server, "POST", "/articles", { headline: `Number ${number}` });
    ids.push(id);
    for (let edition = 1; edition <= EDITIONS; edition += 1) {
      await send(server, "PATCH", `/articles/${id}`, { standfirst: `Edition ${edition}` });
      await send(server, "POST", `/articles/${id}/publish`, {});
    }
    if (number % 4 === 3) {
      // All may be there already, and some twice.
      const before = partner.received.length;
      await until(() => partner.received.length > before || before >= ids.length * EDITIONS);
      await server.end("SIGKILL");
      server = await start();
    }
  }
  await until(async () => {
    const page = await fetch(`${server.url}/v1/webhooks/${hook.id}/deliveries?limit=100`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    const { data } = (await page.json()) as { data: { state: string }[] };
    return data.length === ARTICLES * EDITIONS && data.every(({ state }) => state === "delivered");
  });
  for (const id of ids) {
    const told = partner.about(id);
    const versions = told.map(({ body }) => body.data.edition);
    expect(versions).toEqual(versions.toSorted((one, other) => one - other));
    expect(new Set(versions)).toEqual(new Set([1, 2, 3]));
    // What came twice came with the same id.
    const known = new Set(told.map(({ headers, body }) => `${body.data.edition} ${headers["webhook-id"]}`));
    expect(known.size).toBe(EDITIONS);
    for (const message of told) expectSigned(message, hook.secret);
  }
  const output = server.output();
  expect(output).not.toContain(hook.secret.slice("whsec_".length));
  expect(await server.end("SIGTERM")).toBe(0);
});
