"""The answers of a step, one by one: what is scored, voted on and compared, whichever operation asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from awo.evidence.records import ItemLine, StepRecord
from awo.workflow.cells import Cell, row_id


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `cell` and `number` count from 0: its cell, and its place among the answers of that cell.

    `model` is who was asked, by its name in the workflow, also where no answer came; '' when nobody was.
    `value` is the answer as the step gave it and `text` its text, None and '' where there is none. `call`
    names the response. `shown` is the cell as a step that goes over it sees it, as `item` in templates.
    """

    cell: int
    number: int
    item: str
    row: Mapping[str, Any]
    matrix: Mapping[str, Any]
    repeat: int
    status: Literal["done", "failed"]
    model: str
    value: Any
    text: str
    call: str
    shown: Cell


class AnswerSources(Protocol):
    """What of `awo.derive.seam.Sources` is needed to find the answers of a step."""

    @property
    def default_model(self) -> str: ...

    def record_of(self, step: str) -> StepRecord: ...
    def value_of(self, step: str) -> Any: ...
    def items_of(self, step: str) -> Iterator[ItemLine]: ...
    def fill(self, value: Any, cell: Cell | None = None) -> Any: ...


def answers_of(sources: AnswerSources, step: str) -> Iterator[Answer]:
    """Every answer of `step` in order, those that failed included. Raises `StepFailed` as `sources` does.

    A step that asks several models has an answer for each of them in every cell. A step that was done
    once is one cell; one whose value is no answer of a model has an answer without model, whose text is
    the value's `text`, or else the value where that is text.
    """
    record = sources.record_of(step)
    if record.cells is None:
        item = ItemLine(
            cell=0,
            item="",
            matrix={},
            repeat=0,
            row={},
            status="done",
            reason=None,
            value=sources.value_of(step),
            calls=[],
        )
        yield from _of_item(sources, record, item)
        return
    for item in sources.items_of(step):
        yield from _of_item(sources, record, item)


def shown_as(item: ItemLine) -> Cell:
    """A cell as a step that goes over it sees it: `item.id`, `item.row`, `item.matrix`, `item.repeat`, `item.value`."""
    seen = {"id": item.item, "row": item.row, "matrix": item.matrix, "repeat": item.repeat, "value": item.value}
    return Cell(
        index=item.cell,
        item_id=row_id(item.item, item.matrix, item.repeat),
        row=seen,
        matrix=item.matrix,
        repeat=item.repeat,
    )


def _of_item(sources: AnswerSources, record: StepRecord, item: ItemLine) -> Iterator[Answer]:
    shown = shown_as(item)
    value = item.value
    given = value["responses"] if isinstance(value, dict) and isinstance(value.get("responses"), list) else None
    asked = _asked(sources, record, item)
    lost = item.status == "failed"
    values = given if given is not None else [value] * (max(1, len(asked)) if lost else 1)
    for number, one in enumerate(values):
        said = one if isinstance(one, dict) else {}
        text = said.get("text", one if isinstance(one, str) else "")
        call = said.get("call", "")
        model = said.get("model", asked[number] if number < len(asked) else "")
        yield Answer(
            cell=item.cell,
            number=number,
            item=item.item,
            row=item.row,
            matrix=item.matrix,
            repeat=item.repeat,
            status=item.status,
            model=model if isinstance(model, str) else "",
            value=one,
            text=text if isinstance(text, str) else "",
            call=call if isinstance(call, str) else "",
            shown=shown,
        )


def _asked(sources: AnswerSources, record: StepRecord, item: ItemLine) -> list[str]:
    """The models that the step asks in this cell, by their names: needed only where the value does not say."""
    if record.op not in ("llm_map", "fanout_generate"):
        return []
    if item.status == "done" and isinstance(item.value, dict) and ("model" in item.value or "responses" in item.value):
        return []
    args = record.arguments()
    models = args.get("models") if record.op == "fanout_generate" else [args.get("model") or sources.default_model]
    cell = Cell(index=item.cell, item_id=item.item, row=item.row, matrix=item.matrix, repeat=item.repeat)
    return [str(sources.fill(model, cell)) for model in models or []]
