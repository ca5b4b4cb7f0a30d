import { AggregatorRegistry } from "prom-client";
import type { Figures } from "./calls.ts";
import type { Colleague } from "./primary.ts";

/**
 * Adds up what workers measure. What a worker had counted when it was last asked is kept after its
 * end: a sum that falls would look to Prometheus as if all had begun anew.
 */
export function gather(alive: ReadonlySet<Colleague>) {
  let kept: Promise<Figures> = Promise.resolve([]);

  const ask = async (colleague: Colleague): Promise<Figures> => {
    if (colleague.serves) colleague.figures = await colleague.calls.figures().catch(() => colleague.figures);
    return colleague.figures;
  };

  return {
    /** The sums over all workers, in Prometheus' text format. */
    figures: async (): Promise<string> => {
      const ofWorkers = await Promise.all([...alive].map(ask));
      return AggregatorRegistry.aggregate([await kept, ...ofWorkers]).metrics();
    },
    /** To be called when a worker has ended. */
    keepFigures: ({ figures }: Colleague): void => {
      // What the types call an enumeration are words.
      const counted = figures.filter(({ type }) => String(type) !== "gauge");
      kept = kept.then(async (before) => AggregatorRegistry.aggregate([before, counted]).getMetricsAsJSON());
    },
  };
}
