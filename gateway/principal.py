"""Principal: who sends a request, and what that one may do."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import msgspec

from ..actors.core.errors import Forbidden, NotFound
from ..actors.core.tenancy import DEFAULT, resolve

Role: TypeAlias = Literal["viewer", "operator", "author", "admin"]
"""Each may do what those before it may.

viewer reads; operator starts stored workflows and steers sessions; author also stores workflows and runs inline
graphs; admin also deletes sessions.
"""
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Principal(msgspec.Struct, frozen=True):
    """Who was authenticated.

    Attributes:
        name: for people and logs: the key's id, or a token's subject.
        proof: a digest of what it was recognised by; when that is gone, so is its leave. Empty if by nothing.
        expires_at: when its leave ends, in seconds since the Unix epoch.
    """

    name: str
    tenant: str = DEFAULT
    roles: tuple[Role, ...] = ()
    proof: str = ""
    expires_at: float | None = None

    @property
    def by(self) -> str | None:
        """What the log says of who gave a command; None where nobody is known."""
        return self.name if self.proof else None

    def may(self, role: Role) -> bool:
        """Return whether it may do what `role` may."""
        return any(ROLES.index(own) >= ROLES.index(role) for own in self.roles)

    def require(self, role: Role) -> None:
        """Refuse unless it may do what `role` may.

        Raises:
            Forbidden: it may not.
        """
        if not self.may(role):
            own = ", ".join(self.roles) or "none"
            raise Forbidden(f"this takes the role {role!r}; roles of {self.name!r}: {own}")

    def session(self, said: str) -> str:
        """Return the id of the session that it means by `said`, which need not exist.

        Raises:
            NotFound: it can't be one of its tenant's.
        """
        session_id = resolve(said, self.tenant)
        if session_id is None:
            raise NotFound("session", said)
        return session_id


ANONYMOUS: Final = Principal("anonymous", roles=("admin",))
"""Everybody, where no authentication is configured."""

NOBODY: Final = Principal("nobody")
"""Who calls where it makes no difference."""
