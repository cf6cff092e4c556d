"""What callers in Python give is checked as a decoder checks what comes from outside.

Else it would be found out when it is read back: a log that can't be decoded costs its session.
"""

from __future__ import annotations

import math

import msgspec

from .core.errors import Fault, InvalidInput
from .core.json import as_text
from .core.messages import OnceCommand


def check_texts(message: OnceCommand) -> None:
    """Refuse a command whose texts are none that JSON can carry.

    Raises:
        InvalidInput: with every fault.
    """
    given = [(name, getattr(message, name, None)) for name in ("reason", "by", "name", "node_id")]
    wrong = [name for name, text in given if not _is_text(text)]
    if wrong:
        raise InvalidInput([Fault(f"$.{name}", "should be a text") for name in wrong], "the command")


def check_plain(labels: dict[str, str], deadline_s: float | None, by: str | None) -> None:
    """Refuse labels and a name that aren't texts, and a deadline that never comes or isn't a number.

    Raises:
        InvalidInput: with every fault.
    """
    faults = []
    try:
        msgspec.json.decode(msgspec.json.encode(labels), type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        faults.append(Fault("$.labels", f"should be texts by texts: {as_text(error)}"))
    if deadline_s is not None and not (isinstance(deadline_s, (int, float)) and 0 < deadline_s < math.inf):
        faults.append(Fault("$.deadline_s", "should be a number above 0"))
    if not _is_text(by):
        faults.append(Fault("$.by", "should be a text"))
    if faults:
        raise InvalidInput(faults, "the request")


def _is_text(given: object) -> bool:
    """Whether it is nothing, or a text that JSON can carry."""
    return given is None or (isinstance(given, str) and as_text(given) == given)
