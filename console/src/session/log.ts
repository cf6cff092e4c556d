/** The event log: which events a filter leaves, kept up to date without looking at any event twice. Pure. */
import type { SessionEvent } from "../../client";

export interface LogFilter {
  /** Part of an event's name, node or data, in any case. */
  readonly text: string;
  readonly tokens: boolean;
  readonly nodeId: string | undefined;
}

export class EventLog {
  readonly all: SessionEvent[] = [];
  /** What the filter leaves. */
  readonly shown: SessionEvent[] = [];
  private seen = 0;
  private filter: LogFilter = { text: "", tokens: false, nodeId: undefined };

  add(event: SessionEvent): void {
    this.all.push(event);
  }

  /** Change the filter. */
  choose(filter: LogFilter): void {
    const old = this.filter;
    if (old.text === filter.text && old.tokens === filter.tokens && old.nodeId === filter.nodeId) return;
    this.filter = filter;
    this.shown.length = this.seen = 0;
  }

  /** Take in what was added; returns how many events are shown. */
  update(): number {
    const text = this.filter.text.trim().toLowerCase();
    for (; this.seen < this.all.length; this.seen += 1) {
      const event = this.all[this.seen]!;
      if (this.passes(event, text)) this.shown.push(event);
    }
    return this.shown.length;
  }

  private passes(event: SessionEvent, text: string): boolean {
    if (!this.filter.tokens && event.event === "token_stream") return false;
    if (this.filter.nodeId !== undefined && event.node_id !== this.filter.nodeId) return false;
    if (text === "") return true;
    if (`${event.seq} ${event.event} ${event.node_id ?? ""}`.toLowerCase().includes(text)) return true;
    return JSON.stringify(event.data).toLowerCase().includes(text);
  }
}

/** Return an event's data in a few words, for one line. */
export function summary(event: SessionEvent): string {
  switch (event.event) {
    case "node_state_change": {
      const { status, attempt, round, error } = event.data;
      const which = `${round > 1 ? ` · round ${round}` : ""}${attempt > 1 ? ` · attempt ${attempt}` : ""}`;
      return `${status}${which}${error == null ? "" : ` · ${error.code}: ${error.message}`}`;
    }
    case "token_stream":
      return event.data.chunk;
    case "error":
      return `${event.data.code}: ${event.data.error}`;
    case "human_interaction_required":
      return event.data.prompt;
    case "execution:paused":
      return event.data.reason ?? "";
    case "execution:completed":
      return event.data.error == null ? event.data.status : `${event.data.status} · ${event.data.error.message}`;
    default: {
      const text = JSON.stringify(event.data);
      return text === "{}" ? "" : text.slice(0, 300);
    }
  }
}
