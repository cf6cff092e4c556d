"""Who may do what, on every call and every stream."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.graphs import chain
from support.people import People, bearer, guarded_site
from support.site import HELD, REVIEW, problem, site_on

from sessiond.actors.core.errors import CorruptLog
from sessiond.gateway.client import Client, ProblemError, StreamRefused
from sessiond.gateway.principal import ROLES
from sessiond.gateway.routes import ROUTES

SECRET = b"0123456789abcdef0123456789abcdef"
EVENTS = "/api/v1/sessions/s1/events"
EXECUTE = "/api/v1/workflows/execute"


def path_of(route: Any) -> str:
    path: str = route.path
    return path.replace("{session_id}", "x").replace("{workflow_id}", "x").replace("{node_id}", "x")


async def test_nothing_but_health_is_told_to_those_who_do_not_say_who_they_are(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        for route in ROUTES:
            body = b"{}" if route.body else None
            answer = await guarded.site.fetch(route.method, path_of(route), body)
            if route.needs is None:
                assert answer.code == 200
                continue
            assert problem(answer, 401)["code"] == "unauthenticated"
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sessiond"'


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_as_far_as_the_table_says(tmp_path: Path, role: Any) -> None:
    async with guarded_site(tmp_path) as guarded:
        for route in ROUTES:
            answer = await guarded.fetch(route.method, path_of(route), {} if route.body else None, role=role)
            allowed = route.needs is None or ROLES.index(role) >= ROLES.index(route.needs)
            assert (answer.code != 403) == allowed, (role, route.method, route.path, answer.body)
            if not allowed:
                assert problem(answer, 403)["code"] == "forbidden"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer sdk_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Basic dXNlcjpwYXNz",
        "sdk",
        "Bearer a.b.c",
        "",
    ],
)
async def test_a_wrong_credential_is_no_better_than_none(tmp_path: Path, header: str) -> None:
    async with guarded_site(tmp_path) as guarded:
        answer = await guarded.site.fetch("GET", "/api/v1/sessions", headers={"Authorization": header})
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="sessiond", error="invalid_')
        good = {"Authorization": f"bearer {guarded.key('viewer')}"}
        assert (await guarded.site.fetch("GET", "/api/v1/sessions", headers=good)).code == 200


async def test_stored_workflows_may_be_run_by_an_operator_and_inline_ones_by_an_author(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client("author").put_workflow("w", chain(1))
        assert (await guarded.fetch("POST", EXECUTE, {"workflow_id": "w"}, role="operator")).code == 202
        for path in (EXECUTE, "/api/v1/sessions"):
            problem(await guarded.fetch("POST", path, {"graph": chain(1)}, role="operator"), 403)
            assert (await guarded.fetch("POST", path, {"graph": chain(1)}, role="author")).code in (201, 202)
            problem(await guarded.fetch("POST", path, {"workflow_id": "w"}, role="viewer"), 403)


async def test_the_log_says_who_gave_a_command(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        client = guarded.client()
        await client.execute(REVIEW, session_id="s1")
        await client.control("s1", "pause")
        await client.control("s1", "resume")
        await client.review("s1", "ask", "approve")
        name = f"key:{guarded.people.entries[guarded.key()].id}"
        said = [record.data async for record in client.watch("s1@acme") if record.event.startswith("execution:")]
        assert [data["by"] for data in said if "by" in data] == [name, name, name], "created, paused, resumed"
        page = await client.events("s1")
        events = [msgspec.json.decode(item) for item in page.items]
        assert [e["data"]["reviewer"] for e in events if e["event"] == "node_resumed"] == [name]


async def test_tokens_of_another_issuer_are_taken_beside_keys(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    settings = {"jwt_key": str(tmp_path / "secret"), "jwt_algorithm": "HS256", "jwt_audience": "sessiond"}
    async with guarded_site(tmp_path, **settings) as guarded:
        claims = {"sub": "ann", "exp": time.time() + 60, "aud": "sessiond", "tenant": "acme", "roles": ["author"]}
        async with Client(guarded.site.url, token=jwt.encode(claims, SECRET)) as client:
            await client.execute(HELD, session_id="s1", start=False)
            assert [item.session_id for item in (await guarded.client("viewer").rows()).items] == ["s1@acme"]
            with pytest.raises(ProblemError) as refused:
                await client.delete("s1")
            assert refused.value.status == 403
        async with Client(guarded.site.url, token=jwt.encode({**claims, "aud": "other"}, SECRET)) as client:
            with pytest.raises(ProblemError) as refused:
                await client.rows()
            assert refused.value.status == 401


async def test_a_socket_is_refused_by_a_close_code_after_an_accepted_upgrade(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        site = guarded.site
        assert await (await site.socket(EVENTS)).close_code() == 4401
        assert await (await site.socket(EVENTS, "Authorization: Bearer nonsense\r\n")).close_code() == 4401
        header = f"Authorization: Bearer {guarded.key('viewer')}\r\n"
        socket = await site.socket(EVENTS, header)
        assert (await socket.until("stream:live"))[0]["session_id"] == "s1@acme"
        await socket.close()
        foreign = f"Authorization: Bearer {guarded.key('admin', 'zeta')}\r\n"
        assert await (await site.socket(EVENTS, foreign)).close_code() == 4404


async def test_who_has_no_role_is_forbidden_on_streams_too(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    settings = {"jwt_key": str(tmp_path / "secret"), "jwt_algorithm": "HS256"}
    async with site_on("memory://", **settings) as site:
        token = jwt.encode({"sub": "x", "exp": time.time() + 60}, SECRET)
        socket = await site.socket(EVENTS, f"Authorization: Bearer {token}\r\n")
        assert await socket.close_code() == 4403
        headers = {**bearer(token), "Accept": "text/event-stream"}
        problem(await site.fetch("GET", EVENTS, headers=headers), 403)
        async with Client(site.url, token=token) as client:
            with pytest.raises(StreamRefused) as refused:
                await anext(client.watch("s1"))
            assert refused.value.close_code == 4403


async def test_a_stream_ends_when_the_leave_of_its_opener_does(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        token = guarded.people.add("viewer", "acme", expires_at=time.time() + 0.3)
        guarded.site.server.reload()
        socket = await guarded.site.socket(EVENTS, f"Authorization: Bearer {token}\r\n")
        await socket.until("stream:live")
        assert await socket.close_code() == 4401
        problem(await guarded.site.fetch("GET", "/api/v1/sessions", headers=bearer(token)), 401)
        assert not guarded.site.server.gateway.streams


async def test_a_key_that_is_removed_ends_its_streams_and_no_others(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        staying = await guarded.site.socket(EVENTS, f"Authorization: Bearer {guarded.key('viewer')}\r\n")
        leaving = await guarded.site.socket(EVENTS, f"Authorization: Bearer {guarded.key('operator')}\r\n")
        headers = {**bearer(guarded.key("operator")), "Accept": "text/event-stream"}
        ending = asyncio.ensure_future(guarded.site.fetch("GET", EVENTS, headers=headers))
        await leaving.until("stream:live")
        await staying.until("stream:live")
        while len(guarded.site.server.gateway.streams) < 3:
            await asyncio.sleep(0)
        guarded.people.remove(guarded.key("operator"))
        assert await leaving.close_code() == 4401
        assert (await ending).code == 200
        problem(await guarded.fetch("GET", "/api/v1/sessions", role="operator"), 401)
        await staying.send(9, b"here")
        assert await staying.frame() == (10, b"here")
        await staying.close()


STRANGE = "MCowBQYDK2VjAyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
"""A public key of a kind that nobody has heard of."""


async def test_a_key_for_tokens_that_nobody_knows_does_not_end_the_watch_over_the_files(tmp_path: Path) -> None:
    key = tmp_path / "issuer.pem"
    right = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key.write_bytes(right)
    async with guarded_site(tmp_path, jwt_key=str(key), jwt_algorithm="EdDSA") as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        leaving = await guarded.site.socket(EVENTS, f"Authorization: Bearer {guarded.key('operator')}\r\n")
        await leaving.until("stream:live")
        auth = guarded.site.server.gateway.auth
        before = auth._seen
        key.write_text(f"-----BEGIN PUBLIC KEY-----\n{STRANGE}\n-----END PUBLIC KEY-----\n")
        while auth._seen == before:
            await asyncio.sleep(0)
        key.write_bytes(right)
        guarded.people.remove(guarded.key("operator"))
        assert await leaving.close_code() == 4401


async def test_keys_that_are_added_count_at_once_and_a_broken_file_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded_site(tmp_path) as guarded:
        fresh = guarded.people.add("viewer", "acme")
        guarded.site.server.reload()
        assert (await guarded.site.fetch("GET", "/api/v1/sessions", headers=bearer(fresh))).code == 200
        guarded.people.path.write_text("nonsense\n")
        guarded.site.server.reload()
        assert (await guarded.site.fetch("GET", "/api/v1/sessions", headers=bearer(fresh))).code == 200
        assert "the keys stay as they were" in caplog.text


@pytest.mark.parametrize("content", [None, "", "nonsense"])
async def test_a_broken_key_for_tokens_keeps_no_key_from_being_revoked(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 64)
    async with guarded_site(tmp_path, jwt_key=str(secret), jwt_algorithm="HS256") as guarded:
        gone = guarded.people.add("viewer", "acme")
        guarded.site.server.reload()
        assert (await guarded.site.fetch("GET", "/api/v1/sessions", headers=bearer(gone))).code == 200
        secret.unlink() if content is None else secret.write_text(content)
        guarded.people.remove(gone)
        guarded.site.server.reload()
        assert (await guarded.site.fetch("GET", "/api/v1/sessions", headers=bearer(gone))).code == 401
        assert "the key for tokens stays as it was" in caplog.text


async def test_without_keys_everybody_on_this_machine_may_do_everything(tmp_path: Path) -> None:
    async with site_on("memory://") as site:
        assert (await site.post(EXECUTE, {"graph": chain(1)})).code == 202
        given = {"Authorization": "Bearer whatever"}
        assert (await site.fetch("GET", "/api/v1/sessions", headers=given)).code == 200


async def test_a_file_without_keys_lets_nobody_in(tmp_path: Path) -> None:
    people = People(tmp_path / "keys.jsonl")
    people.path.touch()
    async with site_on("memory://", keys=str(people.path)) as site:
        problem(await site.fetch("GET", "/api/v1/sessions"), 401)


async def test_nobody_says_in_a_body_who_asks_or_whose_something_is(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        for path, body in (
            (EXECUTE, {"graph": HELD, "tenant": "zeta"}),
            (EXECUTE, {"graph": HELD, "parent_id": "s1"}),
            (EXECUTE, {"graph": HELD, "by": "somebody"}),
            ("/api/v1/sessions/s1/fork", {"after_seq": 1, "by": "somebody"}),
            ("/api/v1/sessions/s1/review", {"node_id": "a", "action": "approve", "by": "somebody"}),
            ("/api/v1/sessions/s1/control", {"action": "start", "by": "somebody"}),
            ("/api/v1/sessions/s1/signal", {"name": "x", "by": "somebody"}),
            ("/api/v1/sessions/s1/fork", {"after_seq": 1, "tenant": "zeta"}),
            ("/api/v1/tickets", {"tenant": "zeta"}),
        ):
            assert problem(await guarded.fetch("POST", path, body), 422)["code"] == "invalid"
        for query in ("tenant=zeta", "session_id=s1"):
            problem(await guarded.fetch("GET", f"/api/v1/sessions?{query}"), 422)
        detail = await guarded.fetch("GET", "/api/v1/sessions/s1")
        assert "tenant" not in msgspec.json.decode(detail.body)


async def test_health_names_no_session_to_those_who_say_not_who_they_are(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded, site_on("memory://") as open_site:
        for site in (guarded.site, open_site):
            site.runtime.restorer.distrust("s1@acme", CorruptLog("damaged"))
        assert (await guarded.site.fetch("GET", "/readyz")).body == b'{"status":"ok"}'
        assert b"s1@acme" in (await open_site.fetch("GET", "/readyz")).body
