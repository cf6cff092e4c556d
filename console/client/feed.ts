import { Backoff } from "./backoff";
import type { SessionEvent } from "./events";
import type { Client } from "./http";
import { Problem } from "./problem";

/** Where a feed stands; after each `live` it may have missed something: ask for what matters. */
export type FeedState = "connecting" | "live" | "waiting" | "refused" | "closed";

export interface FeedOptions {
  onEvent: (event: SessionEvent) => void;
  onState?: (state: FeedState) => void;
  /** Looks at a message's text, to pass over what doesn't matter before it is parsed: tokens come by the thousand. */
  only?: (text: string) => boolean;
  socket?: (url: URL) => WebSocket;
  backoff?: Backoff;
}

const FORBIDDEN = 4403;
const UNAUTHENTICATED = 4401;
const LOST = 1006;
const OPEN = 1;
/** Close codes that ask for patience: overload, too slow, too many commands. */
const BUSY_MS: Readonly<Record<number, number>> = { 1013: 2_000, 4408: 1_000, 4429: 2_000 };

/** Follows every session that the caller may see, live only; it reconnects by itself, and says when it is live again. */
export class Feed {
  state: FeedState = "closed";

  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private refusals = 0;
  private readonly backoff: Backoff;

  constructor(
    private readonly client: Client,
    private readonly options: FeedOptions,
  ) {
    this.backoff = options.backoff ?? new Backoff();
  }

  /** Connect; returns at once. */
  open(): this {
    this.refusals = 0;
    void this.connect();
    return this;
  }

  close(): void {
    this.drop();
    this.enter("closed");
  }

  /** Try now, if it waits. */
  retry(): void {
    if (this.state === "waiting") void this.connect();
  }

  private async connect(): Promise<void> {
    this.drop();
    this.enter("connecting");
    const attempt = this.attempt;
    let ticket: string | undefined;
    if (this.client.token() !== undefined) {
      try {
        ticket = (await this.client.ticket()).ticket;
      } catch (error) {
        if (attempt !== this.attempt) return;
        const problem = error instanceof Problem ? error : undefined;
        if (problem?.status === 401 || problem?.status === 403) this.enter("refused");
        else this.wait(1_000 * (problem?.retryAfter ?? 0));
        return;
      }
      if (attempt !== this.attempt) return;
    }
    const url = this.client.commandUrl({ ticket });
    const socket = this.options.socket?.(url) ?? new WebSocket(url);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ cmd: "subscribe", id: "all", data: { session_id: "*" } }));
    socket.onmessage = (message) => this.take(message.data as string);
    socket.onerror = () => this.closed(LOST); // a close follows, but not everywhere
    socket.onclose = (event) => this.closed(event.code);
  }

  private take(text: string): void {
    if (this.state !== "live") {
      const answer = JSON.parse(text) as { reply_to?: unknown; ok?: boolean };
      if (answer.reply_to === "all") {
        if (!answer.ok) return this.closed(FORBIDDEN);
        this.backoff.reset();
        this.refusals = 0;
        this.enter("live");
        return;
      }
    }
    if (this.options.only?.(text) === false) return;
    const message = JSON.parse(text) as Partial<SessionEvent>;
    if (message.seq !== undefined) this.options.onEvent(message as SessionEvent);
  }

  private closed(code: number): void {
    this.drop();
    if (code === UNAUTHENTICATED) {
      this.refusals += 1; // the first may be about the ticket's age
      if (this.client.token() === undefined || this.refusals > 1) this.enter("refused");
      else void this.connect();
    } else if (code === FORBIDDEN) {
      this.enter("refused");
    } else {
      this.wait(BUSY_MS[code]);
    }
  }

  private wait(atLeastMs = 0): void {
    const delay = this.backoff.next(atLeastMs);
    this.enter("waiting");
    this.timer = setTimeout(() => void this.connect(), delay);
  }

  private drop(): void {
    this.attempt += 1;
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    if (socket.readyState <= OPEN) socket.close();
  }

  private enter(state: FeedState): void {
    this.state = state;
    this.options.onState?.(state);
  }
}
