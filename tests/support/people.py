"""People with keys, and a gateway that asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from support.site import Site, site_on
from tornado.httpclient import HTTPResponse

from sessiond.actors.core.timestamps import stamp
from sessiond.gateway.client import Client
from sessiond.gateway.keys import KeyEntry, append_key, new_key
from sessiond.gateway.principal import ROLES, Role


class People:
    """A keys file, and the keys whose hashes it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, KeyEntry] = {}

    def add(self, role: Role = "admin", tenant: str = "acme", expires_at: float | None = None) -> str:
        """Make a key and return it."""
        token, entry = new_key(tenant, (role,), None if expires_at is None else stamp(expires_at))
        append_key(self.path, entry)
        self.entries[token] = entry
        return token

    def remove(self, token: str) -> None:
        """Revoke a key."""
        del self.entries[token]
        self.path.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in self.entries.values()))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


class GuardedSite:
    """A gateway with a key for each role in tenants acme and zeta.

    Attributes:
        keys: by tenant and role.
    """

    def __init__(self, site: Site, people: People) -> None:
        self.site = site
        self.people = people
        self.keys: dict[tuple[str, Role], str] = {}
        self._clients: list[Client] = []

    def key(self, role: Role = "admin", tenant: str = "acme") -> str:
        return self.keys[tenant, role]

    def client(self, role: Role = "admin", tenant: str = "acme") -> Client:
        client = Client(self.site.url, token=self.key(role, tenant))
        self._clients.append(client)
        return client

    async def fetch(
        self, method: str, path: str, body: Any = None, *, role: Role = "admin", tenant: str = "acme"
    ) -> HTTPResponse:
        content = None if body is None else msgspec.json.encode(body)
        return await self.site.fetch(method, path, content, bearer(self.key(role, tenant)))

    def close(self) -> None:
        for client in self._clients:
            client.close()


@asynccontextmanager
async def guarded_site(directory: Path, store_url: str = "memory://", **settings: Any) -> AsyncIterator[GuardedSite]:
    """Serve a store to those who have keys."""
    people = People(directory / "keys.jsonl")
    keys: dict[tuple[str, Role], str] = {}
    for tenant in ("acme", "zeta"):
        for role in ROLES:
            keys[tenant, role] = people.add(role, tenant)
    async with site_on(store_url, keys=str(people.path), **{"auth_check_s": 0.02, "drain_s": 5.0, **settings}) as site:
        guarded = GuardedSite(site, people)
        guarded.keys = keys
        yield guarded
        guarded.close()
