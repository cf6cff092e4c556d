/** The client against a real server. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Backoff } from "./backoff";
import type { SessionEvent } from "./events";
import { Client, type Graph } from "./http";
import { Problem, Unreachable } from "./problem";
import { SessionStream, type StreamState } from "./stream";
import { TestServer, talker } from "./testing/server";

const server = new TestServer();
let client: Client;

beforeAll(async () => {
  await server.start();
  client = new Client({ base: server.url });
});
afterAll(() => server.stop());

/** Follow a session to its end; `at` is told of each event. */
function watch(session: string, at: (event: SessionEvent, stream: SessionStream) => void = () => undefined): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  return new Promise((resolve, reject) => {
    const stream = new SessionStream(client, session, {
      backoff: new Backoff(20, 200),
      onEvent: (event) => {
        events.push(event);
        at(event, stream);
      },
      onState: (state) => {
        if (state.kind === "ended") resolve(events);
        if (state.kind === "refused") reject(new Error(state.reason));
      },
    }).open();
  });
}

test("a session is started, followed and looked at", async () => {
  const input = { topic: "tea", pace: 0 };
  const { session_id } = await client.execute({ workflow_id: "council_debate", input });
  const events = await watch(session_id);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, at) => at + 1));
  const detail = await client.session(session_id);
  expect(detail).toMatchObject({ status: "completed", input, seq: events.length });
  expect((await client.workflowOf(session_id)).start_node_id).toBe("start");
  expect((await client.sessions({ status: "completed" })).items.map((item) => item.session_id)).toContain(session_id);
});

test("refusals say why, with what would be allowed and with every fault", async () => {
  const { session_id } = await client.execute({ workflow_id: "council_debate", input: { topic: "tea" }, start: false });
  const refused = await client.control(session_id, "pause").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject({ status: 409, sessionStatus: "pending", allowed: ["start", "cancel"] });
  const invalid = await client.execute({ workflow_id: "council_debate", input: {} }).catch((error: unknown) => error);
  expect((invalid as Problem).faults.length).toBeGreaterThan(0);
  const unknown = await client.session("none").catch((error: unknown) => error);
  expect(unknown).toMatchObject({ status: 404, code: "not_found" });
});

test("a server that isn't there is unreachable", async () => {
  await expect(new Client({ base: "http://127.0.0.1:9/" }).workflows()).rejects.toBeInstanceOf(Unreachable);
});

test("an unknown session is refused for good", async () => {
  const states: StreamState[] = [];
  await new Promise<void>((resolve) => {
    new SessionStream(client, "none", {
      onEvent: () => undefined,
      onState: (state) => {
        states.push(state);
        if (state.kind === "refused") resolve();
      },
    }).open();
  });
  expect(states.at(-1)).toMatchObject({ kind: "refused", why: "unknown" });
});

test("cut a hundred times in mid-stream, it has every token exactly once", async () => {
  const graph = talker(2_000) as unknown as Graph;
  const { session_id } = await client.execute({ graph: graph as unknown as Record<string, never> });
  const events = await watch(session_id, (event, stream) => {
    if (event.seq % 20 !== 0) return;
    stream.interrupt("cut");
    stream.retry();
  });
  const said = events.flatMap((event) => (event.event === "token_stream" ? [event.data.chunk] : []));
  const output = (await client.session(session_id)).nodes.talk?.output as { text: string };
  expect(said).toHaveLength(2_000);
  expect(said.join("").trimEnd()).toBe(output.text.trimEnd());
  expect(events.map((event) => event.seq)).toEqual(events.map((_, at) => at + 1));
});

test("it outlives a server that is killed and comes back", async () => {
  const own = await new TestServer().start();
  client = new Client({ base: own.url });
  const port = own.port;
  const { session_id } = await client.execute({ graph: talker(300, 0.005) as Record<string, never> });
  let killed: Promise<unknown> | undefined;
  const events = await watch(session_id, (event) => {
    if (event.event === "token_stream") killed ??= own.stop("SIGKILL").then(() => own.start(port));
  });
  await killed;
  expect(events.some((event) => event.event === "execution:recovered")).toBe(true);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, at) => at + 1));
  expect(events.at(-1)).toMatchObject({ event: "execution:completed", data: { status: "completed" } });
  await own.stop();
  client = new Client({ base: server.url });
});
