/** Figures of a moment, made from two scrapes, and what is wrong with them. Pure: the time is passed in. */
import { Problem, Unreachable, type SessionStatus } from "../../client";
import { quantile, rise, sum, type Scrape } from "./metrics";

/** Seconds, rates by the second, and counts; `null` where nothing is known or nothing happened. */
export interface Reading {
  readonly loopLag: number | null;
  readonly commitP50: number | null;
  readonly commitP99: number | null;
  /** Commits that were stored together, on average. */
  readonly batch: number | null;
  readonly events: number | null;
  readonly pending: number | null;
  readonly running: number | null;
  readonly paused: number | null;
  readonly live: number | null;
  readonly fromLog: number | null;
  readonly ofAll: number | null;
  readonly watcherLag: number | null;
  readonly requests: number | null;
  /** Requests that were answered with a status from 400 to 499. */
  readonly refused: number | null;
  /** Requests that were answered with a status from 500 on. */
  readonly failed: number | null;
}

export type Figure = keyof Reading;

export interface Point {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Nothing while the server can't be asked. */
  readonly reading: Reading | undefined;
}

/** How long what was read is kept, in milliseconds. */
export const KEPT_MS = 600_000;

/** What pages ask by themselves isn't counted: it would be all there is on a quiet server. */
const OWN: ReadonlySet<string> = new Set(["/metrics", "/readyz", "/livez"]);

/** Return the figures of `after`, with rates over the `seconds` since `before`. */
export function read(before: Scrape, after: Scrape, seconds: number): Reading {
  const gauge = (name: string, label?: string, value?: string): number | null =>
    sum(after, `sessiond_${name}`, (labels) => label === undefined || labels[label] === value);
  const rate = (name: string, pick?: Parameters<typeof sum>[2]): number | null => {
    const found = rise(sum(before, `sessiond_${name}`, pick), sum(after, `sessiond_${name}`, pick));
    return found === null ? null : found / seconds;
  };
  const groups = rate("commit_group_commits_count");
  const commits = rate("commit_group_commits_sum");
  const answered = (from: number, to: number) =>
    rate("http_requests_total", ({ route, status }) => !OWN.has(route ?? "") && Number(status) >= from && Number(status) < to);
  const sessions = (status: SessionStatus): number | null => gauge("sessions", "status", status);
  return {
    loopLag: gauge("loop_lag_seconds"),
    commitP50: quantile(before, after, "sessiond_commit_seconds", 0.5),
    commitP99: quantile(before, after, "sessiond_commit_seconds", 0.99),
    batch: groups === null || commits === null || groups === 0 ? null : commits / groups,
    events: rate("events_total"),
    pending: sessions("pending"),
    running: sessions("running"),
    paused: sessions("paused"),
    live: gauge("subscriptions", "served_from", "live"),
    fromLog: gauge("subscriptions", "served_from", "log"),
    ofAll: gauge("subscriptions", "served_from", "all"),
    watcherLag: gauge("subscription_lag_events_max"),
    requests: answered(0, 1_000),
    refused: answered(400, 500),
    failed: answered(500, 1_000),
  };
}

/** Return `points` with another one, without those that are too old. */
export function append(points: readonly Point[], point: Point): readonly Point[] {
  const first = points.findIndex(({ at }) => at >= point.at - KEPT_MS);
  return [...(first < 0 ? [] : points.slice(first)), point];
}

export interface Summary {
  readonly now: number | null;
  readonly least: number | null;
  readonly mean: number | null;
  readonly most: number | null;
}

/** Return a figure of now, and how it was over the time that is kept. */
export function summarize(points: readonly Point[], figure: Figure): Summary {
  const values = points.flatMap(({ reading }) => reading?.[figure] ?? []);
  const now = points.at(-1)?.reading?.[figure] ?? null;
  if (values.length === 0) return { now, least: null, mean: null, most: null };
  const all = values.reduce((total, value) => total + value, 0);
  return { now, least: Math.min(...values), mean: all / values.length, most: Math.max(...values) };
}

export type Trouble =
  | { readonly is: "unreachable" }
  /** The server says why. */
  | { readonly is: "notReady"; readonly why: string }
  | { readonly is: "storeAway" }
  | { readonly is: "loopLag"; readonly seconds: number }
  | { readonly is: "slowCommits"; readonly seconds: number }
  | { readonly is: "failing"; readonly rate: number }
  | { readonly is: "quarantined"; readonly sessions: readonly string[] };

const LAG_MOST_S = 0.1;
const COMMIT_MOST_S = 1;

/** Return what is wrong, the gravest first. `readiness` is why the server isn't ready, or nothing. */
export function troubles(
  readiness: unknown,
  storeUp: boolean,
  reading: Reading | undefined,
  quarantined: readonly string[],
): readonly Trouble[] {
  const found: Trouble[] = [];
  if (readiness instanceof Unreachable) return [{ is: "unreachable" }];
  if (!storeUp) found.push({ is: "storeAway" });
  if (readiness instanceof Problem) found.push({ is: "notReady", why: readiness.message });
  const { loopLag = null, commitP99 = null, failed = null } = reading ?? {};
  if (loopLag !== null && loopLag > LAG_MOST_S) found.push({ is: "loopLag", seconds: loopLag });
  if (commitP99 !== null && commitP99 > COMMIT_MOST_S) found.push({ is: "slowCommits", seconds: commitP99 });
  if (failed !== null && failed > 0) found.push({ is: "failing", rate: failed });
  if (quarantined.length > 0) found.push({ is: "quarantined", sessions: quarantined });
  return found;
}
