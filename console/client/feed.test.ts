import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Backoff } from "./backoff";
import type { SessionEvent } from "./events";
import { Feed, type FeedState } from "./feed";
import { Client } from "./http";
import { TestServer } from "./testing/server";

const server = new TestServer();
let client: Client;

beforeAll(async () => {
  await server.start();
  client = new Client({ base: server.url });
});
afterAll(() => server.stop());

/** The far end of a socket, which the test speaks for. */
class Wire {
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = 1;
  readonly sent: unknown[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }
}

test("every session's events come, over a restart of the server too", async () => {
  const seen: SessionEvent[] = [];
  const states: FeedState[] = [];
  const feed = new Feed(client, {
    onEvent: (event) => seen.push(event),
    onState: (state) => states.push(state),
    only: (text) => !text.includes('"token_stream"'),
    backoff: new Backoff(20, 100),
  }).open();
  const live = (times: number) => vi.waitFor(() => expect(states.filter((state) => state === "live")).toHaveLength(times), 10_000);
  const ended = (id: string) =>
    vi.waitFor(() => expect(seen.some((e) => e.session_id === id && e.event === "execution:completed")).toBe(true), 10_000);
  const run = (session_id: string) =>
    client.execute({ workflow_id: "council_debate", session_id, input: { topic: "tea", pace: 0 } });
  await live(1);
  await run("one");
  await ended("one");
  expect(seen.map(({ event }) => event)).not.toContain("token_stream");
  const port = server.port;
  await server.stop("SIGKILL");
  await vi.waitFor(() => expect(states).toContain("waiting"), 10_000);
  await server.start(port);
  await live(2);
  await run("two");
  await ended("two");
  feed.close();
  expect(feed.state).toBe("closed");
});

test.each([
  [4403, "refused"],
  [4401, "refused"],
  [1013, "waiting"],
  [1006, "waiting"],
])("a close with %i leaves it %s", (code, state) => {
  const wire = new Wire();
  const feed = new Feed(client, { onEvent: () => undefined, socket: () => wire as unknown as WebSocket }).open();
  wire.onopen?.();
  expect(wire.sent).toEqual([{ cmd: "subscribe", id: "all", data: { session_id: "*" } }]);
  wire.onclose?.({ code });
  expect(feed.state).toBe(state);
  feed.close();
});
