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
    const settings = {
      DATELINE_ADMIN_KEY: ADMIN,
      DATELINE_RATE_LIMIT: "off",
      DATELINE_STALE_IF_ERROR: "0",
      LOG_LEVEL: "error",
    };
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
    return Number(
      new RegExp(`^dateline_cache_${name}(?:_total)?\\{kind="articles"\\} (\\S+)$`, "m").exec(text)?.[1],
    );
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

  it("show a share, and lists with it", async () => {
    const id = await publish("Shared here and there");
    await usesMemory(id);
    await write("POST", `/${id}/shares`, { network: "x" });
    const total = async (server: ServerProcess) =>
      ((await (await read(server, id)).json()) as { shareTotal: number }).shareTotal;
    expect(await total(here)).toBe(1);
    await vi.waitFor(async () => expect(await total(there)).toBe(1));
    const list = await fetch(`${here.url}/v1/articles?limit=1&fields=shareTotal`);
    expect(await list.json()).toMatchObject({ data: [{ id, shareTotal: 1 }] });
  });

  it("serve nothing stale while one cannot be told, and go back to memory when it can", async () => {
    const id = await publish("Before the cut");
    await usesMemory(id);
    line.cutOnly("dateline listener");
    await vi.waitFor(async () => expect(await figure(there, "entries")).toBe(0), { interval: 5 });
    for (const headline of ["During the cut", "Still cut"]) {
      await publishAgain(id, headline);
      for (let number = 0; number < 3; number += 1) expect(await headlineOf(there, id)).toBe(headline);
    }
    await write("POST", `/${id}/unpublish`, {});
    expect((await read(there, id)).status).toBe(410);
    expect(await figure(there, "entries")).toBe(0);
    line.cutOnly(undefined);
    await write("POST", `/${id}/publish`, {});
    await usesMemory(id);
    expect(await headlineOf(there, id)).toBe("Still cut");
    await publishAgain(id, "After the cut");
    await vi.waitFor(async () => expect(await headlineOf(there, id)).toBe("After the cut"));
  });

  it("serve nothing stale when one has lost its database altogether", async () => {
    const id = await publish("Before the outage");
    await usesMemory(id);
    await line.cut();
    await vi.waitFor(async () => expect(await figure(there, "entries")).toBe(0), { interval: 5 });
    await publishAgain(id, "During the outage");
    for (let number = 0; number < 3; number += 1) expect((await read(there, id)).status).toBe(503);
    await line.mend();
    await vi.waitFor(async () => {
      const answer = await read(there, id);
      const body = (await answer.json()) as { headline?: string };
      expect(body.headline).not.toBe("Before the outage");
      expect(answer.status).toBe(200);
    });
    await usesMemory(id);
    expect(await headlineOf(there, id)).toBe("During the outage");
  });
});
