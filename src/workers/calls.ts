import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { Farewell } from "../serve.ts";
import type { Together } from "./together.ts";

/** What one process has measured, by name. */
export type Figures = MetricObjectWithValues<MetricValue<string>>[];

/** What a worker asks of the primary. */
export interface OfPrimary extends Together {
  /** It serves at this address. */
  ready: (address: string) => void;
}

/** What the primary asks of a worker. */
export interface OfWorker {
  figures: () => Promise<Figures>;
  /** Finish what is in flight, and end. */
  stop: (farewell: Farewell) => void;
}

/** How long an answer may take, in milliseconds: less for workers, whom the primary asks to answer one. */
export const PATIENCE = { ofWorkers: 2_000, ofPrimary: 5_000 };
