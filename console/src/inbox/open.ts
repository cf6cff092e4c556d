/** Which events change what waits for people. Pure. */
import type { ReviewItem, SessionEvent } from "../../client";

/** Return whether to ask again, after `event`, which reviews are open. */
export function concerns(event: SessionEvent, known: readonly ReviewItem[]): boolean {
  switch (event.event) {
    case "human_interaction_required":
      return true;
    case "node_resumed":
      return known.some((item) => item.session_id === event.session_id && item.node_id === event.node_id);
    case "execution:completed":
    case "execution:paused":
    case "execution:resumed":
      return known.some((item) => item.session_id === event.session_id);
    default:
      return false;
  }
}

/** Return `known` without what `event` closes for certain, so that nobody goes there in vain meanwhile. */
export function without(event: SessionEvent, known: readonly ReviewItem[]): readonly ReviewItem[] {
  if (event.event !== "node_resumed" && event.event !== "execution:completed") return known;
  return known.filter(
    (item) => item.session_id !== event.session_id || (event.event === "node_resumed" && item.node_id !== event.node_id),
  );
}
