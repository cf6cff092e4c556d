"""Lines from a descriptor, awaited."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator

import pytest

from sessiond.gateway.terminal import LineReader


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # a test may have closed it
            os.close(end)


async def test_lines_come_one_by_one_however_they_were_written(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with LineReader(reading) as reader:
        os.write(writing, "one\ntwö\nth".encode())
        assert await reader.line() == "one"
        assert await reader.line() == "twö"
        later = asyncio.ensure_future(reader.line())
        await asyncio.sleep(0)
        assert not later.done()
        os.write(writing, b"ree\r\n")
        assert await later == "three"


async def test_the_end_is_an_eof_error_after_what_was_typed(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with LineReader(reading) as reader:
        os.write(writing, b"last\n")
        os.close(writing)
        assert await reader.line() == "last"
        with pytest.raises(EOFError):
            await reader.line()


async def test_a_reader_can_be_entered_again(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    reader = LineReader(reading)
    for word in (b"one", b"two"):
        with reader:
            os.write(writing, word + b"\n")
            assert await reader.line() == word.decode()
