"""What a session waits for, and requests that wait until it does, is quiet, or has ended.

A long poll follows the session's events from the seq of the detail that didn't satisfy it, so nothing is missed in
between; it looks again only when an event may have changed the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias, assert_never

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..actors.core.detail import SessionDetail
from ..actors.core.events import HumanInteractionRequired
from ..actors.core.lifecycle import TERMINAL
from ..actors.runtime import Runtime
from ..actors.streams import Subscription
from .call import Call
from .problems import Unauthenticated

Wait: TypeAlias = Literal["completed", "quiesced", "waiting"]

_TELLING: Final = (b'"event":"execution:', b'"event":"human_interaction_required"', b'"event":"signal_awaited"')
"""Stand in events that may change whether a wait is over."""


class DetailQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /sessions/{id}`.

    Attributes:
        wait: answer only when the session has ended (`completed`), is paused and quiet (`quiesced`), or waits for a
            person or a signal (`waiting`); an end is always answered.
        timeout_s: seconds after which the present state is answered anyway; the server may have a shorter limit.
    """

    wait: Wait | None = None
    timeout_s: Annotated[float, Meta(ge=0, le=3_600)] = 30.0


class LongPoll:
    """A request that waits; it ends when the server goes away, or the client does.

    Attributes:
        expelled: whether it ended because whoever asked has no leave any more.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.expelled = False

    def leave(self) -> None:
        """Answer the present state."""
        self._subscription.close()

    def expel(self) -> None:
        """Answer nothing more: whoever asked has no leave any more."""
        self.expelled = True
        self._subscription.close()

    async def telling(self) -> bool:
        """Wait for an event that may matter; False once there is no point in waiting."""
        while (chunk := await self._subscription.pull()) is not None:
            if any(name in chunk.data for name in _TELLING):
                return True
        return False


async def await_detail(call: Call) -> SessionDetail:
    """Return a session as soon as it is as the call's DetailQuery wants it, or what it is like by then.

    Raises:
        NotFound: there is no such session.
        Overloaded, TooManyStreams: too many requests wait.
    """
    gateway, runtime, session_id = call.gateway, call.runtime, call.path["session_id"]
    query: DetailQuery = call.query
    detail = await runtime.detail(session_id)
    if query.wait is None or await is_over(runtime, detail, query.wait) or gateway.draining:
        return detail  # a drain tells those who wait by now: it is looked at last
    with gateway.following(call.principal, session_id, detail.seq) as subscription:
        poll = LongPoll(subscription)
        gateway.enter(poll, call.principal)
        call.when_gone(poll.leave)
        try:
            async with asyncio.timeout(min(query.timeout_s, gateway.settings.wait_s)):
                while await poll.telling():
                    detail = await runtime.detail(session_id)
                    if await is_over(runtime, detail, query.wait):
                        return detail
        except TimeoutError:
            pass
        finally:
            gateway.leave(poll)
    if poll.expelled:
        raise Unauthenticated("your leave has ended", "invalid_token")
    return await runtime.detail(session_id)


async def is_over(runtime: Runtime, detail: SessionDetail, wait: Wait) -> bool:
    """Return whether a session is as `wait` wants it."""
    if detail.status in TERMINAL:
        return True
    match wait:
        case "completed":
            return False
        case "quiesced":
            return detail.quiesced
        case "waiting":
            return bool(await open_waits(runtime, detail))
        case _:
            assert_never(wait)


async def open_waits(runtime: Runtime, detail: SessionDetail) -> Mapping[str, HumanInteractionRequired | UnsetType]:
    """Return the nodes that wait for a person, each with its question, or for a signal, with UNSET."""
    suspended = {name: node.wait for name, node in detail.nodes.items() if node.status == "suspended"}
    if not suspended:
        return {}
    nodes = (await runtime.workflow_of(detail.session_id)).nodes
    return {name: wait for name, wait in suspended.items() if wait is not UNSET or nodes[name].type.signalled}
