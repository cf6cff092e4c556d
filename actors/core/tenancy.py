"""Tenants: whose a session or a workflow is, told by its name alone.

Outside the default tenant a session's id ends with `@tenant`, and a definition is stored as `tenant/workflow`.
Neither `@` nor `/` can stand in an id from outside, so the names of two tenants never meet, and to see whose
something is takes no look at the store. See docs/adr/0014-tenants.md.
"""

from __future__ import annotations

import re
from typing import Final

from .errors import Fault, InvalidInput

DEFAULT: Final = "default"
"""The tenant of those who never named one."""

TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a tenant may be called: it is a part of ids, paths and keys."""


def check_tenant(tenant: str) -> None:
    """Refuse what can't be a tenant's name.

    Raises:
        InvalidInput: it has other characters, or too many.
    """
    if not TENANT.fullmatch(tenant):
        fault = Fault("$.tenant", "should be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit")
        raise InvalidInput([fault], "the tenant")


def session_name(given: str, tenant: str) -> str:
    """Return the id of the session that a tenant calls `given`."""
    return given if tenant == DEFAULT else f"{given}@{tenant}"


def tenant_of(session_id: str) -> str:
    """Return whose a session is; a family (`root~node~index`) is its root's."""
    root = session_id.partition("~")[0]
    return root.partition("@")[2] or DEFAULT


def resolve(session_id: str, tenant: str) -> str | None:
    """Return the id of the session that a tenant means by `session_id`, whole or as it was given; None if not its own.

    The session needn't exist: what is another's is None without a look, and so can't be told from what isn't there.
    """
    root, tilde, rest = session_id.partition("~")
    if "@" not in root:
        root = session_name(root, tenant)
    whole = f"{root}{tilde}{rest}"
    return whole if tenant_of(whole) == tenant else None


def workflow_key(workflow_id: str, tenant: str) -> str:
    """Return the id under which a tenant's workflow is stored."""
    return workflow_id if tenant == DEFAULT else f"{tenant}/{workflow_id}"


def split_key(key: str) -> tuple[str, str]:
    """Return the tenant and the workflow's id that a stored id stands for."""
    tenant, slash, workflow_id = key.partition("/")
    return (tenant, workflow_id) if slash else (DEFAULT, key)
