"""Garbage on every call: nothing but 4xx, no traceback, no path of this machine, and the server goes on.

`SESSIOND_SOAK=1` has each go on for a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from support.frames import frame as client_frame
from support.graphs import chain
from support.people import GuardedSite, bearer, guarded_site
from support.site import HELD, REVIEW, RawSocket

from sessiond.gateway.commands import COMMANDS
from sessiond.gateway.routes import ROUTES

REQUESTS: Final = int(os.environ.get("SESSIOND_FUZZ_REQUESTS", "600"))
FRAMES: Final = REQUESTS // 10
WRITES: Final = [route for route in ROUTES if route.body is not None]
"""Where a body can go wrong, and where something is begun."""
RIGHT: Final[tuple[str, str, bytes | None, dict[str, str]]] = (
    "POST",
    "/api/v1/workflows/execute",
    json.dumps({"graph": REVIEW}).encode(),
    {"Content-Type": "application/json"},
)
SOAK: Final = bool(os.environ.get("SESSIOND_SOAK"))
SOAK_S: Final = 60.0
pytestmark = pytest.mark.timeout(240 if SOAK else 60)
SECRET: Final = "canary-7f3a"
BODIES: Final[list[Any]] = [
    {"graph": HELD, "session_id": "s2"},
    {"graph": chain(3), "input": {"a": [1, None]}, "labels": {"a": "b"}, "deadline_s": 5, "context": {}},
    {"workflow_id": "w", "start": False},
    {"action": "pause", "reason": SECRET},
    {"node_id": "ask", "action": "approve", "data": {"x": 1.5e300}},
    {"output": [[]]},
    {"name": "go", "payload": None},
    {"after_seq": 1},
    {"from_node": "ask"},
    {"session_id": "s1"},
    REVIEW,
]
ATOMS: Final[list[Any]] = [
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    -(2**70),
    1e308,
    "",
    " ",
    "\x00",
    "a" * 5_000,
    "😀",
    "../../etc/passwd",
    "${",
    "$" * 9,
    "${ [1,2,3].map(x, x) }",
    "s1@zeta",
    "~",
    "*",
    [],
    {},
    [[[]]],
    {"": ""},
    "\u202e",
    "%s%n",
    "{{7*7}}",
    "' OR 1=1 --",
]
RAW: Final = [
    b"",
    b"{",
    b"[" * 70,
    b"NaN",
    b'{"a":1,"a":2}',
    b"\xff\xfe",
    b'"\\ud800"',
    b"1e999",
    b"-",
    b"\x00" * 9,
    b"nul",
    b'{"graph":' * 40,
    b"9" * 5_000,
    b'{"action":"pause"}' * 2,
]
SEGMENTS: Final = [
    "s1",
    "none",
    "",
    "%00",
    "%ff",
    "..%2f..",
    "a" * 3_000,
    "s1~n~0",
    "s1%40zeta",
    "%0d%0aX:1",
    "'",
    "*",
    "😀",
]
QUERIES: Final = [
    "",
    "?limit=-1",
    "?after=9999999999999999999",
    "?cursor=AAAA",
    "?cursor=%ff",
    "?status=%00",
    "?label=%22",
    "?a=1&a=2",
    "?version=x",
    "?ticket=x",
    "?close=2",
    "?" + "x" * 3_000,
    "?session_id=s1@zeta",
    "?limit=1e3",
    "?%ff=%ff",
    "?=&&;",
]
HEADERS: Final[list[dict[str, str]]] = [
    {},
    {"Accept": "text/event-stream"},
    {"Last-Event-ID": "-1", "Accept": "text/event-stream"},
    {"If-None-Match": "*"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Origin": "null"},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic " + "x" * 3_000},
    {"Cookie": "a=b"},
    {"Host": "x:y:z"},
    {"Upgrade": "websocket"},
    {"Content-Encoding": "gzip"},
    {"Idempotency-Key": "\x7f"},
    {"Accept": "\xff"},
]
TELLTALES: Final = [
    b"Traceback",
    b'File \\"',
    b"site-packages",
    str(Path(__file__).parents[2]).encode(),
    b"/gateway/",
    b".py",
]


def numbers(count: int) -> Iterator[int]:
    """So many, or as many as fit in a minute."""
    until = time.monotonic() + SOAK_S
    number = 0
    while time.monotonic() < until if SOAK else number < count:
        yield number
        number += 1


class Fuzzer:
    """Mutations of what would be right; a seed is a story."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, items: Any) -> Any:
        return self._random.choice(items)

    def now_and_then(self, share: float = 0.3) -> bool:
        return self._random.random() < share

    def mutated(self, value: Any, depth: int = 0) -> Any:
        """`value` with something in it replaced, added or left out."""
        chance = self._random.random()
        if chance < 0.15 or depth > 6:
            return self.pick(ATOMS)
        if isinstance(value, dict):
            changed = {key: self.mutated(item, depth + 1) if chance < 0.7 else item for key, item in value.items()}
            if changed and chance > 0.85:
                del changed[self.pick(list(changed))]
            if chance > 0.95:
                changed[self.pick(["", "id", "__class__", "session_id", "🙂"])] = self.pick(ATOMS)
            return changed
        if isinstance(value, list):
            return [self.mutated(item, depth + 1) for item in value] * (2 if chance > 0.9 else 1)
        return value if chance < 0.8 else self.pick(ATOMS)

    def body(self) -> bytes:
        chance = self._random.random()
        if chance < 0.15:
            raw: bytes = self.pick(RAW)
            return raw
        right = self.pick(BODIES)
        text = json.dumps(self.mutated(right) if self.now_and_then(0.6) else right).encode()
        if chance < 0.3:
            at = self._random.randrange(len(text))
            return text[:at] + self._random.randbytes(2) + text[at + 1 :]
        return text

    def path(self, path: str) -> str:
        for name in ("session_id", "node_id", "workflow_id"):
            path = path.replace(f"{{{name}}}", self.pick(SEGMENTS) if self.now_and_then() else self.pick(["s1", "ask"]))
        return path + (str(self.pick(QUERIES)) if self.now_and_then() else "")

    def request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        route = self.pick(WRITES if self._random.random() < 0.4 else ROUTES)
        method = (
            route.method if self._random.random() < 0.9 else self.pick(["OPTIONS", "PATCH", "TRACE", "GET", "POST"])
        )
        body = self.body() if method in ("POST", "PUT", "PATCH") else None
        return method, self.path(route.path), body, self.pick(HEADERS) if self.now_and_then() else {}

    def frame(self) -> bytes:
        """A WebSocket frame, or what looks like one; or a right frame that holds a wrong command."""
        if self.now_and_then():
            cmd = self.pick([*COMMANDS, "", "__init__"])
            right = {"cmd": cmd, "id": 1, "data": self.pick(BODIES), "traceparent": "00-0-0-0"}
            text = json.dumps(self.mutated(right)).encode()[:60_000]
            return client_frame(self.pick([1, 1, 2]), text, reserved=self.pick([0, 0, 0, 4]))
        head = bytes((self._random.randrange(256), self._random.choice([0x80, 0x00]) | self._random.randrange(126)))
        return head + self._random.randbytes(self._random.randrange(140))


