"""The log: one line for each event, as JSON for machines or as text for people, without secrets.

What a record is about (session, node, attempt, request) are fields of their own, given as `extra`. Not by a context
variable: callbacks of the event loop inherit it, and work for other sessions would be logged under a stranger's name.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Mapping
from typing import Any, Final, Literal, TextIO, TypeAlias

import msgspec

from ..actors.core.timestamps import stamp

LogFormat: TypeAlias = Literal["text", "json"]

FIELDS: Final = (
    "request_id",
    "session_id",
    "node_id",
    "attempt",
    "round",
    "method",
    "route",
    "path",
    "status",
    "ms",
    "bytes",
)
"""What a record may be about, in the order in which it is written."""

_ID: Final = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_HIDDEN: Final = "[hidden]"
_SECRET: Final = re.compile(
    r"""(?xi)
    (?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,100}:)[^\s/@]{1,500}(?=@)   # the password in a URL
    | (?P<name>(?:password|passwd|secret|api[_-]?key|token|authorization|ticket)["']?\s?[=:]\s?)
      (?:(?:bearer|basic)\s[^\s,;"']+|"[^"]*"|'[^']*'|[^\s,;&}\]"']+)           # what stands behind its name
    | (?P<bearer>\b(?:bearer|basic)\s)[A-Za-z0-9._~+/=-]{8,}                   # a credential in a header
    | \bsk-[A-Za-z0-9_-]{8,}                                           # keys of model providers
    """
)
_CONTROLS: Final = (*range(127, 160), 0x2028, 0x2029)
"""Beyond ASCII too there are characters that move a terminal's cursor, or end a line for some readers."""
_ESCAPES: Final = {
    **{number: f"\\x{number:02x}" for number in range(32) if number not in (9, 10)},
    **{number: f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" for number in _CONTROLS},
}
_JSON_ESCAPES: Final = {number: f"\\u{number:04x}" for number in _CONTROLS}
"""The rest of them JSON has to escape; these it may."""


def redact(text: str) -> str:
    """Return `text` without what looks like a secret."""
    return _SECRET.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    return (match["scheme"] or match["bearer"] or match["name"] or "") + _HIDDEN


def request_id_of(given: str | None) -> str:
    """Return a client's own id of its request, or a new one if there is none, or none that can stand in a log."""
    return given if given is not None and _ID.fullmatch(given) else uuid.uuid4().hex


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record is about."""
    return {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}


class JsonFormatter(logging.Formatter):
    """One JSON object on a line: time, level, logger, message, what it is about, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **{name: redact(value) if isinstance(value, str) else value for name, value in fields_of(record).items()},
        }
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode().translate(_JSON_ESCAPES)


class TextFormatter(logging.Formatter):
    """Time, level, logger and message, and behind it the request, if there is one.

    Control characters are shown, and further lines indented: a message can't pass for another one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback on further ones."""
        text = _inert(record.getMessage())
        request_id = fields_of(record).get("request_id")
        about = f" [{request_id}]" if request_id is not None else ""
        line = f"{stamp(record.created)} {record.levelname} {record.name}: {text}{about}"
        return f"{line}\n    {_inert(self.formatException(record.exc_info))}" if record.exc_info else line


def _inert(text: str) -> str:
    """Return `text` without secrets, as one entry of the log."""
    return redact(text).translate(_ESCAPES).replace("\n", "\n    ")


FORMATTERS: Final[Mapping[LogFormat, type[logging.Formatter]]] = {"text": TextFormatter, "json": JsonFormatter}


def configure(log_format: LogFormat, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the process's log to `stream` (stderr unless told otherwise) in one format, in place of what was set."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(FORMATTERS[log_format]())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
