"""A session that is being created: what overtakes its creation finds nothing, and does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import chain, registry
from support.watching import collect, contiguous

from sessiond import Runtime
from sessiond.actors.core.errors import NotFound
from sessiond.actors.core.messages import Cancel, Create, Start
from sessiond.actors.queries import AwaitEnd, Describe
from sessiond.actors.supervisor import Open


@pytest.mark.parametrize("hasty", [Cancel(), Start(), Describe(), AwaitEnd()], ids=lambda m: type(m).__name__)
async def test_control_that_overtakes_the_creation_finds_no_session(store_url: str, hasty: Any) -> None:
    async with Runtime.open(store_url, registry=registry()) as runtime:
        workflow = await runtime.definitions.keep(runtime.definitions.compile(chain(2)), listed=False)
        compiled = await runtime.definitions.find(workflow.workflow_id, workflow.version)
        supervisor = runtime.placement.shard("s1").supervisor
        session = await supervisor.ask(Open("s1", compiled, False), block=False)
        creation = session.ask(Create(session_id="s1"), block=False)
        overtaking = session.ask(hasty, block=False)
        with pytest.raises(NotFound):
            await overtaking
        assert (await creation).session_id == "s1"
        await runtime.session("s1").result()
        records = await collect(runtime.session("s1"))
        contiguous(records)
        assert [record.event for record in records[:2]] == ["execution:created", "execution:started"]
