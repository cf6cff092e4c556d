"""RFC 6455 on `/ws`, case by case, by the numbers of the Autobahn test suite, whose public list says what each sends.

The suite expects an echo; `/ws` answers each message instead, whatever is in it. Every case ends with a close from
the client, unless the server is to fail the connection: then with its close code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec
import pytest
from support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameClient,
    close,
    fragments,
    frame,
    octets,
)
from support.served import Served

ANSWER: Final = "answer"
MOST: Final = 16_777_216

Expected: TypeAlias = str | tuple[int, bytes] | int
"""ANSWER to a message, a control frame, or the close code with which the server ends it."""
Case: TypeAlias = tuple[str, list[bytes], list[Expected]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    env = {"SESSIOND_STORE": "memory://", "SESSIOND_MAX_COMMANDS_S": "100000", "SESSIOND_MAX_MESSAGE": str(MOST)}
    with Served(cwd=tmp_path_factory.mktemp("conformance"), env=env) as served:
        yield served


def said(size: int, pad: bytes = b" ") -> bytes:
    """So many bytes, of which the server understands nothing, and says so."""
    return pad * size


def framing() -> Iterator[Case]:
    for section, opcode in ((1, TEXT), (2, BINARY)):
        for number, size in enumerate((0, 125, 126, 127, 128, 65_535, 65_536), 1):
            yield f"1.{section}.{number}", [frame(opcode, said(size, b"*"))], [ANSWER]
        yield f"1.{section}.8", octets(frame(opcode, said(65_536, b"*")), 997), [ANSWER]


def pings() -> Iterator[Case]:
    binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield "2.1", [frame(PING)], [(PONG, b"")]
    yield "2.2", [frame(PING, b"Hello, world!")], [(PONG, b"Hello, world!")]
    yield "2.3", [frame(PING, binary)], [(PONG, binary)]
    yield "2.4", [frame(PING, b"\xfe" * 125)], [(PONG, b"\xfe" * 125)]
    yield "2.5", [frame(PING, b"\xfe" * 126)], [1002]
    yield "2.6", octets(frame(PING, b"\xfe" * 125)), [(PONG, b"\xfe" * 125)]
    yield "2.7", [frame(PONG)], []
    yield "2.8", [frame(PONG, b"unsolicited")], []
    yield "2.9", [frame(PONG, b"unsolicited"), frame(PING, b"ping")], [(PONG, b"ping")]
    ten = [frame(PING, b"payload-%d" % n) for n in range(10)]
    pongs: list[Expected] = [(PONG, b"payload-%d" % n) for n in range(10)]
    yield "2.10", ten, pongs
    yield "2.11", octets(b"".join(ten)), pongs


def reserved_bits() -> Iterator[Case]:
    hello, ping = frame(TEXT, b"Hello"), frame(PING)
    yield "3.1", [frame(TEXT, b"Hello", reserved=1)], [1002]
    yield "3.2", [hello, frame(TEXT, b"Hello", reserved=2), ping], [ANSWER, 1002]
    yield "3.3", [hello, b"".join((frame(TEXT, b"Hello", reserved=3), ping))], [ANSWER, 1002]
    yield "3.4", [hello, *octets(frame(TEXT, b"Hello", reserved=4) + ping)], [ANSWER, 1002]
    yield "3.5", [frame(BINARY, b"\x00\xff", reserved=5)], [1002]
    yield "3.6", [frame(PING, b"Hello", reserved=6)], [1002]
    yield "3.7", [frame(CLOSE, b"\x03\xe8", reserved=7)], [1002]


def opcodes() -> Iterator[Case]:
    hello, ping = frame(TEXT, b"Hello"), frame(PING)
    for section, first in ((1, 3), (2, 11)):
        yield f"4.{section}.1", [frame(first)], [1002]
        yield f"4.{section}.2", [frame(first + 1, b"reserved")], [1002]
        yield f"4.{section}.3", [hello, frame(first + 2), ping], [ANSWER, 1002]
        yield f"4.{section}.4", [hello, frame(first + 3, b"reserved"), ping], [ANSWER, 1002]
        yield f"4.{section}.5", [hello, *octets(frame(first + 4, b"reserved") + ping)], [ANSWER, 1002]


def fragmentation() -> Iterator[Case]:
    one, two = frame(TEXT, b"fragment1", final=False), frame(CONTINUATION, b"fragment2")
    ping, pong = frame(PING, b"ping"), (PONG, b"ping")
    yield "5.1", [frame(PING, b"fragment1", final=False), two], [1002]
    yield "5.2", [frame(PONG, b"fragment1", final=False), two], [1002]
    yield "5.3", [one, two], [ANSWER]
    yield "5.4", [one + two], [ANSWER]
    yield "5.5", octets(one + two), [ANSWER]
    yield "5.6", [one, ping, two], [pong, ANSWER]
    yield "5.7", [one + ping + two], [pong, ANSWER]
    yield "5.8", octets(one + ping + two), [pong, ANSWER]
    whole, stray = frame(TEXT, b"Hello"), frame(CONTINUATION, b"non-continuation", final=False)
    for number, nothing in ((9, frame(CONTINUATION, b"non-continuation")), (12, stray)):
        yield f"5.{number}", [nothing, whole], [1002]
        yield f"5.{number + 1}", [nothing + whole], [1002]
        yield f"5.{number + 2}", octets(nothing + whole), [1002]
    yield "5.15", [one, two, stray, whole], [ANSWER, 1002]
    yield "5.16", [stray, frame(TEXT, b"fragment1", final=False), two] * 2, [1002]
    last = frame(CONTINUATION, b"fragment1")
    yield "5.17", [last, frame(TEXT, b"fragment1", final=False), two] * 2, [1002]
    yield "5.18", [one, frame(TEXT, b"fragment2")], [1002]
    middle = [frame(CONTINUATION, b"fragment%d" % n, final=False) for n in (2, 3, 4)]
    five = [one, middle[0], frame(PING, b"1"), middle[1], middle[2], frame(PING, b"2"), frame(CONTINUATION, b"5")]
    yield "5.19", five, [(PONG, b"1"), (PONG, b"2"), ANSWER]
    yield "5.20", octets(b"".join(five)), [(PONG, b"1"), (PONG, b"2"), ANSWER]


KOSME: Final = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
_MISSING: Final = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80"]
_MISSING_HIGH: Final = [b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
TEXTS: Final[dict[int, list[bytes]]] = {
    5: [b"hello$world", b"hello\xc2\xa2world", b"hello\xe2\x82\xacworld", b"hello\xf0\xa4\xad\xa2world", KOSME],
    6: [KOSME[:size] for size in range(1, len(KOSME) + 1)],
    7: [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    8: [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    9: [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    10: [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    11: [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"],
    12: [b"\x80", b"\xbf", *[(b"\x80\xbf" * 3)[:size] for size in range(2, 7)], bytes(range(0x80, 0xBF))],
    13: [
        b"".join(bytes((start, 0x20)) for start in range(*between))
        for between in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))
    ],
    14: _MISSING + _MISSING_HIGH,
    15: [b"".join(_MISSING + _MISSING_HIGH)],
    16: [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    17: [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    18: [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    19: [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"],
    20: [
        b"\xed" + half
        for half in (b"\xa0\x80", b"\xad\xbf", b"\xae\x80", b"\xaf\xbf", b"\xb0\x80", b"\xbe\x80", b"\xbf\xbf")
    ],
    21: [
        b"\xed" + high + b"\xed" + low
        for high in (b"\xa0\x80", b"\xad\xbf", b"\xae\x80", b"\xaf\xbf")
        for low in (b"\xb0\x80", b"\xbf\xbf")
    ],
    22: [b"\xef\xbf\xbe", b"\xef\xbf\xbf"]
    + [
        (plane * 0x10000 + 0xFFFE + n).to_bytes(4, "big").decode("utf-32-be").encode()
        for plane in range(1, 17)
        for n in (0, 1)
    ],
    23: [bytes((0xEF, 0xBF, last)) for last in range(0xB9, 0xC0)],
}
"""The texts of 6.5 to 6.23: M. Kuhn, UTF-8 decoder capability and stress test."""


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8() -> Iterator[Case]:
    empty = [frame(TEXT, final=False), frame(CONTINUATION, final=False), frame(CONTINUATION)]
    yield "6.1.1", [frame(TEXT)], [ANSWER]
    yield "6.1.2", empty, [ANSWER]
    yield "6.1.3", [empty[0], frame(CONTINUATION, b"middle", final=False), empty[2]], [ANSWER]
    text = b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"
    yield "6.2.1", [frame(TEXT, text)], [ANSWER]
    yield "6.2.2", [frame(TEXT, text[:12], final=False), frame(CONTINUATION, text[12:])], [ANSWER]
    yield "6.2.3", fragments(TEXT, text, 1), [ANSWER]
    yield "6.2.4", fragments(TEXT, KOSME, 1), [ANSWER]
    wrong = KOSME + b"\xed\xa0\x80" + b"edited"
    yield "6.3.1", [frame(TEXT, wrong)], [1007]
    yield "6.3.2", fragments(TEXT, wrong, 1), [1007]
    begun = frame(TEXT, KOSME, final=False)  # that it is wrong is known before the message ends, so nothing ends it
    yield "6.4.1", [begun, frame(CONTINUATION, b"\xf4\x90\x80\x80", final=False)], [1007]
    yield "6.4.2", [begun, frame(CONTINUATION, b"\xf4", final=False), frame(CONTINUATION, b"\x90", final=False)], [1007]
    yield "6.4.3", [frame(TEXT, KOSME + b"\xf4\x90", final=False)], [1007]
    yield "6.4.4", octets(frame(TEXT, KOSME + b"\xf4", final=False) + frame(CONTINUATION, b"\x90", final=False)), [1007]
    for section, texts in TEXTS.items():
        for number, data in enumerate(texts, 1):
            yield f"6.{section}.{number}", [frame(TEXT, data)], [ANSWER if is_utf8(data) else 1007]


def closing() -> Iterator[Case]:
    hello, bye = frame(TEXT, b"Hello"), close(1000)
    yield "7.1.1", [hello, bye], [ANSWER, 1000]
    yield "7.1.2", [bye, bye], [1000]
    yield "7.1.3", [bye, frame(PING)], [1000]
    yield "7.1.4", [bye, hello], [1000]
    yield "7.1.5", [frame(TEXT, b"fragment1", final=False), bye, frame(CONTINUATION, b"fragment2")], [1000]
    yield "7.1.6", [frame(TEXT, said(262_144, b"*")), bye, frame(PING)], [ANSWER, 1000]
    yield "7.3.1", [close()], [0]
    yield "7.3.2", [frame(CLOSE, b"a")], [1002]
    yield "7.3.3", [close(1000)], [1000]
    yield "7.3.4", [close(1000, b"Hello, world!")], [1000]
    yield "7.3.5", [close(1000, b"*" * 123)], [1000]
    yield "7.3.6", [close(1000, b"*" * 124)], [1002]
    yield "7.5.1", [close(1000, KOSME + b"\xed\xa0\x80edited")], [1007]
    for number, code in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1):
        yield f"7.7.{number}", [close(code)], [code]
    for number, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield f"7.9.{number}", [close(code)], [1002]
    yield "7.13.1", [close(5000)], [1002]
    yield "7.13.2", [close(65_535)], [1002]


def sizes() -> Iterator[Case]:
    for section, opcode in ((1, TEXT), (2, BINARY)):
        for number, size in enumerate((65_536, 262_144, 1_048_576, 4_194_304, 8_388_608, MOST), 1):
            yield f"9.{section}.{number}", [frame(opcode, said(size))], [ANSWER]
    for section, opcode in ((3, TEXT), (4, BINARY)):  # of a quarter of the suite's four mebibytes
        for number, part in enumerate((64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576), 1):
            yield f"9.{section}.{number}", [b"".join(fragments(opcode, said(1_048_576), part))], [ANSWER]
    for section, opcode in ((5, TEXT), (6, BINARY)):
        for number, chop in enumerate((64, 128, 256, 512, 1_024, 2_048), 1):
            yield f"9.{section}.{number}", octets(frame(opcode, said(1_048_576)), chop), [ANSWER]
    for section, opcode in ((7, TEXT), (8, BINARY)):
        for number, size in enumerate((0, 16, 64, 256, 1_024, 4_096), 1):
            yield f"9.{section}.{number}", [frame(opcode, said(size))] * 1_000, [ANSWER] * 1_000
    yield "10.1.1", fragments(TEXT, said(65_536), 1_300), [ANSWER]


def beyond_the_suite() -> Iterator[Case]:
    yield "unmasked", [frame(TEXT, b"Hello", masked=False)], [1002]
    yield "unmasked-close", [frame(CLOSE, b"\x03\xe8", masked=False)], [1002]
    yield "too-big", [frame(TEXT, b"")[:1] + b"\xff" + (MOST + 1).to_bytes(8, "big")], [1009]
    yield "negative", [frame(TEXT, b"")[:1] + b"\xff" * 9], [1009]
    yield "registered-1012", [close(1012)], [1012]


CASES: Final = [
    *framing(),
    *pings(),
    *reserved_bits(),
    *opcodes(),
    *fragmentation(),
    *utf8(),
    *closing(),
    *sizes(),
    *beyond_the_suite(),
]


@pytest.mark.parametrize(("sent", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_case(server: Served, sent: list[bytes], expected: list[Expected]) -> None:
    with FrameClient(server.port, "/ws") as client:
        if expected and isinstance(expected[-1], int):
            client.send(sent)
            assert_seen(client.rest(), expected)
            return
        client.send(sent)
        found = [client.frame() for _ in expected]
        assert_seen([got[1:] for got in found if got is not None], expected)
        client.send([close(1000)])
        assert_seen(client.rest(), [1000])


def assert_seen(found: list[tuple[int, bytes]], expected: list[Expected]) -> None:
    seen: list[Any] = []
    for opcode, payload in found:
        if opcode == TEXT:
            answer = msgspec.json.decode(payload)
            assert answer["ok"] is False
            seen.append(ANSWER)
        elif opcode == CLOSE:
            seen.append(int.from_bytes(payload[:2], "big"))
        else:
            seen.append((opcode, payload))
    assert seen == expected


def test_the_server_has_logged_no_failure(server: Served) -> None:
    assert "Traceback" not in server.log()
