import { newKey } from "./key";
import { Unreachable, problemOf } from "./problem";
import { Problem } from "./problem";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type SessionDetail = Schemas["SessionDetail"];
export type SessionItem = Schemas["SessionItem"];
export type SessionList = Schemas["SessionList"];
export type NodeDetail = Schemas["NodeDetail"];
export type Receipt = Schemas["Receipt"];
export type Action = Schemas["Command"]["action"];
/** The API's document says no more of a graph than that it is an object. */
export type Execute = Omit<Partial<Schemas["Execute"]>, "graph"> & { graph?: object };
export type ReviewItem = Schemas["ReviewItem"];
export type Me = Schemas["Me"];
export type WorkflowItem = Schemas["WorkflowItem"];
export type NodeType = Schemas["NodeTypeItem"];
export type SessionStatus = SessionDetail["status"];
export type NodeStatus = NodeDetail["status"];

/** A workflow's graph, as it is stored. */
export interface Graph {
  workflow_id: string;
  name?: string | null;
  description?: string | null;
  start_node_id: string;
  input_schema?: unknown;
  nodes: Record<string, GraphNode>;
}

export interface GraphNode {
  type: string;
  name?: string | null;
  next_ids?: string[];
  properties?: Record<string, unknown>;
  join?: unknown;
  timeout_s?: number | null;
  retry?: unknown;
  on_error?: string;
}

export interface ClientOptions {
  /** Where the server is, e.g. `http://127.0.0.1:8080/`; relative calls go below it. */
  base: string | URL;
  /** The bearer token to send, if there is one. Asked before every call. */
  token?: () => string | undefined;
  /** Told of every 401, unless there is another token by now: the answer to an old one says nothing of that. */
  onUnauthenticated?: (problem: Problem) => void;
  fetch?: typeof globalThis.fetch;
}

type Query = Record<string, string | number | undefined>;

/**
 * The HTTP API, one method for each call.
 *
 * Every method rejects with a `Problem` when the server says why not, and with `Unreachable` when it can't be asked.
 */
export class Client {
  readonly base: URL;
  readonly token: () => string | undefined;
  private readonly fetch: typeof globalThis.fetch;
  private readonly onUnauthenticated: (problem: Problem) => void;

  constructor(options: ClientOptions) {
    this.base = new URL(options.base);
    this.token = options.token ?? (() => undefined);
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.onUnauthenticated = options.onUnauthenticated ?? (() => undefined);
  }

  execute(body: Execute, key?: string): Promise<Schemas["Started"]> {
    return this.call("POST", "api/v1/workflows/execute", { body, ...keyed(key) });
  }

  sessions(query: Query = {}, signal?: AbortSignal): Promise<SessionList> {
    return this.call("GET", "api/v1/sessions", { query, ...given(signal) });
  }

  /** Return how many sessions have each status. */
  async counts(signal?: AbortSignal): Promise<Schemas["Counts"]> {
    return (await this.call<Schemas["SessionCounts"]>("GET", "api/v1/sessions/counts", given(signal))).counts;
  }

  session(id: string, signal?: AbortSignal): Promise<SessionDetail> {
    return this.call("GET", session(id), given(signal));
  }

  workflowOf(id: string, signal?: AbortSignal): Promise<Graph> {
    return this.call("GET", `${session(id)}/workflow`, given(signal));
  }

  control(id: string, action: Action, reason?: string, key = newKey()): Promise<Receipt> {
    return this.call("POST", `${session(id)}/control`, { body: { action, ...(reason ? { reason } : {}) }, ...keyed(key) });
  }

  review(id: string, body: Partial<Schemas["Review"]>, key?: string): Promise<Schemas["Resumed"]> {
    return this.call("POST", `${session(id)}/review`, { body, ...keyed(key) });
  }

  resumeNode(id: string, node: string, output: unknown, key?: string): Promise<Schemas["Resumed"]> {
    return this.call("POST", `${nodeOf(id, node)}/resume`, { body: { output }, ...keyed(key) });
  }

  retryNode(id: string, node: string, body: { input?: unknown } = {}, key?: string): Promise<Schemas["Resumed"]> {
    return this.call("POST", `${nodeOf(id, node)}/retry`, { body, ...keyed(key) });
  }

