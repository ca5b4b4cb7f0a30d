import { expect, it } from "vitest";
import { grown, slope, slowed, thirds } from "../../chaos/steady.ts";
import { random } from "../../chaos/random.ts";

// What `npm run soak` judges by: it must be able to fail, and not fail for noise.

const chance = random(7);
/** A saw of garbage and its collection, 20 high, with a burst here and there, on a figure of 200 that leaks. */
const saw = (leak: number) =>
  Array.from({ length: 72 }, (_, number) => ({
    at: number * 10,
    value: 200 + (number % 7) * 3 + leak * number * 10 + (chance.next() < 0.1 ? 80 : 0),
  }));
const allowed = { share: 0.1, least: 5 };

it("a slope is found through a saw and bursts", () => {
  expect(slope(saw(0.1))).toBeCloseTo(0.1, 1);
  expect(slope([])).toBe(0);
  expect(slope([{ at: 0, value: 1 }])).toBe(0);
});

it("what leaks is named with how much it grew, and what goes up and down is not", () => {
  expect(grown("memory", saw(0.1), allowed)).toMatch(
    /^memory grew by [67]\d(\.\d)? from 2\d\d, of which 2\d(\.\d)? are allowed$/,
  );
  expect(grown("memory", saw(0), allowed)).toBeUndefined();
  expect(grown("memory", saw(-0.1), allowed)).toBeUndefined();
  const files = [30, 30, 31, 38, 30, 40, 44, 48, 52].map((value, at) => ({ at, value }));
  expect(grown("files", files, { share: 0, least: 5 })).toContain("files grew by");
});

it("answers twice as slow at the end are named, one slow span and what nobody notices are not", () => {
  expect(slowed("lists", [20, 21, 19, 30, 31, 33, 50, 52, 51])).toBe(
    "lists: the p99 of 51 ms in the last third is more than 2 times that of the first, 20 ms",
  );
  expect(slowed("lists", [20, 21, 19, 30, 31, 33, 25, 26, 900])).toBeUndefined();
  expect(slowed("lists", [2, 2, 2, 5, 5, 5, 9, 9, 9])).toBeUndefined();
  expect(slowed("lists", [])).toBeUndefined();
});

it("thirds have each value once, however many there are", () => {
  expect(thirds([1, 2, 3])).toEqual([1, 2, 3]);
  expect(thirds([1, 1, 2, 2, 3, 3, 3])).toEqual([1, 2, 3]);
  expect(thirds([4])).toEqual([4, 4, 4]);
});
