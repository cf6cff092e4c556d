"""What a node may look at: its variables for expressions, and its resolved properties."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw

from .errors import ExpressionCost, TerminalError
from .expression_cost import MAX_UNITS, MAX_VALUES_READ, values_in
from .expressions import expression, resolve
from .messages import Create
from .node import Anything
from .plan import upstream
from .state import SessionState
from .timestamps import epoch
from .workflow import Node, Workflow

EACH: Final = 20_000
"""Units of evaluating an expression, whatever it is."""
CHARACTER: Final = 2_000
"""Units of a character of its source, which has to be compiled again if it isn't remembered any more."""
MAX_READ: Final = 4_194_304
"""Bytes of inputs and outputs that one expression reads."""

_decode = msgspec.json.decode


class NodeScope:
    """A node's view of a session's state, read as it was when the node began.

    Attributes:
        round: the node's round, from 1.
        laps: for a loop node, how often it went round since it was entered.
        units: work that its expressions have been so far.
    """

    __slots__ = ("_read", "_state", "_values", "_workflow", "laps", "node", "round", "units")

    def __init__(self, workflow: Workflow, state: SessionState, node: Node) -> None:
        self._workflow = workflow
        self._state = state
        self.node = node
        present = state.node(node.id)
        self.round = present.round
        self.laps = present.laps
        self.units = 0
        self._read: int | None = None
        self._values = 0

    @property
    def routed(self) -> bool:
        """Whether a successor chooses its way by this node's output, or counts it as a ballot."""
        nodes = self._workflow.nodes
        return any(nodes[target].spec.type in ("switch", "loop", "vote") for target in self.node.next_ids)

    def variables(self, names: frozenset[str], nodes: frozenset[str] | None) -> dict[str, Any]:
        """Return plain data for `names`; of `nodes` only those listed, all if None.

        Raises:
            ExpressionCost: it is too much to be decoded.
        """
        self._read = self._values = 0
        try:
            return {name: self._variable(name, nodes) for name in names}
        finally:
            self._read = None

    def _variable(self, name: str, nodes: frozenset[str] | None) -> Any:
        match name:
            case "input":
                return self.input()
            case "context":
                return self.context()
            case "round":
                return self.round
            case "upstream":
                return self.upstream()
            case _:
                known = self._workflow.nodes
                wanted = known if nodes is None else nodes
                return {node_id: self._shown(node_id) for node_id in wanted if node_id in known}

    def _shown(self, node_id: str) -> dict[str, Any]:
        node = self._state.node(node_id)
        shown: dict[str, Any] = {"status": node.status, "attempt": node.attempt, "round": node.round}
        if node.output is not UNSET:
            shown["output"] = self._decoded(node.output)
        if node.error is not None:
            shown["error"] = {"code": node.error.code, "message": node.error.message}
        return shown

    def spend(self, source: str, units: int) -> None:
        """Count the work of an expression; all of a node's together are bounded as one is.

        Raises:
            ExpressionCost: it is too much.
        """
        self.units += units + EACH + CHARACTER * len(source)
        if self.units > MAX_UNITS:
            raise ExpressionCost(f"{source!r} is too much work, with the other expressions of node {self.node.id!r}")

    def input(self) -> Any:
        """Return the session's input, or what a retry put in its place for this node."""
        return self._decoded(self.raw_input())

    def raw_input(self) -> Raw:
        """Return the same, undecoded."""
        given = self._state.node(self.node.id).input
        return self._state.input if given is UNSET else given

    def context(self) -> Any:
        """Return the session's context, as its creator gave it."""
        return self._decoded(self._state.context)

    def _decoded(self, data: Raw) -> Any:
        if self._read is not None:  # an expression reads
            self._read += memoryview(data).nbytes
            if self._read > MAX_READ:
                raise ExpressionCost(f"an expression of node {self.node.id!r} reads more than {MAX_READ} bytes")
            self._values += values_in(data)
            if self._values > MAX_VALUES_READ:
                why = f"an expression of node {self.node.id!r} reads more than {MAX_VALUES_READ} values"
                raise ExpressionCost(why)
        return _decode(data)

    def child(self, session_id: str, input: Raw) -> Create:
        """Return the command that creates and starts a child session of this one."""
        state = self._state
        return Create(
            session_id=session_id,
            input=input,
            context=state.context,
            parent_id=state.session_id,
            tenant=state.tenant,
            trace=UNSET if state.traceparent is None else state.traceparent,
            initiators=state.initiators or UNSET,
        )

    def initiators(self) -> tuple[str, ...]:
        """Return who created or started the session, as far as they are known."""
        return self._state.initiators

    @property
    def workflow_id(self) -> str:
        """The workflow that the session runs."""
        return self._state.workflow_id

    @property
    def traceparent(self) -> str | None:
        """The trace that the session belongs to."""
        return self._state.traceparent

    def upstream(self) -> dict[str, Any]:
        """Return the outputs of the nodes whose taken edges led here, by id."""
        return {source: self._decoded(output) for source, output in self._upstream().items()}

    def passed_on(self) -> Raw:
        """Return the one output that led here, or all of them by node id: undecoded, to be put out as they are."""
        outputs = self._upstream()
        return next(iter(outputs.values())) if len(outputs) == 1 else Raw(msgspec.json.encode(outputs))

    def _upstream(self) -> dict[str, Raw]:
        sources = upstream(self._workflow, self._state, self.node)
        outputs = {source: self._state.node(source).output for source in sources}
        return {source: output for source, output in outputs.items() if output is not UNSET}

    def truth(self, source: str) -> bool:
        """Evaluate a bare expression that must give a boolean.

        Raises:
            ExpressionError: it failed or gave something else.
        """
        return expression(source).truth(self)

    def value(self, source: str) -> Any:
        """Evaluate a bare expression.

        Raises:
            ExpressionError: it failed.
        """
        return expression(source).evaluate(self)

    def now(self) -> float:
        """Return the time of the latest record: while a node is decided, that of the decision."""
        return epoch(self._state.updated_at)

    def properties(self) -> Any:
        """Return the node's properties as its type's struct, expressions resolved.

        Raises:
            NodeError: an expression failed, or its value doesn't fit the property.
        """
        if self.node.static is not None:
            return self.node.static
        struct = self.node.type.properties
        bare = (*self.node.type.expressions, *self.node.type.verbatim)
        given = {
            name: value if name in bare else resolve(value, self) for name, value in self.node.spec.properties.items()
        }
        if struct is Anything:
            return given
        try:
            return msgspec.convert(given, struct)
        except msgspec.ValidationError as error:
            raise TerminalError(f"properties of {self.node.id!r} don't fit: {error}", "properties") from None
