/** A session as people look at it, folded from its events. Pure: no I/O, no clock; times are milliseconds since the epoch. */
import type { Facts, NodeStatus, SessionDetail, SessionEvent, SessionStatus } from "../../client";

export type Failure = NonNullable<SessionDetail["error"]>;
export type Wait = Facts["human_interaction_required"];

export interface ToolUse {
  readonly tool: string;
  readonly input: unknown;
  readonly output: unknown;
}

/** One attempt of a node in one round: what a bubble and a bar show. */
export interface Run {
  readonly key: string;
  readonly nodeId: string;
  readonly round: number;
  readonly attempt: number;
  readonly startedAt: number;
  /** The seq of the event that began it: times can be equal. */
  readonly since: number;
  endedAt: number | undefined;
  /** The seq of the event that ended it. */
  until: number | undefined;
  status: NodeStatus | "interrupted";
  agentId: string;
  /** What it said, in pieces as they came; only ever appended to. */
  readonly said: string[];
  readonly thought: string[];
  readonly tools: ToolUse[];
  error: Failure | undefined;
  output: unknown;
  progress: Facts["progress"] | undefined;
}

export interface NodeState {
  readonly id: string;
  status: NodeStatus;
  attempt: number;
  round: number;
  output: unknown;
  error: Failure | undefined;
  /** What it asks of a person, while it does. */
  wait: Wait | undefined;
  /** The signal it waits for, while it does. */
  signal: string | undefined;
  readonly runs: Run[];
  readonly children: Map<number, { readonly id: string; status: SessionStatus | undefined }>;
  /** The successors it chose in any round, where that wasn't all of them. */
  readonly chosen: Set<string>;
}

/** Runs that spoke side by side. */
export interface Turn {
  readonly key: string;
  readonly runs: Run[];
}

export interface Pause {
  readonly from: number;
  to: number | undefined;
  readonly reason: string | null;
  readonly by: string | null;
}

export interface Usage {
  input: number;
  output: number;
  dollars: number;
  calls: number;
}

/** A node of which nothing has been heard. */
export const NOTHING: NodeState = {
  id: "",
  status: "pending",
  attempt: 0,
  round: 1,
  output: undefined,
  error: undefined,
  wait: undefined,
  signal: undefined,
  runs: [],
  children: new Map(),
  chosen: new Set(),
};

export class SessionModel {
  status: SessionStatus = "pending";
  seq = 0;
  created: Facts["execution:created"] | undefined;
  createdAt: number | undefined;
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** When the last event happened. */
  lastAt = 0;
  output: unknown;
  error: Failure | undefined;
  quiesced = false;
  /** While paused and not quiet: nodes that are still at work. */
  readonly inFlight = new Set<string>();
  readonly nodes = new Map<string, NodeState>();
  readonly turns: Turn[] = [];
  readonly pauses: Pause[] = [];
  readonly recoveries: number[] = [];
  readonly usage: Usage = { input: 0, output: 0, dollars: 0, calls: 0 };
  /** Pieces of text that came, in all. */
  tokens = 0;

  private readonly spoken = new Map<Run, Turn>();

  get terminal(): boolean {
    return this.status === "completed" || this.status === "failed" || this.status === "cancelled";
  }

  /** Whether the way from one node to another was gone, in any round. */
  went(from: string, to: string): boolean {
    const [start, end] = [this.nodes.get(from), this.nodes.get(to)];
    const began = end?.runs.at(-1)?.since ?? 0;
    if (start === undefined || !start.runs.some((run) => run.until !== undefined && run.until < began)) return false;
    return start.chosen.size === 0 || start.chosen.has(to);
  }

  /** How many runs are in the conversation. */
  get voices(): number {
    return this.spoken.size;
  }

  /** Nodes that ask something of a person, or wait for a signal. */
  get waiting(): NodeState[] {
    return [...this.nodes.values()].filter((node) => node.wait !== undefined || node.signal !== undefined);
  }

  node(id: string): NodeState {
    let node = this.nodes.get(id);
    if (node === undefined) {
      node = { ...NOTHING, id, runs: [], children: new Map(), chosen: new Set() };
      this.nodes.set(id, node);
    }
    return node;
  }

  /** Take the next event. One that isn't known only moves `seq`. */
  apply(event: SessionEvent): void {
    this.seq = event.seq;
    const at = (this.lastAt = Date.parse(event.timestamp));
    const node = event.node_id == null ? undefined : this.node(event.node_id);
    switch (event.event) {
      case "token_stream":
        if (node !== undefined) this.speak(node, event.data, at);
        break;
      case "node_state_change":
        if (node !== undefined) this.move(node, event.data, at);
        break;
      case "execution:created":
        this.created = event.data;
        this.createdAt = at;
        break;
      case "execution:started":
        this.status = "running";
        this.startedAt = at;
        break;
      case "execution:paused":
        this.status = "paused";
        this.quiesced = false;
        for (const id of event.data.in_flight) this.inFlight.add(id);
        this.pauses.push({ from: at, to: undefined, reason: event.data.reason, by: event.data.by });
        break;
      case "execution:quiesced":
        this.quiesced = true;
        this.inFlight.clear();
        break;
      case "execution:resumed":
        this.status = "running";
        this.resume(at);
        break;
      case "execution:recovered":
        this.recoveries.push(at);
        for (const id of event.data.interrupted) this.end(this.node(id), "interrupted", at);
        break;
      case "execution:completed":
        this.status = event.data.status;
        this.output = event.data.output;
        this.error = event.data.error ?? undefined;
        this.endedAt = at;
        this.resume(at);
        break;
      case "human_interaction_required":
        if (node !== undefined) node.wait = event.data;
        break;
      case "signal_awaited":
        if (node !== undefined) node.signal = event.data.name;
        break;
      case "node_resumed":
        if (node !== undefined) node.wait = node.signal = undefined;
        break;
      case "tool_execution":
        if (node !== undefined) {
          const run = this.run(node, at);
          run.tools.push(event.data);
          this.turn(run);
        }
        break;
      case "token_usage":
        this.usage.input += event.data.input_tokens;
        this.usage.output += event.data.output_tokens;
        this.usage.dollars += event.data.estimated_cost_usd;
        this.usage.calls += 1;
        break;
      case "progress":
        if (node !== undefined) this.run(node, at).progress = event.data;
        break;
      case "error":
        if (node !== undefined) {
          const run = this.run(node, at);
          run.error = { code: event.data.code, message: event.data.error };
          this.end(node, "failed", at);
        }
        break;
      case "child:started":
        node?.children.set(event.data.index, { id: event.data.child_id, status: undefined });
        break;
      case "child:ended":
        node?.children.set(event.data.index, { id: event.data.child_id, status: event.data.status });
        break;
    }
  }

