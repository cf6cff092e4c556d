import { expect, test } from "vitest";
import { ago, dollars, duration, pretty } from "./format";

test.each([
  [-5, "0 ms"],
  [840, "840 ms"],
  [4_240, "4.2 s"],
  [59_960, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [7_800_000, "2 h 10 min"],
  [273_600_000, "3 d 4 h"],
])("%d ms is %s", (ms, text) => expect(duration(ms)).toBe(text));

test("ago is told in the largest unit that fits", () => {
  expect(ago(0, 180_000, "en")).toBe("3 minutes ago");
  expect(ago(0, 400, "en")).toBe("now");
  expect(ago(0, 180_000, "zh")).toBe("3分钟前");
});

test("small amounts of money keep their digits", () => {
  expect(dollars(0.0123, "en")).toBe("$0.0123");
  expect(dollars(0, "en")).toBe("$0.00");
  expect(dollars(12.345, "en")).toBe("$12.35");
});

test("text stays as it is, everything else is indented JSON", () => {
  expect(pretty("a\nb")).toBe("a\nb");
  expect(pretty({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
});
