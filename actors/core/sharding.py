"""Which shard owns a session."""

from __future__ import annotations

import zlib


def shard_of(session_id: str, shards: int) -> int:
    """Return the shard of a session: a family (`root~node~index`) lives in its root's (CRC-32, as in zlib)."""
    root = session_id.partition("~")[0]
    return zlib.crc32(root.encode()) % shards
