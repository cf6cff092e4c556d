"""API keys: 256 random bits each, of which the keys file holds only the SHA-256.

The file has one JSON object on a line, so a new key is an append and a revocation a removed line. A key says its
own id (`sdk_<id>_<secret>`), so it is found by that and compared once, in constant time. A slow hash would add
nothing: nobody guesses 256 bits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ..actors.core.tenancy import DEFAULT, TENANT
from ..actors.core.timestamps import epoch
from .files import FileFault, InvalidFile
from .principal import Principal, Role

PREFIX: Final = "sdk_"
_KEY: Final = re.compile(r"sdk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY: Final = "0" * 64


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the keys file.

    Attributes:
        sha256: of the whole key, in hex.
        expires_at: RFC 3339 with an offset; never if absent.
        note: whose it is, for people.
    """

    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{12}\Z")]
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    tenant: Annotated[str, Meta(pattern=rf"\A{TENANT.pattern}\Z")] = DEFAULT
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    expires_at: str | None = None
    note: str | None = None

    def principal(self) -> Principal:
        """Return who comes with this key; its proof changes with anything in the entry."""
        proof = hashlib.sha256(msgspec.json.encode(self)).hexdigest()
        ends = None if self.expires_at is None else epoch(self.expires_at)
        return Principal(f"key:{self.id}", self.tenant, self.roles, proof, ends)


class Keys:
    """The keys of a file, as of when it was read.

    Attributes:
        proofs: of every key's principal.
    """

    def __init__(self, entries: dict[str, KeyEntry]) -> None:
        self._hashes = {key_id: entry.sha256 for key_id, entry in entries.items()}
        self._principals = {key_id: entry.principal() for key_id, entry in entries.items()}
        self.proofs = frozenset(principal.proof for principal in self._principals.values())

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, token: str) -> Principal | None:
        """Return who comes with this key, None if it is none; as long for a wrong secret as for a right one."""
        match = _KEY.fullmatch(token)
        key_id = match[1] if match else ""
        found = hmac.compare_digest(digest(token), self._hashes.get(key_id, _NOBODY))
        return self._principals[key_id] if found and key_id in self._principals else None


def digest(token: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_keys(path: Path) -> Keys:
    """Return the keys in a file; empty lines and those that begin with `#` are passed over.

    Raises:
        InvalidFile: with every fault and its line.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "isn't UTF-8"
        raise InvalidFile([FileFault(str(path), why or "can't be read")]) from None
    entries: dict[str, KeyEntry] = {}
    faults: list[FileFault] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = msgspec.json.decode(line, type=KeyEntry)
            if entry.expires_at is not None:
                _check_time(entry.expires_at)
            if entry.id in entries:
                raise ValueError(f"the id {entry.id} is given twice")
        except (msgspec.MsgspecError, ValueError) as error:
            faults.append(FileFault(str(path), str(error), line=number))
        else:
            entries[entry.id] = entry
    if faults:
        raise InvalidFile(faults)
    return Keys(entries)


def _check_time(text: str) -> None:
    if not re.search(r"(Z|[+-]\d\d:\d\d)\Z", text):
        raise ValueError("expires_at should be RFC 3339 with an offset, such as 2030-01-01T00:00:00Z")
    epoch(text)


def new_key(
    tenant: str,
    roles: tuple[Role, ...],
    expires_at: str | None = None,
    note: str | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[str, KeyEntry]:
    """Return a fresh key and its line; the key itself is kept nowhere."""
    key_id = chance(6).hex()
    token = f"{PREFIX}{key_id}_{_text(chance(32))}"
    entry = KeyEntry(id=key_id, sha256=digest(token), tenant=tenant, roles=roles, expires_at=expires_at, note=note)
    return token, entry


def _text(data: bytes) -> str:
    """Base64url without padding, as `secrets.token_urlsafe`."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def append_key(path: Path, entry: KeyEntry) -> None:
    """Add a line to a keys file, which is made for its owner's eyes only if there is none.

    Raises:
        OSError: it can't be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        broken = b"" if file.read(1) in (b"", b"\n") else b"\n"  # an editor may have left the last line open
        file.write(broken + msgspec.json.encode(entry) + b"\n")
        file.flush()
        os.fsync(file.fileno())
