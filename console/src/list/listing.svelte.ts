/** The list as the page shows it: reads pages, follows what happens, and counts. */
import { Feed, Problem, type Client, type FeedState, type SessionItem } from "../../client";
import { asked, type Counts, type Filters } from "./filters";
import { Rows } from "./rows";

const FIRST = 100;
const MORE = 500;
/** Counts are a second old at most; asked later than that after an event, they hold it. */
const COUNT_AFTER_MS = 1_200;
const COUNT_EVERY_MS = 30_000;
const TELLS = /"event":"(?:execution:|node_state_change")/;

export class Listing {
  /** Grows with every change of the rows; they themselves aren't reactive, since there may be 100,000. */
  version = $state(0);
  loading = $state(false);
  error = $state.raw<unknown>();
  counts = $state.raw<Counts>();
  feed = $state<FeedState>("connecting");

  private rows = new Rows();
  private reading = new AbortController();
  private readonly stream: Feed;
  private frame = 0;
  private counting: ReturnType<typeof setTimeout> | undefined;
  private readonly every: ReturnType<typeof setInterval>;

  constructor(private readonly client: Client) {
    this.stream = new Feed(client, {
      only: (text) => TELLS.test(text),
      onEvent: (event) => {
        if (event.event.startsWith("execution:")) this.countSoon(COUNT_AFTER_MS);
        if (this.rows.apply(event)) this.changed();
      },
      onState: (state) => this.enter(state),
    }).open();
    this.every = setInterval(() => this.countSoon(0), COUNT_EVERY_MS);
    void this.count();
  }

  close(): void {
    this.stream.close();
    this.reading.abort();
    clearInterval(this.every);
    clearTimeout(this.counting);
    cancelAnimationFrame(this.frame);
  }

  get items(): readonly SessionItem[] {
    void this.version;
    return this.rows.items;
  }

  /** How many sessions are new since the list was read. */
  get fresh(): number {
    void this.version;
    return this.rows.fresh.size;
  }

  /** Whether there is nothing below the last row. */
  get whole(): boolean {
    void this.version;
    return this.rows.next === null;
  }

  place(id: string): number {
    return this.rows.place(id);
  }

  /** Begin anew, at the top; what is shown stays until the first page is there. */
  async read(filters: Filters): Promise<void> {
    this.reading.abort();
    const reading = (this.reading = new AbortController());
    const rows = new Rows(filters);
    await this.page(rows, reading, FIRST);
  }

  /** Read the page below the last row, unless that is under way. */
  async more(): Promise<void> {
    if (this.loading || this.error !== undefined || this.rows.next == null) return;
    await this.page(this.rows, this.reading, MORE);
  }

  /** Try again what failed. */
  async again(): Promise<void> {
    this.error = undefined;
    if (this.rows.next === undefined) await this.read(this.rows.filters);
    else await this.more();
  }

  /** Read rows again that may be out of date: those between two places. */
  async freshen(from: number, to: number): Promise<void> {
    const { rows, reading } = this;
    for (const page of rows.stale(from, to)) {
      page.stale = false;
      try {
        // Above the first page there may be new ones.
        const limit = page.cursor === undefined ? MORE : page.to - page.from;
        const found = await this.client.sessions({ ...asked(rows.filters), cursor: page.cursor, limit }, reading.signal);
        if (!rows.refresh(page, found)) return await this.read(rows.filters);
        this.changed();
      } catch {
        page.stale = true; // when the feed is back, or somebody scrolls
        return;
      }
    }
  }

  private async page(rows: Rows, reading: AbortController, limit: number): Promise<void> {
    this.loading = true;
    try {
      const page = await this.client.sessions({ ...asked(rows.filters), cursor: rows.next ?? undefined, limit }, reading.signal);
      if (reading.signal.aborted) return;
      rows.append(page);
      this.rows = rows;
      this.error = undefined;
      this.version += 1;
    } catch (error) {
      if (reading.signal.aborted) return;
      if (rows !== this.rows) this.rows = rows;
      this.error = error;
      this.version += 1;
    } finally {
      if (reading === this.reading) this.loading = false;
    }
  }

  private enter(state: FeedState): void {
    this.feed = state;
    if (state !== "live" || this.rows.next === undefined) return;
    if (this.rows.items.length === 0) void this.read(this.rows.filters);
    this.rows.spoil();
    this.countSoon(0);
    this.changed();
  }

  private changed(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => (this.version += 1));
  }

  private countSoon(ms: number): void {
    if (document.hidden) return;
    this.counting ??= setTimeout(() => void this.count(), ms);
  }

  private async count(): Promise<void> {
    this.counting = undefined;
    try {
      this.counts = await this.client.counts();
    } catch (error) {
      if (error instanceof Problem) this.counts = undefined; // may not be asked, or not now
    }
  }
}
