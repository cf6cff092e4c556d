"""The client: what it raises, and that a watch outlives its connections."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.graphs import chain
from support.site import HELD, Site, site_on

from sessiond.actors.core.errors import NotFound, Unavailable
from sessiond.gateway.client import Backoff, Client, ProblemError


async def test_refusals_carry_what_the_problem_says(lone_site: Site) -> None:
    client = lone_site.client
    await client.execute(HELD, session_id="s1", start=False)
    with pytest.raises(ProblemError) as refused:
        await client.control("s1", "pause")
    assert (refused.value.status, refused.value.problem_code) == (409, "refused")
    assert (refused.value.session_status, refused.value.allowed) == ("pending", ("start", "cancel"))
    with pytest.raises(ProblemError) as invalid:
        await client.validate({"workflow_id": "w"})
    assert invalid.value.status == 422
    assert invalid.value.faults


async def test_a_watch_of_an_unknown_session_fails(lone_site: Site) -> None:
    with pytest.raises(NotFound):
        await anext(lone_site.client.watch("none"))


async def test_a_watch_comes_back_with_after_when_connections_break(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/sessions.db"
    async with site_on(store) as site:
        await site.client.execute(HELD, session_id="s1")
        await site.started.get()
        returned: list[float] = []

        async def pause(seconds: float) -> None:
            returned.append(seconds)
            site.go.set()

        seqs = []
        async with Client(site.url, pause=pause, chance=lambda: 0.5) as client:
            async for record in client.watch("s1"):
                seqs.append(record.seq)
                if not returned and len(seqs) == 3:
                    for stream in list(site.server.gateway.streams):
                        stream.leave()
        assert seqs == list(range(1, (await site.client.detail("s1")).seq + 1))
        assert returned == [0.2]


async def test_a_watch_gives_up_when_the_server_stays_away(unused_port: int) -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    url = f"http://127.0.0.1:{unused_port}"
    async with Client(url, pause=pause, chance=lambda: 0.5, backoff=Backoff(1.0, 4.0, tries=4)) as client:
        with pytest.raises(Unavailable, match="stays away"):
            await anext(client.watch("s1"))
        assert waited == [1.0, 2.0, 4.0, 4.0]
        with pytest.raises(Unavailable, match="reached"):
            await client.detail("s1")


async def test_a_page_and_a_watch_tell_the_same(site: Site) -> None:
    started = await site.client.execute(chain(5))
    watched = [record.seq async for record in site.client.watch(started.session_id)]
    page = await site.client.events(started.session_id)
    assert page.last_seq == watched[-1]
    assert len(page.items) == len(watched)
