import { describe, expect, it, vi } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { freshDatabase } from "../support/database.ts";
import { startNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

describe("/healthz and /readyz", () => {
  it.for(["/healthz", "/readyz"])("%s answers ok, never to be kept", async (path) => {
    const answer = await newsroom.reader.get(path);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "ok" });
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("tell a process without its database from one that is dead", async () => {
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url);
    await fresh.drop();
    const ready = await vi.waitFor(async () => {
      const answer = await found.reader.get("/readyz");
      expect(answer.status).toBe(503);
      return answer;
    });
    expectProblem(ready, 503, "unavailable");
    expect(ready.headers["retry-after"]).toBe("1");
    expect((await found.reader.get("/healthz")).status).toBe(200);
    await close();
  });
});

describe("an operation while the database is away", () => {
  it("is 503 with Retry-After, and tells nothing of the inside", async () => {
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url);
    await fresh.drop();
    for (const answer of [
      await found.reader.get("/v1/articles"),
      await found.editor.get("/v1/keys"),
      await found.reader
        .post("/v1/articles/0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e/shares")
        .send({ network: "x" }),
    ]) {
      expectProblem(answer, 503, "unavailable");
      expect(answer.headers["retry-after"]).toBe("1");
      expect(answer.text).not.toContain(fresh.url);
    }
    await close();
  });
});

describe("/metrics", () => {
  it("counts requests by method, route and status, never by address", async () => {
    await newsroom.reader.get("/v1/articles/a-slug-of-its-own");
    await newsroom.reader.get("/no-route-of-its-own");
    const metrics = await vi.waitFor(async () => {
      const answer = await newsroom.reader.get("/metrics");
      expect(answer.text).toContain('route="/v1/articles/:article"');
      return answer;
    });
    expect(metrics.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.text).toMatch(
      /^dateline_http_request_duration_seconds_count\{method="GET",route="\/v1\/articles\/:article",status="404"\} \d+$/m,
    );
    expect(metrics.text).toMatch(/^# TYPE dateline_shares_batch_size histogram$/m);
    expect(metrics.text).toContain("process_cpu_seconds_total");
    expect(metrics.text).not.toMatch(/of-its-own/);
  });
});
