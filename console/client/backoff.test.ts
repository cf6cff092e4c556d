import { expect, test } from "vitest";
import { Backoff } from "./backoff";

test("it doubles up to its bound, never below half of that, and begins again", () => {
  const most = new Backoff(100, 1_000, () => 1);
  expect([1, 2, 3, 4, 5, 6].map(() => most.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  most.reset();
  expect(most.next()).toBe(100);
  const least = new Backoff(100, 1_000, () => 0);
  expect([1, 2, 3].map(() => least.next())).toEqual([50, 100, 200]);
  expect(least.next(2_000)).toBe(2_000);
});
