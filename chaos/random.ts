/** What a program of chance draws from: the same seed draws the same. */
export interface Random {
  /** From 0 up to 1. */
  next: () => number;
  /** A whole number from `least` to `most`. */
  between: (least: number, most: number) => number;
  oneOf: <T>(list: readonly T[]) => T;
}

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are enough to choose what to do next. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return { next, between, oneOf: <T>(list: readonly T[]) => list[between(0, list.length - 1)] as T };
}
