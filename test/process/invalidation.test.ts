import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cuttable } from "../support/cuttable.ts";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

describe("two processes on one database", () => {
  let here: ServerProcess;
  let there: ServerProcess;
  let line: Awaited<ReturnType<typeof cuttable>>;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await freshDatabase();
    ({ drop } = database);
    line = await cuttable(database.url);
    const settings = { DATELINE_ADMIN_KEY: ADMIN, DATELINE_RATE_LIMIT: "off", LOG_LEVEL: "error" };
    here = await startProcess({ ...settings, DATABASE_URL: database.url });
    there = await startProcess({ ...settings, DATABASE_URL: line.url });
  });
  afterAll(async () => {
    await Promise.all([here, there].map((server) => server.end("SIGTERM")));
    await line.cut();
    await drop();
  });

  const read = (server: ServerProcess, id: string) => fetch(`${server.url}/v1/articles/${id}`);
  const headlineOf = async (server: ServerProcess, id: string) =>
    ((await (await read(server, id)).json()) as { headline?: string }).headline;

  const write = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${here.url}/v1/articles${path}`, {
      method,
      headers: { ...headers, "if-match": "*" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const publish = async (headline: string) => {
    const { id } = await write("POST", "", { headline });
    await write("POST", `/${id}/publish`, {});
    return id;
  };
  const publishAgain = async (id: string, headline: string) => {
    await write("PATCH", `/${id}`, { headline });
    await write("POST", `/${id}/publish`, {});
  };

  const figure = async (server: ServerProcess, name: string) => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(new RegExp(`^dateline_cache_articles_${name} (\\S+)$`, "m").exec(text)?.[1]);
  };
  /** Waits until the other process answers from memory what it has read before. */
  const usesMemory = async (id: string) => {
    await vi.waitFor(async () => {
      await read(there, id);
      const before = await figure(there, "hits");
      await read(there, id);
      expect(await figure(there, "hits")).toBe(before + 1);
    });
  };

  it("show a publication to the very next reader of the one that made it, and soon to the other's", async () => {
    const id = await publish("Edition 0");
    await usesMemory(id);
    for (let number = 1; number <= 20; number += 1) {
      await publishAgain(id, `Edition ${number}`);
      expect(await headlineOf(here, id)).toBe(`Edition ${number}`);
      // How soon is measured by bench/; here it is enough that it comes by itself.
      await vi.waitFor(async () => expect(await headlineOf(there, id)).toBe(`Edition ${number}`), {
        interval: 5,
        timeout: 2_000,
      });
    }
  });

  it("show what was withdrawn to nobody", async () => {
    const id = await publish("Withdrawn");
    await usesMemory(id);
    await write("POST", `/${id}/unpublish`, {});
    expect((await read(here, id)).status).toBe(410);
    await vi.waitFor(async () => expect((await read(there, id)).status).toBe(410));
  });

  it("serve nothing stale while one cannot be told, and go back to memory when it can", async () => {
    const id = await publish("Before the cut");
    await usesMemory(id);
    await line.cut();
    // Whatever is published before the loss was noticed would be stale, if it were served, from here on.
    await vi.waitFor(async () => expect(await figure(there, "entries")).toBe(0), { interval: 5 });
    await publishAgain(id, "During the cut");
    // Without its database it can tell what is published only by asking, and says that it cannot.
    for (let number = 0; number < 3; number += 1) expect((await read(there, id)).status).toBe(503);
    await line.mend();
    await vi.waitFor(
      async () => {
        const answer = await read(there, id);
        if (answer.status !== 503) expect(await answer.json()).toMatchObject({ headline: "During the cut" });
        expect(answer.status).toBe(200);
      },
      { timeout: 10_000 },
    );
    await usesMemory(id);
    await publishAgain(id, "After the cut");
    await vi.waitFor(async () => expect(await headlineOf(there, id)).toBe("After the cut"));
  });
});
