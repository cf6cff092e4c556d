"""The text format that Prometheus reads (version 0.0.4), written by hand: it is a page of rules.

Format: https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final, Literal, TypeAlias

from ..actors.core.meters import Histogram

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[Labels, float]

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
NONE: Final[Labels] = {}


class Exposition:
    """Metrics as text. Names get the project's prefix; a counter's ends with `_total`."""

    def __init__(self, prefix: str = "sessiond_") -> None:
        self._prefix = prefix
        self._lines: list[str] = []

    def gauge(self, name: str, what: str, samples: float | Iterable[Sample]) -> None:
        """Write what goes up and down."""
        self._family(name, "gauge", what, samples)

    def counter(self, name: str, what: str, samples: float | Iterable[Sample]) -> None:
        """Write what only goes up."""
        self._family(f"{name}_total", "counter", what, samples)

    def histogram(self, name: str, what: str, histograms: Histogram | Iterable[tuple[Labels, Histogram]]) -> None:
        """Write how values are spread."""
        self._head(name, "histogram", what)
        for labels, found in [(NONE, histograms)] if isinstance(histograms, Histogram) else histograms:
            counts = list(accumulate(found.counts))
            for bound, count in zip((*[repr(float(bound)) for bound in found.bounds], "+Inf"), counts, strict=True):
                self._line(f"{name}_bucket", {**labels, "le": bound}, count)
            self._line(f"{name}_sum", labels, found.sum)
            self._line(f"{name}_count", labels, counts[-1])

    def text(self) -> str:
        """Return all that was written."""
        return "\n".join(self._lines) + "\n"

    def _family(
        self, name: str, kind: Literal["gauge", "counter"], what: str, samples: float | Iterable[Sample]
    ) -> None:
        self._head(name, kind, what)
        for labels, value in [(NONE, samples)] if isinstance(samples, (int, float)) else samples:
            self._line(name, labels, value)

    def _head(self, name: str, kind: str, what: str) -> None:
        self._lines.append(f"# HELP {self._prefix}{name} {what}")
        self._lines.append(f"# TYPE {self._prefix}{name} {kind}")

    def _line(self, name: str, labels: Labels, value: float) -> None:
        inside = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
        self._lines.append(
            f"{self._prefix}{name}{{{inside}}} {_number(value)}" if inside else f"{self._prefix}{name} {_number(value)}"
        )


def _number(value: float) -> str:
    return repr(float(value)) if isinstance(value, float) and not value.is_integer() else str(int(value))
