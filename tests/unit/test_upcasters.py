"""Versions of events: older ones are lifted step by step, newer ones are left alone."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from sessiond.actors.core.errors import CorruptLog, FutureVersion
from sessiond.actors.core.events import AnyFact, ExecutionStarted, Record, TokenStream, pack, unpack
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.upcasters import UPCASTERS, upcast

TABLE = {
    ("e", 1): lambda data: {"name": data["nmae"]},
    ("e", 2): lambda data: {**data, "size": 0},
}


def lifted(found: int, data: dict[str, Any], wanted: int = 3) -> Any:
    return msgspec.json.decode(upcast("e", found, wanted, msgspec.json.encode(data), TABLE))


def test_each_version_is_lifted_through_all_between() -> None:
    assert lifted(1, {"nmae": "x"}) == {"name": "x", "size": 0}
    assert lifted(2, {"name": "x"}) == {"name": "x", "size": 0}
    assert lifted(3, {"name": "x", "size": 1}) == {"name": "x", "size": 1}


def test_what_can_not_be_lifted_is_refused() -> None:
    with pytest.raises(FutureVersion, match="has version 4, this sessiond reads up to 3"):
        lifted(4, {})
    with pytest.raises(CorruptLog, match="version 0, which never existed"):
        lifted(0, {})
    with pytest.raises(CorruptLog, match="of version 3 can't be lifted to 4"):
        lifted(1, {"nmae": "x"}, wanted=4)


def test_every_version_of_every_event_has_a_way_to_the_present() -> None:
    facts = get_args(AnyFact)
    needed = {(fact.event, version) for fact in facts for version in range(1, fact.version)}
    assert set(UPCASTERS) == needed
    assert TokenStream.version == 1, "tokens.py writes its envelopes by hand, without a version"


def test_a_first_version_costs_nothing_on_the_wire() -> None:
    record = Record(1, "s", "execution:started", "t", ExecutionStarted())
    assert b'"v"' not in pack([record])


def test_an_event_of_the_future_is_not_folded() -> None:
    record = Record(1, "s", "execution:started", "t", ExecutionStarted(), v=2)
    with pytest.raises(FutureVersion, match="execution:started"):
        unpack(Segment(1, 1, pack([record])))
