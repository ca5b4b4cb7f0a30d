import { promisify } from "node:util";
import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, collectDefaultMetrics } from "prom-client";
import { atOnce } from "../http/hooks.ts";
import type { Newsroom } from "../newsroom.ts";
import { measureDatabase } from "./databaseMetrics.ts";
import { measureReplicas } from "./replicaMetrics.ts";

/** Counts and times every request by its route, never by its address, and what works behind them. */
export function measure(app: FastifyInstance, newsroom: Newsroom): void {
  const { metrics } = newsroom;
  collectDefaultMetrics({ register: metrics });
  measureRequests(app, newsroom);
  measureConnections(app, newsroom);
  measureShares(newsroom);
  measureCaches(newsroom);
  measureDatabase(newsroom);
  measureReplicas(newsroom);
}

function measureRequests(app: FastifyInstance, { durations }: Newsroom): void {
  app.addHook(
    "onResponse",
    atOnce((request, reply) => {
      durations(request.method, request.routeOptions.url ?? "none", reply.statusCode, reply.elapsedTime);
    }),
  );
}

function measureConnections({ server }: FastifyInstance, { metrics }: Newsroom): void {
  const open = new Gauge({
    name: "dateline_http_connections",
    help: "How many connections of clients are open, those of streams among them",
    registers: [metrics],
    async collect() {
      open.set(await promisify(server.getConnections.bind(server))());
    },
  });
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
