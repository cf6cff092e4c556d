"""An answer on its way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """An answer; `body` is encoded as JSON, bytes are sent as they are, None is no body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}
