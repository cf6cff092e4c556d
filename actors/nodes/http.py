"""`http`: calls another server, within the runtime's policy."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ..context import NodeContext
from ..core.errors import NodeError
from ..core.node import TaskType

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_TEXT: Final = ("text/", "application/xml", "application/x-www-form-urlencoded", "application/javascript")


class HttpProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `http`."""

    url: Annotated[str, Meta(min_length=1)]
    """Absolute, http or https."""
    method: Method = "GET"
    headers: dict[str, str] = {}
    body: Any = None
    """Text is sent as it is, anything else but null as JSON."""
    expect: list[Annotated[int, Meta(ge=100, le=599)]] = []
    """Statuses that are a success; any from 200 to 299 if empty."""


class HttpType(TaskType):
    """Calls another server; output `{status, headers, body}`. Off unless the runtime's options allow it."""

    name = "http"
    properties = HttpProperties

    async def run(self, context: NodeContext, properties: HttpProperties) -> Any:
        """Send the request and return the answer, decoded."""
        policy = context.resources.http
        if policy is None:
            raise NodeError("http nodes are off; the runtime's option `http` turns them on", "http_disabled")
        from ..http_client import HttpClient, Request  # tornado takes 0.1 s to import: only where it is used

        headers = {name.lower(): value for name, value in properties.headers.items()}
        body = _encode(properties.body, headers)
        if properties.method not in ("GET", "HEAD", "OPTIONS"):
            headers.setdefault("idempotency-key", context.idempotency_key)
        if context.traceparent is not None:
            headers.setdefault("traceparent", context.traceparent)
        response = await HttpClient(policy).fetch(Request(properties.method, properties.url, headers, body))
        expected = properties.expect or range(200, 300)
        if response.status not in expected:
            wanted = ", ".join(map(str, properties.expect)) or "200 to 299"
            raise NodeError(f"the server answered {response.status}, expected {wanted}", "http_status")
        kind = response.headers.get("content-type", "")
        return {
            "status": response.status,
            "headers": response.headers,
            "body": decode(response.body, kind),
        }


def _encode(body: Any, headers: dict[str, str]) -> bytes | None:
    """The bytes of a body, its type added to the headers."""
    if body is None:
        return None
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return body.encode()
    headers.setdefault("content-type", "application/json")
    return msgspec.json.encode(body)


def decode(body: bytes, content_type: str) -> Any:
    """Return a body by its type: JSON decoded, text as text, other bytes as `{"base64": …}`; None if empty.

    Raises:
        NodeError: `http_body`: it says that it is JSON, or text, and isn't.
    """
    if not body:
        return None
    message = _parameters(content_type)
    kind = message[""]
    try:
        if kind == "application/json" or kind.endswith("+json"):
            return msgspec.json.decode(body)
        if "charset" in message or kind.startswith(_TEXT):
            return body.decode(message.get("charset", "utf-8"))
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, RecursionError) as error:
        raise NodeError(f"the answer isn't {content_type}: {error}", "http_body") from None
    return {"base64": base64.b64encode(body).decode()}


def _parameters(content_type: str) -> dict[str, str]:
    """The media type under "", and its parameters."""
    kind, *rest = content_type.split(";")
    pairs = (part.partition("=") for part in rest)
    return {"": kind.strip().lower(), **{name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}}
