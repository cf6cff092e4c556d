import { expect, test } from "vitest";
import { changedParts, same } from "./changes";

test("of objects, those members differ that do, whatever their order", () => {
  expect(changedParts({ a: 1, b: "x", c: [1] }, { c: [1], b: "y", d: null, a: 1 })).toEqual([
    { name: "b", before: "x", after: "y" },
    { name: "d", before: undefined, after: null },
  ]);
});

test.each([
  ["a", "a", true],
  [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } }, true],
  [{ a: 1, b: undefined }, { a: 1 }, false],
  [[1, 2], [2, 1], false],
  [{}, [], false],
  [null, undefined, false],
])("%j and %j are the same: %s", (one, other, expected) => {
  expect(same(one, other)).toBe(expected);
  expect(same(other, one)).toBe(expected);
});

test("what has no members differs as a whole", () => {
  expect(changedParts("a", { b: 1 })).toEqual([{ name: undefined, before: "a", after: { b: 1 } }]);
});
