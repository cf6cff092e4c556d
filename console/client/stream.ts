import { Backoff } from "./backoff";
import type { Message, SessionEvent } from "./events";
import { isNotice } from "./events";
import type { Client } from "./http";
import { Problem } from "./problem";

/** Where a stream stands. */
export type StreamState =
  | { readonly kind: "connecting" }
  /** Stored events are coming. */
  | { readonly kind: "replaying" }
  /** What comes happens now. */
  | { readonly kind: "live" }
  /** The connection is lost; the next try is at `retryAt` (milliseconds since the epoch). */
  | { readonly kind: "waiting"; readonly retryAt: number; readonly reason: string }
  /** The terminal event has come; there is nothing more. */
  | { readonly kind: "ended" }
  /** Trying again won't help. */
  | { readonly kind: "refused"; readonly why: Refusal; readonly reason: string }
  | { readonly kind: "closed" };

export type Refusal = "unknown" | "unauthenticated" | "forbidden" | "invalid";

export interface StreamOptions {
  /** The last seq that the caller has. */
  after?: number;
  /** The timestamp of that event. */
  seen?: string;
  onEvent: (event: SessionEvent) => void;
  onState?: (state: StreamState) => void;
  /** The log was trimmed, or the store lost its end: forget everything, take the snapshot, and go on at `firstSeq`. */
  onReset?: (firstSeq: number, snapshot: unknown) => void;
  socket?: (url: URL) => WebSocket;
  backoff?: Backoff;
  now?: () => number;
}

const REFUSALS: Readonly<Record<number, Refusal>> = { 1008: "invalid", 4403: "forbidden", 4404: "unknown" };
const UNAUTHENTICATED = 4401;
const LOST = 1006;
const SLOW = 4408;
/** `readyState` of an open socket. */
const OPEN = 1;
/** Close codes that ask for patience: overload, too many commands. */
const BUSY_MS: Readonly<Record<number, number>> = { 1013: 2_000, 4429: 2_000 };

/**
 * Follows one session: every event after `after`, each exactly once and in order, over as many connections as it takes.
 *
 * The seq of every event is checked. One that was there already is dropped; a gap closes the connection, and the next
 * one starts where this one was whole.
 */
export class SessionStream {
  /** The last seq that was passed on. */
  last: number;
  state: StreamState = { kind: "connecting" };
  private seen: string | undefined;

  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private fresh = true;
  private readonly backoff: Backoff;
  private readonly now: () => number;

  constructor(
    private readonly client: Client,
    private readonly sessionId: string,
    private readonly options: StreamOptions,
  ) {
    this.last = options.after ?? 0;
    this.seen = options.seen;
    this.backoff = options.backoff ?? new Backoff();
    this.now = options.now ?? Date.now;
  }

  /** Connect; returns at once. */
  open(): this {
    void this.connect();
    return this;
  }

  /** Follow no longer. */
  close(): void {
    if (!this.over) this.enter({ kind: "closed" });
    this.drop();
  }

  /** Try now, if it waits: the network is back, or a person asks. */
  retry(): void {
    if (this.state.kind === "waiting") void this.connect();
  }

  /** Give the connection up and wait for `retry`, or for the next try: the network is gone. */
  interrupt(reason: string): void {
    if (this.over || this.state.kind === "waiting") return;
    this.drop();
    this.wait(reason);
  }

  private get over(): boolean {
    return this.state.kind === "closed" || this.state.kind === "ended" || this.state.kind === "refused";
  }

  private async connect(): Promise<void> {
    this.drop();
    this.enter({ kind: "connecting" });
    const attempt = this.attempt;
    let ticket: string | undefined;
    if (this.client.token() !== undefined) {
      try {
        ticket = (await this.client.ticket(this.sessionId)).ticket;
      } catch (error) {
        if (attempt === this.attempt) this.refusedTicket(error);
        return;
      }
      if (attempt !== this.attempt) return;
    }
    const url = this.client.socketUrl(this.sessionId, { after: this.last, seen: this.seen, ticket });
    const socket = this.options.socket?.(url) ?? new WebSocket(url);
    this.socket = socket;
    socket.onmessage = (message) => this.take(JSON.parse(message.data as string) as Message, socket);
    socket.onerror = () => {
      if (socket === this.socket) this.closed(LOST, ""); // a close follows, but not everywhere
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event.code, event.reason);
    };
  }

  private take(message: Message, socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.fresh = false;
    if (isNotice(message)) {
      if (message.event === "stream:live") {
        this.backoff.reset();
        this.enter({ kind: "live" });
      } else {
        this.last = (message.data.first_seq ?? 1) - 1;
        this.seen = undefined;
        this.options.onReset?.(this.last + 1, message.data.snapshot);
      }
      return;
    }
    if (message.seq === undefined || message.seq <= this.last) return;
    if (message.seq > this.last + 1) {
      this.drop();
      this.wait(`event ${this.last + 1} is missing`);
      return;
    }
    if (this.state.kind === "connecting") this.enter({ kind: "replaying" });
    this.last = message.seq;
    this.seen = message.timestamp;
    this.options.onEvent(message);
    if (message.event === "execution:completed") {
      this.enter({ kind: "ended" });
      this.drop();
    }
  }

  private closed(code: number, reason: string): void {
    this.drop();
    const refusal = REFUSALS[code];
    if (refusal !== undefined) {
      this.enter({ kind: "refused", why: refusal, reason });
    } else if (code === UNAUTHENTICATED) {
      const again = this.client.token() !== undefined && !this.fresh;
      this.fresh = true; // a second refusal in a row isn't about the ticket's age
      if (again) void this.connect();
      else this.enter({ kind: "refused", why: "unauthenticated", reason });
    } else if (code === SLOW) {
      void this.connect();
    } else {
      this.wait(reason || (code === LOST ? "the connection is lost" : `closed with ${code}`), BUSY_MS[code]);
    }
  }

  private refusedTicket(error: unknown): void {
    const status = error instanceof Problem ? error.status : 0;
    const reason = error instanceof Error ? error.message : String(error);
    const why = ({ 401: "unauthenticated", 403: "forbidden", 404: "unknown" } as const)[status];
    if (why === undefined) this.wait(reason, 1_000 * (error instanceof Problem ? (error.retryAfter ?? 0) : 0));
    else this.enter({ kind: "refused", why, reason });
  }

  private wait(reason: string, atLeastMs = 0): void {
    const delay = this.backoff.next(atLeastMs);
    this.enter({ kind: "waiting", retryAt: this.now() + delay, reason });
    this.timer = setTimeout(() => void this.connect(), delay);
  }

  private drop(): void {
    this.attempt += 1;
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    if (socket === undefined) return;
    socket.onmessage = socket.onclose = socket.onerror = null;
    if (socket.readyState <= OPEN) socket.close();
  }

  private enter(state: StreamState): void {
    this.state = state;
    this.options.onState?.(state);
  }
}
