"""Random valid workflows over all node types, built from nested blocks: sequence, fan-out, choice, loop."""

from __future__ import annotations

from random import Random
from typing import Any


class GraphMaker:
    """Makes one workflow from a source of chance."""

    def __init__(self, random: Random, poison: bool, families: bool = True) -> None:
        self._random = random
        self._poison = poison
        self._families = families
        self._nodes: dict[str, Any] = {}

    def make(self, name: str) -> dict[str, Any]:
        """Return a definition."""
        first, last = self._block(self._random.randint(1, 8 if self._families else 3), depth=0)
        if self._random.random() < 0.5:
            self._link(last, self._add("end", "end"))
        return {"workflow_id": name, "start_node_id": first, "nodes": self._nodes}

    def _add(self, kind: str, prefix: str = "n", **fields: Any) -> str:
        node_id = f"{prefix}{len(self._nodes) + 1}"
        self._nodes[node_id] = {"type": kind, "next_ids": [], **fields}
        return node_id

    def _link(self, source: str, target: str) -> None:
        self._nodes[source]["next_ids"].append(target)

    def _block(self, budget: int, depth: int) -> tuple[str, str]:
        """Add a block of about `budget` nodes; return its first and its last node."""
        if budget <= 1 or depth > 3:
            leaf = self._leaf()
            return leaf, leaf
        match self._random.choice(("sequence", "sequence", "fan", "fan", "choice", "loop")):
            case "fan":
                return self._fan(budget, depth)
            case "choice":
                return self._choice(budget, depth)
            case "loop":
                return self._loop(budget, depth)
            case _:
                half = self._random.randint(1, budget - 1)
                first, middle = self._block(half, depth + 1)
                after, last = self._block(budget - half, depth + 1)
                self._link(middle, after)
                return first, last

    def _fan(self, budget: int, depth: int) -> tuple[str, str]:
        random = self._random
        fork = self._add(random.choice(["parallel", "start", "work"]))
        if self._nodes[fork]["type"] == "work":
            self._nodes[fork] |= self._work()
        count = random.randint(2, 3)
        branches = [self._block(max(1, (budget - 2) // count), depth + 1) for _ in range(count)]
        join = random.choice(["all", "all", "any", {"at_least": random.randint(1, count)}])
        last = self._add("vote", join=join, properties={"ballots": "[true, true, false]"})
        for first, end in branches:
            self._link(fork, first)
            self._link(end, last)
        return fork, last

    def _choice(self, budget: int, depth: int) -> tuple[str, str]:
        random = self._random
        switch = self._add("switch")
        ways = [self._block(max(1, (budget - 2) // 2), depth + 1) for _ in range(2)]
        when = random.choice(["input.n > 4", "round > 1", "input.n % 2 == 0"])
        self._nodes[switch]["properties"] = {"cases": [{"when": when, "to": ways[0][0]}], "default": ways[1][0]}
        last = self._add("start", join=random.choice(["all", "any"]))
        for first, end in ways:
            self._link(switch, first)
            self._link(end, last)
        return switch, last

    def _loop(self, budget: int, depth: int) -> tuple[str, str]:
        first, end = self._block(max(1, budget - 2), depth + 1)
        until = self._random.choice([None, "round >= 2"])
        loop = self._add("loop", properties={"max_rounds": self._random.randint(1, 3), "until": until})
        self._link(end, loop)
        self._link(loop, first)
        last = self._leaf()
        self._link(loop, last)
        return first, last

    def _leaf(self) -> str:
        random = self._random
        kinds = ("work",) * 9 + ("agent", "tool", "human_review", "signal", "delay")
        match random.choice(kinds + ("map",) * 2 if self._families else kinds):
            case "map":
                return self._map()
            case "agent":
                demo = {"tokens": random.randint(0, 6), "interval_s": random.choice([0, 0.01, 0.3])}
                return self._add("agent", properties={"demo": demo}, **self._policies())
            case "tool":
                arguments = {"key": "${ input.n }"}
                return self._add("tool", properties={"tool": "echo", "arguments": arguments}, **self._policies())
            case "human_review":
                late = {
                    "timeout_s": random.choice([0.5, 20]),
                    "on_timeout": random.choice(["approve", "reject", "fail"]),
                }
                return self._add("human_review", properties={"prompt": "?", **(random.choice([{}, late]))})
            case "signal":
                late = random.choice([{}, {"timeout_s": random.choice([0.2, 15])}])
                on_error = random.choice(["fail", "continue", "suspend"])
                return self._add("signal", properties={"name": random.choice("ab"), **late}, on_error=on_error)
            case "delay":
                return self._add("delay", properties={"seconds": random.choice([0, 0.001, 0.2, 3, 30])})
            case _:
                return self._add("work", **self._work())

    def _map(self) -> str:
        """A child session for each item, of a smaller graph."""
        random = self._random
        items = [{"n": random.randint(0, 9)} for _ in range(random.choice([0, 1, 2, 2, 3]))]
        inner = GraphMaker(random, self._poison, families=False).make("child")
        properties = {"items": items, "workflow": inner, "concurrency": random.randint(1, 3)}
        return self._add("map", properties=properties, **self._policies())

    def _work(self) -> dict[str, Any]:
        random = self._random
        properties: dict[str, Any] = {
            "steps": [random.choice([0, 0, 0.001, 0.05, 0.5, 2]) for _ in range(random.randint(0, 3))]
        }
        if random.random() < 0.4:
            properties["tokens"] = random.randint(1, 8)
        if random.random() < 0.3:
            properties["fails"] = random.randint(1, 4)
            properties["how"] = random.choice(["error", "error", "terminal", "exit", "cancel", "nan", "raise"])
        properties["stubborn"] = random.random() < 0.15
        properties["thread"] = random.random() < 0.15
        properties["parks"] = random.random() < 0.5
        if self._poison and random.random() < 0.6:
            properties |= {"poison": random.choice([1, 2, 9]), "tokens": random.randint(1, 8)}
        return {"properties": properties, **self._policies()}

    def _policies(self) -> dict[str, Any]:
        random, found = self._random, dict[str, Any]()
        if random.random() < 0.4:
            wait = random.choice([0, 0.1, 2])
            found["retry"] = {"max_attempts": random.randint(2, 4), "initial_s": wait, "jitter": 0.5}
        if random.random() < 0.2:
            found["timeout_s"] = random.choice([0.02, 0.4, 1.5])
        found["on_error"] = random.choice(["fail", "continue", "continue", "suspend"])
        return found
