import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, type Registry, collectDefaultMetrics } from "prom-client";
import { atOnce } from "../http/hooks.ts";
import type { Newsroom } from "../newsroom.ts";
import { measureDatabase } from "./databaseMetrics.ts";
import { measureReplicas } from "./replicaMetrics.ts";

/** Counts and times every request by its route, never by its address, and what works behind them. */
export function measure(app: FastifyInstance, newsroom: Newsroom): void {
  const { metrics } = newsroom;
  collectDefaultMetrics({ register: metrics });
  measureRequests(app, metrics);
  measureShares(newsroom);
  measureCaches(newsroom);
  measureDatabase(newsroom);
  measureReplicas(newsroom);
}

function measureRequests(app: FastifyInstance, metrics: Registry): void {
  const durations = new Histogram({
    name: "dateline_http_request_duration_seconds",
    help: "How long requests took, by method, route and status",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [metrics],
  });
  app.addHook(
    "onResponse",
    atOnce((request, reply) => {
      const route = request.routeOptions.url ?? "none";
      durations.observe(
        { method: request.method, route, status: reply.statusCode },
        reply.elapsedTime / 1000,
      );
    }),
  );
}

function measureShares({ shares, metrics }: Newsroom): void {
  const sizes = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];
  const batches = new Histogram({
    name: "dateline_shares_batch_size",
    help: "How many shares one statement recorded",
    buckets: sizes,
    registers: [metrics],
  });
  shares.onBatch((count) => {
    batches.observe(count);
  });
  const settled = new Histogram({
    name: "dateline_shares_settled_articles",
    help: "Of how many articles one statement added the shares to the standings",
    buckets: sizes,
    registers: [metrics],
  });
  shares.onSettled((articles) => {
    settled.observe(articles);
  });
}

/** What a cache counts since the process began, and what it holds. */
const counted = ["hits", "misses", "evictions"] as const;
const held = ["entries", "bytes"] as const;

function measureCaches({ live, metrics }: Newsroom): void {
  for (const name of counted) {
    const counter = new Counter({
      name: `dateline_cache_${name}_total`,
      help: `How many ${name} the memory of what readers get has had, by kind`,
      labelNames: ["kind"],
      registers: [metrics],
      collect() {
        counter.reset();
        for (const [kind, figures] of Object.entries(live.figures())) counter.inc({ kind }, figures[name]);
      },
    });
  }
  for (const name of held) {
    const gauge = new Gauge({
      name: `dateline_cache_${name}`,
      help: `How many ${name} are in the memory of what readers get, by kind`,
      labelNames: ["kind"],
      registers: [metrics],
      collect() {
        for (const [kind, figures] of Object.entries(live.figures())) gauge.set({ kind }, figures[name]);
      },
    });
  }
}
