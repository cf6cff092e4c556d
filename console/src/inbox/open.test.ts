import { expect, test } from "vitest";
import type { ReviewItem, SessionEvent } from "../../client";
import { concerns, without } from "./open";

const event = (name: string, session_id: string, node_id: string | null = null): SessionEvent =>
  ({ seq: 1, session_id, event: name, timestamp: "", node_id, data: {} }) as unknown as SessionEvent;
const item = (session_id: string, node_id: string): ReviewItem => ({ session_id, node_id }) as ReviewItem;
const KNOWN = [item("s", "a"), item("s", "b"), item("t", "a")];

test.each([
  ["human_interaction_required", "new", "a", true],
  ["node_resumed", "s", "a", true],
  ["node_resumed", "s", "c", false],
  ["execution:paused", "t", null, true],
  ["execution:completed", "u", null, false],
  ["progress", "s", "a", false],
])("%s of %s, node %s, concerns the inbox: %s", (name, session, node, expected) => {
  expect(concerns(event(name, session, node), KNOWN)).toBe(expected);
});

test("what was answered is gone at once, and all of a session that ended", () => {
  expect(without(event("node_resumed", "s", "a"), KNOWN)).toEqual([KNOWN[1], KNOWN[2]]);
  expect(without(event("execution:completed", "s"), KNOWN)).toEqual([KNOWN[2]]);
  expect(without(event("execution:paused", "s"), KNOWN)).toBe(KNOWN);
});
