"""A gateway over each kind of store that needs no server of its own."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.certificates import Authority
from support.llm_server import LLMServer, llm_server
from support.site import Site, site_on


@pytest.fixture(params=["memory", "sqlite"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/sessions.db"
    async with site_on(url, drain_s=5.0) as made:
        yield made


@pytest.fixture
async def lone_site() -> AsyncIterator[Site]:
    """For what no store has a part in."""
    async with site_on("memory://") as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Vouches for the server of `secure`."""
    return Authority(tmp_path)


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[Site]:
    """A site over TLS."""
    async with site_on("memory://", ca=authority.ca, **authority.settings) as made:
        yield made


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on, most likely."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    """An endpoint for agents, whose answers the test scripts."""
    async with llm_server() as server:
        yield server
