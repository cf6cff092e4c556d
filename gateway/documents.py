"""The API's documents: made of the route table when they are first asked for."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from .call import Call, Reply, Route
from .docs_page import render
from .openapi import openapi

_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


async def openapi_json(call: Call) -> Reply:
    """Describe the HTTP API as OpenAPI 3.1."""
    return Reply(_openapi(call.gateway.routes))


async def asyncapi_json(call: Call) -> Reply:
    """Describe the event streams and the command socket as AsyncAPI 3.0."""
    return Reply(_asyncapi())


async def page(call: Call) -> Reply:
    """Show the API to a person, on one page that needs nothing from elsewhere."""
    return Reply(_page(call.gateway.routes), headers=_PAGE_HEADERS)


@lru_cache(maxsize=4)
def _openapi(routes: tuple[Route, ...]) -> bytes:
    return msgspec.json.encode(openapi(routes))


@lru_cache(maxsize=1)
def _asyncapi() -> bytes:
    from .asyncapi import asyncapi  # it tells of the routes, and this is one

    return msgspec.json.encode(asyncapi())


@lru_cache(maxsize=4)
def _page(routes: tuple[Route, ...]) -> bytes:
    return render(msgspec.json.decode(_openapi(routes))).encode()
