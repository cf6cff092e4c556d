import type { Action, SessionStatus } from "../../../client";

/** What may be asked of a session, by its status; the server has the last word. */
export const ALLOWED: Readonly<Record<SessionStatus, readonly Action[]>> = {
  pending: ["start", "cancel"],
  running: ["pause", "stop", "cancel"],
  paused: ["resume", "stop", "cancel"],
  completed: [],
  failed: [],
  cancelled: [],
};
