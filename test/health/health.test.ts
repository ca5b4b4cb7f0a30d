import { describe, expect, it, vi } from "vitest";
import { draft, live } from "../support/articles.ts";
import { cuttable } from "../support/cuttable.ts";
import { inMs, planned } from "../support/desk.ts";
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

  it("counts and times what is answered from memory too", async () => {
    const { id } = await live(newsroom, { headline: "Answered directly" });
    const counted = async (status: number) => {
      const { text } = await newsroom.reader.get("/metrics");
      const found = new RegExp(
        `^dateline_http_request_duration_seconds_count\\{method="GET",route="/v1/articles/:article",status="${status}"\\} (\\d+)$`,
        "m",
      );
      return Number(found.exec(text)?.[1] ?? 0);
    };
    const before = { ok: await counted(200), same: await counted(304) };
    const { headers } = await newsroom.reader.get(`/v1/articles/${id}`);
    await newsroom.reader.get(`/v1/articles/${id}`).set("If-None-Match", headers.etag ?? "");
    expect(await counted(200)).toBe(before.ok + 1);
    expect(await counted(304)).toBe(before.same + 1);
  });

  it("tells what waits: connections of the pool, jobs that are due and plans that are overdue", async () => {
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url);
    const { id } = await draft(found, { headline: "Never carried out" });
    await planned(found, id, { at: inMs(3_600_000) });
    await found.newsroom.jobs.stop();
    await found.database
      .$executeRaw`UPDATE articles SET scheduled_for = now() - interval '90 seconds' WHERE scheduled_for IS NOT NULL`;
    await found.database
      .$executeRaw`UPDATE jobs.job SET start_after = now() - interval '90 seconds' WHERE name = 'due'`;
    const { text } = await found.reader.get("/metrics");
    await close();
    await fresh.drop();
    const figure = (name: string) =>
      Number(new RegExp(`^${RegExp.escape(name)} ([\\d.e+-]+)$`, "m").exec(text)?.[1]);
    expect(figure("dateline_database_up")).toBe(1);
    expect(figure("dateline_database_connections_max")).toBe(10);
    expect(figure('dateline_database_connections{state="busy"}')).toBeGreaterThanOrEqual(0);
    expect(figure("dateline_database_waiting")).toBe(0);
    expect(figure('dateline_jobs_due{queue="due"}')).toBe(1);
    expect(figure('dateline_jobs_lag_seconds{queue="due"}')).toBeGreaterThanOrEqual(90);
    expect(figure("dateline_plans_lag_seconds")).toBeGreaterThanOrEqual(90);
  });

  it("goes on, and says so, while the database is away or does not answer", async () => {
    const fresh = await freshDatabase();
    const line = await cuttable(fresh.url);
    const { found, close } = await startNewsroom(line.url);
    for (const interrupt of [async () => line.hush(), () => line.cut()]) {
      await interrupt();
      const asked = performance.now();
      const { status, text } = await found.reader.get("/metrics");
      expect(performance.now() - asked).toBeLessThan(4_000);
      expect(status).toBe(200);
      expect(text).toMatch(/^dateline_database_up 0$/m);
    }
    await close();
    await fresh.drop();
  });
});
