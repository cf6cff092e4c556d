/** A session followed live: the stream, what is folded from it, and when the page should look again. */
import { SessionStream, type Graph, type SessionDetail, type SessionEvent, type StreamState } from "../../client";
import { server } from "../shell/server.svelte";
import { EventLog } from "./log";
import { SessionModel } from "./model";

const TICK_MS = 1_000;
/** Milliseconds between two looks at least: text that grows 25 times a second is read as flowing, and costs half of 60. */
const REST_MS = 40;

export class LiveSession {
  model = new SessionModel();
  log = new EventLog();
  /** Grows when anything but text has come. */
  version = $state(0);
  /** Grows when anything has come: at most once for each frame, however many events there were. */
  frame = $state(0);
  connection = $state.raw<StreamState>({ kind: "connecting" });
  /** Whether the stored events are through, for the first time. */
  ready = $state(false);
  graph = $state.raw<Graph>();
  graphError = $state.raw<unknown>();
  /** The server's time, as far as its events tell, in milliseconds since the epoch. Moves once a second. */
  now = $state(Date.now());

  private readonly stream: SessionStream;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly abort = new AbortController();
  private scheduled = 0;
  private looked = 0;
  private structural = false;
  private loading = false;
  /** How far this clock is ahead of the server's: the least that was seen, since messages take time too. */
  private ahead: number | undefined;

  constructor(readonly id: string) {
    this.stream = new SessionStream(server, id, {
      onEvent: (event) => this.take(event),
      onState: (state) => this.enter(state),
      onReset: (_, snapshot) => this.reset(snapshot as SessionDetail),
    }).open();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    addEventListener("online", this.online);
    addEventListener("offline", this.offline);
  }

  close(): void {
    this.stream.close();
    this.abort.abort();
    clearInterval(this.timer);
    cancelAnimationFrame(this.scheduled);
    removeEventListener("online", this.online);
    removeEventListener("offline", this.offline);
  }

  readonly retry = (): void => this.stream.retry();

  private readonly online = (): void => this.stream.retry();
  private readonly offline = (): void => this.stream.interrupt("offline");

  private take(event: SessionEvent): void {
    this.model.apply(event);
    this.log.add(event);
    if (event.event !== "token_stream") this.structural = true;
    if (this.connection.kind === "live") {
      const ahead = Date.now() - this.model.lastAt;
      this.ahead = Math.min(this.ahead ?? ahead, ahead);
    }
    this.schedule();
  }

  private enter(state: StreamState): void {
    // Not before: whether there is such a session is for the stream to say.
    if (state.kind === "replaying" || state.kind === "live" || state.kind === "ended") void this.loadGraph();
    if (state.kind === "live" || state.kind === "ended") {
      this.ready = true;
      this.flush();
    }
    this.connection = state;
  }

  private reset(snapshot: SessionDetail): void {
    this.model = new SessionModel();
    this.log = new EventLog();
    this.model.adopt(snapshot);
    this.structural = true;
    this.schedule();
  }

  private schedule(): void {
    // A hidden tab has no frames: it takes events in, and shows them when it is looked at.
    if (this.scheduled === 0) this.scheduled = requestAnimationFrame((time) => this.look(time));
  }

  private look(time: number): void {
    if (time - this.looked < REST_MS) {
      this.scheduled = requestAnimationFrame((next) => this.look(next));
      return;
    }
    this.looked = time;
    this.flush();
  }

  private flush(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (this.structural) {
      this.structural = false;
      this.tick();
      this.version += 1;
    }
    this.frame += 1;
  }

  private tick(): void {
    if (!this.model.terminal) this.now = Math.max(Date.now() - (this.ahead ?? 0), this.model.lastAt);
  }

  private async loadGraph(): Promise<void> {
    if (this.graph !== undefined || this.loading) return;
    this.loading = true;
    try {
      this.graph = await server.workflowOf(this.id, this.abort.signal);
      this.graphError = undefined;
    } catch (error) {
      if (!this.abort.signal.aborted) this.graphError = error;
    } finally {
      this.loading = false;
    }
  }
}
