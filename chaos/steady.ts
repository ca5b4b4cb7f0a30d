/** A figure at a moment, in seconds since the measuring began. */
export interface Point {
  at: number;
  value: number;
}

/** How much a figure may grow while it is measured: a share of what it was at first, or so much, whichever is more. */
export interface Allowance {
  share: number;
  least: number;
}

/** How many times what it was an answer may take at the end, and how much longer is no matter, in milliseconds. */
const SLOWER = 2;
const UNNOTICED = 10;

/**
 * How fast a figure grows, in its unit a second: the median of the slopes between all pairs of points (Theil 1950,
 * Sen 1968), which a third of the points may be far off without moving it much.
 */
export function slope(points: readonly Point[]): number {
  const slopes = points.flatMap((one, index) =>
    points.slice(index + 1).flatMap((other) => {
      const apart = other.at - one.at;
      return apart > 0 ? [(other.value - one.value) / apart] : [];
    }),
  );
  return quantile(slopes, 0.5);
}

/** @returns 0 of no values */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** The medians of the first, the middle and the last third. */
export function thirds(values: readonly number[]): [number, number, number] {
  const third = (number: number) =>
    quantile(
      values.slice(
        Math.floor((values.length * number) / 3),
        Math.max(1, Math.floor((values.length * (number + 1)) / 3)),
      ),
      0.5,
    );
  return [third(0), third(1), third(2)];
}

/**
 * What is wrong with a figure that was to stay as it was; undefined when it did.
 *
 * @param points in the order of time
 */
export function grown(
  name: string,
  points: readonly Point[],
  { share, least }: Allowance,
): string | undefined {
  const [first = { at: 0 }] = points;
  const last = points.at(-1) ?? first;
  const growth = slope(points) * (last.at - first.at);
  const [before] = thirds(points.map(({ value }) => value));
  const allowed = Math.max(least, share * before);
  if (growth <= allowed) return undefined;
  return `${name} grew by ${round(growth)} from ${round(before)}, of which ${round(allowed)} are allowed`;
}

/**
 * What is wrong with answers that became slower; undefined when they did not.
 *
 * @param p99s of one span of time after the other, in milliseconds: the median of a third of them minds no span in
 *   which the machine did something else
 */
export function slowed(name: string, p99s: readonly number[]): string | undefined {
  const [first, , last] = thirds(p99s);
  if (last <= SLOWER * first || last - first <= UNNOTICED) return undefined;
  return `${name}: the p99 of ${round(last)} ms in the last third is more than ${SLOWER} times that of the first, ${round(first)} ms`;
}

/** Three digits, or all before the point. */
export function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
