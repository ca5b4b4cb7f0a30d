import type { FastifyInstance } from "fastify";
import { Gauge, Histogram, collectDefaultMetrics } from "prom-client";
import { atOnce } from "../http/hooks.ts";
import type { Newsroom } from "../newsroom.ts";

/** Counts and times every request by its route, never by its address, and the batches of shares. */
export function measure(app: FastifyInstance, newsroom: Newsroom): void {
  const registry = newsroom.metrics;
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: "dateline_http_request_duration_seconds",
    help: "How long requests took, by method, route and status",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
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
  const batches = new Histogram({
    name: "dateline_shares_batch_size",
    help: "How many shares one statement recorded",
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
    registers: [registry],
  });
  newsroom.shares.onBatch((shares) => {
    batches.observe(shares);
  });
  for (const [kind, figures] of Object.entries(newsroom.live.figures())) {
    for (const name of Object.keys(figures) as (keyof typeof figures)[]) {
      const gauge = new Gauge({
        name: `dateline_cache_${kind}_${name}`,
        help: `The cache of ${kind}: ${name}`,
        registers: [registry],
        collect: () => {
          gauge.set(newsroom.live.figures()[kind as "articles" | "lists"][name]);
        },
      });
    }
  }
}
