import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type ServerProcess, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

let folder: string;
let server: ServerProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dateline-embedded-"));
  server = await startProcess({ DATELINE_DATA_DIR: folder, DATELINE_ADMIN_KEY: ADMIN });
});
afterAll(async () => {
  expect(await server.end("SIGTERM")).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

const create = (headline: string) =>
  fetch(`${server.url}/v1/articles`, { method: "POST", headers, body: JSON.stringify({ headline }) });
const postmaster = async () =>
  Number((await readFile(join(folder, "postgres", "postmaster.pid"), "utf8")).split("\n")[0]);

it("the embedded PostgreSQL is started again when it dies, and serves within seconds", async () => {
  expect((await create("Before")).status).toBe(201);
  for (let round = 1; round <= 2; round += 1) {
    const pid = await postmaster();
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => expect(await postmaster()).not.toBe(pid), { timeout: 10_000 });
    await vi.waitFor(async () => expect((await create(`After ${round}`)).status).toBe(201), {
      timeout: 10_000,
    });
  }
  // It serves before whoever starts it has seen that it does.
  await vi.waitFor(() => expect(server.output()).toContain("The embedded PostgreSQL is back."), {
    timeout: 10_000,
  });
  const list = await fetch(`${server.url}/v1/articles?version=draft&fields=headline`, { headers });
  const { data } = (await list.json()) as { data: { headline: string }[] };
  expect(data.map(({ headline }) => headline).toSorted()).toEqual(["After 1", "After 2", "Before"]);
});
