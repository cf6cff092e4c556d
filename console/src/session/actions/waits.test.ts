import { describe, expect, test } from "vitest";
import type { SessionEvent } from "../../../client";
import type { Wait } from "../model";
import { barOf, closureOf, openingOf, originalOf, timeLeft } from "./waits";

const T0 = Date.parse("2026-01-01T00:00:00Z");
let seq = 0;
const event = (name: string, data: unknown = {}, node_id: string | null = "look"): SessionEvent => {
  seq += 1;
  return { seq, session_id: "s", event: name, timestamp: new Date(T0 + seq * 1_000).toISOString(), node_id, data } as unknown as SessionEvent;
};
const log = (...given: Parameters<typeof event>[]): SessionEvent[] => {
  seq = 0;
  return given.map((each) => event(...each));
};

describe("a wait", () => {
  const opened = log(
    ["node_state_change", { status: "running" }],
    ["node_state_change", { status: "suspended" }],
    ["human_interaction_required", {}],
    ["token_stream", {}, "other"],
  );

  test("begins with the question", () => {
    expect(openingOf(opened, "look")).toEqual({ seq: 3, at: T0 + 3_000 });
    expect(openingOf(opened, "other")).toBeUndefined();
    expect(closureOf(opened, "look", 3)).toBeUndefined();
  });

  test("is closed by a person, and says by whom", () => {
    const events = [...opened, event("node_resumed", { review_action: "approve", reviewer: "ann" }), event("node_state_change", { status: "completed" })];
    expect(closureOf(events, "look", 3)).toEqual({ by: "ann", action: "approve", ended: false });
    expect(closureOf(events, "other", 3)).toBeUndefined();
  });

  test("is closed by the end of the session, unless somebody was faster", () => {
    const end = ["execution:completed", { status: "cancelled", error: { by: "bob" } }, null] as const;
    expect(closureOf([...opened, event(...end)], "look", 3)).toEqual({ by: "bob", action: undefined, ended: true });
    const first = [...opened, event("node_resumed", { review_action: "reject" }), event(...end)];
    expect(closureOf(first, "look", 3)).toEqual({ by: undefined, action: "reject", ended: false });
  });

  test("that is opened again in a later round isn't the one that was closed", () => {
    const again = [...opened, event("node_resumed", { review_action: "modify" }), event("node_state_change", { status: "suspended" }), event("human_interaction_required")];
    const opening = openingOf(again, "look")!;
    expect(opening.seq).toBe(again.at(-1)!.seq);
    expect(closureOf(again, "look", 3)).toMatchObject({ action: "modify" });
    expect(closureOf(again, "look", opening.seq)).toBeUndefined();
  });
});

test.each([
  ["runs down", [], 4_000, 6_000],
  ["ends", [], 40_000, 0],
  ["stands still while paused", [{ from: 2_000, to: undefined }], 9_000, 8_000],
  ["goes on after a pause", [{ from: 2_000, to: 5_000 }], 9_000, 4_000],
  ["doesn't count pauses from before", [{ from: -9_000, to: 1_000 }], 2_000, 9_000],
])("time %s", (_, pauses, now, left) => {
  const whole = pauses.map((pause) => ({ ...pause, reason: null, by: null }));
  expect(timeLeft(0, 10, whole, now)).toBe(left);
});

describe("what a review is about", () => {
  const draft = { type: "object", properties: { title: { type: "string" }, body: { type: "string" } } };

  test.each([
    ["the text before it", undefined, [{ text: "tea", tokens: 3 }], "tea"],
    ["text itself", { type: "string" }, ["tea"], "tea"],
    ["the members that its schema names", draft, [{ title: "Tea", other: 1 }], { title: "Tea" }],
    ["nothing where there is no text", undefined, [{ score: 1 }], undefined],
    ["nothing where no member is known", draft, [{ score: 1 }], undefined],
    ["nothing where several nodes come before it", undefined, ["a", "b"], undefined],
  ])("is %s", (_, schema, before, expected) => expect(originalOf(schema, before)).toEqual(expected));
});

test.each([
  [{}, "ann", undefined],
  [{ reviewers: null, excluded: [] }, "ann", undefined],
  [{ reviewers: ["bob"] }, "ann", "others"],
  [{ reviewers: ["ann", "bob"] }, "ann", undefined],
  [{ reviewers: ["ann"], excluded: ["ann"] }, "ann", "begun"],
  [{ excluded: ["bob"] }, "ann", undefined],
  [{ reviewers: [] }, "ann", "nobody"],
  [{ reviewers: ["bob"], excluded: ["bob"] }, undefined, undefined],
])("%j keeps %s from answering: %s", (wait, name, expected) => {
  expect(barOf(wait as Wait, name)).toBe(expected);
});
