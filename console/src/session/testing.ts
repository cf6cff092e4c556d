/** Events for tests: a log is written down as its events, and gets seqs and times by itself, a second apart. */
import type { EventName, Facts, SessionEvent } from "../../client";
import { SessionModel } from "./model";

export const BEGIN = Date.parse("2026-01-01T00:00:00Z");

type Line = { [Name in EventName]: readonly [event: Name, nodeId: string | null, data: Partial<Facts[Name]>] }[EventName];

export function log(...lines: readonly Line[]): SessionEvent[] {
  return lines.map(([event, node_id, data], at) => ({
    seq: at + 1,
    session_id: "s",
    event,
    timestamp: new Date(BEGIN + 1_000 * at).toISOString(),
    node_id,
    data,
  })) as SessionEvent[];
}

export function fold(events: readonly SessionEvent[]): SessionModel {
  const model = new SessionModel();
  for (const event of events) model.apply(event);
  return model;
}

/** The move of a node, as a line of a log. */
export function move(nodeId: string, status: Facts["node_state_change"]["status"], more: Partial<Facts["node_state_change"]> = {}) {
  return ["node_state_change", nodeId, { status, attempt: 1, round: 1, ...more }] as const;
}

/** A piece of text, as a line of a log. */
export function say(nodeId: string, chunk: string, is_thinking = false) {
  return ["token_stream", nodeId, { agent_id: nodeId, chunk, is_thinking }] as const;
}
