"""OTLP/JSON: how a span and a value are spelled, and batches of spans as lines of a file.

Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding", and the "OTLP File Exporter".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import IO, Any, Final, Literal

import msgspec

from awo.canon import time
from awo.canon.digest import sha256_bytes
from awo.evidence.events import Reason

SPANS_A_LINE: Final = 500
INTERNAL: Final = 1
CLIENT: Final = 3
ERROR: Final = 2

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment of a span."""

    name: str
    at: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """One span. `parent_id` is '' for the root; `error` is what it ended in, None for no error."""

    id: str
    parent_id: str
    name: str
    started_at: str
    ended_at: str
    attributes: Mapping[str, Any]
    kind: Literal[1, 3] = INTERNAL
    error: Reason | None = None
    events: tuple[Event, ...] = ()
    dropped_events: int = 0


def trace_id(*parts: str) -> str:
    """32 hex digits that follow from these words."""
    return sha256_bytes("\0".join(("awo-trace", *parts)).encode()).hex()[:32]


def span_id(trace: str, *parts: str) -> str:
    """16 hex digits that follow from the trace and these words."""
    return sha256_bytes("\0".join(("awo-span", trace, *parts)).encode()).hex()[:16]


class Lines:
    """Writes spans to `stream`, one ExportTraceServiceRequest a line. Memory: one line of them."""

    def __init__(self, stream: IO[bytes], trace: str, resource: Mapping[str, Any], scope: Mapping[str, Any]) -> None:
        self._stream = stream
        self._trace = trace
        self._resource = {"attributes": attributes(resource)}
        self._scope = dict(scope)
        self._spans: list[dict[str, Any]] = []
        self.count = 0

    def add(self, span: Span) -> None:
        """One more span, in any order."""
        self._spans.append(_span(self._trace, span))
        self.count += 1
        if len(self._spans) == SPANS_A_LINE:
            self.flush()

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._spans:
            spans = {"scope": self._scope, "spans": self._spans}
            request = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [spans]}]}
            self._stream.write(_encoder.encode(request) + b"\n")
            self._spans = []


def _span(trace: str, span: Span) -> dict[str, Any]:
    started, ended = nanoseconds(span.started_at), nanoseconds(span.ended_at)
    found: dict[str, Any] = {
        "traceId": trace,
        "spanId": span.id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(started),
        "endTimeUnixNano": str(max(started, ended)),  # a clock may have been set back
        "attributes": attributes(span.attributes),
    }
    if span.parent_id:
        found["parentSpanId"] = span.parent_id
    if span.events:
        found["events"] = [
            {"timeUnixNano": str(nanoseconds(one.at)), "name": one.name, "attributes": attributes(one.attributes)}
            for one in span.events
        ]
    if span.dropped_events:
        found["droppedEventsCount"] = span.dropped_events
    if span.error is not None:
        found["status"] = {"code": ERROR, "message": span.error.message}
    return found


@lru_cache(maxsize=4096)
def nanoseconds(at: str) -> int:
    """A time in our spelling as nanoseconds since 1970."""
    return (time.read(at) - _EPOCH) // _MICROSECOND * 1000


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A mapping as OTLP has it; what is None or '' is left out."""
    return [{"key": key, "value": value(one)} for key, one in values.items() if one is not None and one != ""]


def value(one: Any) -> dict[str, Any]:
    """A JSON value as an AnyValue. What has no spelling there becomes text."""
    match one:
        case bool():
            return {"boolValue": one}
        case int() if -(2**63) <= one < 2**63:
            return {"intValue": str(one)}
        case float():
            return {"doubleValue": one}
        case str():
            return {"stringValue": one}
        case Mapping():
            return {"kvlistValue": {"values": attributes({str(key): inner for key, inner in one.items()})}}
        case Iterable():
            return {"arrayValue": {"values": [value(inner) for inner in one]}}
        case _:
            return {"stringValue": str(one)}
