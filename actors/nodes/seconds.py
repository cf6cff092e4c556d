"""A span of time in a node's properties: any finite number of seconds.

JSON knows no infinity, but an expression does: `${ 1.0 / 0.0 }`. A wait of that many seconds would be written as
`null`, and its session couldn't be read back.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

_LONGEST: Final = sys.float_info.max

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=_LONGEST)]
"""None at all, or some."""
SomeSeconds: TypeAlias = Annotated[float, Meta(gt=0, le=_LONGEST)]
"""More than none."""
