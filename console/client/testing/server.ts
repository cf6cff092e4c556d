/** A real server for tests: `sessiond serve` as a child process, with a store that dies with it, or with one of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { python } from "../generate.mjs";

const EXAMPLE = fileURLToPath(new URL("../../../examples/council_debate.yaml", import.meta.url));

export class TestServer {
  url = "";
  readonly folder = mkdtempSync(join(tmpdir(), "sessiond-client-"));
  private process: ChildProcess | undefined;

  constructor(private readonly flags: readonly string[] = []) {}

  async start(port = 0): Promise<this> {
    const serve = ["-c", "from sessiond.gateway.cli import main; main()", "serve", "--port", String(port)];
    const child = spawn(python(), [...serve, "--store", "sqlite:///s.db", "--workflow", EXAMPLE, ...this.flags], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.process = child;
    for await (const line of createInterface({ input: child.stdout! })) {
      this.url = line.replace("sessiond listens on ", "").trim();
      return this;
    }
    throw new Error("the server ended before it listened");
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** End it and wait for that; its store stays. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}

/** Return a graph of one agent that says `tokens` words, one every `interval_s` seconds. */
export function talker(tokens: number, interval_s = 0): unknown {
  const talk = { type: "agent", next_ids: ["end"], properties: { prompt: "-", demo: { tokens, interval_s } } };
  return { workflow_id: "talker", start_node_id: "start", nodes: { start: { type: "start", next_ids: ["talk"] }, talk, end: { type: "end" } } };
}
