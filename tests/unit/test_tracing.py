"""`traceparent`, by the rules of W3C Trace Context."""

from __future__ import annotations

import pytest
from tornado.httputil import HTTPHeaders

from sessiond.actors.core.messages import Create
from sessiond.actors.tracing import traceparent
from sessiond.gateway.traces import trace_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (GOOD, GOOD),
        (f" {GOOD} ", GOOD),
        (f"00-{TRACE}-{PARENT}-00", f"00-{TRACE}-{PARENT}-00"),
        (f"00-{TRACE}-{PARENT}-ff", GOOD),
        (f"cc-{TRACE}-{PARENT}-01", GOOD),
        (f"cc-{TRACE}-{PARENT}-01-what-comes-later", GOOD),
        (f"00-{TRACE}-{PARENT}-01-more", None),
        (f"cc-{TRACE}-{PARENT}-01more", None),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (GOOD.upper(), None),
        (f"00-{TRACE[:-1]}-{PARENT}-01", None),
        (f"00-{TRACE}-{PARENT}-1", None),
        (f"0-{TRACE}-{PARENT}-01", None),
        (f"00-{TRACE}-{PARENT}", None),
        (f"00-{'g' * 32}-{PARENT}-01", None),
        ("", None),
        (None, None),
    ],
)
def test_what_is_right_is_taken_and_the_rest_is_passed_over(given: str | None, found: str | None) -> None:
    assert traceparent(given) == found


def test_a_header_that_is_there_twice_says_nothing() -> None:
    headers = HTTPHeaders()
    assert trace_of(headers) is None
    headers.add("traceparent", GOOD)
    assert trace_of(headers) == GOOD
    headers.add("traceparent", GOOD)
    assert trace_of(headers) is None


def test_a_repeated_creation_is_the_same_request_in_another_trace() -> None:
    one = Create(session_id="s1").identified("w", "1")
    other = Create(session_id="s1", trace=GOOD).identified("w", "1")
    assert one.request == other.request
    assert other.trace == GOOD
