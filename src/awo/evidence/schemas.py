"""The published JSON Schema of each shape on disk, made from its type (spec sections 3, 4, 6, 7)."""

from __future__ import annotations

from typing import Any

import msgspec

from awo.evidence.events import AnyEvent
from awo.evidence.exchanges import Exchange
from awo.evidence.metadata import Metadata
from awo.evidence.records import (
    Decision,
    GatePending,
    GateRequest,
    InputRecord,
    ItemLine,
    ResponseLine,
    Seal,
    StatusView,
)

SHAPES: dict[str, tuple[Any, str]] = {
    "event": (AnyEvent, "A line of audit/journal.jsonl"),
    "input": (InputRecord, "input.json"),
    "response": (ResponseLine, "A line of outputs/<step>/responses.jsonl"),
    "item": (ItemLine, "A line of outputs/<step>/items.jsonl"),
    "exchange": (Exchange, "A line in audit/raw/NNNNN.jsonl.gz"),
    "gate-request": (GateRequest, "outputs/<gate>/gate.json"),
    "gate": (GatePending, "audit/gate_pending.json"),
    "decision": (Decision, "audit/decisions/NNNN-<gate>.json"),
    "status": (StatusView, "audit/status.json"),
    "metadata": (Metadata, "metadata.json"),
    "seal": (Seal, "audit/seal.json"),
}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the shape of that name in `SHAPES`."""
    kind, title = SHAPES[name]
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:awo:schema:{name}:v1",
        "title": title,
        **root,
        "$defs": definitions,
    }
