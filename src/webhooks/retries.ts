const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** When a message that failed is tried again, and when it is given up; in milliseconds. */
export interface Pace {
  /** The wait after the first failure, each next one `factor` times as long, up to `longest`. */
  first: number;
  factor: number;
  longest: number;
  /** How long a message is tried, and a receiver that fails always kept on. */
  giveUp: number;
}

/** 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, and every 8 h until three days are over. */
export const pace: Pace = { first: 5000, factor: 3, longest: 8 * HOUR, giveUp: 72 * HOUR };

/**
 * How long to wait after so many failures, in milliseconds: between half of the pace's wait and the
 * whole, so that messages that failed together do not come back together; longer when the receiver
 * asks for it.
 *
 * @param failures at least 1
 * @param chance from 0 to 1
 */
export function waitAfter(
  failures: number,
  { first, factor, longest }: Pace = pace,
  retryAfter = 0,
  chance = Math.random(),
): number {
  const whole = Math.min(first * factor ** (failures - 1), longest);
  return Math.max(Math.round(whole * (0.5 + chance / 2)), retryAfter);
}
