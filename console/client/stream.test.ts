import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Backoff } from "./backoff";
import type { SessionEvent } from "./events";
import { Client } from "./http";
import { SessionStream, type StreamState } from "./stream";

/** The far end of a socket, which the test speaks for. */
class Wire {
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readyState = 1;

  constructor(readonly url: URL) {}

  close(): void {
    this.readyState = 3;
  }

  say(...messages: unknown[]): void {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }

  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

const event = (seq: number, name = "progress"): unknown => ({ seq, session_id: "s", event: name, timestamp: `at ${seq}`, data: {} });
const LIVE = { event: "stream:live", session_id: "s", data: { seq: 0 } };

function follow(options: { token?: () => string; fetch?: typeof fetch; after?: number } = {}) {
  const wires: Wire[] = [];
  const states: StreamState[] = [];
  const seqs: number[] = [];
  const resets: number[] = [];
  const client = new Client({ base: "http://server/", ...options });
  const stream = new SessionStream(client, "s", {
    after: options.after ?? 0,
    onEvent: (found: SessionEvent) => seqs.push(found.seq),
    onState: (state) => states.push(state),
    onReset: (first) => resets.push(first),
    socket: (url) => {
      wires.push(new Wire(url));
      return wires.at(-1) as unknown as WebSocket;
    },
    backoff: new Backoff(100, 1_000, () => 1),
    now: () => 0,
  }).open();
  const wire = (): Wire => wires.at(-1)!;
  return { stream, wires, wire, states, seqs, resets };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("events", () => {
  test("are passed on once and in order, over connections that begin where the last one ended", () => {
    const { wires, wire, seqs } = follow({ after: 3 });
    expect(wire().url.searchParams.get("after")).toBe("3");
    wire().say(event(4), event(5), LIVE);
    wire().end(1006);
    vi.advanceTimersByTime(100);
    expect(wires).toHaveLength(2);
    expect(wire().url.searchParams.get("after")).toBe("5");
    wire().say(event(5), event(6));
    expect(seqs).toEqual([4, 5, 6]);
  });

  test("are never passed on over a gap: the connection is given up for one that has what is missing", () => {
    const { wires, wire, seqs, states } = follow();
    wire().say(event(1), event(3));
    const first = wire();
    expect(first.readyState).toBe(3);
    expect(states.at(-1)).toMatchObject({ kind: "waiting", reason: "event 2 is missing" });
    vi.advanceTimersByTime(100);
    first.say(event(2)); // an old connection has nothing to say any more
    expect(wires).toHaveLength(2);
    wire().say(event(2), event(3));
    expect(seqs).toEqual([1, 2, 3]);
  });

  test("that were trimmed are told of, and those after them follow", () => {
    const { wire, seqs, resets } = follow();
    wire().say({ event: "stream:reset", session_id: "s", data: { first_seq: 40, snapshot: {} } }, event(40), event(41));
    expect(resets).toEqual([40]);
    expect(seqs).toEqual([40, 41]);
  });

  test("are named by their time when the stream comes back, but not behind a reset", () => {
    const { wires, wire } = follow();
    wire().say(event(1));
    wire().end(1006, "");
    vi.advanceTimersByTime(60_000);
    expect(wires[1]?.url.searchParams.get("seen")).toBe("at 1");
    wire().say({ event: "stream:reset", session_id: "s", data: { first_seq: 1, snapshot: {} } });
    wire().end(1006, "");
    vi.advanceTimersByTime(60_000);
    expect(wires[2]?.url.searchParams.has("seen")).toBe(false);
  });

  test("end with the terminal one: nobody reconnects", () => {
    const { wires, wire, stream } = follow();
    wire().say(event(1), event(2, "execution:completed"));
    expect(stream.state.kind).toBe("ended");
    expect(wire().readyState).toBe(3);
    vi.advanceTimersByTime(60_000);
    expect(wires).toHaveLength(1);
  });
});

describe("a closed connection", () => {
  test.each([
    [4404, "unknown"],
    [4403, "forbidden"],
    [1008, "invalid"],
    [4401, "unauthenticated"],
  ])("with %i is final", (code, why) => {
    const { wires, wire, stream } = follow();
    wire().end(code, "no");
    expect(stream.state).toEqual({ kind: "refused", why, reason: "no" });
    vi.advanceTimersByTime(60_000);
    expect(wires).toHaveLength(1);
  });

  test("with 4408 is opened again at once", () => {
    const { wires, wire } = follow();
    wire().say(event(1));
    wire().end(4408);
    expect(wires).toHaveLength(2);
    expect(wire().url.searchParams.get("after")).toBe("1");
  });

  test.each([1013, 4429])("with %i is left alone for two seconds", (code) => {
    const { wires, wire } = follow();
    wire().end(code);
    vi.advanceTimersByTime(1_999);
    expect(wires).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(wires).toHaveLength(2);
  });

  test("is tried less and less often, and quickly again once one was whole", () => {
    const { wires, wire, stream } = follow();
    for (const [waited, opened] of [[100, 2], [200, 3], [400, 4]] as const) {
      wire().end(1006);
      vi.advanceTimersByTime(waited - 1);
      expect(wires).toHaveLength(opened - 1);
      vi.advanceTimersByTime(1);
      expect(wires).toHaveLength(opened);
    }
    wire().say(LIVE);
    wire().end(1001, "going away");
    expect(stream.state).toEqual({ kind: "waiting", retryAt: 100, reason: "going away" });
  });

  test("waits no longer when the network is back", () => {
    const { wires, wire, stream } = follow();
    stream.interrupt("offline");
    expect(wire().readyState).toBe(3);
    stream.retry();
    expect(wires).toHaveLength(2);
    stream.close();
    stream.retry();
    vi.advanceTimersByTime(60_000);
    expect(wires).toHaveLength(2);
  });
});

describe("with a token", () => {
  const answer = (status: number, body: unknown): Response =>
    new Response(JSON.stringify(body), {
      status,
      headers: { "Content-Type": status < 400 ? "application/json" : "application/problem+json" },
    });

  test("each connection has a ticket of its own; a leave that ended asks for one more", async () => {
    let issued = 0;
    const fetch = vi.fn(async () => answer(201, { ticket: `t${(issued += 1)}`, expires_at: "" }));
    const { wires, wire, stream } = follow({ token: () => "k", fetch });
    await vi.waitFor(() => expect(wires).toHaveLength(1));
    expect(wire().url.searchParams.get("ticket")).toBe("t1");
    wire().say(event(1));
    wire().end(4401, "over");
    await vi.waitFor(() => expect(wires).toHaveLength(2));
    expect(wire().url.searchParams.get("ticket")).toBe("t2");
    wire().end(4401, "over");
    expect(stream.state).toMatchObject({ kind: "refused", why: "unauthenticated" });
  });

  test("that is refused, nobody tries on", async () => {
    const problem = { type: "", title: "", status: 401, detail: "no", code: "unauthenticated" };
    const { wires, stream } = follow({ token: () => "k", fetch: async () => answer(401, problem) });
    await vi.waitFor(() => expect(stream.state).toEqual({ kind: "refused", why: "unauthenticated", reason: "no" }));
    expect(wires).toHaveLength(0);
  });

  test("closing while the ticket is under way opens nothing", async () => {
    const { wires, stream } = follow({ token: () => "k", fetch: async () => answer(201, { ticket: "t" }) });
    stream.close();
    await vi.advanceTimersByTimeAsync(10);
    expect(wires).toHaveLength(0);
    expect(stream.state.kind).toBe("closed");
  });
});
