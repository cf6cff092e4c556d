"""What a session is told that changes nothing: questions, and the leave to go."""

from __future__ import annotations

from .dispatch.mailbox import Control


class Describe(Control):
    """Asks for the session's detail, as far as it is durable."""

    __slots__ = ()


class AwaitEnd(Control):
    """Asks for the session's detail once it has ended."""

    __slots__ = ()


class AwaitQuiet(Control):
    """Asks to be answered once nothing of the session works: it is paused and quiet, or has ended."""

    __slots__ = ()


class AwaitStored:
    """Asks to be answered once all that was reported before is stored; waits its turn among reports."""

    __slots__ = ()


class Passivate:
    """Asks a session to leave memory if nothing happened since it was last asked; the answer is whether it does."""

    __slots__ = ()
