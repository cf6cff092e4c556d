"""Passivation: sessions in which nothing happens leave memory, and come back when somebody wants them.

Second chance, as in the clock algorithm of page replacement (F. Corbató, 1968): each sweep lets those go that
heard nothing since the sweep before. So a session leaves after one to two periods without a message, and
needs no timer of its own for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from pykka import ActorDeadError, ActorRef

from .queries import Passivate
from .session import SessionActor

AT_ONCE: Final = 500
"""Sessions that are asked between two turns of the loop."""


Directory = dict[str, ActorRef[SessionActor]]
"""Sessions in memory: id → ref."""


async def sweep(directories: Iterable[Directory]) -> list[str]:
    """Have every session leave memory that heard nothing since the sweep before; return their ids."""
    left: list[str] = []
    for directory in directories:
        refs = list(directory.items())
        for at in range(0, len(refs), AT_ONCE):
            some = refs[at : at + AT_ONCE]
            answers = await asyncio.gather(*[_asked(ref) for _, ref in some])
            left += [session_id for (session_id, _), leaves in zip(some, answers, strict=True) if leaves]
    return left


async def _asked(ref: ActorRef[SessionActor]) -> bool:
    try:
        leaves: bool = await ref.ask(Passivate(), block=False)
    except ActorDeadError:
        return False
    return leaves
