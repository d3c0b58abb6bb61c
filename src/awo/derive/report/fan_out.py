"""Steps that did their work for many cells: how many came out, what went wrong first, and the first results."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import shorten, table
from awo.derive.phrases import count
from awo.derive.report.judged import in_words
from awo.derive.report.opening import STATUS_WORDS
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    CELL_FAILURES_SHOWN,
    COLUMNS_OF_MODELS,
    DATA_CHARACTERS,
    DATA_COLUMNS_SHOWN,
    ITEMS_SHOWN,
    STEPS_LISTED,
    compact,
    in_detail,
    items_file,
    line,
    more,
    named,
    passage,
    value_as,
    word,
)
from awo.evidence.layout import JOURNAL, OUTPUTS, responses_path
from awo.evidence.records import CellsRecord, ItemLine

_Number = Annotated[int, Meta(ge=0)]


class _Value(msgspec.Struct, frozen=True):
    cells: _Number
    done: _Number
    failed: _Number


class _Answer(msgspec.Struct, frozen=True):
    text: str
    model: str = ""


class _Answers(msgspec.Struct, frozen=True):
    responses: list[_Answer]


def fan_outs(facts: RunFacts, read: Reader) -> str:
    """The table of steps that fanned out, then for each the first failures and the first results."""
    found = tuple(step for step in facts.steps if step.cells is not None)
    if not found:
        return ""
    listed = found[:STEPS_LISTED]
    rows = [_row(step, read) for step in listed]
    header = ["step", "for each", "cells", "done", "failed", "responses", "status"]
    return (
        "## Fan-out\n\nA step that fans out does its work once for each cell: a row of data, a combination of its "
        "matrix, a repeat. Cells stand in the order of the data, whatever the order of the answers.\n\n"
        + table(header, rows)
        + more(len(found), len(rows), "step", named(JOURNAL))
        + "\n"
        + in_detail(found, lambda step: _detail(step, read, _columns(facts, step)), word(f"{OUTPUTS}/"))
    )


def _row(step: StepFacts, read: Reader) -> list[str]:
    cells = step.cells
    planned, answered = (cells.planned, cells.answered) if cells else (0, 0)
    value = value_as(step, read, _Value) if step.status is StepStatus.DONE else None
    return [
        word(step.record.id),
        _for_each(step.record.cells),
        f"{planned:,}",
        f"{value.done:,}" if value else f"{answered:,} with a response",
        f"{value.failed:,}" if value else "",
        f"{step.calls.responses:,}",
        STATUS_WORDS[step.status],
    ]


def _for_each(cells: CellsRecord | None) -> str:
    if cells is None:
        return ""
    said = []
    if cells.over is not None:
        said.append(
            f"row of {word(cells.over.name)}" if cells.over.kind == "data" else f"cell of {word(cells.over.name)}"
        )
    said += [f"{len(values):,} × {word(name)}" for name, values in list(cells.matrix.items())[:5]]
    if cells.repeats > 1:
        said.append(count(cells.repeats, "repeat"))
    return ", ".join(said)


def _detail(step: StepFacts, read: Reader, columns: list[str]) -> str:
    heading = f"### {word(step.record.id)}\n"
    path = items_file(step)
    if not path:
        left = "" if step.cells is None else f" What it has got so far: {named(responses_path(step.record.id))}."
        return f"{heading}\nIts cells have not all come to an end.{left if step.calls.responses else ''}\n"
    total = step.cells.planned if step.cells else 0
    said = [heading]
    value = value_as(step, read, _Value)
    is_clean = value is not None and not value.failed
    if failed := [] if is_clean else list(islice(read.failed_items(path), CELL_FAILURES_SHOWN + 1)):
        rows = [[_name(item), _matrix(item), _reason(item), _words(item)] for item in failed[:CELL_FAILURES_SHOWN]]
        said.append(table(["first failed cells", "matrix", "reason", "in words"], rows))
        if len(failed) > CELL_FAILURES_SHOWN:
            said.append(f"More cells that failed: {named(path)}.\n")
    shown = list(islice(read.items(path), ITEMS_SHOWN))
    said.append(_results(shown, step.record.op, columns))
    if total > len(shown):
        said.append(f"… and {total - len(shown):,} more in {named(path)}.\n")
    return "\n".join(part for part in said if part)


def _results(items: list[ItemLine], operation: str, columns: list[str]) -> str:
    """The results as a table: a column for each of few models, else one for whatever came out."""
    if not items:
        return ""
    texts = [_texts(item.value) for item in items]
    models = list(dict.fromkeys(model for found in texts for model in found))
    has_matrix, has_repeats = any(item.matrix for item in items), any(item.repeat for item in items)
    beside = 1 <= len(models) <= COLUMNS_OF_MODELS and not any(item.matrix.get("model") for item in items)
    header = ["cell", *(["matrix"] if has_matrix else []), *(["repeat"] if has_repeats else []), "row"]
    header += [word(model) for model in models] if beside else ["result"]
    rows = []
    for item, found in zip(items, texts, strict=True):
        row = [_name(item), *([_matrix(item)] if has_matrix else [])]
        row += [*([f"{item.repeat}"] if has_repeats else []), _data(item, columns)]
        if item.status == "failed":
            row += [f"**failed**: {_reason(item)}"] + [""] * (len(models) - 1 if beside else 0)
        elif beside:
            row += [passage(found[model]) if model in found else "" for model in models]
        else:
            plain = next(iter(found.values())) if len(found) == 1 else compact(item.value)
            row.append(in_words(operation, item.value) or passage(plain))
        rows.append(row)
    return table(header, rows)


def _texts(value: Any) -> dict[str, str]:
    """The texts of a result by their model; empty for a value of another shape."""
    try:
        if isinstance(value, dict) and "responses" in value:
            return {one.model: one.text for one in msgspec.convert(value, _Answers).responses}
        one = msgspec.convert(value, _Answer)
    except msgspec.ValidationError:
        return {}
    return {one.model: one.text}


def _name(item: ItemLine) -> str:
    return word(item.item) if item.item else f"{item.cell:,}"


def _matrix(item: ItemLine) -> str:
    return line(", ".join(f"{name}: {compact(value)}" for name, value in item.matrix.items()))


def _columns(facts: RunFacts, step: StepFacts) -> list[str]:
    """The columns of the data in the order of the file; none where the cells are those of another step."""
    over = step.record.cells.over if step.record.cells else None
    data = facts.input.data.get(over.name) if over is not None and over.kind == "data" else None
    return data.columns if data else []


def _data(item: ItemLine, columns: list[str]) -> str:
    """The first columns of the row, without the one that has its id; of a cell of another step, those of its row."""
    inner = item.row.get("row")
    row = inner if isinstance(inner, dict) and {"id", "value"} <= item.row.keys() else item.row
    names = [*(name for name in columns if name in row), *(name for name in row if name not in columns)]
    told = [name for name in names if row[name] != item.item]
    shown = [line(shorten(f"{name}: {compact(row[name])}", DATA_CHARACTERS)) for name in told[:DATA_COLUMNS_SHOWN]]
    return ", ".join([*shown, *(["…"] if len(told) > len(shown) else [])])


def _reason(item: ItemLine) -> str:
    return word(item.reason.code) if item.reason else ""


def _words(item: ItemLine) -> str:
    return line(item.reason.message) if item.reason else ""
