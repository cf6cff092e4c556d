"""Idempotency keys: a request that is sent twice is carried out once, and answered alike.

After the draft of the HTTP working group (draft-ietf-httpapi-idempotency-key-header-07), except that any printable
text is a key. What a crash forgets, and what it doesn't: docs/adr/0015-idempotency-keys.md.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from ..actors.core.errors import Fault, InvalidInput
from .problems import KeyInUse, KeyReused
from .reply import Reply

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
"""Says of an answer that it was given before."""

_KEY: Final = re.compile(r"[!-~]{1,255}")
_SESSIONS: Final = uuid.UUID("0a4d3f0e-6d0c-5a0c-9a53-6d4d0f6f7c11")
"""The namespace of session ids that are made of keys; it must never change."""

Whose: TypeAlias = tuple[str, str]
"""A tenant and its key."""


class _Entry(msgspec.Struct):
    """What is known of a key; without a reply the request is still being answered."""

    request: bytes
    at: float
    reply: Reply | None = None
    size: int = 0


class Answers:
    """The answers that were given to requests with a key: bounded in number, in bytes and in age.

    Args:
        most: answers kept.
        most_bytes: bytes of their bodies.
        keep_s: seconds for which an answer is kept.
        clock: monotonic seconds.
    """

    def __init__(self, most: int, most_bytes: int, keep_s: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._keep_s = keep_s
        self._clock = clock
        self._running: dict[Whose, _Entry] = {}
        self._given: OrderedDict[Whose, _Entry] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._given)

    async def once(self, whose: Whose, request: bytes, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return the stored answer, or have the request answered and store that.

        A request that fails had no effect, so nothing is stored: it may be sent again.

        Args:
            whose: the tenant and its key.
            request: what identifies the request.
            answer: carries the request out; its reply's body is bytes, or None.

        Raises:
            KeyReused: the key came with another request.
            KeyInUse: the same request is still being answered.
        """
        self._forget()
        known = self._running.get(whose) or self._given.get(whose)
        if known is not None:
            if known.request != request:
                raise KeyReused
            if known.reply is None:
                raise KeyInUse
            headers = {**known.reply.headers, REPLAYED: "true"}
            return msgspec.structs.replace(known.reply, headers=headers)
        entry = self._running[whose] = _Entry(request, self._clock())
        try:
            reply = await answer()
        finally:
            del self._running[whose]
        entry.reply = reply
        entry.at = self._clock()
        entry.size = len(reply.body or b"")
        self._given[whose] = entry
        self._size += entry.size
        self._forget()
        return reply

    def _forget(self) -> None:
        """Let go of the oldest answers, as far as they are too old or too many."""
        oldest = self._clock() - self._keep_s
        while self._given:
            entry = next(iter(self._given.values()))
            if entry.at > oldest and len(self._given) <= self._most and self._size <= self._most_bytes:
                return
            self._given.popitem(last=False)
            self._size -= entry.size


def key_of(text: str | None) -> str | None:
    """Return the key in a header, None without one.

    Raises:
        InvalidInput: it can't be a key.
    """
    if text is not None and not _KEY.fullmatch(text):
        raise InvalidInput([Fault(HEADER, "should be 1 to 255 printable ASCII characters")], "the request")
    return text


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return what tells a request from others."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def session_id_for(whose: Whose) -> str:
    """Return the id of the session that a request with this key creates, if it names none.

    The same key always gives the same id, so a second session can't come of it even if the answer is forgotten.
    """
    tenant, key = whose
    return str(uuid.uuid5(_SESSIONS, f"{tenant}\0{key}"))


def command_id_for(key: str, message: msgspec.Struct) -> str:
    """Return the name under which a session remembers the command of a request with this key.

    Another command with the same key has another name: whether the key was used before is for `Answers` to say.
    """
    content = msgspec.json.encode((key, type(message).__name__, message), order="sorted")
    return hashlib.sha256(content).hexdigest()[:32]
