"""Promises of a session: kept, or broken with a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sessiond.actors.core.errors import Draining
from sessiond.actors.dispatch.future import Deferred, LoopFuture
from sessiond.actors.waiters import Waiters


def awaited(promise: Deferred[Any]) -> LoopFuture[Any]:
    future: LoopFuture[Any] = LoopFuture()
    promise.answer_to(future)
    return future


async def test_quiet_and_end_are_told_apart() -> None:
    waiters, detail = Waiters(), object()
    quiet, ended = awaited(waiters.quiet(object())), awaited(waiters.ended(object()))
    waiters.is_quiet()
    await asyncio.wait_for(quiet, 1)
    assert not ended.done()
    waiters.has_ended(lambda: detail)  # type: ignore[arg-type,return-value]
    assert await asyncio.wait_for(ended, 1) is detail


async def test_the_end_is_quiet_too() -> None:
    waiters = Waiters()
    quiet = awaited(waiters.quiet(object()))
    waiters.has_ended(lambda: pytest.fail("nobody asked"))
    await asyncio.wait_for(quiet, 1)


async def test_a_lost_session_breaks_its_promises_once() -> None:
    waiters = Waiters()
    promises = [awaited(waiters.quiet(object())), awaited(waiters.ended(object()))]
    waiters.refuse(Draining("gone"))
    waiters.refuse(Draining("again"))
    for promise in promises:
        with pytest.raises(Draining, match="gone"):
            await promise
