"""The API as OpenAPI 3.1, made of the route table and of the types that decode the requests."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from ..actors.core.errors import Forbidden, InvalidInput, NotFound, Quarantined, SessiondError
from ..actors.version import VERSION
from .call import Route
from .problems import (
    MEDIA_TYPE,
    STATUS,
    BodyTooLarge,
    KeyInUse,
    KeyReused,
    Malformed,
    Problem,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
)
from .samples import SAMPLES
from .schemas import SCHEMAS, components, examples, properties_of, prose

JSON: Final = "application/json"

_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Location": {"description": "Where the session is.", "schema": {"type": "string"}},
    "ETag": {"description": "Tells this state from others.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}},
    "X-Request-Id": {
        "description": "The request's id: the client's own, or one made here. It is in the server's log.",
        "schema": {"type": "string"},
    },
}
_REQUEST_HEADERS: Final[dict[str, str]] = {
    "Idempotency-Key": "1 to 255 printable ASCII characters. The same key and request again is answered as the first "
    "time, and has no effect of its own.",
    "If-None-Match": "An entity tag that the client has: 304 if it is still the present one.",
    "Last-Event-ID": "Of an event stream: the last seq the client has. Goes before `after`.",
}
_HEADER_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "Idempotency-Key": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "If-None-Match": {"type": "string"},
    "Last-Event-ID": {"type": "string"},
}


def openapi(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1.0) as plain data."""
    table = list(routes)
    types = [kind for route in table for kind in (route.body, route.answer) if kind is not None]
    refs, schemas = components([*types, Problem])
    of_type = dict(zip(map(repr, types), refs, strict=False))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in table:
        paths[route.path][route.method.lower()] = _operation(route, of_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sessiond",
            "version": VERSION,
            "summary": "Start, watch, pause, correct, resume and stop long workflows that survive a crash.",
            "description": "Errors are `application/problem+json` (RFC 9457). Live events are described in "
            "`/asyncapi.json`.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, table))],
        "paths": dict(paths),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or a JSON Web Token. Where the server has no authentication, "
                    "nobody has to say who they are.",
                }
            },
            "headers": _HEADERS,
            "parameters": {_key(name): _header(name) for name in _REQUEST_HEADERS},
            "responses": dict(_problem_responses(table)),
        },
    }


def statuses(route: Route) -> dict[HTTPStatus, list[str]]:
    """Return every status of a problem that a route may answer, with the codes that come with it."""
    kinds: list[type[SessiondError]] = [Malformed, InvalidInput, Forbidden]
    if route.needs is not None:
        kinds.append(Unauthenticated)
        if route.method != "GET":
            kinds.append(TooManyRequests)
    if "{" in route.path:
        kinds.append(NotFound)
    if "{session_id}" in route.path:
        kinds.append(Quarantined)
    if route.body is not None:
        kinds += [BodyTooLarge, UnsupportedMediaType]
    if "Idempotency-Key" in headers_taken(route):
        kinds += [KeyReused, KeyInUse]
    found: dict[HTTPStatus, list[str]] = defaultdict(list)
    for kind in [*kinds, *route.problems]:
        status = next(STATUS[base] for base in kind.__mro__ if base in STATUS)
        if kind.code not in found[status]:
            found[status].append(kind.code)
    return dict(sorted(found.items()))


def _operation(route: Route, of_type: dict[str, Any]) -> dict[str, Any]:
    summary, description = prose(route.operation)
    operation: dict[str, Any] = {
        "operationId": f"{_tag(route)}.{route.operation.__name__}",
        "tags": [_tag(route)],
        "summary": summary,
        "parameters": list(_parameters(route)),
        "responses": _responses(route, of_type),
    }
    if route.needs is not None:
        operation["security"] = [{"bearer": []}]
        description = f"{description}\n\nTakes the role `{route.needs}`, or one that may do more.".strip()
    if description:
        operation["description"] = description
    if route.body is not None:
        content = {"schema": of_type[repr(route.body)]}
        if route.body in SAMPLES:
            content["examples"] = examples(SAMPLES[route.body])
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    for name, schema in properties_of(route.query).items():
        words = {"description": schema.pop("description")} if "description" in schema else {}
        yield {"name": name, "in": "query", "required": False, "schema": _never_null(schema), **words}
    yield from ({"$ref": f"#/components/parameters/{_key(name)}"} for name in headers_taken(route))


def headers_taken(route: Route) -> tuple[str, ...]:
    """Return the request headers that a route looks at, besides those of HTTP itself."""
    return (*route.headers, "Idempotency-Key") if route.method == "POST" and route.remembered else route.headers


def _responses(route: Route, of_type: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {
        "description": HTTPStatus(route.status).phrase,
        "headers": {"X-Request-Id": _ref("X-Request-Id")},
    }
    if route.answer is not None:
        content: dict[str, Any] = {"schema": of_type[repr(route.answer)]}
        if (sample := SAMPLES.get(route.answer)) is not None:
            content["examples"] = examples(sample)
        good["content"] = {media: content if media == JSON else {"schema": {"type": "string"}} for media in route.media}
    good["headers"].update({name: _ref(name) for name in route.answer_headers})
    found = {str(route.status): good}
    if "If-None-Match" in route.headers:
        found["304"] = {"description": "The client has it.", "headers": {"ETag": _ref("ETag")}}
    for status in statuses(route):
        found[str(status.value)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return found


def _problem_responses(routes: list[Route]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each status that any route has, with the codes of all."""
    codes: dict[HTTPStatus, set[str]] = defaultdict(set)
    for route in routes:
        for status, found in statuses(route).items():
            codes[status].update(found)
    for status in sorted(codes):
        content = {"schema": {"$ref": SCHEMAS + Problem.__name__}, "examples": examples(SAMPLES[Problem])}
        headers = {"X-Request-Id": _ref("X-Request-Id")}
        if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            headers["Retry-After"] = _ref("Retry-After")
        words = ", ".join(f"`{code}`" for code in sorted(codes[status]))
        yield (
            _name(status),
            {
                "description": f"{status.phrase}: {words}",
                "headers": headers,
                "content": {MEDIA_TYPE: content},
            },
        )


def _header(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": _REQUEST_HEADERS[name],
        "schema": _HEADER_SCHEMAS[name],
    }


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that isn't given is absent, never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if not kinds:
        return schema
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _key(name: str) -> str:
    return name.replace("-", "")


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "").replace("-", "")


def _tag(route: Route) -> str:
    return route.operation.__module__.rpartition(".")[2]
