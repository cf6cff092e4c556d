"""Events of older versions, lifted to the present one as they are read.

An event's envelope names its version in `v`; without one it is 1, so that as long as no event has changed, versions
cost nothing to write and nothing to keep. A log may hold several: what was written before an upgrade stays as
it is, byte for byte, and watchers get those bytes.

To change an event: raise `version` of its class in `events`, and add the function from the version before to UPCASTERS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from .errors import CorruptLog, FutureVersion

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the data of an event of one version that of the next."""

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""(event, version) → the function to version + 1."""


def upcast(
    event: str, found: int, wanted: int, data: bytes, table: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> bytes:
    """Return an event's data, as JSON, in the version that is wanted.

    Args:
        event: its name.
        found: the version it was written in.
        wanted: the version of its class.
        data: as it was written.
        table: the upcasters.

    Raises:
        FutureVersion: a newer sessiond wrote it.
        CorruptLog: no sessiond ever wrote that version, or there is no way from it.
    """
    if found > wanted:
        raise FutureVersion(f"an event {event!r} has version {found}, this sessiond reads up to {wanted}")
    if found < 1:
        raise CorruptLog(f"an event {event!r} has version {found}, which never existed")
    fields: dict[str, Any] = msgspec.json.decode(data)
    for version in range(found, wanted):
        step = table.get((event, version))
        if step is None:
            raise CorruptLog(f"an event {event!r} of version {version} can't be lifted to {version + 1}")
        fields = step(fields)
    return msgspec.json.encode(fields)
