"""A small HTTP server on loopback addresses, which says what it was asked and can misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

CERTIFICATE: Final = Path(__file__).with_name("pinned_test.pem")
"""For `pinned.test`, signed by itself, until 2126; its key protects nothing."""


class _Handler(RequestHandler):
    async def answer(self) -> None:
        site: Web = self.application.settings["site"]
        site.requests.append((self.request.method or "", self.request.uri or "", dict(self.request.headers)))
        action = self.request.path.removeprefix("/")
        match action:
            case "echo":
                self.finish_json(self.seen())
            case "status":
                self.set_status(int(self.get_query_argument("code")))
                if self.get_status() not in (204, 304):
                    self.write("so be it")
            case "to":
                self.redirect(self.get_query_argument("url"), status=int(self.get_query_argument("code", "302")))
            case "round":
                self.redirect("/round")
            case "bytes":
                self.set_header("Content-Type", self.get_query_argument("type"))
                self.write(bytes.fromhex(self.get_query_argument("hex")))
            case _:
                self.set_status(404)

    get = head = post = put = patch = delete = options = answer

    def seen(self) -> dict[str, Any]:
        return {
            "method": self.request.method,
            "uri": self.request.uri,
            "headers": {name.lower(): value for name, value in self.request.headers.items()},
            "body": self.request.body.decode(),
        }

    def finish_json(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.write(msgspec.json.encode(value))


class Web:
    """A server; `url` is its address.

    Attributes:
        requests: method, target and headers of all that it was asked.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def web(tls: bool = False) -> AsyncIterator[Web]:
    """Serve on a free port of every 127.x address; with `tls` as `pinned.test`."""
    sockets = bind_sockets(0, "0.0.0.0")
    site = Web(sockets[0].getsockname()[1])
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    server = HTTPServer(Application([(r"/.*", _Handler)], site=site, log_function=lambda _: None), ssl_options=context)
    server.add_sockets(sockets)
    try:
        yield site
    finally:
        server.stop()
        await server.close_all_connections()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[str]:
    """Serve bytes; `talk` is called after each request's head was read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
