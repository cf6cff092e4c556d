"""How the nodes of a graph hang together: who leads to whom, what goes round, and what can't be. Pure.

A graph of a thousand nodes comes with any request, so nothing here is more than linear in nodes and edges, but for sets
of nodes, which are integers of as many bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from .errors import Fault, InvalidWorkflow
from .workflow import AtLeast, Node, forward, is_loop

MAX_EDGES: Final = 5_000
MAX_LOOPS: Final = 16
"""Loops that a node may be in, one within the other."""


def check_edges(nodes: dict[str, Node], start: str) -> Iterator[Fault]:
    """Yield edges that lead nowhere, or back to the start, and nodes with too few or too many."""
    edges = sum(len(node.next_ids) for node in nodes.values())
    if edges > MAX_EDGES:
        yield Fault("$.nodes", f"have {edges} edges, the limit is {MAX_EDGES}")
        return
    for node in nodes.values():
        at = f"$.nodes.{node.id}.next_ids"
        for index, target in enumerate(node.next_ids):
            if target not in nodes:
                yield Fault(f"{at}[{index}]", f"there is no node {target!r}")
        least, most = node.type.arity
        count = len(node.next_ids)
        if count < least or (most is not None and count > most):
            wanted = f"exactly {least}" if least == most else f"{least} to {most or 'any number'}"
            yield Fault(at, f"a {node.spec.type} node has {wanted} successors, this one {count}")
    if start in nodes and any(start in forward(node) for node in nodes.values()):
        yield Fault("$.start_node_id", f"an edge leads back to the start node {start!r}")


def connect(nodes: dict[str, Node], most_loops: int | None = MAX_LOOPS) -> list[str]:
    """Give each node its incoming forward edges and its loops; return the nodes that are on a cycle without a loop.

    Raises:
        InvalidWorkflow: a node is in more than `most_loops`.
    """
    incoming: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for node in nodes.values():
        for target in forward(node):
            incoming[target].append(node.id)
    for node in nodes.values():
        node.incoming = tuple(incoming[node.id])
    number = {node_id: index for index, node_id in enumerate(nodes)}
    ahead = [[number[target] for target in forward(node)] for node in nodes.values()]
    cycles = [
        component for component in _components(ahead) if len(component) > 1 or component[0] in ahead[component[0]]
    ]
    _find_loops(nodes, number, ahead, most_loops)
    names = list(nodes)
    return [names[index] for index in sorted(index for found in cycles for index in found)]


def _find_loops(nodes: dict[str, Node], number: dict[str, int], ahead: list[list[int]], most_loops: int | None) -> None:
    """A loop's body is what its way back leads to, as far as that leads to the loop again."""
    found = [node for node in nodes.values() if is_loop(node) and node.next_ids]
    if not found:
        return
    behind = [[number[source] for source in node.incoming] for node in nodes.values()]
    down, up = _reaches(ahead), _reaches(behind)
    inside = [down[number[loop.next_ids[0]]] & up[number[loop.id]] for loop in found]
    if most_loops is not None and sum(body.bit_count() for body in inside) > most_loops * len(nodes):
        # Before the bodies are spelled out: of a thousand loops they would be a million names.
        raise InvalidWorkflow([Fault("$.nodes", f"have loops within loops, more than {most_loops}")])
    names = list(nodes)
    loops: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for loop, body in zip(found, inside, strict=True):
        loop.body = frozenset(names[index] for index in _bits(body))
        for member in loop.body:
            loops[member].append(loop.id)
    for node in nodes.values():
        node.loops = tuple(loops[node.id])
        if most_loops is not None and len(node.loops) > most_loops:
            raise InvalidWorkflow(
                [Fault(f"$.nodes.{node.id}", f"is in {len(node.loops)} loops, the limit is {most_loops}")]
            )


def check_graph(nodes: dict[str, Node], start: str, cycles: Iterable[str]) -> Iterator[Fault]:
    """Yield what can't be reached, can't end, or can't begin; `cycles` are nodes on a cycle without a loop."""
    reached = _reach(start, lambda n: nodes[n].next_ids)
    for node_id in nodes:
        if node_id not in reached:
            yield Fault(f"$.nodes.{node_id}", "can't be reached from the start node")
    for node_id in cycles:
        yield Fault(f"$.nodes.{node_id}", "is on a cycle that no loop node closes")
    yield from _check_first_round(nodes, reached, start)
    for node in nodes.values():
        if is_loop(node) and node.id not in node.body:
            yield Fault(f"$.nodes.{node.id}.next_ids[0]", f"{node.next_ids[0]!r} should lead back to this loop node")
        join = node.spec.join
        if isinstance(join, AtLeast) and join.at_least > len(node.incoming):
            count = len(node.incoming)
            yield Fault(f"$.nodes.{node.id}.join.at_least", f"is above its {count} incoming edges")


def _check_first_round(nodes: dict[str, Node], reached: set[str], start: str) -> Iterator[Fault]:
    """In a loop's first round its way back isn't taken: what waited for a node that only it leads to would starve."""
    first = _reach(start, lambda n: forward(nodes[n]))
    for node_id in nodes:
        if node_id in reached - first and nodes[node_id].loops:
            yield Fault(f"$.nodes.{node_id}", "only a loop's way back leads here, none from the start node")


def _reach(begin: str, follow: Callable[[str], Iterable[str]]) -> set[str]:
    seen, todo = {begin}, [begin]
    while todo:
        for target in follow(todo.pop()):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _reaches(edges: Sequence[Sequence[int]]) -> list[int]:
    """For each node the set of those that it leads to, itself among them."""
    found = [0] * len(edges)
    for component in _components(edges):  # what a component leads to comes before it
        together = sum(1 << node for node in component)
        for node in component:
            for target in edges[node]:
                together |= found[target]
        for node in component:
            found[node] = together
    return found


def _bits(numbers: int) -> Iterator[int]:
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest


def _components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Strongly connected components, each behind those it leads to (Tarjan, SIAM J. Comput. 1(2), 1972)."""
    order: dict[int, int] = {}
    low = [0] * len(edges)
    path: list[int] = []
    on_path = [False] * len(edges)
    found: list[list[int]] = []
    for root in range(len(edges)):
        if root in order:
            continue
        calls = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        path.append(root)
        on_path[root] = True
        while calls:
            node, rest = calls[-1]
            for target in rest:
                if target not in order:
                    order[target] = low[target] = len(order)
                    path.append(target)
                    on_path[target] = True
                    calls.append((target, iter(edges[target])))
                    break
                if on_path[target]:
                    low[node] = min(low[node], order[target])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[node])
                if low[node] == order[node]:
                    component: list[int] = []
                    while not component or component[-1] != node:
                        component.append(path.pop())
                        on_path[component[-1]] = False
                    found.append(component)
    return found
