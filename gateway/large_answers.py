"""How much of large answers may wait for the clients of a tenant: each is in memory until its client has taken it.

A session's detail has up to some 70 MiB, and a request for it some hundred bytes: who asks twenty times and reads
nothing would have a gigabyte kept, for as long as `stall_s`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Raw

from ..actors.core.detail import SessionDetail
from .problems import TooManyAnswers
from .responses import ReviewList

LARGE: Final = 2_097_152
"""Bytes of an answer from which on it counts."""
MOST: Final = 134_217_728
"""Bytes of large answers that wait for the clients of one tenant; one alone may have more."""


def size_of(body: object) -> int:
    """Return how many bytes an answer has, about and before it is encoded; 0 of those that are never large."""
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, SessionDetail):
        outputs = (node.output for node in body.nodes.values())
        return sum(memoryview(output).nbytes for output in outputs if isinstance(output, Raw))
    if isinstance(body, ReviewList):
        return sum(len(item.prompt) for item in body.items)
    return 0


class LargeAnswers:
    """Counts the large answers that are being sent."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def sending(self, tenant: str, size: int, *, looks: bool = True) -> Iterator[None]:
        """Count an answer while it is sent.

        Args:
            tenant: whose.
            size: in bytes.
            looks: whether nothing was done for it that the client would have to be told of.

        Raises:
            TooManyAnswers: too much waits already, and it is only a look.
        """
        if size < LARGE:
            yield
            return
        waiting = self._bytes[tenant]
        if looks and waiting and waiting + size > self._most:
            raise TooManyAnswers(f"{waiting >> 20} MiB of answers wait for your clients to take them")
        self._bytes[tenant] += size
        try:
            yield
        finally:
            self._bytes[tenant] -= size
            if not self._bytes[tenant]:
                del self._bytes[tenant]

    def of(self, tenant: str) -> int:
        """Return how many bytes wait for a tenant's clients."""
        return self._bytes[tenant]
