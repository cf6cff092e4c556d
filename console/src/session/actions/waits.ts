/** What a node waits for, since when, for how long, and who closed it. Pure: what time it is now is passed in. */
import type { SessionEvent } from "../../../client";
import { isRecord, kindOf, type Schema } from "../../lib/schema";
import type { NodeState, Pause, Wait } from "../model";

/** What a person can do for a node: answer a review, decide about a failure, signal, or put an output in its place. */
export type Asking = "review" | "failure" | "signal" | "resume";

/** Return what `node` can be given, if it waits for anything at all. */
export function askingOf(node: NodeState): Asking | undefined {
  if (node.status !== "suspended") return undefined;
  if (node.error !== undefined) return "failure";
  if (node.wait !== undefined) return "review";
  return node.signal === undefined ? "resume" : "signal";
}

/** Return what keeps somebody from answering `wait`, by the name that the log has; nothing if they have none. */
export function barOf(wait: Wait | undefined, name: string | undefined): "begun" | "others" | "nobody" | undefined {
  if (wait === undefined || name === undefined) return undefined;
  if (wait.excluded?.includes(name)) return "begun";
  if (wait.reviewers == null || wait.reviewers.includes(name)) return undefined;
  return wait.reviewers.length === 0 ? "nobody" : "others";
}

/** Where a wait began. */
export interface Opening {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const OPENS: ReadonlySet<string> = new Set(["human_interaction_required", "signal_awaited", "timer:set"]);

/** Return where the present wait of a node began, as far as the log goes back. */
export function openingOf(events: readonly SessionEvent[], nodeId: string): Opening | undefined {
  for (let at = events.length - 1; at >= 0; at -= 1) {
    const event = events[at]!;
    if (event.node_id !== nodeId) continue;
    const opens = OPENS.has(event.event) || (event.event === "node_state_change" && event.data.status === "suspended");
    if (opens) return { seq: event.seq, at: Date.parse(event.timestamp) };
  }
  return undefined;
}

/** How a wait ended; what isn't known is `undefined`. */
export interface Closure {
  readonly by: string | undefined;
  /** What a person did: `approve`, `retry` … */
  readonly action: string | undefined;
  /** Whether the session ended with it. */
  readonly ended: boolean;
}

/** Return how the wait of a node that began at `after` ended, if it has. */
export function closureOf(events: readonly SessionEvent[], nodeId: string, after: number): Closure | undefined {
  let found: Closure | undefined;
  for (let at = events.length - 1; at >= 0; at -= 1) {
    const event = events[at]!;
    if (event.seq <= after) break;
    if (event.event === "execution:completed") {
      found = { by: event.data.error?.by ?? undefined, action: undefined, ended: true };
    } else if (event.node_id === nodeId && event.event === "node_resumed") {
      found = { by: event.data.reviewer ?? undefined, action: event.data.review_action ?? undefined, ended: false };
    } else if (event.node_id === nodeId && event.event === "node_state_change" && event.data.status !== "suspended") {
      found ??= { by: undefined, action: undefined, ended: false };
    }
  }
  return found;
}

/** Return milliseconds that are left of `seconds` that count only while the session isn't paused; 0 if none are. */
export function timeLeft(opened: number, seconds: number, pauses: readonly Pause[], now: number): number {
  let passed = now - opened;
  for (const { from, to } of pauses) passed -= Math.max(0, Math.min(to ?? now, now) - Math.max(from, opened));
  return Math.max(0, seconds * 1_000 - passed);
}

/**
 * Return what a review is about, in the shape that its answer takes: what the one node before it put out.
 *
 * Without a schema that is its text, if it has one; with one, those of its members that the schema names. `undefined`
 * where there is no such thing: the answer is then something new, not a change.
 */
export function originalOf(schema: Schema | undefined, before: readonly unknown[]): unknown {
  const output = before.length === 1 ? before[0] : undefined;
  const text = typeof output === "string" ? output : isRecord(output) && typeof output.text === "string" ? output.text : undefined;
  if (schema === undefined) return text;
  const kind = kindOf(schema);
  if (kind.is === "text") return text;
  if (kind.is !== "object" || !isRecord(output)) return undefined;
  const known = kind.fields.filter(({ name }) => output[name] !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known.map(({ name }) => [name, output[name]]));
}
