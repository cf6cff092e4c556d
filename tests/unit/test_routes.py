"""The route table: one row per call, and every placeholder known."""

from __future__ import annotations

import re

from sessiond.gateway.routes import ROUTES
from sessiond.gateway.server import pattern


def test_no_call_is_there_twice_and_none_hides_another() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        sample = re.sub(r"\{\w+\}", "~", route.path)
        first = next(other.path for other in ROUTES if re.fullmatch(pattern(other.path), sample))
        assert first == route.path


def test_calls_that_change_something_take_a_body_or_are_deletions() -> None:
    for route in ROUTES:
        assert (route.body is not None) == (route.method in ("POST", "PUT"))


def test_placeholders_stay_within_their_segment() -> None:
    match = re.fullmatch(pattern("/a/{session_id}/b"), "/a/x.y:z/b")
    assert match is not None
    assert match.groupdict() == {"session_id": "x.y:z"}
    assert re.fullmatch(pattern("/a/{session_id}/b"), "/a/x/y/b") is None
