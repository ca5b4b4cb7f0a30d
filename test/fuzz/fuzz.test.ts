import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Target, fuzz, prepare } from "../../fuzz/fuzz.ts";
import { judgeOf } from "../../fuzz/judge.ts";
import { compareWithModel } from "../../fuzz/model.ts";
import { type Receiver, startReceiver } from "../../fuzz/newsroom.ts";
import { type Answered, NoAnswer, type Request, send } from "../../fuzz/send.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });
let receiver: Receiver;
let target: Target;
beforeAll(async () => {
  receiver = await startReceiver();
  target = await prepare(newsroom.url, newsroom.adminKey, receiver);
});
afterAll(() => receiver.stop());

describe("the newsroom", () => {
  it("stands some hundred requests of every kind to every operation", async () => {
    const { failures, requests } = await fuzz(target, { requests: 250, seed: 20_261_124 });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThanOrEqual(250);
  });

  it("is like the model through sequences of operations", async () => {
    const { report, steps } = await compareWithModel(target, { sequences: 3, seed: 7 });
    expect(report).toBeNull();
    expect(steps.size).toBeGreaterThan(5);
  });
});

/** Answers for the newsroom, with a fault of its own. */
async function behind(
  change: (request: string, answer: Answered) => Answered,
  use: (url: string) => Promise<void>,
) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const { method = "", url = "" } = request;
      const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        name === "content-length" || value === undefined ? [] : [[name, String(value)]],
      );
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
      const sent = { caller: target.cast.admin, method, target: url, headers, body };
      const answer = change(url, await send(newsroom.url, sent));
      const { "content-length": _, ...passedOn } = answer.headers;
      response.writeHead(answer.status, passedOn).end(answer.text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("the fuzzer", () => {
  it("finds a request that breaks a server, and shows it in its smallest form", async () => {
    const breaks = (url: string, answer: Answered): Answered =>
      url.includes("limit=1") ? { ...answer, status: 500 } : answer;
    await behind(breaks, async (url) => {
      const found = await fuzz({ ...target, url }, { requests: 60, seed: 1, operation: "listTags" });
      expect(found.failures).toMatchObject([
        {
          operation: "listTags",
          fault: "the status is 500",
          seed: 1,
          curl: expect.stringMatching(/^curl .*limit=1/),
        },
      ]);
      expect(found.failures[0]?.answer).toMatch(/^500\n/);
    });
  });

  it("sees that a newsroom and the model differ", async () => {
    const forgets = (url: string, answer: Answered): Answered =>
      url.startsWith("/v1/changes?since=")
        ? { ...answer, text: answer.text.replace('"kind":"published"', '"kind":"deleted"') }
        : answer;
    await behind(forgets, async (url) => {
      const { report } = await compareWithModel({ ...target, url }, { sequences: 5, seed: 3 });
      expect(report).toMatch(/a mirror kept from the change feed/);
      expect(report).toMatch(/Counterexample: \[create,publish of \d/);
    });
  });

  it("does not wait for an answer beyond its deadline", async () => {
    const request = { caller: target.cast.admin, method: "GET", headers: [], body: undefined };
    const waiting = send(newsroom.url, { ...request, target: "/v1/changes?since=now&wait=5" }, 100);
    await expect(waiting).rejects.toThrow(NoAnswer);
  });
});

describe("what is held against an answer", () => {
  const faultOf = (caller: string, change: Partial<Answered>, path = "/v1/tags") => {
    const found = target.cast.callers.find(({ name }) => name === caller) ?? target.cast.admin;
    const request: Request = { caller: found, method: "GET", target: path, headers: [], body: undefined };
    const headers = { "content-type": "application/json; charset=utf-8", "x-request-id": "a" };
    const text = JSON.stringify({ data: [], page: { limit: 20, next: null } });
    const operation = target.contract.operationAt("GET", path);
    const judge = judgeOf(target.contract, target.cast);
    return judge({ request, operation, answer: { status: 200, headers, text, ...change } });
  };
  const problem = (detail: string) => ({
    status: 400,
    headers: { "content-type": "application/problem+json" },
    text: JSON.stringify({
      type: "/problems/a",
      title: "A",
      status: 400,
      detail,
      instance: "/",
      requestId: "a",
    }),
  });
  const secret = (what: RegExp) => target.cast.secrets.find((one) => what.test(one.what))?.word ?? "";

  it("is nothing when it is right", () => {
    expect(faultOf("anyone", {})).toBeUndefined();
    expect(faultOf("anyone", problem("The limit is wrong."))).toBeUndefined();
  });

  it("is a status, a media type, a body or a header that the document does not have", () => {
    expect(faultOf("anyone", { status: 202 })).toMatch(/status is not declared/);
    expect(faultOf("anyone", { headers: { "content-type": "text/html" } })).toMatch(
      /text\/html is not declared/,
    );
    expect(faultOf("anyone", { text: '{"data":[]}' })).toMatch(/must have required property 'page'/);
    const headers = { "content-type": "application/json", "x-powered-by": "A", "set-cookie": ["a"] };
    expect(faultOf("anyone", { headers })).toMatch(/x-powered-by, set-cookie/);
  });

  it("is what the inside alone speaks of", () => {
    expect(faultOf("anyone", problem("at Object.run (/app/src/a.ts:7)"))).toMatch(/inside/);
    expect(faultOf("anyone", problem("SELECT id FROM keys"))).toMatch(/inside/);
  });

  it("is a draft's word shown to whoever may not see it, in a body or a header", () => {
    const word = secret(/headline of a draft/);
    const text = JSON.stringify({ data: [], page: { limit: 20, next: word } });
    for (const caller of ["anyone", "partner", "wrong", "revoked", "bound publisher", "only shares:write"]) {
      expect(faultOf(caller, { text })).toContain(word);
      expect(faultOf(caller, { headers: { "content-type": "application/json", etag: word } })).toContain(
        word,
      );
    }
    for (const caller of ["admin", "editor", "only drafts:read"])
      expect(faultOf(caller, { text })).toBeUndefined();
    // What a request says itself comes back in its problem.
    expect(faultOf("anyone", problem(`There is no ${word}.`), `/v1/tags?q=${word}`)).toBeUndefined();
  });

  it("is a key or the secret of a webhook, shown to anyone", () => {
    for (const what of [/key of editor/, /never used/, /secret of a webhook/, /administrator's key/]) {
      const text = JSON.stringify({ data: [], page: { limit: 20, next: secret(what) } });
      expect(faultOf("admin", { text })).toBeDefined();
    }
  });
});
