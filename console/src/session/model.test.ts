import { describe, expect, test } from "vitest";
import { BEGIN, fold, log, move, say } from "./testing";

const second = (count: number): number => BEGIN + 1_000 * count;

describe("the conversation", () => {
  test("has agents that speak at the same time side by side, and those after them below", () => {
    const model = fold(
      log(
        move("for", "running"),
        move("against", "running"),
        say("for", "yes"),
        say("against", "no"),
        say("for", " indeed"),
        move("for", "completed"),
        move("against", "completed"),
        move("judge", "running"),
        say("judge", "well"),
      ),
    );
    expect(model.turns.map((turn) => turn.runs.map((run) => run.nodeId))).toEqual([["for", "against"], ["judge"]]);
    expect(model.turns[0]!.runs[0]!.said).toEqual(["yes", " indeed"]);
    expect(model.tokens).toBe(4);
  });

  test("has a bubble of its own for each round and attempt", () => {
    const model = fold(
      log(
        move("a", "running"),
        say("a", "one"),
        ["error", "a", { error: "away", code: "x", attempt: 1, will_retry: true }],
        move("a", "suspended", { error: { code: "x", message: "away" } }),
        move("a", "running", { attempt: 2 }),
        say("a", "two"),
        move("a", "completed", { attempt: 2 }),
        move("a", "pending", { round: 2, attempt: 0 }),
        move("a", "running", { round: 2 }),
        say("a", "three"),
      ),
    );
    expect(model.turns.map((turn) => turn.runs[0]!.said.join(""))).toEqual(["one", "two", "three"]);
    expect(model.node("a").runs).toMatchObject([
      { attempt: 1, round: 1, status: "failed", endedAt: second(2), error: { message: "away" } },
      { attempt: 2, round: 1, status: "completed" },
      { attempt: 1, round: 2, status: "running", endedAt: undefined },
    ]);
  });

  test("keeps what was thought apart from what was said", () => {
    const [run] = fold(log(move("a", "running"), say("a", "hm", true), say("a", "yes"))).node("a").runs;
    expect(run).toMatchObject({ thought: ["hm"], said: ["yes"] });
  });

  test("shows tools beside the text", () => {
    const use = { agent_id: "a", tool: "search", input: { q: 1 }, output: [] };
    const model = fold(log(move("a", "running"), ["tool_execution", "a", use]));
    expect(model.turns[0]!.runs[0]!.tools).toEqual([use]);
  });
});

describe("a pause", () => {
  const PAUSED = log(
    ["execution:started", null, {}],
    move("a", "running"),
    move("b", "running"),
    ["execution:paused", null, { reason: "coffee", by: "ann", in_flight: ["a", "b"] }],
    move("a", "completed"),
  );

  test("says who is still at work, until nobody is", () => {
    const model = fold(PAUSED);
    expect(model).toMatchObject({ status: "paused", quiesced: false });
    expect([...model.inFlight]).toEqual(["b"]);
    model.apply({ ...PAUSED[0]!, seq: 6, event: "execution:quiesced", data: {} });
    expect(model.quiesced).toBe(true);
    expect(model.inFlight.size).toBe(0);
  });

  test("ends with the resume, and with the session", () => {
    for (const end of [
      ["execution:resumed", { by: null, running: [] }, "running"],
      ["execution:completed", { status: "failed" }, "failed"],
    ] as const) {
      const model = fold(PAUSED);
      model.apply({ ...PAUSED[0]!, seq: 6, timestamp: new Date(second(9)).toISOString(), event: end[0], data: end[1] } as never);
      expect(model.pauses).toEqual([{ from: second(3), to: second(9), reason: "coffee", by: "ann" }]);
      expect(model.status).toBe(end[2]);
    }
  });
});

test("a crash ends the runs that it interrupted", () => {
  const model = fold(
    log(
      move("a", "running"),
      say("a", "one"),
      ["execution:recovered", null, { interrupted: ["a"] }],
      move("a", "running", { attempt: 2 }),
      say("a", "again"),
    ),
  );
  expect(model.node("a").runs).toMatchObject([{ status: "interrupted", said: ["one"] }, { status: "running", said: ["again"] }]);
  expect(model.recoveries).toEqual([second(2)]);
});

test("what asks a person is open until it is answered", () => {
  const ask = { reason: "r", prompt: "Good?", actions: ["approve"] };
  const events = log(
    move("ask", "running"),
    move("ask", "suspended"),
    ["human_interaction_required", "ask", ask],
    ["signal_awaited", "sig", { name: "go" }],
    ["node_resumed", "ask", { review_action: "approve" }],
  );
  expect(fold(events.slice(0, 4)).waiting.map((node) => [node.id, node.wait?.prompt ?? node.signal])).toEqual([
    ["ask", "Good?"],
    ["sig", "go"],
  ]);
  expect(fold(events).waiting.map((node) => node.id)).toEqual(["sig"]);
});

test("what models cost is summed up", () => {
  const usage = { agent_id: "a", input_tokens: 10, output_tokens: 5, estimated_cost_usd: 0.25 };
  const model = fold(log(["token_usage", "a", usage], ["token_usage", "a", usage]));
  expect(model.usage).toEqual({ input: 20, output: 10, dollars: 0.5, calls: 2 });
});

test("the ways that were gone are known, also from rounds before", () => {
  const model = fold(
    log(
      move("start", "running"),
      move("start", "completed"),
      move("switch", "running"),
      move("switch", "completed", { taken: ["left"] }),
      move("left", "running"),
      move("right", "skipped", { attempt: 0 }),
    ),
  );
  expect(model.went("start", "switch")).toBe(true);
  expect(model.went("switch", "left")).toBe(true);
  expect(model.went("switch", "right")).toBe(false);
  expect(model.went("left", "switch")).toBe(false);
});

test("an event that nobody knows moves the seq and nothing else", () => {
  const model = fold([{ seq: 7, session_id: "s", event: "new:thing", timestamp: "2026-01-01T00:00:00Z", data: {} } as never]);
  expect(model.seq).toBe(7);
  expect(model.nodes.size).toBe(0);
});
