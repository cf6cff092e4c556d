"""How a runtime behaves."""

from __future__ import annotations

import msgspec

from .http_policy import HttpPolicy


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a runtime behaves.

    Attributes:
        threads: blocking nodes that may run at once.
        processes: nodes with `runs_in="process"` that may run at once; 0 for one per core.
        http: what `http` nodes may call; None turns them off.
        read_threads: store reads that may run at once.
        grace_s: seconds that running nodes have to clean up after a cancel.
        plugins: whether node types of installed packages are loaded.
        strict_durability: whether a store whose settings may lose acknowledged data is refused.
        answer_s: seconds after which a command whose commit is still under way is answered as unknown.
        passivate_s: seconds, at least, and twice that at most, after which a session in which nothing happens
            leaves memory.
        block_s: seconds after which code that keeps the event loop from turning is reported; 0 for never.
        retain_s: seconds after which a session that has ended is deleted; None keeps it.
        log_limit_events: events, about, of a session's log that are kept; older ones go with its snapshots, and who
            asks for them gets a snapshot in their place. None keeps all. At least those since the last snapshot
            but one stay, as do all of a session that has child sessions.
        log_limit_bytes: the same in bytes.
        model_tokens_per_minute: of language models, input and output together, that the agents of one tenant may use,
            and as many at once; over it they wait before their next call. None for any number. It is of this process
            alone, and in memory.
        recovery_at_once: sessions that are brought back at the same time after a crash.
        snapshot_bytes: bytes of a session's log, at least, after which a snapshot is worth its own.
    """

    threads: int = 32
    processes: int = 0
    http: HttpPolicy | None = None
    read_threads: int = 4
    grace_s: float = 5.0
    plugins: bool = True
    block_s: float = 0.25
    strict_durability: bool = False
    answer_s: float = 10.0
    passivate_s: float = 300.0
    retain_s: float | None = None
    log_limit_events: int | None = None
    log_limit_bytes: int | None = None
    model_tokens_per_minute: int | None = None
    recovery_at_once: int = 64
    snapshot_bytes: int = 1_048_576
