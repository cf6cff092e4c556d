"""Who the caller is to the server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
from support.people import bearer, guarded_site
from support.site import Site, problem, site_on

from sessiond.gateway.keys import append_key, new_key
from sessiond.gateway.principal import ROLES

ME = "/api/v1/me"


async def me(site: Site, token: str | None = None) -> Any:
    answer = await site.fetch("GET", ME, headers=None if token is None else bearer(token))
    assert answer.code == 200, answer.body
    return msgspec.json.decode(answer.body)


async def test_whoever_has_a_key_is_told_its_name_tenant_and_roles(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        for (tenant, role), key in guarded.keys.items():
            name = f"key:{guarded.people.entries[key].id}"
            found = await me(guarded.site, key)
            assert found == {"name": name, "tenant": tenant, "roles": [role], "expires_at": None}
            assert msgspec.to_builtins(await guarded.client(role, tenant).me()) == {**found, "roles": (role,)}
        assert {role for _, role in guarded.keys} == set(ROLES)
        assert problem(await guarded.site.fetch("GET", ME), 401)["code"] == "unauthenticated"


async def test_an_end_is_told_as_a_time(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        token, entry = new_key("acme", ("viewer",), "2999-01-01T00:00:00.000000Z")
        append_key(guarded.people.path, entry)
        guarded.site.server.gateway.auth.refresh()
        assert (await me(guarded.site, token))["expires_at"] == "2999-01-01T00:00:00.000000Z"


async def test_without_authentication_everybody_is_an_anonymous_admin() -> None:
    async with site_on("memory://") as site:
        nobody = {"name": "anonymous", "tenant": "default", "roles": ["admin"], "expires_at": None}
        assert await me(site) == await me(site, "whatever") == nobody
        assert problem(await site.fetch("GET", f"{ME}?x=1"), 422)["code"] == "invalid"


async def test_whoever_has_a_token_is_told_its_subject(tmp_path: Path) -> None:
    import jwt

    secret = tmp_path / "secret"
    secret.write_text("s" * 64)
    async with site_on("memory://", jwt_key=str(secret), jwt_algorithm="HS256") as site:
        ends = int(time.time()) + 60
        claims = {"sub": "ann@example.org", "tenant": "acme", "roles": ["operator", "author", "king"], "exp": ends}
        found = await me(site, jwt.encode(claims, "s" * 64, algorithm="HS256"))
        assert (found["name"], found["tenant"], found["roles"]) == ("ann@example.org", "acme", ["operator", "author"])
        assert found["expires_at"] is not None
        late = jwt.encode(claims | {"exp": 10**12}, "s" * 64, algorithm="HS256")
        assert (await me(site, late))["expires_at"].startswith("9999-12-31"), "no later time can be written"
        nobody = jwt.encode(claims | {"roles": []}, "s" * 64, algorithm="HS256")
        assert problem(await site.fetch("GET", ME, headers=bearer(nobody)), 403)["code"] == "forbidden"
