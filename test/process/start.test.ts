import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, npmStart, runToEnd, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";

async function request(server: ServerProcess, path: string, key?: string) {
  return fetch(
    `${server.url}${path}`,
    key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
  );
}

describe("with the embedded database", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dateline-start-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = () => startProcess({ DATELINE_DATA_DIR: join(folder, "data") });

  it("makes a key at the first start alone, which goes on working after a restart", async () => {
    const first = await start();
    const key = /key, shown this once: (\S+)/.exec(first.output())?.[1] ?? "";
    expect(key).toMatch(/^dateline_[0-9A-Za-z]{46}$/);
    expect(await (await request(first, "/v1/keys", key)).json()).toMatchObject({
      data: [{ name: "Administrator" }],
    });
    expect(await first.end("SIGTERM")).toBe(0);

    const second = await start();
    expect(second.output()).not.toContain("shown this once");
    expect((await request(second, "/v1/keys", key)).status).toBe(200);
    expect(await second.end("SIGINT")).toBe(0);
  });

  it("refuses to share its folder with another process", async () => {
    const server = await start();
    const other = await runToEnd(["src/main.ts"], { PORT: "0", DATELINE_DATA_DIR: join(folder, "data") });
    expect(other.code).toBe(1);
    expect(other.output).toMatch(/in use by another Dateline process/);
    expect((await request(server, "/readyz")).status).toBe(200);
    await server.end("SIGTERM");
  });

  it("lets the command line work beside it, and without it", async () => {
    const command = ["src/cli/dateline.ts", "create-key", "Beside"];
    const server = await start();
    const beside = await runToEnd(command, { DATELINE_DATA_DIR: join(folder, "data") });
    expect((await request(server, "/v1/keys", beside.output.trim())).status).toBe(200);
    await server.end("SIGTERM");
    const without = await runToEnd(command, { DATELINE_DATA_DIR: join(folder, "data") });
    expect(without.code).toBe(0);
  });

  it("comes back after a kill -9, with the database it left running", async () => {
    const first = await start();
    await first.end("SIGKILL");
    const second = await start();
    expect((await request(second, "/readyz")).status).toBe(200);
    expect(await second.end("SIGTERM")).toBe(0);
  });
});

describe("with DATABASE_URL", () => {
  it("adopts DATELINE_ADMIN_KEY, and drops the one that it replaces", async () => {
    const { url, drop } = await freshDatabase();
    const first = await startProcess({ DATABASE_URL: url, DATELINE_ADMIN_KEY: ADMIN });
    expect(first.output()).not.toContain(ADMIN);
    expect((await request(first, "/v1/keys", ADMIN)).status).toBe(200);
    await first.end("SIGTERM");
    const second = await startProcess({ DATABASE_URL: url, DATELINE_ADMIN_KEY: `${ADMIN}-2` });
    expect((await request(second, "/v1/keys", ADMIN)).status).toBe(401);
    expect((await request(second, "/v1/keys", `${ADMIN}-2`)).status).toBe(200);
    await second.end("SIGTERM");
    await drop();
  });

  it("lets two processes start on one empty database at once", async () => {
    const { url, drop } = await freshDatabase();
    const servers = await Promise.all([1, 2].map(() => startProcess({ DATABASE_URL: url })));
    const keys = servers.flatMap((server) => /shown this once: (\S+)/.exec(server.output())?.[1] ?? []);
    expect(keys).toHaveLength(1);
    for (const server of servers) expect((await request(server, "/v1/keys", keys[0])).status).toBe(200);
    await Promise.all(servers.map((server) => server.end("SIGTERM")));
    await drop();
  });
});

describe("a setting that is wrong", () => {
  it.each([
    ["PORT", "http"],
    ["DATABASE_URL", "mysql://somewhere"],
    ["DATELINE_ADMIN_KEY", "short"],
    ["DATELINE_WORKERS", "0.5"],
    ["DATELINE_RATE_LIMIT", "maybe"],
    ["LOG_LEVEL", "loud"],
  ])("%s ends the process at once, by name and without its value", async (name, value) => {
    const { code, output } = await runToEnd(["src/main.ts"], { [name]: value });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^${name} must be `));
    expect(output).not.toContain(value);
  });

  it("a database that is not there ends it with the reason", async () => {
    const { code, output } = await runToEnd(["src/main.ts"], {
      DATABASE_URL: "postgresql://nobody:secret-word@127.0.0.1:1/none",
    });
    expect(code).toBe(1);
    expect(output).toMatch(/ECONNREFUSED/);
    expect(output).not.toContain("secret-word");
  });
});

describe("stopping", () => {
  it("exits with 0 when npm start is told to, and leaves nothing behind", async () => {
    const { url, drop } = await freshDatabase();
    const server = await npmStart({ DATABASE_URL: url });
    expect(await server.end("SIGTERM")).toBe(0);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow(TypeError);
    await drop();
  });

  it("finishes what is in flight before it exits", async () => {
    const { url, drop } = await freshDatabase();
    const server = await startProcess({ DATABASE_URL: url, DATELINE_ADMIN_KEY: ADMIN });
    const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
    const sent = Array.from({ length: 20 }, (_, number) =>
      fetch(`${server.url}/v1/articles`, {
        method: "POST",
        headers,
        body: JSON.stringify({ headline: `Number ${number}` }),
      }),
    );
    // The first answer shows that the server works on them.
    await Promise.race(sent);
    const ended = server.end("SIGTERM");
    const answers = await Promise.allSettled(sent);
    expect(await ended).toBe(0);
    for (const answer of answers) if (answer.status === "fulfilled") expect(answer.value.status).toBe(201);
    await drop();
  });
});
