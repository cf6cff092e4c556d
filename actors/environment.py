"""What the sessions of a runtime share: everything from outside is passed in here."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from .core.errors import StoreError
from .core.extent import LogLimit
from .core.messages import Command
from .core.meters import SessionMeters
from .core.node import NodeRegistry
from .core.ports import Clock, Committer, Ids
from .resources import NodeResources
from .streams import EventHub


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        """Return seconds since the Unix epoch."""
        return time.time()


class RandomIds:
    """UUID version 4 (RFC 9562), from a source of randomness that may be seeded."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = source or random.SystemRandom()

    def new(self) -> str:
        """Return a fresh id."""
        return str(uuid.UUID(int=self._source.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings of a session.

    Attributes:
        resources: what running nodes share: threads, processes, leave to call other servers.
        grace_s: seconds that running nodes have to clean up after a cancel.
        meters: what is counted of sessions.
        order: has a child session handle a command some time soon: id, command.
        soon: whether a timer that is due at a time (epoch seconds) needs its session in memory.
        snapshot_bytes: bytes of a session's log, at least, after which a snapshot is worth its own.
        log_limit: how much of a session's log is kept.
        retire: takes a session out of the directory: shard, id.
        fail_over: asks the supervisor to recover a session that met a bug: shard, id.
        distrust: keeps a session from being brought back whose log isn't as its owner left it: id, why.
    """

    clock: Clock
    ids: Ids
    committer: Committer
    hub: EventHub
    registry: NodeRegistry
    resources: NodeResources
    grace_s: float
    meters: SessionMeters
    order: Callable[[str, Command], None]
    soon: Callable[[float | None], bool]
    snapshot_bytes: int
    log_limit: LogLimit
    retire: Callable[[int, str], None]
    fail_over: Callable[[int, str], None]
    distrust: Callable[[str, StoreError], None]
