"""Traces by OpenTelemetry, the extra `sessiond[otel]`; imported only where they are turned on.

Spans go where the environment says by the standard variables (`OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_ENDPOINT`, …).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from ..actors.core.errors import Fault, InvalidInput
from ..actors.version import VERSION

Exporter: TypeAlias = Literal["console", "otlp"]

_SERVER: Final = SpanKind.SERVER
_INTERNAL: Final = SpanKind.INTERNAL


class OtelSpan:
    """A span of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        sampled = int(context.trace_flags.sampled)
        self.traceparent: str | None = f"00-{context.trace_id:032x}-{context.span_id:016x}-{sampled:02x}"

    def end(self, status: str, code: str | None = None) -> None:
        """End it; what failed is an error."""
        self._span.set_attribute("sessiond.status", status)
        if status == "failed":
            if code is not None:
                self._span.set_attribute("error.type", code)
            self._span.set_status(Status(StatusCode.ERROR, code))
        self._span.end()


class OtelTracing:
    """Records spans with a tracer provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("sessiond", VERSION)

    def command(self, name: str, parent: str | None, attributes: dict[str, Any]) -> OtelSpan:
        """Begin the span of a request; one that continues nothing is the root of a trace."""
        return OtelSpan(self._tracer.start_span(name, _around(_context(parent)), _SERVER, attributes))

    def attempt(self, name: str, parent: str | None, attributes: dict[str, Any], *, again: bool) -> OtelSpan:
        """Begin the span of an attempt."""
        creation = _context(parent)
        links = [Link(creation, {"sessiond.link": "creation"})] if again and creation is not None else []
        return OtelSpan(self._tracer.start_span(name, _around(creation), _INTERNAL, attributes, links))

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _context(parent: str | None) -> SpanContext | None:
    if parent is None:
        return None
    _, trace_id, span_id, flags = parent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))


def _around(parent: SpanContext | None) -> Context:
    """A context of its own: that of the running task may be some other session's."""
    empty = Context()
    return empty if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), empty)


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


@contextmanager
def exporting(exporter: Exporter) -> Iterator[OtelTracing]:
    """Send spans away: one JSON object on a line to stderr, or by OTLP over HTTP.

    Raises:
        InvalidInput: the exporter isn't installed.
    """
    said = {"service.version": VERSION} | ({} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "sessiond"})
    provider = TracerProvider(resource=Resource.create(said))
    if exporter == "console":
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr, formatter=_line)))
    else:
        provider.add_span_processor(BatchSpanProcessor(_otlp()))
    tracing = OtelTracing(provider)
    try:
        yield tracing
    finally:
        tracing.close()


def _otlp() -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        fault = Fault("traces", "`otlp` needs the package opentelemetry-exporter-otlp-proto-http")
        raise InvalidInput([fault], "the settings") from None
    made: SpanExporter = OTLPSpanExporter()
    return made
