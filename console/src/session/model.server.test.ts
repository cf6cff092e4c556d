/** What the page folds from a session's events is what the server says of the session, for every shape of graph. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, SessionStream, type SessionDetail, type SessionEvent } from "../../client";
import { TestServer } from "../../client/testing/server";
import { SessionModel } from "./model";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const EXAMPLES = readdirSync(`${ROOT}examples`).filter((name) => name.endsWith(".yaml") && name !== "council_debate.yaml");
const server = new TestServer(["--nodes", "examples.tools", ...EXAMPLES.flatMap((name) => ["--workflow", `${ROOT}examples/${name}`])]);
let client: Client;

beforeAll(async () => {
  process.env.PYTHONPATH = ROOT;
  await server.start();
  client = new Client({ base: server.url });
});
afterAll(() => server.stop());

const RUNS: readonly (readonly [workflow: string, input: unknown])[] = [
  ["council_debate", { topic: "tea", pace: 0 }],
  ["research_council", { question: "why", target: 0.9, pace: 0 }],
  ["trip_saga", { trip: "Rome", sold_out: ["car"] }],
  ["payment_retry", { amount: 5, failures: 1 }],
  ["mirror_race", {}],
  ["content_moderation", { text: "fresh bread daily" }],
  ["map_reduce", { texts: ["to be or not", "to be"] }],
];

function compare(model: SessionModel, detail: SessionDetail): void {
  expect(model).toMatchObject({ status: detail.status, seq: detail.seq, startedAt: Date.parse(detail.started_at!) });
  expect(model.output ?? null).toEqual(detail.output);
  for (const [id, node] of Object.entries(detail.nodes)) {
    const found = model.node(id);
    expect({ id, status: found.status, round: found.round, attempt: found.attempt }).toEqual({
      id,
      status: node.status,
      round: node.round,
      attempt: node.attempt,
    });
    if (node.status === "completed") expect(found.output).toEqual(node.output);
    expect(found.error).toEqual(node.error ?? undefined);
    if (node.started_at !== null) expect(found.runs.at(-1)!.startedAt).toBe(Date.parse(node.started_at));
  }
}

test.each(RUNS)("%s", async (workflow_id, input) => {
  const { session_id } = await client.execute({ workflow_id, input });
  const model = new SessionModel();
  await new Promise<void>((resolve) => {
    new SessionStream(client, session_id, {
      onEvent: (event: SessionEvent) => model.apply(event),
      onState: (state) => state.kind === "ended" && resolve(),
    }).open();
  });
  const detail = await client.session(session_id);
  compare(model, detail);
  const adopted = new SessionModel();
  adopted.adopt(detail);
  compare(adopted, detail);
});
