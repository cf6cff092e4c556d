/** What a list is narrowed by: in the URL, so that a link or a reload shows the same. Pure. */
import type { SessionItem, SessionStatus } from "../../client";

export const STATUSES = ["pending", "running", "paused", "completed", "failed", "cancelled"] as const satisfies readonly SessionStatus[];
export type Counts = Readonly<Record<(typeof STATUSES)[number], number>>;

export interface Filters {
  readonly status?: SessionStatus;
  /** `key`, or `key:value`. */
  readonly label?: string;
  readonly workflow?: string;
}

/** Return the filters that a URL's query names; what isn't a status is left out. */
export function filtersOf(query: URLSearchParams): Filters {
  const status = STATUSES.find((each) => each === query.get("status"));
  const label = query.get("label")?.trim();
  const workflow = query.get("workflow")?.trim();
  return { ...(status && { status }), ...(label && { label }), ...(workflow && { workflow }) };
}

/** Return the parameters of the API's call. */
export function asked(filters: Filters): Record<string, string | undefined> {
  return { status: filters.status, label: filters.label, workflow_id: filters.workflow };
}

/** Return whether the list wants a session; of what isn't known of it, nothing is asked. */
export function wants(filters: Filters, session: Pick<SessionItem, "status"> & Partial<SessionItem>): boolean {
  const { status, label, workflow } = filters;
  if (status !== undefined && session.status !== status) return false;
  if (workflow !== undefined && session.workflow_id !== workflow) return false;
  if (label === undefined) return true;
  return Object.entries(session.labels ?? {}).some(([key, value]) => label === key || label === `${key}:${value}`);
}

export function total(counts: Counts): number {
  return STATUSES.reduce((sum, status) => sum + counts[status], 0);
}
