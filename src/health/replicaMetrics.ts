import { Counter, Gauge } from "prom-client";
import { inTime } from "../database/inTime.ts";
import type { Newsroom } from "../newsroom.ts";

/** The standbys of the database, and what is read from them. */
export function measureReplicas({ replicas, metrics }: Newsroom): void {
  const reads = new Counter({
    name: "dateline_replica_reads_total",
    help: "How many readings of what readers get, that were not in memory, were served by the primary or by a standby",
    labelNames: ["from"],
    registers: [metrics],
    collect() {
      reads.reset();
      const { primary, standbys } = replicas.figures();
      reads.inc({ from: "primary" }, primary);
      for (const { name, reads: count } of standbys) reads.inc({ from: name }, count);
    },
  });
  const inUse = new Gauge({
    name: "dateline_replica_in_use",
    help: "Whether a standby (DATABASE_REPLICAS) answers and has all that this process has heard, so that it is read from",
    labelNames: ["replica"],
    registers: [metrics],
    aggregator: "min",
    collect() {
      for (const { name, inUse: isRead } of replicas.figures().standbys)
        inUse.set({ replica: name }, isRead ? 1 : 0);
    },
  });
  const lag = new Gauge({
    name: "dateline_replica_lag_bytes",
    help: "How many bytes of the primary's log a standby that answers has yet to replay",
    labelNames: ["replica"],
    registers: [metrics],
    aggregator: "max",
    async collect() {
      lag.reset();
      for (const [replica, bytes] of (await inTime(replicas.lags())) ?? []) lag.set({ replica }, bytes);
    },
  });
}
