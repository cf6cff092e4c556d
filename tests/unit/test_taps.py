"""Taps: all sessions at once, in order, bounded, and never a gap that isn't told."""

from __future__ import annotations

import asyncio

import pytest

from sessiond.actors.core.reset import Reset
from sessiond.actors.core.segment import Segment, frame, payloads
from sessiond.actors.streams import EventHub
from sessiond.actors.taps import Tap, TapOverflow


async def nothing(session_id: str, after: int, limit: int) -> list[Segment]:
    return []


async def untrimmed(session_id: str) -> Reset | None:
    raise AssertionError("nothing was trimmed")


def segment(seq: int, text: bytes = b"x") -> Segment:
    return Segment(seq, seq, frame(text))


def never() -> None:
    raise AssertionError("nothing was lost")


def everything(session_id: str) -> bool:
    return True


async def test_a_tap_takes_what_every_session_publishes_in_order() -> None:
    hub = EventHub(nothing, untrimmed, untrimmed)
    tap = hub.tap(everything, never)
    for number, session_id in enumerate(("a", "b", "a"), 1):
        hub.publish(session_id, segment(number, b"%d" % number))
    assert await tap.ready()
    assert list(payloads(tap.take())) == [b"1", b"2", b"3"]


async def test_a_tap_waits_until_something_is_published() -> None:
    hub = EventHub(nothing, untrimmed, untrimmed)
    tap = hub.tap(everything, never)
    waiting = asyncio.ensure_future(tap.ready())
    await asyncio.sleep(0)
    assert not waiting.done()
    hub.publish("a", segment(1))
    assert await waiting


async def test_a_tap_takes_only_what_its_follower_may_see() -> None:
    hub = EventHub(nothing, untrimmed, untrimmed)
    tap = hub.tap(lambda session_id: session_id == "mine", never)
    hub.publish("theirs", segment(1, b"secret"))
    hub.publish("mine", segment(1, b"open"))
    assert list(payloads(tap.take())) == [b"open"]


async def test_over_its_bound_a_tap_holds_nothing_and_says_so_for_ever() -> None:
    lost = asyncio.Event()
    tap = Tap(everything, lost.set, lambda _: None, bound=100)
    for seq in range(1, 10):
        tap.push("a", segment(seq, b"x" * 30))
    await lost.wait()
    assert await tap.ready()
    with pytest.raises(TapOverflow):
        tap.take()
    tap.push("a", segment(10))
    with pytest.raises(TapOverflow):
        tap.take()


async def test_one_segment_over_the_bound_passes_if_nothing_else_waits() -> None:
    tap = Tap(everything, never, lambda _: None, bound=100)
    tap.push("a", segment(1, b"x" * 1000))
    assert len(tap.take()) > 1000


async def test_a_closed_tap_is_off_the_hub_and_wakes_its_follower() -> None:
    hub = EventHub(nothing, untrimmed, untrimmed)
    tap = hub.tap(everything, never)
    waiting = asyncio.ensure_future(tap.ready())
    await asyncio.sleep(0)
    tap.close()
    tap.close()
    assert not await waiting
    hub.publish("a", segment(1))
    assert tap.take() == b""
