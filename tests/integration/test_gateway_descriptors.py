"""File descriptors run out: the server sheds, stays calm, keeps working for those it has, and recovers."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.graphs import graph
from support.served import Served

from sessiond.gateway.acceptor import Acceptor, file_mark
from sessiond.gateway.client import Client

FILES = 96
SPARE = 40
END = graph({"e": {"type": "end"}})


@contextmanager
def limited(files: int) -> Iterator[None]:
    """Processes that are started within inherit a low limit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def first_line(connection: socket.socket) -> bytes:
    """What the server says first; nothing if it has closed."""
    try:
        return connection.recv(64).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


async def test_a_server_with_few_descriptors_sheds_stays_calm_and_recovers(tmp_path: Path) -> None:
    env = {"SESSIOND_SPARE_FILES": str(SPARE), "SESSIOND_STORE": f"sqlite:///{tmp_path}/s.db"}
    with ExitStack() as stack:
        with limited(FILES):
            server = stack.enter_context(Served(cwd=tmp_path, env=env))
        pid = server.pid

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))

        held: list[socket.socket] = []
        shed = 0
        async with Client(server.url) as client:
            await client.execute(END, session_id="before")
            while shed < 10:
                connection = connect()
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                line = first_line(connection)
                if line.startswith(b"HTTP/1.1 200 "):
                    held.append(connection)
                    continue
                assert line in (b"", b"HTTP/1.1 503 Service Unavailable")
                connection.close()
                shed += 1
            assert FILES - SPARE - 30 < len(held) <= FILES - SPARE
            held[0].sendall(
                b"POST /api/v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b'Content-Length: 25\r\n\r\n{"workflow_id": "nobody"}'
            )
            while b"404 Not Found" not in (answer := held[0].recv(4096)):
                assert answer
            waiting = [connect() for _ in range(200)]
            began, used = time.monotonic(), cpu_seconds(pid)
            held[1].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for connection in waiting:
                first_line(connection)  # each is told, in its turn, while the server rests between
            took = time.monotonic() - began
            assert (cpu_seconds(pid) - used) / took < 0.5
            for connection in (*waiting, *held):
                connection.close()
            while len(os.listdir(f"/proc/{pid}/fd")) > FILES - SPARE - len(held) // 2:
                await asyncio.sleep(0)  # it sheds until it has seen that they are closed
            await client.execute(END, session_id="after")
            assert [record.seq async for record in client.watch("after")][-1] > 1
        assert server.stop() == 0
    log = (tmp_path / "serve.log").read_text()
    assert "were shed" in log
    assert "Traceback" not in log
    assert len(log.splitlines()) < 30


class Deaf:
    """A listening socket that the system gives nothing: what `accept` does when descriptors are gone."""

    def __init__(self) -> None:
        self.inner = socket.create_server(("127.0.0.1", 0))
        self.inner.setblocking(False)
        self.tried = 0
        self.broken = True

    def fileno(self) -> int:
        return self.inner.fileno()

    def accept(self) -> Any:
        self.tried += 1
        if self.broken:
            raise OSError(errno.EMFILE, "Too many open files")
        return self.inner.accept()

    def close(self) -> None:
        self.inner.close()


async def test_an_accept_that_fails_is_not_tried_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    deaf = Deaf()
    taken: asyncio.Queue[socket.socket] = asyncio.Queue()
    acceptor = Acceptor(deaf, lambda connection, _: taken.put_nowait(connection), None)  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    client = socket.create_connection(deaf.inner.getsockname())
    while not deaf.tried:
        await asyncio.sleep(0)
    ended = loop.time() + 0.3
    while loop.time() < ended:
        await asyncio.sleep(0)
    assert deaf.tried == 1
    assert caplog.text.count("none can be accepted") == 1
    deaf.broken = False
    connection = await taken.get()
    connection.close()
    client.close()
    acceptor.close()
    acceptor.close()


def test_the_mark_leaves_what_was_asked_for_but_never_most() -> None:
    with limited(1_000):
        assert file_mark(64) == 936
        assert file_mark(5_000) == 500
