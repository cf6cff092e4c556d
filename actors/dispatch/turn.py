"""One turn of one actor: what happens to the messages of a mailbox on a loop.

A turn serves the control lane, then data, until nothing waits, the actor had its share, or a handler turns
out to be a coroutine. Coroutines run in a task, which goes on with the messages behind them: one task per
batch, not per message. Whatever a handler raises ends here.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Coroutine
from types import CoroutineType
from typing import Any, Final, TypeAlias

from .future import Deferred
from .loop_mailbox import LoopMailbox
from .mailbox import (
    EMPTY,
    IDLE,
    RUNNING,
    SCHEDULED,
    STARTING,
    STOPPED,
    SUSPENDED,
    Asked,
    Kill,
    Mailbox,
    Suspend,
    Unsuspend,
)
from .substrate import PYKKA_MESSAGES, StopMessage, call_proxy
from .supervision import end, fail

__all__ = ["Pending", "answer", "await_handlers", "lose", "serve_control", "take_turn"]

Pending: TypeAlias = tuple[Coroutine[Any, Any, Any], Asked | None]
"""A handler that awaits, and who asked."""

CONTROLS_PER_TURN: Final = 64


def take_turn(box: LoopMailbox[Any], deadline: float) -> Pending | None:
    """Serve one mailbox until ``deadline`` on the dispatcher's clock, or for its share of messages.

    Returns:
        A coroutine to await before the actor may go on, or ``None``.
    """
    state = box.state
    if state == SCHEDULED:
        box.state = RUNNING
    elif state != STARTING:
        return None  # an entry that an urgent turn or the actor's end made stale
    elif (starting := _start(box)) is not None:
        return starting
    if box.control is not None and ((awaiting := _serve_controls(box)) is not None or box.state != RUNNING):
        return awaiting
    actor = box.actor
    assert actor is not None
    dispatcher = box.dispatcher
    clock = dispatcher.clock
    left = dispatcher.throughput
    receive = actor.on_receive
    credits = box.credits
    item = box.first
    if item is not EMPTY:
        box.first = EMPTY
    elif box.queue:
        item = box.queue.popleft()
    else:
        box.queue = None
        box.state = IDLE
        return None
    while True:
        if credits is not None:
            credits.give()
        if type(item) is Asked:
            awaiting = answer(box, item)
            if awaiting is not None:
                return awaiting
        else:
            try:
                result = receive(item)
            except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
                fail(box, None, error)
                return None
            if result is not None and type(result) is CoroutineType:
                return result, None
        if box.control is not None and ((awaiting := _serve_controls(box)) is not None or box.state != RUNNING):
            return awaiting
        queue = box.queue
        if not queue:
            box.queue = None
            box.state = IDLE
            return None
        left -= 1
        if left <= 0 or clock() >= deadline:
            box.state = SCHEDULED
            dispatcher.schedule(box)
            return None
        item = queue.popleft()


def _start(box: LoopMailbox[Any]) -> Pending | None:
    """Run ``on_start``; a failure stops the actor, so that its state tells."""
    actor = box.actor
    assert actor is not None
    box.state = RUNNING
    try:
        result = actor.on_start()
    except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
        fail(box, None, error)
        return None
    return (result, None) if type(result) is CoroutineType else None


def answer(box: Mailbox[Any], asked: Asked) -> Pending | None:
    """Handle a message in an envelope; return the handler if it has to be awaited."""
    message, asked.message = asked.message, None
    actor = box.actor
    assert actor is not None
    kind = type(message)
    try:
        if kind not in PYKKA_MESSAGES:
            result = actor.on_receive(message)
        elif kind is StopMessage:
            end(box)
            asked.resolve(True)
            return None
        else:
            result = call_proxy(actor, message)
    except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
        fail(box, asked, error)
        return None
    if type(result) is CoroutineType:
        return result, asked
    _settle(asked, result)
    return None


def _serve_controls(box: LoopMailbox[Any]) -> Pending | None:
    """Serve the control lane; the state tells afterwards whether data may be served."""
    lane = box.control
    served = 0
    while lane:
        if served == CONTROLS_PER_TURN:
            box.state = SCHEDULED
            box.dispatcher.schedule_urgently(box)
            return None
        served += 1
        item = lane.popleft()
        asked = item if type(item) is Asked else None
        message = item if asked is None else asked.message
        awaiting = serve_control(box, message, asked)
        if awaiting is not None:
            return awaiting
        if box.state == STOPPED:
            return None
    if box.state == STOPPED:  # by its own handler
        return None
    box.control = None
    box.state = SUSPENDED if box.suspended else RUNNING
    return None


def serve_control(box: Mailbox[Any], message: Any, asked: Asked | None) -> Pending | None:
    """Handle one control message; return the handler if it has to be awaited."""
    match message:
        case Kill():
            end(box)
        case Suspend() | Unsuspend():
            box.suspended = isinstance(message, Suspend)
        case _ if asked is not None:
            return answer(box, asked)
        case _:
            actor = box.actor
            assert actor is not None
            try:
                result = actor.on_receive(message)
            except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
                fail(box, None, error)
                return None
            return (result, None) if type(result) is CoroutineType else None
    if asked is not None:
        asked.resolve(None)
    return None


def _settle(asked: Asked, result: Any) -> None:
    """Give the asker the handler's result, or a promise of one."""
    if type(result) is Deferred:
        result.answer_to(asked)
    else:
        asked.resolve(result)


async def await_handlers(box: LoopMailbox[Any]) -> None:
    """Await a handler, then go on with the actor's turn, for its share of messages or one slice in all."""
    dispatcher = box.dispatcher
    deadline = dispatcher.clock() + dispatcher.slice_s
    left = dispatcher.throughput
    awaiting, box.pending = box.pending, None
    while awaiting is not None:
        handler, asked = awaiting
        try:
            result = await handler
        except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
            fail(box, asked, error)
        else:
            if asked is not None:
                _settle(asked, result)
        if box.state == STOPPED:
            break
        box.state = SCHEDULED
        left -= 1
        if left <= 0 or dispatcher.clock() >= deadline:
            dispatcher.schedule(box)
            break
        awaiting = take_turn(box, deadline)
    box.task = None


def lose(box: LoopMailbox[Any]) -> None:
    """Fail an actor whose task was cancelled from outside before it began."""
    awaiting, box.pending = box.pending, None
    if awaiting is None:
        return
    handler, asked = awaiting
    handler.close()
    fail(box, asked, CancelledError("the event loop cancelled the task before it began"))
    if box.state != STOPPED:  # a Kill waits
        end(box)
