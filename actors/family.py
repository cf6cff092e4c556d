"""Family: the child sessions of one attempt of a node, several at a time.

The attempt only starts children and waits for them. That they are paused, resumed, stopped and cancelled with
their parent is the parent session's business: it knows the living ones from its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw

from .children import MAX_GENERATIONS, ChildSessions, child_id, generation
from .core.errors import InvalidInput, NodeError, TerminalError
from .core.events import ChildEnded, ChildStarted
from .core.json import encode_output
from .core.messages import Pause, Resume, Stop
from .core.schema import check_against
from .core.tenancy import tenant_of
from .core.workflow import Workflow
from .crew import Crew

if TYPE_CHECKING:
    from .context import NodeContext
    from .core.detail import SessionDetail

_STEPS: Final = 1_000_000
"""Steps to check the inputs of all children against a schema, on a thread."""
_LEAST_STEPS: Final = 200
"""Steps to check one of them, whatever their number."""


class Family:
    """Child sessions of one attempt; all run the same workflow, each on an input of its own."""

    def __init__(self, context: NodeContext, children: ChildSessions) -> None:
        self._context = context
        self._children = children
        self._living: dict[str, None] = {}  # in order, unlike a set
        self._crew: Crew
        self._opening = 0
        self._none_opening = asyncio.Event()
        self._none_opening.set()

    async def run(self, named: str | dict[str, Any], inputs: Sequence[Any], at_once: int) -> list[Raw]:
        """Run a child for each input, `at_once` at a time, and return their outputs in the inputs' order.

        A child that an earlier attempt started is taken up again, unless it failed. When one fails the others
        are stopped.

        Raises:
            NodeError: a child failed (`child_failed`) or was cancelled (`child_cancelled`), or can't be started.
        """
        if generation(self._context.session_id) >= MAX_GENERATIONS:
            raise TerminalError(f"child sessions go {MAX_GENERATIONS} generations deep at most", "too_deep")
        workflow = await self._children.workflow(named, tenant_of(self._context.session_id))
        if workflow.input_schema is not None:
            await asyncio.to_thread(_check, workflow.input_schema, inputs)
        outputs: list[Any] = [None] * len(inputs)
        todo = iter(range(len(inputs)))
        if not inputs:
            return []
        crew = self._crew = Crew(lambda: self._work(workflow, inputs, outputs, todo), min(at_once, len(inputs)))
        steward = asyncio.get_running_loop().create_task(self._park_while_paused())
        try:
            async with self._context.until_cancelled():
                crew.grow()
                await crew.through
        except (Exception, asyncio.CancelledError):
            await crew.dismiss()
            await self._stop_living()
            raise
        finally:
            steward.cancel()
        return outputs

    async def _work(self, workflow: Workflow, inputs: Sequence[Any], outputs: list[Any], todo: Iterator[int]) -> None:
        for index in todo:
            outputs[index] = await self._one(workflow, index, inputs[index])

    async def _one(self, workflow: Workflow, index: int, given: Any) -> Raw:
        context, raw = self._context, encode_output(given)
        await context.gate.passage()
        known = await self._earlier(index, raw)
        if known is not None and known.status == "completed":
            return known.output
        name = known.session_id if known is not None else self._id(index, context.attempt)
        await self._opened_in_turn(name, workflow, index, None if known is not None else raw)
        child = await self._children.ended(name)
        self._living.pop(name, None)
        context.record(ChildEnded(name, index, child.status))
        if child.status != "completed":
            why = child.error.message if child.error else "it says no reason"
            code = "child_cancelled" if child.status == "cancelled" else "child_failed"
            raise NodeError(f"child session {name!r} {child.status}: {why}", code)
        return child.output

    async def _earlier(self, index: int, given: Raw) -> SessionDetail | None:
        """Return the child of the latest earlier attempt that got that far, unless it failed or had another input."""
        for attempt in range(self._context.attempt - 1, 0, -1):
            known = await self._children.detail(self._id(index, attempt))
            if known is None:
                continue
            if known.status in ("failed", "cancelled"):
                return None
            if bytes(known.input) == bytes(given):
                return known
            await self._end(known.session_id)  # a retry gave the node another input
            return None
        return None

    async def _opened_in_turn(self, name: str, workflow: Workflow, index: int, given: Raw | None) -> None:
        """Start a child when it is its turn, unless the session was paused meanwhile: then after that."""
        context = self._context
        while True:
            await context.gate.passage()
            async with self._children.openings.turn(tenant_of(context.session_id)):
                if not context.gate.shut:
                    self._crew.grow()  # no sooner: only one at a time waits for its turn
                    await self._opened(name, workflow, index, given)
                    return

    async def _opened(self, name: str, workflow: Workflow, index: int, given: Raw | None) -> None:
        """Start a child on `given`, or take up the one of that name if it is None.

        The child is noted before it begins, so that it never runs unknown to its parent.
        """
        context, me = self._context, self._context.session_id
        self._opening += 1
        self._none_opening.clear()
        try:
            context.record(ChildStarted(name, index))
            await context.stored()
            self._living[name] = None
            if given is not None:
                await self._children.create(workflow, context.child(name, given))
            paused = context.gate.shut
            await self._children.tell(name, Pause(by=me) if paused else Resume(by=me, if_paused_by=me))
        finally:
            self._opening -= 1
            if not self._opening:
                self._none_opening.set()

    def _id(self, index: int, attempt: int) -> str:
        context = self._context
        return child_id(context.session_id, context.node_id, index, context.round, attempt)

    # ---- pausing and ending

    async def _park_while_paused(self) -> None:
        """The attempt is parked while the session is paused and no child works."""
        context = self._context
        while True:
            await context.gate.closure()
            loop = asyncio.get_running_loop()
            either = [loop.create_task(self._calm()), loop.create_task(context.gate.passage())]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel(either)
            await context.checkpoint()

    async def _calm(self) -> None:
        await self._none_opening.wait()
        await asyncio.gather(*[self._children.quiet(name) for name in self._living])

    async def _stop_living(self) -> None:
        """The node failed: its children are stopped before anybody is told. A session's end sees to them itself."""
        if not self._context.cancelled:
            await asyncio.gather(*[self._end(name) for name in self._living])

    async def _end(self, name: str) -> None:
        me = f"node {self._context.node_id!r} of session {self._context.session_id!r}"
        await self._children.tell(name, Stop(f"{me} doesn't wait for it any more", self._context.session_id))


def _check(schema: Any, inputs: Sequence[Any]) -> None:
    """Refuse inputs that don't fit, before any child starts."""
    steps = max(_STEPS // max(len(inputs), 1), _LEAST_STEPS)
    for index, given in enumerate(inputs):
        try:
            what = f"the input of child session {index}"
            check_against(schema, given, "$.input", what, steps)
        except InvalidInput as error:
            raise TerminalError(str(error), "invalid_input") from None


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
