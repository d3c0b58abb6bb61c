"""What a run will ask and cost at worst, worked out before it starts, and what is left of it while it stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from awo.canon.usd import picodollars
from awo.engine.ahead import NO_CELL, Ahead, args_of, asks_ahead, cells_ahead, operation_of
from awo.evidence.records import CellsRecord, InputRecord, StepRecord
from awo.lifecycle.worst_price import is_free, max_tokens_of, prompt_bytes_of, worst_price
from awo.ops.seam import Ask, Operation
from awo.workflow import cells, templates
from awo.workflow.cells import Cell
from awo.workflow.marks import marked_in
from awo.workflow.words import Args


@dataclass(frozen=True, slots=True)
class Done:
    """How far a step of a run has come: whether nothing more is done in it, how many requests have an
    answer, and whether any request of a cell has one."""

    is_over: bool
    answered: int
    has_answer: Callable[[int], bool]


@dataclass(slots=True)
class Sum:
    """A number of requests, and what they cost at worst: `worst` is picodollars of those whose cost is
    known before, `unknown` how many there are whose cost nobody can say."""

    calls: int = 0
    worst: int = 0
    unknown: int = 0

    def add(self, worst: int | None, times: int = 1) -> None:
        self.calls += times
        if worst is None:
            self.unknown += times
        else:
            self.worst += worst * times

    def include(self, other: Sum) -> None:
        self.calls += other.calls
        self.worst += other.worst
        self.unknown += other.unknown


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step. `rows` is 1 for a step that goes over nothing, `over` then ''. `models` has what is asked
    of each, `left` what has no answer yet. A step over the cells of another has at most so many cells."""

    id: str
    op: str
    over: str
    rows: int
    matrix: Mapping[str, Sequence[Any]]
    repeats: int
    cells: int
    models: Mapping[str, Sum]
    all: Sum
    left: Sum
    answered: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, their sums, and the budget in picodollars (None for none).

    Answers that break their schema and are asked for again are counted in `worst`, not in `calls`.
    Sendings that fail and are repeated are in neither.
    """

    steps: tuple[StepPlan, ...]
    all: Sum
    left: Sum
    answered: int
    budget: int | None


NOTHING: Final[Mapping[str, Done]] = {}


def plan_of(record: InputRecord, root: Path, done: Mapping[str, Done] = NOTHING) -> Plan:
    """The plan of a run that has come as far as `done` says, by step; `root` is the workflow's folder.

    Raises `CannotCheck` when a data set is not here as it was.
    """
    counts: dict[str, int] = {}
    waiting = {step.id: step for step in record.steps if step.cells is not None}
    for id_ in waiting:
        _count(id_, waiting, record, counts)
    steps = tuple(_planned(record, root, step, counts, done.get(step.id)) for step in record.steps)
    total, left = Sum(), Sum()
    for step in steps:
        total.include(step.all)
        left.include(step.left)
    budget = picodollars(record.budget_usd) if record.budget_usd else None
    return Plan(steps, total, left, sum(step.answered for step in steps), budget)


def _count(id_: str, steps: Mapping[str, StepRecord], record: InputRecord, counts: dict[str, int]) -> None:
    """Notes how many cells a step has, and every step that it goes over; these form no circle."""
    chain = [id_]
    while (before := _goes_over(steps[chain[-1]])) and before not in counts:
        chain.append(before)
    for step in reversed(chain):
        fan_out = steps[step].cells
        if fan_out is not None:
            counts[step] = cells.count(_rows(record, fan_out, counts), fan_out.matrix, fan_out.repeats)


def _goes_over(step: StepRecord) -> str:
    over = step.cells.over if step.cells is not None else None
    return over.name if over is not None and over.kind == "step" else ""


def _rows(record: InputRecord, fan_out: CellsRecord, counts: Mapping[str, int]) -> int:
    if fan_out.over is None:
        return 1
    return counts[fan_out.over.name] if fan_out.over.kind == "step" else record.data[fan_out.over.name].rows


def _planned(
    record: InputRecord, root: Path, step: StepRecord, counts: Mapping[str, int], done: Done | None
) -> StepPlan:
    fan_out = step.cells
    rows = 1 if fan_out is None else _rows(record, fan_out, counts)
    operation = operation_of(step.op)
    tally = _Tally(record, done)
    if operation.requests is not None:
        _count_requests(record, root, step, operation, rows, tally)
    over = fan_out.over if fan_out is not None else None
    return StepPlan(
        id=step.id,
        op=step.op,
        over=over.name if over is not None else "",
        rows=rows,
        matrix=fan_out.matrix if fan_out is not None else {},
        repeats=fan_out.repeats if fan_out is not None else 1,
        cells=counts.get(step.id, 1),
        models=tally.models,
        all=tally.all,
        left=tally.left(),
        answered=done.answered if done else 0,
    )


def _count_requests(
    record: InputRecord, root: Path, step: StepRecord, operation: Operation[Any], rows: int, tally: _Tally
) -> None:
    """Counts what each cell asks; where cells cannot differ, one stands for all of them."""
    args = args_of(operation, step.arguments())
    fan_out = step.cells
    ahead = Ahead(record, item_waits=bool(_goes_over(step)))
    if fan_out is None:
        tally.add(asks_ahead(operation, args, ahead, NO_CELL), ahead, NO_CELL, 1)
        return
    drawn, times = cells_ahead(record, root, fan_out, rows), 1
    if not tally.has_answers and _are_alike(args, ahead):
        drawn, times = iter([next(drawn)]), cells.count(rows, fan_out.matrix, fan_out.repeats)
    for cell in drawn:
        tally.add(asks_ahead(operation, args, ahead, cell), ahead, cell, times)


def _are_alike(args: Args, ahead: Ahead) -> bool:
    """Whether nothing that is asked names the cell at hand, so far as it is known before."""
    return all(not templates.is_template(text) or ahead.waits(text) or not _names_cell(text) for text in _texts(args))


def _texts(args: Args) -> Iterator[str]:
    return (marked.text for marked in marked_in(args) if marked.kind in ("template", "image", "model"))


def _names_cell(text: str) -> bool:
    return bool(templates.names_used(text).cell)


@dataclass(slots=True)
class _Tally:
    """The requests of one step, counted cell by cell."""

    record: InputRecord
    done: Done | None
    all: Sum = field(default_factory=Sum)
    models: dict[str, Sum] = field(default_factory=dict)
    untouched: Sum = field(default_factory=Sum)
    touched: int = 0
    dearest: int | None = 0

    @property
    def has_answers(self) -> bool:
        return self.done is not None and not self.done.is_over and self.done.answered > 0

    def add(self, asks: list[Ask], ahead: Ahead, cell: Cell, times: int) -> None:
        has_answer = self.has_answers and self.done is not None and self.done.has_answer(cell.index)
        for ask in asks:
            worst = self._worst(ask, is_known=ahead.is_known)
            self.all.add(worst, times)
            self.models.setdefault(ask.model, Sum()).add(worst, times)
            if has_answer:
                self.touched += times
            else:
                self.untouched.add(worst, times)
            self.dearest = None if worst is None or self.dearest is None else max(self.dearest, worst)

    def left(self) -> Sum:
        """What has no answer yet. Of a cell that has some of its answers, the rest may be the dearest requests."""
        if self.done is not None and self.done.is_over:
            return Sum()
        left = Sum()
        left.include(self.untouched)
        rest = self.touched - self.done.answered if self.done is not None else 0
        if rest > 0:
            left.add(self.dearest, rest)
        return left

    def _worst(self, ask: Ask, *, is_known: bool) -> int | None:
        """The most that a request costs, asked as often as its schema allows; None when nobody can say."""
        model = self.record.models.get(ask.model)
        if model is None or (not is_known and not is_free(model.price)):
            return None
        params = {**model.params, **ask.params}
        once = worst_price(
            model.price,
            prompt_bytes=prompt_bytes_of(ask.messages, ask.schema, params),
            turns=len(ask.messages),
            images=sum(len(message.images) for message in ask.messages),
            max_tokens=max_tokens_of(params),
        )
        return None if once is None else once * ask.schema_tries
