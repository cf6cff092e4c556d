"""One session, run in this process to its end: followed, its reviews asked, cancelled by Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn, Protocol, Self

import msgspec

from ..actors.core.errors import Conflict
from ..actors.core.events import Record
from ..actors.core.lifecycle import Status
from ..actors.core.node import NodeRegistry
from ..actors.core.reset import StreamReset, as_record
from ..actors.core.segment import payloads
from ..actors.core.workflow import Workflow
from ..actors.handle import Session
from ..actors.runtime import Runtime
from .review_desk import Review, Voice, hold_review

LAST_EVENT: Final = "execution:completed"
WAIT: Final = "human_interaction_required"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_HARD_EXIT: Final = 130
"""What a shell reports of a process that Ctrl-C ended."""

_decode = msgspec.json.Decoder(Record).decode


class Outlet(Protocol):
    """Where events go."""

    def take(self, payload: bytes, record: Record) -> None:
        """Take the next event: its JSON as on the wire, and decoded."""
        ...

    def note(self, text: str) -> None:
        """Show a line that is no event."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found."""
        ...


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        store: URL of the store.
        approve: answer every review with approve.
    """

    workflow: Workflow
    input: Any
    store: str
    registry: NodeRegistry
    session_id: str | None
    approve: bool


async def run_order(
    order: Order,
    begin: Callable[[Session], Outlet],
    voice: Callable[[Outlet], Voice | None],
    leave: Callable[[int], NoReturn] = os._exit,
) -> tuple[Status, Any]:
    """Run one session to its end.

    Args:
        order: what to run.
        begin: makes the outlet, once the session exists.
        voice: makes the way to ask a person; None if there is nobody.
        leave: ends the process at once.

    Returns:
        The session's last status, and its output.

    Raises:
        InvalidInput, Conflict, Unavailable: the session can't be created.
    """
    async with Runtime.open(order.store, registry=order.registry) as runtime:
        created = await runtime.create(order.workflow, input=order.input, session_id=order.session_id)
        session = runtime.session(created.session_id)
        outlet = begin(session)
        try:
            run = _Run(session, outlet, voice(outlet), approve=order.approve)
            with _Interrupts(run, leave):
                last = await run.follow(runtime)
        finally:
            outlet.close()
        return last["status"], last.get("output")


class _Run:
    """One session that is followed, and whose reviews are answered."""

    def __init__(self, session: Session, outlet: Outlet, voice: Voice | None, *, approve: bool) -> None:
        self.session = session
        self.outlet = outlet
        self._voice = voice
        self._approve = approve
        self._open: dict[str, Record] = {}
        self._asked: set[int] = set()
        self._desk: asyncio.Task[None] | None = None

    async def follow(self, runtime: Runtime) -> dict[str, Any]:
        """Return the data of the terminal event, once it has come."""
        subscription = runtime.subscribe(self.session.id)
        live = False
        try:
            while (chunk := await subscription.pull()) is not None:
                live = live or chunk.live
                if chunk.reset is not None:
                    self._begin_from(as_record(chunk.reset))
                for payload in payloads(chunk.data):
                    record = _decode(payload)
                    self.outlet.take(payload, record)
                    self._note_wait(record)
                    if record.event == LAST_EVENT:
                        last: dict[str, Any] = record.data
                        return last
                if live:  # what was asked and answered in the stored part must not be asked again
                    self._attend()
        finally:
            subscription.close()
            await self._close_desk()
        raise AssertionError("a subscription ends by the terminal event")

    async def cancel(self, reason: str) -> None:
        """Cancel the session, unless it has ended."""
        with contextlib.suppress(Conflict):
            await self.session.cancel(reason, by="terminal")

    def _begin_from(self, reset: StreamReset) -> None:
        """Take what is asked of a person from the snapshot that stands for trimmed events."""
        self.outlet.take(msgspec.json.encode(reset.notice), reset)
        self._open = {
            node_id: Record(reset.seq, reset.session_id, WAIT, reset.timestamp, node["wait"], node_id)
            for node_id, node in reset.data["snapshot"]["nodes"].items()
            if "wait" in node
        }

    def _note_wait(self, record: Record) -> None:
        if record.node_id is None:
            return
        if record.event == WAIT:
            self._open[record.node_id] = record
        elif record.event == "node_resumed":
            self._open.pop(record.node_id, None)

    def _attend(self) -> None:
        if self._desk is not None and self._desk.done():
            self._desk.result()
            self._desk = None
        if self._desk is None and any(record.seq not in self._asked for record in self._open.values()):
            self._desk = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        """Answer open reviews one after the other."""
        while True:
            record = next((record for record in self._open.values() if record.seq not in self._asked), None)
            if record is None:
                return
            self._asked.add(record.seq)
            assert record.node_id is not None
            review = Review.of(record.node_id, record.data)
            if self._approve and "approve" in review.actions:
                await self._submit(review.node_id, "approve", None)
            elif self._voice is None:
                self.outlet.note(
                    f"{review.node_id} waits for a person, and there is no terminal to ask in: "
                    "cancelled. --yes approves, `sessiond serve` lets it wait."
                )
                await self.cancel("nobody to ask for the review")
            else:
                await self._ask(review, self._voice)

    async def _ask(self, review: Review, voice: Voice) -> None:
        try:
            await hold_review(review, voice, self._submit)
        except EOFError:
            self.outlet.note("the terminal was closed: cancelled")
            await self.cancel("the terminal was closed")

    async def _submit(self, node_id: str, action: str, data: Any) -> None:
        await self.session.review(node_id, action, data, reviewer="terminal")

    async def _close_desk(self) -> None:
        if self._desk is not None:
            self._desk.cancel()
            results = await asyncio.gather(self._desk, return_exceptions=True)
            if isinstance(results[0], Exception):
                raise results[0]


class _Interrupts:
    """While entered: the first Ctrl-C cancels the session politely, the second ends the process."""

    def __init__(self, run: _Run, leave: Callable[[int], NoReturn]) -> None:
        self._run = run
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._cancelling: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._interrupted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def _interrupted(self) -> None:
        if self._cancelling is not None:
            self._run.outlet.close()
            sys.stdout.flush()
            self._leave(_HARD_EXIT)
        self._run.outlet.note("cancelling; Ctrl-C again leaves at once")
        self._cancelling = self._loop.create_task(self._run.cancel("interrupted"))
