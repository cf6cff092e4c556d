/** What the server says of itself, asked every two seconds while somebody looks, and kept for ten minutes. */
import { Problem, Unreachable, type Client } from "../../client";
import { identity, server } from "../shell/server.svelte";
import { parse, sum, type Scrape } from "./metrics";
import { append, read, type Point, type Reading } from "./readings";

const EVERY_MS = 2_000;
/** After which an answer isn't waited for any longer. */
const PATIENCE_MS = 5_000;
/** Between two scrapes that are further apart, a rate says little: the tab was hidden. */
const GAP_MS = 10_000;

export class Monitor {
  points = $state.raw<readonly Point[]>([]);
  /** Why the server isn't ready; nothing if it is. */
  readiness = $state.raw<unknown>();
  storeUp = $state(true);
  quarantined = $state.raw<readonly string[]>([]);
  version = $state<string>();
  passivated = $state<number>();
  /** When the server was last asked, in milliseconds since the epoch. */
  askedAt = $state<number>();
  /** Whether this person may not see the figures. */
  forbidden = $state(false);

  private last: { readonly at: number; readonly scrape: Scrape } | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private going = false;
  private abort = new AbortController();

  constructor(private readonly client: Client) {}

  get reading(): Reading | undefined {
    return this.points.at(-1)?.reading;
  }

  /** Ask while the tab is seen, until the returned function is called. */
  watch(): () => void {
    const seen = (): void => {
      if (document.visibilityState === "visible") this.begin();
      else this.end();
    };
    document.addEventListener("visibilitychange", seen);
    seen();
    return () => {
      document.removeEventListener("visibilitychange", seen);
      this.end();
    };
  }

  private begin(): void {
    if (this.going) return;
    this.going = true;
    this.abort = new AbortController();
    void this.round(this.abort.signal);
  }

  private end(): void {
    this.going = false;
    clearTimeout(this.timer);
    this.abort.abort();
  }

  private async round(left: AbortSignal): Promise<void> {
    const began = Date.now();
    await this.ask(left);
    if (left.aborted) return;
    this.timer = setTimeout(() => void this.round(left), Math.max(0, EVERY_MS - (Date.now() - began)));
  }

  private async ask(left: AbortSignal): Promise<void> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), PATIENCE_MS);
    const signal = AbortSignal.any([left, limit.signal]);
    const [ready, metrics] = await Promise.allSettled([
      this.client.ready(signal),
      this.forbidden ? Promise.reject(new Error("not asked")) : this.client.metrics(signal),
    ]);
    clearTimeout(timer);
    if (left.aborted) return;
    const now = Date.now();
    this.askedAt = now;
    if (ready.status === "fulfilled") {
      this.readiness = undefined;
      this.quarantined = ready.value.quarantined ?? [];
    } else {
      this.readiness = ready.reason instanceof Problem ? ready.reason : new Unreachable("no answer");
    }
    this.storeUp = !(this.readiness instanceof Problem && this.readiness.code.startsWith("store_"));
    if (metrics.status === "fulfilled") {
      this.take(parse(metrics.value), now);
    } else {
      const why: unknown = metrics.reason;
      if (why instanceof Problem && (why.status === 403 || why.status === 401)) this.forbidden = true;
      this.last = undefined;
      if (!this.forbidden) this.points = append(this.points, { at: now, reading: undefined });
    }
  }

  private take(scrape: Scrape, now: number): void {
    const before = this.last !== undefined && now - this.last.at <= GAP_MS ? this.last : undefined;
    const nothing: Scrape = new Map();
    const seconds = before === undefined ? 1 : Math.max(0.001, (now - before.at) / 1_000);
    this.last = { at: now, scrape };
    this.points = append(this.points, { at: now, reading: read(before?.scrape ?? nothing, scrape, seconds) });
    if (sum(scrape, "sessiond_store_up") === 0) this.storeUp = false;
    this.passivated = sum(scrape, "sessiond_sessions_passivated_total") ?? undefined;
    this.version = scrape.get("sessiond_info")?.[0]?.labels.version;
  }
}

let shared: { readonly epoch: number; readonly monitor: Monitor } | undefined;

/** Return the page's monitor: it keeps what it read when the view is left, but not for somebody else. */
export function monitor(): Monitor {
  if (shared === undefined || shared.epoch !== identity.epoch) shared = { epoch: identity.epoch, monitor: new Monitor(server) };
  return shared.monitor;
}
