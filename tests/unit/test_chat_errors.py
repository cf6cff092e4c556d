"""How long an endpoint asks to wait, and that its words don't carry the key."""

from __future__ import annotations

import pytest
from httpx2 import Headers

from sessiond.actors.core.errors import NodeError
from sessiond.actors.nodes.chat_errors import ErrorMap, retry_after

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "3", "Retry-After-Ms": "250"}, 0.25),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT", "Date": DATE}, 30.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT"}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 -0000", "Date": DATE}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After-Ms": "inf"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Headers(headers, encoding="utf-8")) == seconds


def test_the_key_is_blotted_out_and_the_length_bounded() -> None:
    assert ErrorMap("sk-1").clean("key sk-1, again sk-1") == "key ***, again ***"
    assert len(ErrorMap("sk-1").clean("x" * 10_000)) == 500
    assert ErrorMap(None).clean("as it is") == "as it is"


def test_only_an_event_stream_is_read() -> None:
    errors = ErrorMap("sk-1")
    errors.check_type("Text/Event-Stream; charset=utf-8")
    for other in ("text/html", "", "text/event-stream-sk-1"):
        with pytest.raises(NodeError) as caught:
            errors.check_type(other)
        assert caught.value.node_code == "response_malformed"
        assert "sk-1" not in str(caught.value)