async def prepared(guarded: GuardedSite) -> None:
    client = guarded.client()
    await client.execute(REVIEW, session_id="s1")
    await client.put_workflow("w", chain(1))


@pytest.mark.parametrize("seed", [1, 2])
async def test_garbage_in_a_request_is_answered_with_a_problem(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    fuzzer = Fuzzer(seed)
    async with guarded_site(tmp_path, stall_s=1.0, body_s=1.0, idle_s=2.0) as guarded:
        await prepared(guarded)
        statuses: Counter[int] = Counter()
        for number in numbers(REQUESTS):
            method, path, body, headers = fuzzer.request()
            if not number % 50:
                await prepared(guarded)  # the same again, unless something was deleted
                method, path, body, headers = RIGHT
            given = {**bearer(guarded.key()), **headers}
            answer = await raw_request(guarded, method, path, body, given)
            status = int(answer.split(b" ", 2)[1]) if answer else 400
            said = (seed, method, path, body, headers, answer[:2_000])
            statuses[status] += 1
            assert status < 500, said
            assert not any(telltale in answer for telltale in TELLTALES), said
            assert guarded.key().encode() not in answer, said
        assert {200, 201, 202, 400, 401, 404, 405, 409, 415, 422} <= statuses.keys(), statuses  # it got everywhere
        started = await guarded.client().execute(chain(1))
        watched = [record.event async for record in guarded.client("viewer").watch(started.session_id)]
        assert watched[-1] == "execution:completed"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def raw_request(
    guarded: GuardedSite, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> bytes:
    """Send a request as bytes; the client library would refuse to. The head and some of the body come back."""
    reader, writer = await guarded.site.connect()
    lines = {"Host": guarded.site.url.removeprefix("http://"), **headers, "Connection": "close"}
    if body is not None:
        lines["Content-Length"] = str(len(body))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    writer.write(head.encode("utf-8") + (body or b""))
    answer = await reader.read(65_536)
    if b"text/event-stream" not in answer:
        answer += await reader.read(65_536)
    writer.close()
    return answer


async def test_garbage_on_a_socket_closes_it_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fuzzer = Fuzzer(3)
    async with guarded_site(tmp_path, ping_s=0.2, stall_s=0.4) as guarded:
        await prepared(guarded)
        header = f"Authorization: Bearer {guarded.key()}\r\n"
        await guarded.client().execute(REVIEW, session_id="apart")  # no garbage means this one
        staying = await guarded.site.socket("/api/v1/sessions/apart/events", header)
        await staying.until("stream:live")
        watching = asyncio.ensure_future(staying.until("execution:paused"))
        for number in numbers(FRAMES):
            if not number % 50:
                await prepared(guarded)
            socket = await guarded.site.socket("/ws" if number % 2 else "/api/v1/sessions/s1/events", header)
            await socket.send_raw(b"".join(fuzzer.frame() for _ in range(4)))
            code = await ended(socket)
            assert code in (None, 0, *range(1000, 1004), *range(1007, 1015), *range(3000, 5000)), code
        await guarded.client().control("apart", "pause")
        assert (await watching)[-1]["data"]["by"].startswith("key:")
        await staying.close()
        while guarded.site.server.gateway.streams:
            guarded.site.server.gateway.expel_invalid()
            await guarded.site.fetch("GET", "/livez")
        assert guarded.site.server.gateway.subscriptions.of("acme") == 0
    assert "Traceback" not in caplog.text


async def ended(socket: RawSocket) -> int | None:
    """The code with which the server closes, None if it only hangs up."""
    try:
        return await socket.close_code()
    except (EOFError, ConnectionError):
        await socket.close()
        return None
