import { expect, test } from "vitest";
import { BEGIN, fold, log, move } from "./testing";
import { chart } from "./timeline";

const EVENTS = log(
  ["execution:started", null, {}],
  move("a", "running"),
  ["execution:paused", null, { reason: null, by: null, in_flight: [] }],
  move("a", "completed"),
  ["execution:resumed", null, { by: null, running: [] }],
  move("b", "running"),
);

test("bars and pauses stand where they were, as parts of the whole; what goes on reaches up to now", () => {
  const drawn = chart(fold(EVENTS), BEGIN + 10_000);
  expect(drawn.span).toBe(10_000);
  expect(drawn.lanes.map(({ nodeId, bars }) => [nodeId, bars[0]!.from, bars[0]!.width])).toEqual([
    ["a", 0.1, expect.closeTo(0.2)],
    ["b", 0.5, 0.5],
  ]);
  expect(drawn.pauses).toMatchObject([{ from: 0.2, width: expect.closeTo(0.2) }]);
  expect(drawn.marks.map(({ ms }) => ms)).toEqual([0, 5_000]);
});

test("nothing is too short to be seen or stands outside", () => {
  const drawn = chart(fold(log(["execution:started", null, {}], move("a", "running"))), BEGIN);
  for (const bar of drawn.lanes[0]!.bars) {
    expect(bar.width).toBeGreaterThan(0);
    expect(bar.from + bar.width).toBeLessThanOrEqual(1);
  }
});

test.each([3, 80, 7_000, 400_000, 9e7, 9e9])("a span of %d ms has a handful of marks", (span) => {
  const { marks } = chart(fold(log(["execution:started", null, {}])), BEGIN + span);
  expect(marks.length).toBeGreaterThanOrEqual(1);
  expect(marks.length).toBeLessThanOrEqual(5);
});
