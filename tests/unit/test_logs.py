"""The log's lines: one for each record, with fields, without secrets."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from sessiond.gateway.logs import JsonFormatter, TextFormatter, redact, request_id_of


def record(message: str, *arguments: Any, error: Exception | None = None, **extra: Any) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("sessiond.x", logging.WARNING, __file__, 1, message, arguments, info)
    made.__dict__.update(extra)
    made.created = 1_770_000_000.25
    return made


def test_a_json_line_holds_what_the_record_is_about() -> None:
    line = JsonFormatter().format(record("late by %d", 3, session_id="s1", node_id="n", attempt=2, request_id="r"))
    assert json.loads(line) == {
        "time": "2026-02-02T02:40:00.250000Z",
        "level": "warning",
        "logger": "sessiond.x",
        "message": "late by 3",
        "request_id": "r",
        "session_id": "s1",
        "node_id": "n",
        "attempt": 2,
    }


def test_a_record_is_one_line_of_json_whatever_is_in_it() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        line = JsonFormatter().format(record("x\r\ny\x1b[31m", error=error, path=object()))
    assert "\n" not in line
    assert "ValueError" in json.loads(line)["traceback"]


def test_text_cannot_forge_a_line_or_move_the_cursor() -> None:
    line = TextFormatter().format(record("x\r\x1b[2J %s", "\x00", request_id="r1"))
    assert line == "2026-02-02T02:40:00.250000Z WARNING sessiond.x: x\\x0d\\x1b[2J \\x00 [r1]"
    assert "\n    2026" in TextFormatter().format(record("a\n2026-01-01T00:00:00Z ERROR forged"))
    assert r"x: a\x9b31m\x85b\u2028c" in TextFormatter().format(record("a\x9b31m\x85b\u2028c"))


def test_neither_can_the_message_of_an_error() -> None:
    line = TextFormatter().format(record("failed", error=ValueError("a\x1b[2J\n2026-01-01T00:00:00Z ERROR forged")))
    assert "\x1b" not in line
    assert all(further.startswith("    ") for further in line.split("\n")[1:])


def test_json_is_inert_too_and_loses_nothing() -> None:
    text = "a\x7f\x9b31m\x85b\u2028c\u2029"
    line = JsonFormatter().format(record(text))
    assert line.isascii()
    assert json.loads(line)["message"] == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("redis://user:hunter2@host/0", "redis://user:[hidden]@host/0"),
        ("redis://:hunter2@host/0", "redis://:[hidden]@host/0"),
        ("Authorization: Bearer abcdef123456", "Authorization: [hidden]"),
        ("sent bearer abcdef123456 on", "sent bearer [hidden] on"),
        ('{"api_key": "k 1", "x": 2}', '{"api_key": [hidden], "x": 2}'),
        ("OPENAI_API_KEY=sk-abc12345678 go", "OPENAI_API_KEY=[hidden] go"),
        ("key sk-abc12345678", "key [hidden]"),
        ("GET /events?ticket=abc123&after=3", "GET /events?ticket=[hidden]&after=3"),
        ("password=x;y", "password=[hidden];y"),
    ],
)
def test_secrets_are_hidden(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize("text", ["tokens: 20", "http://host:8080/a@b", "the key is gone", "session s1, node n"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_redaction_takes_no_time_on_hostile_text() -> None:
    for text in (
        "a" * 100_000,
        "a-" * 50_000,
        "a://b:" * 20_000,
        "token " * 20_000,
        "token=" * 20_000,
        "password" * 10_000,
        "a://" * 30_000,
        "bearer " * 20_000,
    ):
        redact(text)


def test_a_request_keeps_its_own_id_if_that_can_stand_in_a_log() -> None:
    assert request_id_of("abc-1.2:3") == "abc-1.2:3"
    made = {request_id_of(None), request_id_of("a b"), request_id_of("x" * 129), request_id_of("a\nb")}
    assert len(made) == 4
    assert all(len(each) == 32 for each in made)


def test_a_handler_writes_both_formats() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    for formatter in (JsonFormatter(), TextFormatter()):
        handler.setFormatter(formatter)
        handler.emit(record("token=%s", "abc"))
    assert len(stream.getvalue().splitlines()) == 2