  /** Begin from what a snapshot says, where the log before it is gone: what was said then isn't there. */
  adopt(detail: SessionDetail): void {
    this.status = detail.status;
    this.seq = detail.seq;
    this.createdAt = Date.parse(detail.created_at);
    this.startedAt = detail.started_at === null ? undefined : Date.parse(detail.started_at);
    this.endedAt = detail.ended_at === null ? undefined : Date.parse(detail.ended_at);
    this.lastAt = Date.parse(detail.updated_at);
    this.output = detail.output ?? undefined;
    this.error = detail.error ?? undefined;
    this.quiesced = detail.quiesced;
    this.created = {
      workflow_id: detail.workflow_id,
      workflow_version: detail.workflow_version,
      status: "pending",
      input: detail.input,
      context: detail.context,
      labels: detail.labels,
      parent_id: detail.parent_id,
      forked_from: detail.forked_from ?? null,
    };
    for (const [id, found] of Object.entries(detail.nodes)) {
      const node = this.node(id);
      node.status = found.status;
      node.attempt = found.attempt;
      node.round = found.round;
      node.output = found.output;
      node.error = found.error ?? undefined;
      node.wait = found.wait;
      if (found.started_at === null) continue;
      const run = this.begin(node, Date.parse(found.started_at));
      run.status = found.status;
      run.endedAt = found.ended_at === null ? undefined : Date.parse(found.ended_at);
      run.output = found.output;
    }
  }

  private move(node: NodeState, data: Facts["node_state_change"], at: number): void {
    const again = node.attempt !== data.attempt || node.round !== data.round;
    node.status = data.status;
    node.attempt = data.attempt;
    node.round = data.round;
    if (data.status !== "suspended") node.wait = node.signal = undefined;
    switch (data.status) {
      case "pending":
        node.error = undefined;
        break;
      case "running":
      case "suspended": {
        const run = again || node.runs.length === 0 ? this.begin(node, at) : this.run(node, at);
        // One that failed, and waits for its next attempt, has ended all the same.
        if (data.status === "running" || run.endedAt === undefined) run.status = data.status;
        if (data.status === "running") node.error = undefined;
        else node.error = data.error ?? undefined;
        break;
      }
      case "completed":
      case "failed":
      case "skipped":
        if (data.status === "completed") node.output = data.output;
        for (const to of data.taken ?? []) node.chosen.add(to);
        node.error = data.error ?? undefined;
        this.inFlight.delete(node.id);
        if (node.runs.length > 0 && !again) this.end(node, data.status, at, data);
        break;
    }
  }

  private speak(node: NodeState, data: Facts["token_stream"], at: number): void {
    const run = this.run(node, at);
    run.agentId = data.agent_id;
    (data.is_thinking ? run.thought : run.said).push(data.chunk);
    this.tokens += 1;
    this.turn(run);
  }

  /** The node's present run. */
  private run(node: NodeState, at: number): Run {
    return node.runs.at(-1) ?? this.begin(node, at);
  }

  private begin(node: NodeState, at: number): Run {
    const run: Run = {
      key: `${node.id}/${node.round}/${node.attempt}/${node.runs.length}`,
      nodeId: node.id,
      round: node.round,
      attempt: node.attempt,
      startedAt: at,
      since: this.seq,
      endedAt: undefined,
      until: undefined,
      status: "running",
      agentId: node.id,
      said: [],
      thought: [],
      tools: [],
      error: undefined,
      output: undefined,
      progress: undefined,
    };
    node.runs.push(run);
    return run;
  }

  private end(node: NodeState, status: Run["status"], at: number, data?: Facts["node_state_change"]): void {
    const run = node.runs.at(-1);
    if (run === undefined) return;
    run.status = status;
    run.endedAt ??= at;
    run.until ??= this.seq;
    if (data === undefined) return;
    run.output = data.output;
    if (data.error != null) run.error = data.error;
  }

  /** Put a run that speaks into the conversation: beside those that were still at it when it began. */
  private turn(run: Run): void {
    if (this.spoken.has(run)) return;
    const last = this.turns.at(-1);
    const beside = last?.runs.some((other) => other.until === undefined || other.until > run.since);
    if (last !== undefined && beside === true) {
      last.runs.push(run);
      this.spoken.set(run, last);
      return;
    }
    const turn = { key: run.key, runs: [run] };
    this.turns.push(turn);
    this.spoken.set(run, turn);
  }

  private resume(at: number): void {
    this.quiesced = false;
    this.inFlight.clear();
    const pause = this.pauses.at(-1);
    if (pause !== undefined) pause.to ??= at;
  }
}
