"""The event streams and the command socket as AsyncAPI 3.0, made of the facts and of the command table."""

from __future__ import annotations

from typing import Any, Final, get_args

from ..actors.core.events import AnyFact, Fact
from ..actors.core.reset import RESET
from ..actors.version import VERSION
from .commands import COMMANDS, Answer, Request, Spec
from .framing import Notice, ResetNotice
from .problems import Problem
from .requests import EventQuery
from .routes import EVENTS, SOCKETS
from .schemas import SCHEMAS, components, properties_of, prose

FACTS: Final[tuple[type[Fact], ...]] = get_args(AnyFact)
LIVE: Final = "stream:live"
_MESSAGES: Final = "#/components/messages/"
_CLOSE_CODES: Final = (
    "Close codes: 1000 done, 1001 the server goes away, 1008 the request is wrong, 1009 a message is too big, "
    "1011 an error of the server, 1013 overload, 4401 not authenticated or expired, 4403 forbidden, 4404 unknown "
    "session, 4408 too slow (come back with `after`), 4429 too many commands."
)


def asyncapi() -> dict[str, Any]:
    """Return the document (AsyncAPI 3.0.0) as plain data, seen from the server: it sends events and gets commands."""
    kinds = [kind for spec in COMMANDS.values() for kind in (*_union(spec.data), *_union(spec.result))]
    _, schemas = components([*FACTS, Notice, ResetNotice, Request, Answer, Problem, *dict.fromkeys(kinds)])
    events = {_key(fact.event): _event(fact) for fact in FACTS} | {_key(LIVE): _live(), _key(RESET): _reset()}
    commands = {f"command_{name}": _command(name, spec) for name, spec in COMMANDS.items()}
    answers = {f"answer_{name}": _answer(name, spec) for name, spec in COMMANDS.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "sessiond",
            "version": VERSION,
            "description": "Live events of sessions, over WebSocket and server-sent events, and commands over "
            "WebSocket. Unknown events are to be ignored. The rest of the API is described in `/openapi.json`.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": EVENTS,
                "title": "The events of one session",
                "description": "A WebSocket, or an event stream where `Accept` says `text/event-stream`. Every event "
                "after `after`, stored ones first, then live ones, without gap or repeat; a snapshot stands for events "
                f"that were trimmed. {_CLOSE_CODES}",
                "parameters": {"session_id": {"description": "The session's id."}},
                "messages": _refs(events),
                "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
            },
            "commands": {
                "address": SOCKETS[0],
                "title": "Commands, their answers, and the events of many sessions",
                "description": f"Also at `{SOCKETS[1]}`. Commands are carried out in order. A subscription ends after "
                f"the terminal event. {_CLOSE_CODES}",
                "messages": _refs({**events, **commands, **answers}),
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            },
        },
        "operations": {
            "sendEvents": _operation("send", "events", events),
            "sendSubscribedEvents": _operation("send", "commands", events),
            **{name: _receives(name) for name in COMMANDS},
        },
        "components": {"schemas": schemas, "messages": {**events, **commands, **answers}},
    }


def _event(fact: type[Fact]) -> dict[str, Any]:
    fields = {"event": {"const": fact.event}, "data": {"$ref": SCHEMAS + fact.__name__}}
    payload = {"allOf": [{"$ref": SCHEMAS + "Record"}, {"type": "object", "properties": fields}]}
    return {"name": fact.event, "summary": prose(fact)[0], "payload": payload}


def _live() -> dict[str, Any]:
    fields = {"event": {"const": LIVE}}
    payload = {"allOf": [{"$ref": SCHEMAS + "Notice"}, {"type": "object", "properties": fields}]}
    return {"name": LIVE, "summary": "The stored part is through; what follows happens now", "payload": payload}


def _reset() -> dict[str, Any]:
    fields = {"event": {"const": RESET}}
    payload = {"allOf": [{"$ref": SCHEMAS + "ResetNotice"}, {"type": "object", "properties": fields}]}
    return {"name": RESET, "summary": "Events were trimmed: a snapshot stands for them", "payload": payload}


def _command(name: str, spec: Spec) -> dict[str, Any]:
    fields = {"cmd": {"const": name}, "data": _any_of(spec.data)}
    payload = {"allOf": [{"$ref": SCHEMAS + "Request"}, {"type": "object", "properties": fields}]}
    return {"name": name, "summary": _summary(spec), "payload": payload}


def _answer(name: str, spec: Spec) -> dict[str, Any]:
    fields = {"result": _any_of(spec.result)}
    payload = {"allOf": [{"$ref": SCHEMAS + "Answer"}, {"type": "object", "properties": fields}]}
    return {"name": f"answer to {name}", "payload": payload}


def _summary(spec: Spec) -> str:
    return prose(spec.run if spec.run is not None else spec.data)[0]


def _receives(name: str) -> dict[str, Any]:
    operation = _operation("receive", "commands", [f"command_{name}"])
    operation["reply"] = {
        "channel": {"$ref": "#/channels/commands"},
        "messages": [{"$ref": f"#/channels/commands/messages/answer_{name}"}],
    }
    return operation


def _operation(action: str, channel: str, messages: Any) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _query() -> dict[str, Any]:
    fields = {name: schema for name, schema in properties_of(EventQuery).items() if name != "limit"}
    return {"type": "object", "properties": fields}


def _refs(messages: dict[str, Any]) -> dict[str, Any]:
    return {name: {"$ref": _MESSAGES + name} for name in messages}


def _any_of(kind: Any) -> dict[str, Any]:
    refs = [{"$ref": SCHEMAS + part.__name__} for part in _union(kind)]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _union(kind: Any) -> tuple[Any, ...]:
    """The parts of a union; a type alone is its only part."""
    return get_args(kind) or (kind,)


def _key(event: str) -> str:
    """An event's name where a colon can't stand."""
    return event.replace(":", "_")
