import { expect, test } from "vitest";
import { EventLog, summary } from "./log";
import { log, move, say } from "./testing";

const EVENTS = log(
  move("a", "running"),
  say("a", "hello"),
  move("b", "failed", { error: { code: "x", message: "the bank is away" }, attempt: 2 }),
  ["execution:paused", null, { reason: "coffee", by: null, in_flight: [] }],
);
const ALL = { text: "", tokens: true, nodeId: undefined };

function shown(filter: Partial<typeof ALL>): number[] {
  const found = new EventLog();
  found.choose({ ...ALL, ...filter });
  for (const event of EVENTS) {
    found.add(event);
    found.update();
  }
  return found.shown.map(({ seq }) => seq);
}

test("a filter looks at names, nodes, seqs and data", () => {
  expect(shown({})).toEqual([1, 2, 3, 4]);
  expect(shown({ tokens: false })).toEqual([1, 3, 4]);
  expect(shown({ text: "BANK" })).toEqual([3]);
  expect(shown({ text: "paused" })).toEqual([4]);
  expect(shown({ nodeId: "a" } as never)).toEqual([1, 2]);
});

test("another filter looks at everything again", () => {
  const found = new EventLog();
  for (const event of EVENTS) found.add(event);
  expect(found.update()).toBe(3);
  found.choose(ALL);
  expect(found.update()).toBe(4);
});

test("a line says what matters", () => {
  expect(EVENTS.map(summary)).toEqual(["running", "hello", "failed · attempt 2 · x: the bank is away", "coffee"]);
});
