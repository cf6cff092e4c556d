import { describe, expect, test } from "vitest";
import { Problem, Unreachable } from "../../client";
import { parse } from "./metrics";
import { append, KEPT_MS, read, summarize, troubles, type Point, type Reading } from "./readings";

const page = (more: Record<string, number>): string =>
  Object.entries({
    'sessiond_sessions{status="running"}': 2,
    'sessiond_sessions{status="paused"}': 1,
    sessiond_loop_lag_seconds: 0.002,
    sessiond_events_total: 100,
    sessiond_commit_group_commits_count: 10,
    sessiond_commit_group_commits_sum: 20,
    'sessiond_http_requests_total{route="/metrics",status="200"}': 50,
    'sessiond_http_requests_total{route="/a",status="200"}': 10,
    'sessiond_http_requests_total{route="/a",status="404"}': 1,
    'sessiond_http_requests_total{route="/a",status="503"}': 0,
    'sessiond_subscriptions{served_from="live"}': 3,
    ...more,
  })
    .map(([name, value]) => `${name} ${value}`)
    .join("\n");

test("figures are gauges of now, and rates over the time between", () => {
  const before = parse(page({}));
  const after = parse(
    page({
      sessiond_events_total: 140,
      sessiond_commit_group_commits_count: 14,
      sessiond_commit_group_commits_sum: 40,
      'sessiond_http_requests_total{route="/metrics",status="200"}': 52,
      'sessiond_http_requests_total{route="/a",status="200"}': 14,
      'sessiond_http_requests_total{route="/a",status="503"}': 2,
    }),
  );
  expect(read(before, after, 2)).toMatchObject({
    loopLag: 0.002, events: 20, batch: 5, running: 2, paused: 1, pending: 0, live: 3, fromLog: 0, requests: 3, refused: 0, failed: 1,
    commitP99: null, watcherLag: null,
  });
});

test("what is older than ten minutes is let go", () => {
  const point = (at: number): Point => ({ at, reading: undefined });
  let points: readonly Point[] = [];
  for (let at = 0; at <= KEPT_MS + 4_000; at += 2_000) points = append(points, point(at));
  expect(points[0]?.at).toBe(4_000);
  expect(points).toHaveLength(KEPT_MS / 2_000 + 1);
  expect(append(points, point(9 * KEPT_MS))).toHaveLength(1);
});

test("a summary leaves out what isn't known", () => {
  const points = [1, null, 3].map((loopLag, at): Point => ({ at, reading: { loopLag } as Reading }));
  expect(summarize([...points, { at: 4, reading: undefined }], "loopLag")).toEqual({ now: null, least: 1, mean: 2, most: 3 });
  expect(summarize([], "loopLag")).toEqual({ now: null, least: null, mean: null, most: null });
});

describe("trouble", () => {
  const away = new Problem({ type: "", title: "", status: 503, detail: "the store is away", code: "unavailable" });
  const calm = { loopLag: 0.05, commitP99: 0.4, failed: 0 } as Reading;

  test.each([
    ["nothing", undefined, true, calm, [], []],
    ["no figures yet", undefined, true, undefined, [], []],
    ["a server that can't be reached", new Unreachable("gone"), true, calm, ["x"], ["unreachable"]],
    ["a store that is away", away, false, calm, [], ["storeAway", "notReady"]],
    ["a slow loop", undefined, true, { ...calm, loopLag: 0.11 }, [], ["loopLag"]],
    ["slow commits and failures", undefined, true, { ...calm, commitP99: 2, failed: 0.5 }, [], ["slowCommits", "failing"]],
    ["a session that can't be brought back", undefined, true, calm, ["x"], ["quarantined"]],
  ])("of %s", (_, readiness, up, reading, quarantined, expected) => {
    expect(troubles(readiness, up, reading, quarantined).map(({ is }) => is)).toEqual(expected);
  });
});
