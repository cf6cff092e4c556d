"""What language models may use up a minute, for each tenant: an agent waits before a call while its tenant is in debt.

What a call takes is known only when it is through, so it is taken then, and may be more than there was; the next one
waits until that is made up for. Calls that are under way at the same time don't know of each other. All of it is in
memory, of this process alone: a restart forgets debts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from .core.tenancy import tenant_of
from .core.token_bucket import Buckets

if TYPE_CHECKING:
    from .context import NodeContext

WAITS: Final = "waits for its tenant's model budget"
"""What watchers of an agent are told meanwhile."""
SHORTEST_S: Final = 0.001
"""Seconds of the shortest wait: so little that is left would never pass on a clock of floats."""


class ModelBudget:
    """The tokens that each tenant's agents may use.

    Args:
        per_minute: input and output together; as much may come at once. None for any number.
        clock: seconds, only forward: that of the event loop, which ends the waits.

    Attributes:
        input_tokens: used so far, by all.
        output_tokens: the same of answers.
        waiting: agents that wait now.
    """

    def __init__(self, per_minute: float | None, clock: Callable[[], float]) -> None:
        self._buckets = None if per_minute is None else Buckets(per_minute / 60, per_minute)
        self._clock = clock
        self.input_tokens = 0
        self.output_tokens = 0
        self.waiting = 0

    def spend(self, session_id: str, input_tokens: int, output_tokens: int) -> None:
        """Count what a call of a session used."""
        self.input_tokens += max(0, input_tokens)
        self.output_tokens += max(0, output_tokens)
        if self._buckets is not None:
            now = self._clock()
            self._buckets.of(tenant_of(session_id), now).spend(max(0, input_tokens) + max(0, output_tokens), now)

    def wait(self, session_id: str) -> float:
        """Return seconds until a session may call a model; 0 if it may now."""
        if self._buckets is None:
            return 0.0
        now = self._clock()
        return self._buckets.of(tenant_of(session_id), now).wait(now, need=0.0)

    async def admit(self, context: NodeContext) -> None:
        """Wait until an attempt may call a model, as at a checkpoint; watchers are told why.

        The attempt's time limit goes on meanwhile, unless its session is paused.

        Raises:
            Stopped: the session has ended.
        """
        wait = self.wait(context.session_id)
        if not wait:
            return
        context.progress(message=WAITS)
        self.waiting += 1
        try:
            while wait:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(wait, SHORTEST_S)):
                        await context.gate.closure()
                await context.checkpoint()
                wait = self.wait(context.session_id)
        finally:
            self.waiting -= 1
