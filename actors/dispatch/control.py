"""Messages that overtake data, and those that every actor understands."""

from __future__ import annotations

__all__ = ["Control", "Kill", "Suspend", "Unsuspend"]


class Control:
    """Base of messages that overtake data: mix it into any message class, msgspec structs included."""

    __slots__ = ()


class Kill(Control):
    """Stop now: what waits is refused, an awaiting handler is cancelled, then ``on_stop`` runs."""

    __slots__ = ()


class Suspend(Control):
    """Serve control messages only, from the next message on, until ``Unsuspend``."""

    __slots__ = ()


class Unsuspend(Control):
    """Serve data again."""

    __slots__ = ()
