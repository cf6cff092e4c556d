import { expect, test } from "vitest";
import { written, type Unit } from "./units";

test.each<[number | null, Unit, string]>([
  [0.00042, "seconds", "0.42 ms"],
  [0.0123, "seconds", "12.3 ms"],
  [0.25, "seconds", "250 ms"],
  [2.104, "seconds", "2.1 s"],
  [0, "rate", "0/s"],
  [1234.5, "rate", "1,235/s"],
  [1234, "count", "1,234"],
  [1.4, "average", "1.4"],
  [null, "rate", "–"],
])("%f %s is written %s", (value, unit, expected) => expect(written(value, unit, "en")).toBe(expected));
