/** Where the nodes of a graph stand, in layers from its start, and the ways of its edges. Pure; loaded with the graph, since dagre is. */
import { Graph as Layers, layout } from "@dagrejs/dagre";
import type { Graph } from "../../../client";

export const NODE = { width: 172, height: 48 } as const;
/** How far beside the nodes an edge goes back. */
const ASIDE = 22;
const CORNER = 10;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node's upper left corner. */
export interface Placed extends Point {
  readonly id: string;
}

export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Its way as an SVG path. */
  readonly path: string;
}

export interface Plan {
  readonly nodes: readonly Placed[];
  /** The right edge of all that is drawn. */
  readonly right: number;
  readonly links: readonly Link[];
}

type Edge = readonly [from: string, to: string];

/** Return the plan with the fewest crossings; among equals the one that keeps the order in which nodes are declared. */
export function place(graph: Graph): Plan {
  const { onward, back } = edges(graph);
  const plans = [true, false].map((declared) => arrange(graph, onward, declared));
  const [kept, optimal] = plans.map((plan) => crossings(plan.nodes, onward)) as [number, number];
  const plan = kept <= optimal ? plans[0]! : plans[1]!;
  const ways = returns(plan.nodes, back);
  return {
    nodes: plan.nodes,
    links: [...plan.links, ...ways.map(({ link }) => link)],
    right: Math.max(plan.right, ...ways.map(({ right }) => right)),
  };
}

function arrange(graph: Graph, onward: readonly Edge[], declared: boolean): Plan {
  const layers = new Layers();
  layers.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 32 });
  layers.setDefaultEdgeLabel(() => ({}));
  for (const id of Object.keys(graph.nodes)) layers.setNode(id, { ...NODE });
  for (const [from, to] of onward) layers.setEdge(from, to);
  layout(layers, { disableOptimalOrderHeuristic: declared });
  const nodes = Object.keys(graph.nodes).map((id) => {
    const { x, y } = layers.node(id) as Point;
    return { id, x: x - NODE.width / 2, y: y - NODE.height / 2 };
  });
  const links = onward.map(([from, to]) => {
    const { points } = layers.edge(from, to) as { points: Point[] };
    const [start, end] = [layers.node(from) as Point, layers.node(to) as Point];
    const between = points.slice(1, -1);
    const way = [
      { x: start.x, y: start.y + NODE.height / 2 },
      ...(between.length > 1 ? between : []), // one that leads to the next layer needs no detour
      { x: end.x, y: end.y - NODE.height / 2 },
    ];
    return { id: `${from}>${to}`, from, to, path: curve(way) };
  });
  return { nodes, links, right: Math.max(...nodes.map((node) => node.x + NODE.width)) };
}

/** Split the edges into those that lead on and those that close a cycle, as seen from the start. */
function edges(graph: Graph): { onward: Edge[]; back: Edge[] } {
  const onward: Edge[] = [];
  const back: Edge[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (from: string): void => {
    state.set(from, "open");
    for (const to of new Set(graph.nodes[from]?.next_ids)) {
      if (graph.nodes[to] === undefined) continue;
      if (state.get(to) === "open") back.push([from, to]);
      else {
        onward.push([from, to]);
        if (!state.has(to)) visit(to);
      }
    }
    state.set(from, "done");
  };
  for (const id of [graph.start_node_id, ...Object.keys(graph.nodes)]) if (graph.nodes[id] && !state.has(id)) visit(id);
  return { onward, back };
}

/** Lines that leave and arrive straight down. */
function curve(way: readonly Point[]): string {
  const [first, ...rest] = way as [Point, ...Point[]];
  let path = `M${first.x},${first.y}`;
  let last = first;
  for (const point of rest) {
    const middle = (last.y + point.y) / 2;
    path += ` C${last.x},${middle} ${point.x},${middle} ${point.x},${point.y}`;
    last = point;
  }
  return path;
}

/** Edges that go back run up the right side, clear of all nodes that stand between. */
function returns(nodes: readonly Placed[], back: readonly Edge[]): { link: Link; right: number }[] {
  const at = new Map(nodes.map((node) => [node.id, node]));
  return back.map(([from, to], index) => {
    const [start, end] = [at.get(from)!, at.get(to)!];
    const between = nodes.filter((node) => node.y >= end.y - 1 && node.y <= start.y + 1);
    const aside = Math.max(...between.map((node) => node.x + NODE.width)) + ASIDE * (1 + index / 2);
    const [y0, y1] = [start.y + NODE.height / 2, end.y + NODE.height / 2];
    const path = [
      `M${start.x + NODE.width},${y0}`,
      `H${aside - CORNER} Q${aside},${y0} ${aside},${y0 - CORNER}`,
      `V${y1 + CORNER} Q${aside},${y1} ${aside - CORNER},${y1}`,
      `H${end.x + NODE.width}`,
    ].join(" ");
    return { link: { id: `${from}>${to}`, from, to, path }, right: aside };
  });
}

/** Count pairs of edges between the same two layers that cross. */
function crossings(nodes: readonly Placed[], all: readonly Edge[]): number {
  const at = new Map(nodes.map((node) => [node.id, node]));
  const lines = all.map(([from, to]) => [at.get(from)!, at.get(to)!] as const);
  let found = 0;
  lines.forEach(([a, b], index) => {
    for (const [c, d] of lines.slice(index + 1)) {
      if (a.y < d.y && c.y < b.y && (a.x - c.x) * (b.x - d.x) < 0) found += 1;
    }
  });
  return found;
}
