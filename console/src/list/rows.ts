/** The rows of a list, page by page, and what live events change of them. Pure. */
import type { SessionEvent, SessionItem, SessionList } from "../../client";
import { wants, type Filters } from "./filters";

interface Page {
  /** Of the call that read it. */
  readonly cursor: string | undefined;
  readonly from: number;
  readonly to: number;
  /** Whether something may have been missed since it was read. */
  stale: boolean;
}

/** A row keeps its place: what is new is announced, and comes with the next reading from the top. */
export class Rows {
  readonly items: SessionItem[] = [];
  /** Sessions that belong on the list and aren't. */
  readonly fresh = new Set<string>();
  /** The cursor of the next page; `null` after the last one. */
  next: string | null | undefined = undefined;

  private readonly at = new Map<string, number>();
  private readonly pages: Page[] = [];

  constructor(readonly filters: Filters = {}) {}

  /** Take the page that follows. */
  append(page: SessionList): void {
    const from = this.items.length;
    for (const item of page.items) {
      if (this.at.has(item.session_id)) continue;
      this.fresh.delete(item.session_id);
      this.at.set(item.session_id, this.items.length);
      this.items.push(item);
    }
    this.pages.push({ cursor: this.next ?? undefined, from, to: this.items.length, stale: false });
    this.next = page.next_cursor;
  }

  /** Say that events may have been missed. */
  spoil(): void {
    for (const page of this.pages) page.stale = true;
  }

  /** Return the pages between two rows that are to be read again. */
  stale(from: number, to: number): readonly Page[] {
    return this.pages.filter((page) => page.stale && page.from < to && page.to > from);
  }

  /** Take a page that was read again; return whether all its rows still belong there. */
  refresh(page: Page, read: SessionList): boolean {
    page.stale = false;
    const found = new Set(read.items.map((item) => item.session_id));
    for (const item of read.items) {
      const at = this.at.get(item.session_id);
      if (at !== undefined && this.items[at]!.seq <= item.seq) this.items[at] = item;
      else if (at === undefined && page.cursor === undefined) this.fresh.add(item.session_id);
    }
    return this.items.slice(page.from, page.to).every((item) => found.has(item.session_id));
  }

  /** Return where a session stands; -1 if it isn't on the list. */
  place(id: string): number {
    return this.at.get(id) ?? -1;
  }

  find(id: string): SessionItem | undefined {
    const at = this.at.get(id);
    return at === undefined ? undefined : this.items[at];
  }

  /** Take an event; return whether anything on the list changed. */
  apply(event: SessionEvent): boolean {
    const at = this.at.get(event.session_id);
    if (at === undefined) return this.meet(event);
    const item = this.items[at]!;
    if (event.seq <= item.seq) return false;
    const changes = changed(item, event);
    if (changes === undefined) return false;
    this.items[at] = { ...item, ...changes, seq: event.seq, updated_at: event.timestamp };
    return true;
  }

  /** Announce a session that isn't on the list, if it belongs there as far as the event tells. */
  private meet(event: SessionEvent): boolean {
    const { status, label, workflow } = this.filters;
    const now = statusAfter(event);
    if (now === undefined) return false;
    const known = event.event === "execution:created" ? { workflow_id: event.data.workflow_id, labels: event.data.labels ?? {} } : {};
    const tells = event.event === "execution:created" || (status !== undefined && label === undefined && workflow === undefined);
    const wanted = wants(this.filters, { status: now, ...known });
    if (this.fresh.has(event.session_id)) return status !== undefined && !wanted && this.fresh.delete(event.session_id);
    if (!tells || !wanted) return false;
    this.fresh.add(event.session_id);
    return true;
  }
}

/** Return the status that a session has after an event; nothing if the event doesn't tell. */
function statusAfter(event: SessionEvent): SessionItem["status"] | undefined {
  switch (event.event) {
    case "execution:created":
    case "execution:completed":
      return event.data.status;
    case "execution:started":
    case "execution:resumed":
      return "running";
    case "execution:paused":
      return "paused";
    default:
      return undefined;
  }
}

function changed(item: SessionItem, event: SessionEvent): Partial<SessionItem> | undefined {
  const status = statusAfter(event);
  const time = event.timestamp;
  if (event.event === "execution:started") return { status: "running", started_at: time };
  if (event.event === "execution:completed") return { status: event.data.status, ended_at: time, waits: [] };
  if (status !== undefined) return { status };
  const node = event.node_id;
  if (event.event !== "node_state_change" || node == null) return undefined;
  const waited = item.waits.includes(node);
  if (event.data.status === "suspended") return waited ? undefined : { waits: [...item.waits, node] };
  return waited ? { waits: item.waits.filter((each) => each !== node) } : undefined;
}
