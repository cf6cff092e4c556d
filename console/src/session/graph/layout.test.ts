import { expect, test } from "vitest";
import type { Graph } from "../../../client";
import { NODE, place } from "./layout";

function graph(edges: Record<string, string[]>): Graph {
  const nodes = Object.fromEntries(Object.entries(edges).map(([id, next_ids]) => [id, { type: "x", next_ids }]));
  return { workflow_id: "w", start_node_id: Object.keys(edges)[0]!, nodes };
}

test("layers begin at the start, and a loop doesn't turn them round", () => {
  const { nodes, links, right } = place(graph({ start: ["a"], a: ["b"], b: ["a", "end"], end: [] }));
  expect([...nodes].sort((one, other) => one.y - other.y).map(({ id }) => id)).toEqual(["start", "a", "b", "end"]);
  expect(links.map(({ id }) => id)).toEqual(["start>a", "a>b", "b>end", "b>a"]);
  expect(right).toBeGreaterThan(Math.max(...nodes.map(({ x }) => x + NODE.width)));
});

test("branches keep the order in which they are declared, unless edges cross then", () => {
  const plain = place(graph({ s: ["one", "two", "three"], one: ["e"], two: ["e"], three: ["e"], e: [] }));
  const x = (plan: typeof plain, id: string): number => plan.nodes.find((node) => node.id === id)!.x;
  expect(x(plain, "one")).toBeLessThan(x(plain, "two"));
  expect(x(plain, "two")).toBeLessThan(x(plain, "three"));
});

test("no two nodes share a place, however wide the graph", () => {
  const many = Array.from({ length: 40 }, (_, at) => `n${at}`);
  const { nodes } = place(graph({ s: many, ...Object.fromEntries(many.map((id) => [id, ["e"]])), e: [] }));
  for (const one of nodes)
    for (const other of nodes)
      if (one !== other && one.y === other.y) expect(Math.abs(one.x - other.x)).toBeGreaterThanOrEqual(NODE.width);
});

test("edges to nodes that aren't there, repeated ones and loops on oneself do no harm", () => {
  expect(place(graph({ s: ["s", "e", "e", "gone"], e: [] })).links.map(({ id }) => id)).toEqual(["s>e", "s>s"]);
});
