/** What happens in all sessions, for whoever in the page wants to know: one socket, open while somebody listens. */
import { Feed, type SessionEvent } from "../../client";
import { server } from "./server.svelte";

export interface Listener {
  /** Told of every event but tokens, in the order in which they come. */
  onEvent: (event: SessionEvent) => void;
  /** It is live again: something may have been missed before. */
  onLive?: () => void;
}

const listeners = new Set<Listener>();
const feed = new Feed(server, {
  onEvent: (event) => listeners.forEach((each) => each.onEvent(event)),
  onState: (state) => {
    if (state === "live") listeners.forEach((each) => each.onLive?.());
  },
  only: (text) => !text.includes('"token_stream"'),
});
addEventListener("online", () => feed.retry());

/** Listen until the returned function is called. */
export function listen(listener: Listener): () => void {
  if (listeners.size === 0) feed.open();
  else if (feed.state === "live") listener.onLive?.();
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) feed.close();
  };
}
