import { describe, expect, test } from "vitest";
import type { SessionEvent, SessionItem } from "../../client";
import { forEach } from "./bulk";
import { asked, filtersOf, wants } from "./filters";
import { Rows } from "./rows";
import { Selection } from "./selection";

const item = (id: string, more: Partial<SessionItem> = {}): SessionItem => ({
  session_id: id, workflow_id: "w", workflow_version: "v", status: "running", labels: {}, waits: [], parent_id: null,
  seq: 2, created_at: "t", started_at: "t", ended_at: null, updated_at: "t", ...more,
});
const event = (id: string, name: string, data: unknown = {}, more: object = {}): SessionEvent =>
  ({ seq: 9, session_id: id, event: name, timestamp: "now", data, ...more }) as SessionEvent;

describe("filters", () => {
  test("come from the URL; what isn't a status is left out", () => {
    expect(filtersOf(new URLSearchParams("status=failed&label=+team:x&workflow="))).toEqual({ status: "failed", label: "team:x" });
    expect(filtersOf(new URLSearchParams("status=odd"))).toEqual({});
    expect(asked({ workflow: "w" })).toEqual({ status: undefined, label: undefined, workflow_id: "w" });
  });

  test.each([
    [{}, true],
    [{ status: "running" as const, workflow: "w" }, true],
    [{ status: "failed" as const }, false],
    [{ label: "team" }, true],
    [{ label: "team:x" }, true],
    [{ label: "team:y" }, false],
  ])("%o wants a session: %s", (filters, wanted) => {
    expect(wants(filters, item("a", { labels: { team: "x" } }))).toBe(wanted);
  });
});

describe("rows", () => {
  test("keep their places while pages come and statuses change", () => {
    const rows = new Rows();
    rows.append({ items: [item("c"), item("b")], next_cursor: "after b" });
    rows.append({ items: [item("b"), item("a")], next_cursor: null });
    expect(rows.items.map((each) => each.session_id)).toEqual(["c", "b", "a"]);
    expect(rows.next).toBeNull();
    expect(rows.apply(event("b", "execution:paused"))).toBe(true);
    expect(rows.apply(event("b", "execution:completed", { status: "failed" }))).toBe(false); // the same seq
    expect(rows.find("b")).toMatchObject({ status: "paused", seq: 9, updated_at: "now" });
    expect(rows.place("b")).toBe(1);
  });

  test("tell who waits", () => {
    const rows = new Rows();
    rows.append({ items: [item("a")], next_cursor: null });
    rows.apply(event("a", "node_state_change", { status: "suspended" }, { node_id: "review" }));
    expect(rows.find("a")?.waits).toEqual(["review"]);
    rows.apply(event("a", "node_state_change", { status: "running" }, { node_id: "review", seq: 10 }));
    expect(rows.find("a")?.waits).toEqual([]);
  });

  test("announce what is new and belongs there, once", () => {
    const rows = new Rows({ workflow: "w" });
    const created = (id: string, workflow_id: string) => event(id, "execution:created", { workflow_id, status: "running" });
    expect([rows.apply(created("n", "w")), rows.apply(created("n", "w")), rows.apply(created("m", "other"))]).toEqual([true, false, false]);
    rows.apply(event("n", "execution:started"));
    expect([...rows.fresh]).toEqual(["n"]);
    rows.append({ items: [item("n")], next_cursor: null });
    expect(rows.fresh.size).toBe(0);
  });

  test("announce what comes to have the status that is asked for, and forget it when it leaves", () => {
    const rows = new Rows({ status: "paused" });
    rows.apply(event("x", "execution:paused"));
    expect(rows.fresh.size).toBe(1);
    rows.apply(event("x", "execution:resumed"));
    expect(rows.fresh.size).toBe(0);
  });

  test("are read again where something may have been missed", () => {
    const rows = new Rows();
    rows.append({ items: [item("c"), item("b")], next_cursor: "n" });
    rows.append({ items: [item("a")], next_cursor: null });
    expect(rows.stale(0, 3)).toEqual([]);
    rows.spoil();
    const [page, ...others] = rows.stale(0, 2);
    expect([page?.cursor, others.length]).toEqual([undefined, 0]);
    const whole = rows.refresh(page!, { items: [item("d"), item("c", { status: "failed", seq: 5 }), item("b", { seq: 1 })], next_cursor: "n" });
    expect([rows.find("c")?.status, rows.find("b")?.seq, [...rows.fresh]]).toEqual(["failed", 2, ["d"]]);
    const [last] = rows.stale(0, 3);
    expect([whole, last?.cursor, rows.refresh(last!, { items: [], next_cursor: null })]).toEqual([true, "n", false]);
  });
});

describe("a selection", () => {
  const order = ["a", "b", "c", "d"].map((id) => item(id));
  const place = (id: string): number => order.findIndex((each) => each.session_id === id);

  test("is turned one by one, and extended from where it was turned last, both ways", () => {
    const one = new Selection().toggle("c");
    expect([...one.extend("a", order, place).ids].sort()).toEqual(["a", "b", "c"]);
    expect([...one.extend("d", order, place).ids].sort()).toEqual(["c", "d"]);
    expect(one.toggle("c").ids.size).toBe(0);
    expect([...new Selection().extend("b", order, place).ids]).toEqual(["b"]);
  });

  test("takes all of a screen, or gives all of them back", () => {
    const some = new Selection(new Set(["a"])).turn(["a", "b"]);
    expect([...some.ids]).toEqual(["a", "b"]);
    expect(some.turn(["a", "b"]).ids.size).toBe(0);
  });
});

describe("a command to many", () => {
  test("runs a few at a time, and a refusal keeps none back", async () => {
    let now = 0;
    let most = 0;
    const outcomes = await forEach(["a", "b", "c", "d", "e"], async (id) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
      if (id === "b") throw new Error("no");
    }, { atOnce: 2 });
    expect(most).toBe(2);
    expect(outcomes.map(({ id, error }) => [id, error === undefined])).toEqual([["a", true], ["b", false], ["c", true], ["d", true], ["e", true]]);
  });

  test("begins no further one once it is told to end", async () => {
    const ended = new AbortController();
    const outcomes = await forEach(["a", "b", "c"], async (id) => id === "a" && ended.abort(), { atOnce: 1, signal: ended.signal });
    expect(outcomes.map(({ id }) => id)).toEqual(["a"]);
  });
});