  skipNode(id: string, node: string, body: { output?: unknown } = {}, key?: string): Promise<Schemas["Resumed"]> {
    return this.call("POST", `${nodeOf(id, node)}/skip`, { body, ...keyed(key) });
  }

  signal(
    id: string,
    body: { name?: string; node_id?: string; payload: unknown },
    key?: string,
  ): Promise<Schemas["SignalSent"]> {
    return this.call("POST", `${session(id)}/signal`, { body, ...keyed(key) });
  }

  fork(id: string, body: Partial<Schemas["ForkSession"]>, key?: string): Promise<SessionDetail> {
    return this.call("POST", `${session(id)}/fork`, { body, ...keyed(key) });
  }

  deleteSession(id: string): Promise<void> {
    return this.call("DELETE", session(id));
  }

  events(id: string, query: { after?: number; limit?: number } = {}): Promise<Schemas["EventPage"]> {
    return this.call("GET", `${session(id)}/events`, { query });
  }

  reviews(query: Query = {}, signal?: AbortSignal): Promise<Schemas["ReviewList"]> {
    return this.call("GET", "api/v1/reviews", { query, ...given(signal) });
  }

  /** Return who the caller is to the server. */
  me(signal?: AbortSignal): Promise<Me> {
    return this.call("GET", "api/v1/me", given(signal));
  }

  workflows(signal?: AbortSignal): Promise<Schemas["WorkflowList"]> {
    return this.call("GET", "api/v1/workflows", given(signal));
  }

  workflow(id: string, version?: string): Promise<Graph> {
    return this.call("GET", workflow(id), { query: { version } });
  }

  putWorkflow(id: string, graph: unknown): Promise<Schemas["WorkflowVersion"]> {
    return this.call("PUT", workflow(id), { body: graph });
  }

  deleteWorkflow(id: string): Promise<void> {
    return this.call("DELETE", workflow(id));
  }

  validate(graph: unknown): Promise<Schemas["WorkflowVersion"]> {
    return this.call("POST", "api/v1/workflows/validate", { body: graph });
  }

  nodeTypes(): Promise<Schemas["NodeTypeList"]> {
    return this.call("GET", "api/v1/node-types");
  }

  ticket(sessionId?: string): Promise<Schemas["TicketIssued"]> {
    return this.call("POST", "api/v1/tickets", { body: sessionId === undefined ? {} : { session_id: sessionId } });
  }

  ready(signal?: AbortSignal): Promise<Schemas["Health"]> {
    return this.call("GET", "readyz", given(signal));
  }

  /** Return the counters in Prometheus' text format. */
  metrics(signal?: AbortSignal): Promise<string> {
    return this.call("GET", "metrics", given(signal));
  }

  /** Return where a session's WebSocket is. */
  socketUrl(id: string, query: Query): URL {
    const url = this.url(`${session(id)}/events`, query);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  /** Return where the WebSocket for commands, and for the events of many sessions, is. */
  commandUrl(query: Query = {}): URL {
    const url = this.url("ws", query);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  private url(path: string, query: Query = {}): URL {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    return url;
  }

  private async call<T>(
    method: string,
    path: string,
    { body, query, key, signal }: { body?: unknown; query?: Query; key?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const headers: Record<string, string> = {};
    const token = this.token();
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    let answer: Response;
    try {
      answer = await this.fetch(this.url(path, query), {
        method,
        headers,
        cache: "no-store",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable("the server can't be reached");
    }
    if (!answer.ok) {
      const problem = await problemOf(answer);
      if (problem instanceof Problem && problem.status === 401 && token === this.token()) this.onUnauthenticated(problem);
      throw problem;
    }
    if (answer.status === 204) return undefined as T;
    const json = answer.headers.get("Content-Type")?.startsWith("application/json");
    return (await (json ? answer.json() : answer.text())) as T;
  }
}

const session = (id: string): string => `api/v1/sessions/${encodeURIComponent(id)}`;
const nodeOf = (id: string, node: string): string => `${session(id)}/nodes/${encodeURIComponent(node)}`;
const workflow = (id: string): string => `api/v1/workflows/${encodeURIComponent(id)}`;
const given = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });
const keyed = (key: string | undefined): { key?: string } => (key === undefined ? {} : { key });
