"""The document of the streams: valid, and complete both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
from jsonschema import Draft7Validator, Draft202012Validator

from sessiond.actors.core.events import ExecutionPaused, Record
from sessiond.gateway.asyncapi import FACTS, asyncapi
from sessiond.gateway.commands import COMMANDS
from sessiond.gateway.framing import live_notice
from sessiond.gateway.routes import EVENTS, SOCKETS

DOCUMENT: Final[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(asyncapi()))
META: Final = Path(__file__).parents[1] / "data" / "asyncapi-3.0.0.json"
"""The official schema of AsyncAPI 3.0.0 (Apache License 2.0), without its descriptions and examples."""


def check(message: str, value: object) -> bool:
    schema = {**DOCUMENT["components"]["messages"][message]["payload"], "components": DOCUMENT["components"]}
    return Draft202012Validator(schema).is_valid(value)


def test_it_is_asyncapi_by_the_official_schema() -> None:
    Draft7Validator(json.loads(META.read_text())).validate(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                found: Any = DOCUMENT
                for step in value["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(DOCUMENT)


def test_every_fact_is_an_event_and_every_event_is_a_fact() -> None:
    sent = {DOCUMENT["components"]["messages"][name]["name"] for name in DOCUMENT["channels"]["events"]["messages"]}
    assert sent == {fact.event for fact in FACTS} | {"stream:live", "stream:reset"}


def test_every_command_is_received_and_answered() -> None:
    received = {name for name, operation in DOCUMENT["operations"].items() if operation["action"] == "receive"}
    assert received == set(COMMANDS)
    assert all(DOCUMENT["operations"][name]["reply"]["messages"] for name in received)


def test_the_channels_are_where_the_server_listens() -> None:
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == {EVENTS, SOCKETS[0]}


def test_what_goes_over_the_wire_fits_its_message_and_no_other() -> None:
    fact = ExecutionPaused("lunch", None, ("a",))
    record = Record(9, "s1", fact.event, "2026-01-31T12:00:00.000000Z", fact)
    paused = msgspec.json.decode(msgspec.json.encode(record))
    assert check("execution_paused", paused)
    assert not check("execution_started", paused)
    assert not check("execution_paused", {**paused, "data": {}})
    assert check("stream_live", msgspec.json.decode(live_notice("s1", 3)))
    assert check("command_subscribe", {"cmd": "subscribe", "data": {"session_id": "s1", "after": 3}, "id": 1})
    assert not check("command_subscribe", {"cmd": "subscribe", "data": {"after": 3}})
    assert check("answer_ping", {"reply_to": 1, "ok": True, "result": {"pong": True}})
