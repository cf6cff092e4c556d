/** Where the nodes of a graph stand: layers from top to bottom. Pure; loaded with the graph, since dagre is. */
import { Graph as Layers, layout } from "@dagrejs/dagre";
import type { Graph } from "../../../client";

export const NODE = { width: 176, height: 58 } as const;

export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Whether it leads back, to a node that stands above. */
  readonly back: boolean;
}

/** Return each node's upper left corner, and the edges. */
export function place(graph: Graph): { nodes: Placed[]; links: Link[] } {
  const layers = new Layers();
  layers.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 42, marginx: 4, marginy: 4 });
  layers.setDefaultEdgeLabel(() => ({}));
  for (const id of Object.keys(graph.nodes)) layers.setNode(id, { ...NODE });
  const edges = Object.entries(graph.nodes).flatMap(([from, node]) => successors(node).map((to) => [from, to] as const));
  for (const [from, to] of edges) if (graph.nodes[to] !== undefined) layers.setEdge(from, to);
  layout(layers);
  const nodes = Object.keys(graph.nodes).map((id) => {
    const { x, y } = layers.node(id) as { x: number; y: number };
    return { id, x: x - NODE.width / 2, y: y - NODE.height / 2 };
  });
  const top = new Map(nodes.map((node) => [node.id, node.y]));
  const links = edges.map(([from, to]) => ({ id: `${from}>${to}`, from, to, back: (top.get(to) ?? 0) <= (top.get(from) ?? 0) }));
  return { nodes, links };
}

/** Return the ids that a node leads to, each once. */
function successors(node: Graph["nodes"][string]): string[] {
  return [...new Set(node.next_ids ?? [])];
}
