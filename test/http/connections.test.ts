import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { dropUnused } from "../../src/http/server.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom({ DATELINE_KEEP_ALIVE: "1" });

/** A connection that has asked for something, and the text that came on it. */
function ask(url: string, path: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  let text = "";
  const get = (one: string) => socket.write(`GET ${one} HTTP/1.1\r\nHost: a\r\n\r\n`);
  get(path);
  return { socket, get, read: () => socket.on("data", (chunk: Buffer) => (text += chunk)), text: () => text };
}

describe("a connection", () => {
  it("is closed when nothing is asked on it for as long as DATELINE_KEEP_ALIVE says", async () => {
    const { socket, read, text } = ask(newsroom.url, "/v1/articles");
    read();
    const begun = performance.now();
    await once(socket, "close");
    expect(text()).toMatch(/^HTTP\/1\.1 200 [^]*\r\nKeep-Alive: timeout=1\r\n/);
    expect(performance.now() - begun).toBeGreaterThan(950);
  });

  it("is kept while something is asked on it now and then", async () => {
    const { socket, get, read, text } = ask(newsroom.url, "/v1/articles");
    read();
    for (let time = 0; time < 4; time += 1) {
      await sleep(700);
      get("/v1/articles");
    }
    await sleep(300);
    expect(text().match(/HTTP\/1\.1 200/g)).toHaveLength(5);
    socket.destroy();
  });

  it("is kept beyond it while an answer is still to come", async () => {
    const { socket, read, text } = ask(newsroom.url, "/v1/changes?since=now&wait=4");
    read();
    await once(socket, "data");
    expect(text()).toMatch(/^HTTP\/1\.1 200/);
    socket.destroy();
  });
});

it("/metrics tells how many connections are open", async () => {
  const open = async () =>
    Number(/^dateline_http_connections (\d+)/m.exec((await newsroom.reader.get("/metrics")).text)?.[1]);
  const before = await open();
  const sockets = Array.from({ length: 3 }, () => ask(newsroom.url, "/v1/changes?since=now&wait=4").socket);
  await vi.waitFor(async () => expect(await open()).toBe(before + 3));
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(async () => expect(await open()).toBe(before));
});

describe("a connection whose client leaves lying what is sent to it", () => {
  const STALLED = 450;
  const large = Buffer.alloc(64 * 1024 * 1024);
  let given = (): void => {};
  let sendMore = (): void => {};
  const server = createServer((_request, response) => {
    response.on("close", () => {
      given();
    });
    sendMore = () => response.write(large);
    sendMore();
  });
  dropUnused(server, STALLED, 50);
  const start = async () => {
    if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const isGivenUp = new Promise<void>((resolve) => (given = resolve));
    return { ...ask(`http://127.0.0.1:${port}`, "/"), isGivenUp };
  };
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is given up", async () => {
    const { socket, isGivenUp } = await start();
    await isGivenUp;
    socket.destroy();
  });

  it("is kept while some of it is taken, however slowly", async () => {
    const { socket } = await start();
    let taken = 0;
    // The system keeps some megabytes on their way.
    const often = 4 * 1024 * 1024;
    socket.on("data", (chunk: Buffer) => {
      const rests = Math.floor((taken + chunk.length) / often) > Math.floor(taken / often);
      taken += chunk.length;
      if (!rests) return;
      socket.pause();
      setTimeout(() => socket.resume(), STALLED / 4);
    });
    await expect.poll(() => taken, { timeout: 15_000 }).toBeGreaterThan(large.length);
    socket.destroy();
  });

  it("is kept once it is taken and more is still to come, and given up when that is left lying", async () => {
    const { socket, isGivenUp } = await start();
    let taken = 0;
    socket.on("data", (chunk: Buffer) => (taken += chunk.length));
    await expect.poll(() => taken).toBeGreaterThan(large.length);
    await sleep(3 * STALLED);
    expect(socket.closed).toBe(false);
    socket.pause();
    sendMore();
    await isGivenUp;
    socket.destroy();
  });
});
