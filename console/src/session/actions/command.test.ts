import { expect, test } from "vitest";
import { Problem, Unreachable } from "../../../client";
import { Command, retryAt } from "./command.svelte";

const problem = (status: number, code: string, wait?: number) =>
  new Problem({ type: "", title: "", status, detail: "no", code }, wait);

test("the same command goes out under the same key until it is answered, another one under another", async () => {
  const command = new Command();
  const keys: string[] = [];
  const fails = (_: unknown, key: string) => (keys.push(key), Promise.reject(new Unreachable("gone")));
  const works = (_: unknown, key: string) => (keys.push(key), Promise.resolve());
  expect(await command.run({ a: 1 }, fails)).toBe(false);
  expect(command.error).toBeInstanceOf(Unreachable);
  expect(await command.run({ a: 1 }, works)).toBe(true);
  expect(command.error).toBeUndefined();
  await command.run({ a: 1 }, works);
  await command.run({ a: 2 }, fails);
  await command.run({ a: 3 }, works);
  expect(keys[0]).toBe(keys[1]);
  expect(new Set(keys).size).toBe(4);
});

test("one that is under way isn't sent again", async () => {
  const command = new Command();
  let finish = (): void => undefined;
  const first = command.run(1, () => new Promise<void>((resolve) => (finish = resolve)));
  expect(command.busy).toBe(true);
  expect(await command.run(1, () => Promise.resolve())).toBe(false);
  finish();
  expect(await first).toBe(true);
  expect(command.busy).toBe(false);
});

test("only what is refused for the moment may be tried again, after the time that the server says", () => {
  expect(retryAt(problem(429, "too_many_requests", 3), 0)).toBe(3_000);
  expect(retryAt(problem(503, "unavailable"), 0)).toBe(1_000);
  expect(retryAt(new Unreachable("gone"), 0)).toBe(1_000);
  expect(retryAt(problem(409, "refused"), 0)).toBeUndefined();
  expect(retryAt(new Error("bug"), 0)).toBeUndefined();
});

test("a wait that somebody else closed is told from other refusals", async () => {
  const command = new Command();
  await command.run(1, () => Promise.reject(problem(409, "not_waiting")));
  expect(command.late).toBe(true);
  await command.run(1, () => Promise.reject(problem(409, "refused")));
  expect(command.late).toBe(false);
});
