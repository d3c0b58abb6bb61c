"""Answers that tests of scores make up, and their scores by one specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from awo.derive.scores.step import ScoreArgs, score
from awo.evidence.records import (
    CellsRecord,
    ItemLine,
    OverRecord,
    ResponseLine,
    RetryRecord,
    StepRecord,
    Usage,
    json_object,
)
from awo.evidence.scores import ScoreLine, ScoresValue
from awo.testing.fake_sources import FakeSources

ROWS_OF = OverRecord(kind="data", name="reviews")


def record(id_: str = "ask", over: OverRecord = ROWS_OF, op: str = "llm_map") -> StepRecord:
    return StepRecord(
        id=id_,
        op=op,
        args=json_object({"prompt": "x"}),
        needs=(),
        when="",
        retries=RetryRecord(max=0, delay_s=0.0),
        timeout_s=0.0,
        cells=CellsRecord(over=over, matrix={}, repeats=1, max_failed=9),
    )


def item(cell: int, text: str | None, row: Mapping[str, Any] | None = None) -> ItemLine:
    """The cell of an llm_map step; None for one that failed."""
    value = None if text is None else {"text": text, "model": "echo", "call": str(cell), "stop_reason": "stop"}
    return ItemLine(
        cell=cell,
        item=f"r{cell}",
        matrix={},
        repeat=0,
        row=dict(row or {}),
        status="failed" if text is None else "done",
        reason=None,
        value=value,
        calls=[],
    )


def response(call: int, **changes: Any) -> ResponseLine:
    line = ResponseLine(
        salt="0" * 32,
        step="ask",
        call=str(call),
        attempt=1,
        at="2026-01-01T00:00:00.000000Z",
        model="echo",
        backend="echo",
        model_asked="echo",
        model_answered="echo",
        messages=[],
        params={},
        seed=0,
        text="",
        stop_reason="stop",
        usage=Usage(prompt_tokens=10, completion_tokens=5),
        latency_ms=250,
        cost="0.002",
    )
    return msgspec.structs.replace(line, **changes)


def sources(
    texts: Sequence[str | None],
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    responses: Sequence[ResponseLine] = (),
    **more: Any,
) -> FakeSources:
    items = [item(cell, text, rows[cell] if rows else None) for cell, text in enumerate(texts)]
    return FakeSources(
        records={"ask": record(), **more.pop("records", {})},
        items={"ask": items, **more.pop("items", {})},
        responses={"ask": responses},
        **more,
    )


def scores_of(
    specs: Mapping[str, Mapping[str, Any]], at: FakeSources, **more: Any
) -> tuple[ScoresValue, list[ScoreLine]]:
    args = msgspec.convert({"of": "ask", "scores": specs, **more}, ScoreArgs)
    derived = score(args, at)
    return derived.value, [msgspec.json.decode(line, type=ScoreLine) for line in derived.files["scores.jsonl"]]


def one(spec: Mapping[str, Any], text: str | None, row: Mapping[str, Any] | None = None) -> ScoreLine:
    """The line of one answer, whose one score is called `s`; a second answer failed."""
    _, lines = scores_of({"s": spec}, sources([text, None], [row or {}, {}]))
    return lines[0]
