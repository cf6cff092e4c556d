"""Whom a client trusts: the system's authorities, or those in a file, and nobody without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import Authority
from support.command import command
from support.graphs import chain
from support.served import WORKFLOWS, Served
from support.site import Site

from sessiond.actors.core.errors import Unavailable
from sessiond.gateway.client import Client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Authority]]:
    directory = tmp_path_factory.mktemp("server")
    authority = Authority(directory)
    files = ("--tls-cert", authority.cert, "--tls-key", authority.key)
    with Served("--store", "memory://", *files, *WORKFLOWS, cwd=directory) as server:
        yield server, authority


async def test_https_and_wss_are_two_names_of_one_server(secure: Site, authority: Authority) -> None:
    for url in (secure.url, secure.url.replace("https", "wss"), secure.url.replace("127.0.0.1", "localhost")):
        async with Client(url, ca=str(authority.ca)) as client:
            started = await client.execute(chain(1))
            assert [record.event async for record in client.watch(started.session_id)][-1] == "execution:completed"


@pytest.mark.parametrize("name", ["another", None], ids=["another authority", "the system's"])
async def test_a_server_for_whom_nobody_vouches_is_refused_at_once(
    secure: Site, tmp_path: Path, name: str | None
) -> None:
    ca = None if name is None else Authority(tmp_path, name).ca
    async with Client(secure.url, ca=ca) as client:
        with pytest.raises(Unavailable, match="can't be trusted: "):
            await client.rows()
        with pytest.raises(Unavailable, match="can't be trusted: "):
            await anext(client.watch("s1"))


async def test_a_certificate_for_another_name_is_refused(secure: Site, authority: Authority) -> None:
    authority.issue(name="elsewhere.example")
    secure.server.reload()
    async with Client(secure.url.replace("127.0.0.1", "localhost"), ca=authority.ca) as client:
        with pytest.raises(Unavailable, match="can't be trusted: Hostname mismatch"):
            await client.rows()


def test_commands_trust_the_authorities_in_a_file(served: tuple[Served, Authority]) -> None:
    server, authority = served
    where = {"SESSIOND_SERVER": server.url}
    done = command("execute", "council_debate", "-i", "topic=tea", "-i", "pace=0", "--watch", "--json", "--ca",
                   authority.ca, env=where)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["data"]["status"] == "completed"
    assert command("ls", env={**where, "SESSIOND_CA": str(authority.ca)}).returncode == 0


def test_commands_say_in_one_line_why_they_trust_nobody(served: tuple[Served, Authority], tmp_path: Path) -> None:
    server, _ = served
    where = {"SESSIOND_SERVER": server.url}
    done = command("ls", "--ca", Authority(tmp_path, "another").ca, env=where)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: {server.url} can't be trusted: ")
    assert len(done.stderr.splitlines()) == 1
    done = command("ls", "--ca", tmp_path / "nowhere.pem", env=where)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/nowhere.pem: No such file or directory\n")


def test_a_server_whose_files_cannot_be_used_says_so_and_does_not_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    done = command("serve", "--store", "memory://", "--tls-cert", authority.cert)
    assert (done.returncode, "tls_key: has to be set too" in done.stderr) == (2, True)
    done = command("serve", "--store", "memory://", "--tls-cert", authority.cert, "--tls-key", "nowhere.key")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nowhere.key: No such file or directory\n"
