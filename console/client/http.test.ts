import { expect, test } from "vitest";
import { Client } from "./http";

const refusal = (): Response =>
  new Response(JSON.stringify({ status: 401, code: "unauthenticated", title: "Unauthorized", detail: "no" }), {
    status: 401,
    headers: { "Content-Type": "application/problem+json" },
  });

function asking() {
  const told: number[] = [];
  let token = "old";
  let answer: (response: Response) => void = () => undefined;
  const client = new Client({
    base: "http://server/",
    token: () => token,
    onUnauthenticated: (problem) => told.push(problem.status),
    fetch: () => new Promise((resolve) => (answer = resolve)),
  });
  return { client, told, use: (another: string) => (token = another), refuse: () => answer(refusal()) };
}

test("a token that is refused is told of", async () => {
  const { client, told, refuse } = asking();
  const asked = client.sessions();
  refuse();
  await expect(asked).rejects.toMatchObject({ status: 401 });
  expect(told).toEqual([401]);
});

test("the refusal of a token that was replaced meanwhile isn't", async () => {
  const { client, told, use, refuse } = asking();
  const asked = client.sessions();
  use("new");
  refuse();
  await expect(asked).rejects.toMatchObject({ status: 401 });
  expect(told).toEqual([]);
});
